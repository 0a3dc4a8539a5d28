"""Single keys from a terminal, without waiting for them."""

import os
import select
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

Key = Literal["left", "right", "quit"]
_KEYS: dict[bytes, Key] = {b"\x1b[D": "left", b"\x1bOD": "left", b"\x1b[C": "right", b"\x1bOC": "right", b"q": "quit"}


class Keyboard:
    """The keys that were pressed. Make it with `keyboard`."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor

    def pressed(self) -> list[Key]:
        """Those since the last call, oldest first; never waits."""
        if self._descriptor is None or not select.select([self._descriptor], [], [], 0)[0]:
            return []
        read, found = os.read(self._descriptor, 256), []
        while read:
            name = next((name for name in _KEYS if read.startswith(name)), None)
            if name is not None:
                found.append(_KEYS[name])
            read = read[len(name) if name else 1 :]
        return found


@contextmanager
def keyboard() -> Iterator[Keyboard]:
    """Read keys at once and without echo until the block is left; without a terminal there are none."""
    if not sys.stdin.isatty():
        yield Keyboard(None)
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)
    try:
        yield Keyboard(descriptor)
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
