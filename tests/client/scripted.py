"""A server on loopback that says what a test has written down, byte for byte, and breaks off where it says so."""

import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Self

from grpo_client import Client


@dataclass(frozen=True)
class Request:
    """What a client sent."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """One answer. `cut`: the connection ends within the body; `silent`: it ends before a byte was said."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    silent: bool = False

    def written(self) -> bytes:
        if self.silent:
            return b""
        length = len(self.body) + (1 if self.cut else 0)
        lines = {"Content-Type": self.content_type, "Content-Length": str(length), "Connection": "close"} | self.headers
        if self.status == 204:
            del lines["Content-Length"], lines["Content-Type"]
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return f"HTTP/1.1 {self.status} Said\r\n{head}\r\n".encode() + self.body


def events(text: str, cut: bool = False) -> Answer:
    """A stream of events; with `cut` the connection breaks behind them."""
    return Answer(body=text.encode(), content_type="text/event-stream; charset=utf-8", cut=cut)


SILENCE = Answer(silent=True)


class ScriptedServer:
    """Gives its answers one after another, a connection for each, and keeps the requests."""

    def __init__(self, answers: Iterable[Answer]) -> None:
        self.answers, self.requests = list(answers), list[Request]()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        for answer in self.answers:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # the test is over
                return
            with connection, connection.makefile("rb") as stream:
                self.requests.append(_request(stream))
                connection.sendall(answer.written())


@contextmanager
def talking(*answers: Answer, **settings: Any) -> Iterator[tuple[ScriptedServer, Client]]:
    """A server with these answers, and a client of it."""
    with ScriptedServer(answers) as server, Client(server.url, **settings) as client:
        yield server, client


def _request(stream: BinaryIO) -> Request:
    lines = iter(stream.readline, b"\r\n")
    method, target, _ = next(lines).decode().split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.decode().partition(":") for line in lines)}
    body = stream.read(int(headers.get("content-length", "0")))
    return Request(method, target, headers, body)
