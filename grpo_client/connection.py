"""Calls and feeds as arguments of httpx."""

from typing import Any

import httpx

from grpo_client.calls import Call
from grpo_client.plans import HEARTBEATS_MISSED_SECONDS, Feed

VERSION = "0.1.0"
DEFAULT_URL = "http://127.0.0.1:8000"
LARGEST_PORT = 65_535


def checked_url(base_url: str) -> str:
    """Check the address of a server. Raises ValueError."""
    try:
        url = httpx.URL(base_url)
    except (httpx.InvalidURL, TypeError) as error:
        raise ValueError(f"base_url must be an address such as http://127.0.0.1:8000, got {base_url!r}: {error}.") from error
    if url.scheme not in {"http", "https"} or not url.host:
        raise ValueError(f"base_url must begin with http:// or https:// and name a host, got {base_url!r}.")
    if url.port is not None and url.port > LARGEST_PORT:
        raise ValueError(f"base_url must have a port of at most {LARGEST_PORT}, got {base_url!r}.")
    try:
        url.raw_host.decode().encode("idna")
    except UnicodeError as error:
        raise ValueError(f"base_url must name a host, got {base_url!r}: {error}.") from error
    return base_url


def checked_key(api_key: str) -> str:
    """Check the form of an API key. Raises ValueError with a sentence that does not show the key."""
    if not (api_key and api_key.isascii() and api_key.isprintable() and " " not in api_key):
        raise ValueError("api_key must consist of printable ASCII characters without blanks; the server's keys do.")
    return api_key


def headers(api_key: str | None) -> dict[str, str]:
    """Headers of every request. Raises ValueError for a malformed key."""
    own = {"User-Agent": f"grpo-client/{VERSION}"}
    return own if api_key is None else own | {"Authorization": f"Bearer {checked_key(api_key)}"}


def request(call: Call[Any], timeout: httpx.Timeout) -> dict[str, Any]:
    """Arguments of `httpx.Client.request`, with the call's own time-outs."""
    if call.timeout_seconds is not None and timeout.read is not None:
        timeout = _with_read(timeout, max(timeout.read, call.timeout_seconds))
    if call.within_seconds is not None:
        timeout = _within(timeout, call.within_seconds)
    return {
        "method": call.method,
        "url": call.path,
        "params": dict(call.params),
        "content": call.content,
        "headers": dict(call.headers),
        "timeout": timeout,
    }


def stream(feed: Feed, timeout: httpx.Timeout) -> dict[str, Any]:
    """Arguments of `httpx.Client.stream`. A connection without heartbeats counts as lost."""
    return {
        "method": "GET",
        "url": feed.path,
        "params": dict(feed.params),
        "headers": feed.headers(),
        "timeout": _with_read(timeout, HEARTBEATS_MISSED_SECONDS),
    }


def _within(timeout: httpx.Timeout, seconds: float) -> httpx.Timeout:
    steps = {name: seconds if given is None else min(given, seconds) for name, given in timeout.as_dict().items()}
    return httpx.Timeout(**steps)


def _with_read(timeout: httpx.Timeout, seconds: float) -> httpx.Timeout:
    return httpx.Timeout(connect=timeout.connect, read=seconds, write=timeout.write, pool=timeout.pool)
