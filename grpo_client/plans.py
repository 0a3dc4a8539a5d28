"""What happens between a call and its result, without I/O: repetition, waiting, the state of an event stream.

A plan is a generator. It yields a Call that is to be sent, and is given the answer or the error of the connection; or it
yields seconds that are to pass. `session` and `async_session` carry plans out, each in its own way.
"""

import math
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, TypeVar

import httpx
import msgspec

from grpo_client import calls
from grpo_client.calls import Call
from grpo_client.errors import (
    ApiError,
    ConnectionFailed,
    JobFailed,
    StillRunning,
    SweepFailed,
    UnexpectedAnswer,
    error_of,
    retry_after_of,
)
from grpo_client.results import Event, JobStatus
from grpo_client.sse import EventStreamParser, Message
from grpo_client.sweep_results import SweepStatus

T = TypeVar("T")
Outcome: TypeAlias = httpx.Response | httpx.RequestError | None
Plan: TypeAlias = Generator[Call[Any] | float, Outcome, T]

# No answer has begun, so the server may be asked again. A read that timed out is not among them: the server is at work.
BROKEN = (httpx.NetworkError, httpx.RemoteProtocolError, httpx.ConnectTimeout)
BUSY = {httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE}
PASSING = BUSY | {httpx.codes.BAD_GATEWAY, httpx.codes.GATEWAY_TIMEOUT}  # a proxy whose server restarts
SHORTEST_POLL_SECONDS, LONGEST_POLL_SECONDS = 0.05, 0.5
LAST_POLL_SECONDS = 0.05  # this long before the time-out comes the last request, so that StillRunning holds a fresh status
HEARTBEATS_MISSED_SECONDS = 45.0  # a stream sends something every 15 s: after three times that it is dead


@dataclass(frozen=True)
class Retries:
    """How often and after which pauses something is tried again: `first_seconds`, then twice that, and so on."""

    attempts: int = 3
    first_seconds: float = 0.25
    longest_seconds: float = 10.0
    longest_retry_after_seconds: float = 30.0

    def pause(self, failures: int) -> float:
        """Seconds after so many failures in a row, 1 or more."""
        return float(min(self.longest_seconds, self.first_seconds * 2 ** min(failures - 1, 60)))


ONCE = Retries(attempts=0)
STREAM_RETRIES = Retries(attempts=12)  # a minute and a half, in which a server can be started again


def exchange(call: Call[T], retries: Retries) -> Plan[T]:
    """Send, again where that is safe and may help, and read the answer. Raises ApiError, ConnectionFailed, UnexpectedAnswer."""
    failures = 0
    while True:
        outcome = yield call
        failures += 1
        pause = _pause_before_next(call, outcome, failures, retries)
        if pause is None:
            return _result(call, outcome)
        yield pause


def _pause_before_next(call: Call[Any], outcome: Outcome, failures: int, retries: Retries) -> float | None:
    """Seconds until the call is sent again; None if the outcome is final."""
    if not call.repeatable or failures > retries.attempts:
        return None
    if isinstance(outcome, BROKEN):
        return retries.pause(failures)
    if not isinstance(outcome, httpx.Response) or outcome.status_code not in BUSY:
        return None
    asked = retry_after_of(outcome)
    if asked is None:  # a 429 without the header names no time at which it would help
        return retries.pause(failures) if outcome.status_code == httpx.codes.SERVICE_UNAVAILABLE else None
    return asked if asked <= retries.longest_retry_after_seconds else None


def _result(call: Call[T], outcome: Outcome) -> T:
    if not isinstance(outcome, httpx.Response):
        raise connection_failed(outcome) from outcome
    if not outcome.is_success:
        raise error_of(outcome)
    return call.read(outcome)


def connection_failed(error: Exception | None) -> ConnectionFailed:
    """The error for a request without an answer: which server, and why."""
    url = error.request.url if isinstance(error, httpx.RequestError) else None
    where = f"{url.scheme}://{url.netloc.decode()}" if url else "The server"
    if isinstance(error, httpx.ReadTimeout):
        return ConnectionFailed(f"{where} has not answered in time; the parameter timeout says how long to wait.")
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return ConnectionFailed(f"{where} cannot be reached: {error}. Is the server running?")
    return ConnectionFailed(f"{where} broke off the connection: {error or 'it ended'}.")


