"""The log: one line per record on standard error, as JSON or for people, written by a thread of its own.

A line that cannot be written is dropped and counted, so that neither a reader who has stopped reading nor a full disk
ever holds up a request or a job.
"""

import json
import logging
import os
import sys
import threading
import traceback
from datetime import UTC, datetime
from queue import SimpleQueue
from typing import IO

from application import log_context

MAX_LINES = 4_096
CLOSE_SECONDS = 0.5
_UNSAFE = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}  # would move the cursor, or begin a line


class LogWriter(logging.Handler):
    """Formats records in the thread that made them, and writes them to a file descriptor in another."""

    def __init__(self, descriptor: int, max_lines: int = MAX_LINES) -> None:
        super().__init__()
        self._refused = self._unwritten = 0  # each changed by one thread at a time
        self._descriptor, self._max_lines = descriptor, max_lines
        self._lines: SimpleQueue[bytes | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._write_all, name="log", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """Lines that are lost: the queue was full, or writing failed."""
        return self._refused + self._unwritten

    def emit(self, record: logging.LogRecord) -> None:
        """Never waits."""
        try:
            line = self.format(record) + "\n"
        except Exception:  # noqa: BLE001
            line = f"a record of {record.name} cannot be formatted: {record.msg!r}\n"
        if self._lines.qsize() >= self._max_lines:
            self._refused += 1
        else:
            self._lines.put(line.encode(errors="backslashreplace"))

    def close(self) -> None:
        """Write what waits, for a moment at most. Idempotent."""
        self._lines.put(None)
        self._thread.join(CLOSE_SECONDS)
        super().close()

    def _write_all(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                while line:
                    line = line[os.write(self._descriptor, line) :]
            except OSError:
                self._unwritten += 1


class JsonFormatter(logging.Formatter):
    """One JSON object per line; docs/monitoring.md lists its keys."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "timestamp": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_ids(record),
            **getattr(record, "access", {}),
        }
        if record.exc_info:
            entry["exception"] = _exception(record)
        return json.dumps(entry, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """For people at a terminal. Control characters are shown, not sent."""

    def format(self, record: logging.LogRecord) -> str:
        ids = "".join(f" {name}={value}" for name, value in _ids(record).items())
        line = f"{_time(record)} {record.levelname.lower()} {record.name}: {record.getMessage()}{ids}".translate(_UNSAFE)
        if not record.exc_info:
            return line
        return "\n  ".join([line, *(part.translate(_UNSAFE) for part in _exception(record).splitlines())])


def configure(level: str, form: str) -> LogWriter:
    """Send all records of this process to standard error, or nowhere if that was closed from the start. Also for workers.

    `form`: `json`, `text`, or `auto`: text on a terminal.
    """
    _fill_standard_descriptors()
    logging.captureWarnings(capture=True)
    threading.excepthook = _log_thread_exception
    stream: IO[str] | None = sys.stderr  # None where Python found it closed
    descriptor = os.open(os.devnull, os.O_WRONLY) if stream is None else stream.fileno()
    writer = LogWriter(descriptor)
    text = form == "text" or (form == "auto" and os.isatty(descriptor))
    writer.setFormatter(TextFormatter() if text else JsonFormatter())
    logging.basicConfig(level=level.upper(), handlers=[writer], force=True)
    return writer


def _fill_standard_descriptors() -> None:
    """Put /dev/null where standard input, output or error was closed: the next file that is opened would take its number."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)


def _log_thread_exception(arguments: threading.ExceptHookArgs) -> None:
    """Python would write to standard error itself, and wait for its reader."""
    error = arguments.exc_value or arguments.exc_type()
    name = arguments.thread.name if arguments.thread else "?"
    logging.getLogger("grpo").error("the thread %s ended by an exception", name, exc_info=error)


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


def _ids(record: logging.LogRecord) -> dict[str, str]:
    """The request and the job that a record is about: given with it, or those of its context."""
    found = {
        "request_id": getattr(record, "request_id", None) or log_context.request_id.get(),
        "job_id": getattr(record, "job_id", None) or log_context.job_id.get(),
    }
    return {name: value for name, value in found.items() if value is not None}


def _exception(record: logging.LogRecord) -> str:
    return "".join(traceback.format_exception(*record.exc_info)).rstrip() if record.exc_info else ""
