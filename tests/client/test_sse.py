"""The parser of event streams, by the rules of the HTML standard."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grpo_client.sse import EventStreamParser, Message

LINE = st.sampled_from(
    [
        "",
        "data",
        "data:",
        "data: a",
        "data:  b",
        "data: ä🚀",
        ": comment",
        ":",
        "id: 5",
        "id",
        "id: \x00",
        "event: tick",
        "event",
        "retry: 250",
        "retry: soon",
        "unknown: x",
        "data: x:y",
        "\ufeffdata: z",
    ]
)
STREAM = st.lists(st.tuples(LINE, st.sampled_from(["\n", "\r", "\r\n"])), max_size=30).map(
    lambda lines: "".join(text + end for text, end in lines).encode()
)


def parsed(*chunks: bytes) -> list[Message]:
    parser = EventStreamParser()
    return [message for chunk in chunks for message in parser.feed(chunk)]


@given(STREAM, st.data())
def test_events_when_the_bytes_come_in_any_chunks_are_the_same(stream: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    chunks = [stream[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert parsed(*chunks) == parsed(stream)


@given(STREAM)
def test_events_when_the_bytes_come_one_by_one_are_the_same(stream: bytes) -> None:
    assert parsed(*(bytes([byte]) for byte in stream)) == parsed(stream)


@given(st.lists(LINE, max_size=30), st.sampled_from(["\r", "\r\n"]))
def test_events_when_lines_end_otherwise_are_the_same(lines: list[str], end: str) -> None:
    lines = [*lines, "", ""]
    assert parsed(end.join(lines).encode()) == parsed("\n".join(lines).encode())


@pytest.mark.parametrize(
    ("stream", "messages"),
    [
        # the examples of the standard
        ("data: YHOO\ndata: +2\ndata: 10\n\n", [("message", "YHOO\n+2\n10", "")]),
        (
            ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event",
            [("message", "first event", "1"), ("message", "second event", "")],
        ),
        ("data\n\ndata\ndata\n\ndata:", [("message", "", ""), ("message", "\n", "")]),
        ("data:test\n\ndata: test\n\n", [("message", "test", ""), ("message", "test", "")]),
        ("event: add\ndata: 73857293\n\nevent: remove\ndata: 2153\n\n", [("add", "73857293", ""), ("remove", "2153", "")]),
        # and what it says in words
        ("\ufeffdata: a\n\n", [("message", "a", "")]),
        ("data: a\n\n\ufeffdata: b\n\n", [("message", "a", "")]),
        ("id: 7\n\ndata: a\n\n", [("message", "a", "7")]),
        ("id: 7\ndata: a\n\nid: 8\0\ndata: b\n\n", [("message", "a", "7"), ("message", "b", "7")]),
        ("event: gone\n\ndata: a\n\n", [("message", "a", "")]),
        ("data: a\n:\n: heartbeat\ndata: b\n\n", [("message", "a\nb", "")]),
    ],
)
def test_stream_of_the_standard_is_parsed_as_it_says(stream: str, messages: list[tuple[str, str, str]]) -> None:
    assert parsed(stream.encode()) == [Message(*message) for message in messages]


def test_last_id_when_an_event_is_cut_off_is_that_of_the_event_before() -> None:
    parser = EventStreamParser()
    parser.feed(b"id: 1\ndata: a\n\nid: 2\ndata: b\n")
    assert parser.last_id == "1"
    parser.feed(b"\n")
    assert parser.last_id == "2"


def test_last_id_when_a_connection_goes_on_is_kept_until_another_is_named() -> None:
    assert EventStreamParser("9").feed(b"data: a\n\n") == [Message("message", "a", "9")]


@pytest.mark.parametrize(
    ("line", "seconds"), [("retry: 250", 0.25), ("retry: -1", None), ("retry:", None), ("retry: 1e3", None)]
)
def test_retry_when_it_is_a_number_of_milliseconds_is_kept(line: str, seconds: float | None) -> None:
    parser = EventStreamParser()
    parser.feed(f"{line}\n".encode())
    assert parser.retry_seconds == seconds


def test_retry_when_it_has_absurdly_many_digits_is_ignored() -> None:
    parser = EventStreamParser()
    parser.feed(b"retry: " + b"9" * 5000 + b"\n")
    assert parser.retry_seconds is None


def test_bytes_that_are_no_utf_8_are_replaced() -> None:
    assert parsed(b"data: \xff\n\n") == [Message("message", "�", "")]
