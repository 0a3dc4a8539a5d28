"""Server-sent events: their bytes, and the response that carries them (WHATWG HTML, Server-sent events)."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
from litestar.response import Stream

HEARTBEAT_SECONDS = 15.0
HEARTBEAT = b": still here\n\n"
RETRY_MILLISECONDS = 1_000
MEDIA_TYPE = "text/event-stream"
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # a proxy must pass each event on at once

_encode = msgspec.json.Encoder().encode


def event(kind: str, data: Any, event_id: str | None = None) -> bytes:
    """One event. JSON has no line break, so that its data are one line."""
    identity = b"" if event_id is None else b"id: " + event_id.encode() + b"\n"
    return identity + b"event: " + kind.encode() + b"\ndata: " + _encode(data) + b"\n\n"


def opening() -> bytes:
    """The first bytes: they make headers and proxies move, and say how soon to come back after a cut."""
    return b"retry: %d\n\n" % RETRY_MILLISECONDS


def stream(events: AsyncIterator[bytes]) -> Stream:
    """The response. Its generator is closed when the client goes away."""
    return Stream(events, media_type=MEDIA_TYPE, headers=_HEADERS)
