"""What happens around each request: its id in log and answer, its place in the figures, and one access line."""

import asyncio
import logging
import time
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from litestar.types import ASGIApp, Receive, Send

from adapters.http.problems import MEDIA_TYPE, shutting_down
from adapters.http.request_id import request_id
from application import log_context

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "other"
NO_SNIFFING = (b"x-content-type-options", b"nosniff")
QUIET = frozenset({"/inference", "/plays", "/health", "/metrics"})  # asked so often that their lines would hide the rest
_LONGEST_PATH = 256

logger = logging.getLogger("grpo.access")


class Latency:
    """How long the answers of one route took.

    `buckets[i]` counts those of at most `SECONDS[i]` and more than the bound before; the last one has no bound.
    """

    __slots__ = ("buckets", "seconds")

    def __init__(self) -> None:
        self.buckets = [0] * (len(SECONDS) + 1)
        self.seconds = 0.0


class Answers:
    """The answers of one route, method and class of status."""

    __slots__ = ("latency", "level", "number")

    def __init__(self, latency: Latency, level: int) -> None:
        self.number, self.latency, self.level = 0, latency, level


class RequestFigures:
    """Answers by route, method and class of status, each out of few. Changed by the event loop alone, read by any thread.

    The route is the first part of the path, where the application has routes that begin so, or `other`.
    """

    def __init__(self) -> None:
        self._paths: frozenset[str] = frozenset()
        self._latencies: dict[str, Latency] = {OTHER: Latency()}
        self._answers: dict[tuple[str, str, str], Answers] = {}
        self._by_request: dict[tuple[str, str, int], Answers] = {}

    def know(self, paths: Iterable[str]) -> None:
        """Take up the paths of the application's routes."""
        self._paths = frozenset(paths)
        self._latencies |= {_first_part(path): Latency() for path in sorted(self._paths)}

    def find(self, path: str, method: str, status: int) -> Answers:
        """Where an answer counts; `status` 0: the client was gone before."""
        return self._by_request.get((path, method, status)) or self._find(path, method, status)

    def _find(self, path: str, method: str, status: int) -> Answers:
        first = _first_part(path)
        route = first if first in self._latencies else OTHER
        key = (route, method if method in METHODS else OTHER, f"{status // 100}xx" if status else "none")
        level = logging.DEBUG if route in QUIET else logging.INFO
        answers = self._answers.setdefault(key, Answers(self._latencies[route], level))
        if path in self._paths and method in METHODS:
            self._by_request[path, method, status] = answers  # found at once the next time
        return answers

    def answers(self) -> Mapping[tuple[str, str, str], Answers]:
        """All that there were, by route, method and class of status."""
        return self._answers.copy()

    def latencies(self) -> Mapping[str, Latency]:
        """Of each route."""
        return self._latencies


class Observation:
    """ASGI around the whole application. Every prediction passes here: each call more costs one percent of it."""

    def __init__(self, app: ASGIApp, figures: RequestFigures) -> None:
        self._app, self._find = app, figures.find

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        identity = request_id(scope)
        status, answered = 0, 0.0

        async def send_with_headers(message: Any) -> None:
            nonlocal status, answered
            if message["type"] == "http.response.start":
                status, answered = message["status"], time.perf_counter()
                message["headers"] = [*message["headers"], (b"x-request-id", identity.encode()), NO_SNIFFING]
            await send(message)

        token = log_context.request_id.set(identity)
        try:
            await self._app(scope, receive, send_with_headers)
        except asyncio.CancelledError:
            # The server ends, and this request has not.
            if status:
                raise
            await _send_shutting_down(send_with_headers, identity)
        finally:
            ended = time.perf_counter()
            # A stream of events may last for hours, and was quick all the same.
            seconds = (answered or ended) - begun
            answers = self._find(scope["path"], scope["method"], status)
            answers.number += 1
            answers.latency.buckets[bisect_left(SECONDS, seconds)] += 1
            answers.latency.seconds += seconds
            if logger.isEnabledFor(answers.level):
                _log(answers.level, scope, status, 1e3 * (ended - begun))
            log_context.request_id.reset(token)


async def _send_shutting_down(send: Send, identity: str) -> None:
    body = shutting_down(identity)
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode()), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _log(level: int, scope: Any, status: int, milliseconds: float) -> None:
    """One line without bodies, headers and query: these may hold what nobody should read later."""
    method, path = scope["method"], quote(scope["path"][:_LONGEST_PATH], errors="replace")
    client = scope["client"][0] if scope.get("client") else None
    access = {"method": method, "path": path, "status": status, "milliseconds": round(milliseconds, 3), "client": client}
    logger.log(level, "%s %s %s in %.1f ms", method, path, status or "unanswered", milliseconds, extra={"access": access})


def _first_part(path: str) -> str:
    return "/" + path[1:].partition("/")[0]