def waiting(
    job_id: str,
    timeout_seconds: float | None,
    show: Callable[[JobStatus], None] | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> Plan[JobStatus]:
    """Ask until the job has ended; `show` every status on the way. Raises JobFailed, StillRunning, ApiError, ConnectionFailed.

    No pause and no step of a request lasts beyond the time-out. If the server restarts, this waits for it as long as a
    stream does, since its jobs go on. When the time is over, StillRunning holds the last status; if there was no status
    yet, the last error is raised.
    """
    limit = math.inf if timeout_seconds is None else timeout_seconds
    end = monotonic() + limit
    seen: JobStatus | None = None
    next_poll, failures = SHORTEST_POLL_SECONDS, 0
    while True:
        within = None if timeout_seconds is None else max(end - monotonic(), LAST_POLL_SECONDS)
        try:
            seen = yield from exchange(replace(calls.status(job_id), within_seconds=within), ONCE)
        except (ConnectionFailed, ApiError) as error:
            failures += 1
            if failures > STREAM_RETRIES.attempts or (isinstance(error, ApiError) and error.status not in PASSING):
                raise
            if seen is None and _is_last(end - monotonic()):
                yield max(0.0, end - monotonic())
                raise
            pause = max(_asked_pause(error), STREAM_RETRIES.pause(failures))
        else:
            if show is not None:
                show(seen)
            if seen.status == "failed":
                raise JobFailed(seen)
            if seen.ended:
                return seen
            pause, failures = next_poll, 0
            next_poll = min(2 * next_poll, LONGEST_POLL_SECONDS)
        left = end - monotonic()
        if seen is not None and _is_last(left):
            yield max(0.0, left)
            raise StillRunning(seen, limit)
        yield min(pause, left - LAST_POLL_SECONDS)


def waiting_for_sweep(
    sweep_id: str, timeout_seconds: float | None, monotonic: Callable[[], float] = time.monotonic
) -> Plan[SweepStatus]:
    """Ask until the sweep has ended. Raises SweepFailed, TimeoutError, ApiError, ConnectionFailed."""
    end = monotonic() + (math.inf if timeout_seconds is None else timeout_seconds)
    pause = SHORTEST_POLL_SECONDS
    while True:
        seen = yield from exchange(calls.sweep(sweep_id), STREAM_RETRIES)
        if seen.status == "failed":
            raise SweepFailed(seen)
        if seen.ended:
            return seen
        if monotonic() + pause > end:
            done = sum(trial.status == "completed" for trial in seen.trials)
            raise TimeoutError(f"Sweep {sweep_id} is {seen.status} ({done} of {seen.n_trials} trials) and goes on.")
        yield pause
        pause = min(2 * pause, LONGEST_POLL_SECONDS)


def _is_last(left_seconds: float) -> bool:
    """Whether there is no time to pause and ask again."""
    return left_seconds < 2 * LAST_POLL_SECONDS


def _asked_pause(error: ConnectionFailed | ApiError) -> float:
    """Seconds for which the server asked not to be called."""
    asked = error.retry_after if isinstance(error, ApiError) else None
    return min(asked or 0.0, STREAM_RETRIES.longest_retry_after_seconds)


class Feed:
    """The state of an event stream over all its connections.

    For each connection: `headers`, `opened` with the answer's head, `received` with each chunk, `closed` when it is over,
    which says how long to wait before the next. Nothing is missed and nothing comes twice, since the server goes on after
    the last id.
    """

    def __init__(
        self,
        path: str,
        last_kind: str,
        *,
        after: str | None = None,
        params: Mapping[str, Any] | None = None,
        reconnects: bool = True,
    ) -> None:
        """`last_kind`: the kind of the last event. `reconnects`: false if a lost stream cannot go on."""
        self.path, self.params, self.ended = path, params or {}, False
        self._last_kind, self._failures = last_kind, 0
        self._attempts = STREAM_RETRIES.attempts if reconnects else 0
        self._parser = EventStreamParser(after or "")

    def headers(self) -> dict[str, str]:
        """Headers of the next connection."""
        headers = {"Accept": "text/event-stream", "Accept-Encoding": "identity", "Cache-Control": "no-store"}
        return headers | ({"Last-Event-ID": self._parser.last_id} if self._parser.last_id else {})

    def opened(self, answer: httpx.Response) -> bool:
        """Whether events will come. Where not, the body is to be read and given to `refused`, unless the feed has ended."""
        if answer.status_code == httpx.codes.NO_CONTENT:  # everything has been heard
            self.ended = True
            return False
        retry_seconds = self._parser.retry_seconds
        self._parser = EventStreamParser(self._parser.last_id)
        self._parser.retry_seconds = retry_seconds
        if answer.is_success and not answer.headers.get("Content-Type", "").startswith("text/event-stream"):
            raise UnexpectedAnswer(f"{answer.url} answered {answer.headers.get('Content-Type')}, and not with events.")
        return answer.is_success

    def received(self, chunk: bytes) -> list[Event]:
        """The events that are complete now."""
        self._failures = 0
        events = [_event(message) for message in self._parser.feed(chunk)]
        for place, event in enumerate(events):
            if event.kind == self._last_kind:
                self.ended = True
                return events[: place + 1]
        return events

    def refused(self, answer: httpx.Response) -> float:
        """Seconds until the next try. Raises ApiError if another try would not help."""
        error = error_of(answer)
        self._failures += 1
        if answer.status_code not in PASSING or self._spent:
            raise error
        return max(error.retry_after or 0.0, STREAM_RETRIES.pause(self._failures))

    def closed(self, error: Exception | None) -> float:
        """Seconds until the next connection. Raises ConnectionFailed when enough have failed in a row."""
        self._failures += 1
        if self._spent:
            raise connection_failed(error) from error
        return max(self._parser.retry_seconds or 0.0, STREAM_RETRIES.pause(self._failures))

    @property
    def _spent(self) -> bool:
        return self._failures > self._attempts


def _event(message: Message) -> Event:
    try:
        data = msgspec.json.decode(message.data, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise UnexpectedAnswer(f"The event {message.event!r} has no JSON object as its data: {error}.") from error
    return Event(message.event, data, message.last_id or None)
