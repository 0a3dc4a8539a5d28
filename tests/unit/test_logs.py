"""Log lines: what stands in them, and what becomes of those that nobody takes."""

import json
import logging
import os
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from application import log_context
from bootstrap.logs import JsonFormatter, LogWriter, TextFormatter


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """(read, write) ends; the test closes the read end when it is done with it."""
    read, write = os.pipe()
    yield read, write
    os.close(write)


def record(message: str, *arguments: object, error: Exception | None = None, **extra: object) -> logging.LogRecord:
    exc_info = (type(error), error, error.__traceback__) if error else None
    made = logging.LogRecord("grpo.test", logging.WARNING, __file__, 1, message, arguments, exc_info)
    made.__dict__ |= extra
    return made


def as_json(made: logging.LogRecord) -> dict[str, Any]:
    line = JsonFormatter().format(made)
    assert "\n" not in line
    return dict(json.loads(line))


def test_record_when_written_as_json_has_the_documented_keys_in_one_line() -> None:
    entry = as_json(record("two\nlines of %s", "テスト"))
    assert datetime.fromisoformat(entry.pop("timestamp")).utcoffset() is not None
    assert entry == {"level": "warning", "logger": "grpo.test", "message": "two\nlines of テスト"}


def test_record_when_made_within_a_request_and_a_job_names_both() -> None:
    tokens = log_context.request_id.set("r-1"), log_context.job_id.set("j-1")
    try:
        entry = as_json(record("x"))
        given = as_json(record("x", job_id="j-2"))
    finally:
        log_context.request_id.reset(tokens[0])
        log_context.job_id.reset(tokens[1])
    assert (entry["request_id"], entry["job_id"]) == ("r-1", "j-1")
    assert given["job_id"] == "j-2"
    assert not {"request_id", "job_id"} & as_json(record("x")).keys()


def test_exception_when_logged_is_text() -> None:
    made = record("x", error=ZeroDivisionError("by nothing"))
    assert as_json(made)["exception"].endswith("ZeroDivisionError: by nothing")
    first, second = TextFormatter().format(made).splitlines()
    assert first.endswith("warning grpo.test: x")
    assert second == "  ZeroDivisionError: by nothing"


def test_message_with_control_characters_in_text_form_shows_them_and_sends_none() -> None:
    line = TextFormatter().format(record("a\n2026-01-01 info grpo: forged \x1b[2J\x9b\x7f", job_id="j\r"))
    assert line.isprintable()
    assert "a\\x0a2026" in line


def test_lines_when_they_are_read_arrive_in_order_until_close(pipe: tuple[int, int]) -> None:
    writer = LogWriter(pipe[1])
    for number in range(100):
        writer.handle(record("line %d", number))
    writer.handle(record("half a pair \ud800"))
    writer.close()
    writer.close()
    lines = os.read(pipe[0], 65_536).decode().splitlines()
    os.close(pipe[0])
    assert lines == [f"line {number}" for number in range(100)] + ["half a pair \\ud800"]
    assert writer.dropped == 0


def test_lines_when_nobody_reads_are_dropped_counted_and_hold_up_nobody(pipe: tuple[int, int]) -> None:
    writer = LogWriter(pipe[1], max_lines=50)
    for _ in range(3_000):
        writer.handle(record("x" * 1_000))
    assert writer.dropped > 2_800  # 50 wait, and the pipe holds 65,536 bytes
    writer.close()
    os.close(pipe[0])
    writer._thread.join(10)
    assert not writer._thread.is_alive(), "a reader who goes away ends the waiting"


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
def test_lines_when_the_disk_is_full_are_dropped_and_counted() -> None:
    descriptor = os.open("/dev/full", os.O_WRONLY)
    writer = LogWriter(descriptor)
    for _ in range(5):
        writer.handle(record("x"))
    writer.close()
    os.close(descriptor)
    assert writer.dropped == 5


def test_record_that_cannot_be_formatted_is_said_to_be_so(pipe: tuple[int, int]) -> None:
    writer = LogWriter(pipe[1])
    writer.handle(record("%d", "no number"))
    writer.close()
    assert os.read(pipe[0], 65_536).decode() == "a record of grpo.test cannot be formatted: '%d'\n"
    os.close(pipe[0])
