"""X-Request-ID: echoed when the client sent a sensible one, otherwise made; in every answer and in the log."""

import os
import re
from typing import Any

from litestar.types import Message

_SENSIBLE = re.compile(rb"[A-Za-z0-9._\-]{1,128}")
_KEY = "grpo_request_id"


def request_id(scope: Any) -> str:
    """The id of the request with this ASGI scope; the same at every call."""
    state = scope.setdefault("state", {})
    if _KEY not in state:
        sent = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        state[_KEY] = sent.decode() if sent and _SENSIBLE.fullmatch(sent) else os.urandom(16).hex()
    return str(state[_KEY])


async def add_request_id(message: Message, scope: Any) -> None:
    """A before-send hook that puts the id into the answer's headers."""
    if message["type"] == "http.response.start":
        message["headers"] = [*message["headers"], (b"x-request-id", request_id(scope).encode())]
