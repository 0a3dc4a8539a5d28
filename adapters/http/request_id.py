"""X-Request-ID: echoed when the client sent a sensible one, otherwise made; in every answer and in the log."""

import os
import re
from itertools import count
from typing import Any

_SENSIBLE = re.compile(rb"[A-Za-z0-9._\-]{1,128}")
_KEY = "grpo_request_id"
# Unique without asking the operating system at each request: 8 random bytes of this process, and a number.
_PROCESS, _NUMBERS = os.urandom(8).hex(), count()


def request_id(scope: Any) -> str:
    """The id of the request with this ASGI scope; the same at every call."""
    state = scope.setdefault("state", {})
    found: str | None = state.get(_KEY)
    if found is None:
        found = state[_KEY] = _sent_id(scope["headers"]) or f"{_PROCESS}{next(_NUMBERS):016x}"
    return found


def _sent_id(headers: list[tuple[bytes, bytes]]) -> str | None:
    for name, value in headers:
        if name == b"x-request-id" and _SENSIBLE.fullmatch(value):
            return value.decode()
    return None
