"""Standard streams on which no character, closed pipe or full disk surprises a command."""

import errno
import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

STDIN, STDOUT, STDERR = range(3)


class OutputFailed(Exception):
    """Standard output takes no more. No OSError, since click and rich end the process themselves at that of a closed pipe."""

    def __init__(self, error: OSError) -> None:
        super().__init__(error.strerror)
        self.reader_left = isinstance(error, BrokenPipeError)
        self.reason = error.strerror


class _Output(io.FileIO):
    """Standard output, whose failures can be told from those of other files.

    A terminal that was closed takes everything and shows nothing: SIGHUP tells of it, and decides whether the command goes on.
    """

    def __init__(self) -> None:
        super().__init__(STDOUT, "w", closefd=False)
        self._is_terminal = self.isatty()

    def write(self, data: "ReadableBuffer") -> int:
        try:
            return super().write(data)
        except OSError as error:
            if self._is_terminal and error.errno == errno.EIO:
                return memoryview(data).nbytes
            raise OutputFailed(error) from error


class _Errors(io.FileIO):
    """Standard error. If it takes nothing, there is nobody to tell; a command does its work all the same."""

    def write(self, data: "ReadableBuffer") -> int:
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes


def prepare() -> None:
    """Make the standard streams of this process fit. A stream that is closed becomes /dev/null.

    Otherwise the next file that is opened, perhaps the database, would get its number and what others print.
    """
    for number in (STDIN, STDOUT, STDERR):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free, which is this one
    sys.stdin = sys.stdin or io.TextIOWrapper(io.BufferedReader(io.FileIO(STDIN, closefd=False)))
    sys.stdout = _text(_Output(), sys.stdout)
    sys.stderr = _text(_Errors(STDERR, "w", closefd=False), sys.stderr)


def _text(raw: io.FileIO, before: TextIO | None) -> io.TextIOWrapper:
    """In the encoding that was chosen; a character that it lacks becomes a question mark."""
    encoding = before.encoding if before is not None else "utf-8"
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding, errors="replace", line_buffering=raw.isatty())


def discard_output() -> None:
    """Let what is still to be written go nowhere. Else Python would complain at exit that it cannot flush."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, STDOUT)
    os.close(nowhere)
