"""X-Request-ID: echoed when the client sent a sensible one, otherwise made; in every answer and in the log."""

import os
import re
from typing import Any

from litestar.types import Message

_SENSIBLE = re.compile(rb"[A-Za-z0-9._\-]{1,128}")
_KEY = "grpo_request_id"
_NO_SNIFFING = (b"x-content-type-options", b"nosniff")


def request_id(scope: Any) -> str:
    """The id of the request with this ASGI scope; the same at every call."""
    state = scope.setdefault("state", {})
    if _KEY not in state:
        sent = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        state[_KEY] = sent.decode() if sent and _SENSIBLE.fullmatch(sent) else os.urandom(16).hex()
    return str(state[_KEY])


async def add_headers(message: Message, scope: Any) -> None:
    """A before-send hook: what every answer carries, the id among it."""
    if message["type"] == "http.response.start":
        message["headers"] = [*message["headers"], (b"x-request-id", request_id(scope).encode()), _NO_SNIFFING]
