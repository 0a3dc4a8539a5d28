"""How calls and feeds are said to httpx."""

from typing import Any

import httpx

from grpo_client.calls import Call
from grpo_client.plans import HEARTBEATS_MISSED_SECONDS, Feed

VERSION = "0.1.0"
DEFAULT_URL = "http://127.0.0.1:8000"


def checked_url(base_url: str) -> str:
    """The address of a server. Raises ValueError where it is none."""
    try:
        url = httpx.URL(base_url)
    except (httpx.InvalidURL, TypeError) as error:
        raise ValueError(f"base_url must be an address such as http://127.0.0.1:8000, got {base_url!r}: {error}.") from error
    if url.scheme not in {"http", "https"} or not url.host:
        raise ValueError(f"base_url must begin with http:// or https:// and name a host, got {base_url!r}.")
    return base_url


def headers(api_key: str | None) -> dict[str, str]:
    """Headers of every request."""
    own = {"User-Agent": f"grpo-client/{VERSION}"}
    return own if api_key is None else own | {"Authorization": f"Bearer {api_key}"}


def request(call: Call[Any], timeout: httpx.Timeout) -> dict[str, Any]:
    """Arguments of `httpx.Client.request`. What takes long is waited for longer, never shorter."""
    longest = call.timeout_seconds
    if longest is not None and timeout.read is not None:
        timeout = _with_read(timeout, max(timeout.read, longest))
    return {
        "method": call.method,
        "url": call.path,
        "params": dict(call.params),
        "content": call.content,
        "headers": dict(call.headers),
        "timeout": timeout,
    }


def stream(feed: Feed, timeout: httpx.Timeout) -> dict[str, Any]:
    """Arguments of `httpx.Client.stream`. A connection on which not even a heartbeat comes counts as lost."""
    return {
        "method": "GET",
        "url": feed.path,
        "params": dict(feed.params),
        "headers": feed.headers(),
        "timeout": _with_read(timeout, HEARTBEATS_MISSED_SECONDS),
    }


def _with_read(timeout: httpx.Timeout, seconds: float) -> httpx.Timeout:
    return httpx.Timeout(connect=timeout.connect, read=seconds, write=timeout.write, pool=timeout.pool)
