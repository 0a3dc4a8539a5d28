"""Server-sent events, parsed as bytes arrive.

WHATWG, "HTML: Living Standard", 9.2.5 and 9.2.6. An event and its id count when the blank line after them has come.
If a connection breaks within an event, the last id is still that of the event before, so no event is missed.
"""

import re
from dataclasses import dataclass

MOST_RETRY_DIGITS = 10
_BOM = b"\xef\xbb\xbf"
_LINE_END = re.compile(rb"\r\n|\n|\r")


@dataclass(frozen=True)
class Message:
    """One event: its type ("message" by default), its data, and the last id of the stream so far."""

    event: str
    data: str
    last_id: str


class EventStreamParser:
    """Feed it the chunks of one connection; they may be cut anywhere."""

    def __init__(self, last_id: str = "") -> None:
        """`last_id`: the event after which the connection goes on."""
        self.last_id = last_id
        self.retry_seconds: float | None = None
        self._rest = b""
        self._at_start, self._line_feed_belongs_to_line_before = True, False
        self._event, self._id, self._data = "", last_id, list[str]()

    def feed(self, chunk: bytes) -> list[Message]:
        """The events that are complete now."""
        if not chunk:
            return []
        if self._line_feed_belongs_to_line_before and chunk.startswith(b"\n"):
            chunk = chunk[1:]
        *lines, self._rest = _LINE_END.split(self._rest + chunk)
        self._line_feed_belongs_to_line_before = chunk.endswith(b"\r")
        return [message for line in lines if (message := self._line(line)) is not None]

    def _line(self, line: bytes) -> Message | None:
        if self._at_start:
            self._at_start = False
            line = line.removeprefix(_BOM)
        if not line:
            return self._dispatch()
        if not line.startswith(b":"):  # else a comment: the server's heartbeat
            name, _, value = line.decode(errors="replace").partition(":")
            self._field(name, value.removeprefix(" "))
        return None

    def _field(self, name: str, value: str) -> None:
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._event = value
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isascii() and value.isdigit() and len(value) < MOST_RETRY_DIGITS:
            self.retry_seconds = int(value) / 1000

    def _dispatch(self) -> Message | None:
        self.last_id = self._id
        event, data = self._event, self._data
        self._event, self._data = "", []
        return Message(event or "message", "\n".join(data), self.last_id) if data else None
