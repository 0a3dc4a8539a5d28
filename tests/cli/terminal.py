"""A command in a terminal of its own, and what stands on its screen."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

import pyte

ROOT = Path(__file__).parent.parent.parent
COLUMNS, ROWS = 100, 30
PATIENCE_SECONDS = 60


class Terminal:
    """`grpo` with these arguments; a context manager that ends it."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("GRPO_", "NO_COLOR", "COLUMNS"))}
        self._process = subprocess.Popen(
            [sys.executable, "-c", _BEGIN, *arguments],
            cwd=ROOT,
            env=inherited | {"TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8"} | environment,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self._screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self._screen)
        self.raw = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if self._master >= 0:
            os.close(self._master)

    @property
    def text(self) -> str:
        """The screen, without blanks at the ends of lines."""
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip()

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def until(self, condition: Callable[[str], object]) -> str:
        """The screen as soon as the condition holds of it."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not condition(self.text):
            assert time.monotonic() < end, f"waited in vain; the screen shows:\n{self.text}"
            assert self._read(), f"it has ended; the screen shows:\n{self.text}"
        return self.text

    def end(self) -> int:
        """The exit code, when all output was read."""
        while self._read():
            pass
        return self._process.wait(PATIENCE_SECONDS)

    def hang_up(self) -> int:
        """Close the terminal; the exit code of the command."""
        os.close(self._master)
        self._master = -1
        return self._process.wait(PATIENCE_SECONDS)

    def _read(self) -> bool:
        """Take in what comes next; whether the terminal is open still."""
        ready, _, _ = select.select([self._master], [], [], PATIENCE_SECONDS)
        assert ready, f"nothing came any more; the screen shows:\n{self.text}"
        try:
            data = os.read(self._master, 65_536)
        except OSError:  # so Linux tells that nobody writes there any more
            return False
        self.raw += data
        self._stream.feed(data)
        return bool(data)


# The terminal becomes the one whose Ctrl-C reaches the process and its workers.
_BEGIN = """
import fcntl, signal, sys, termios
if __name__ == "__main__":
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # a suite that was begun with nohup hands down that it is ignored
    from bootstrap.cli import main
    main(sys.argv[1:])
"""
