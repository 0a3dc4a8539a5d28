"""Routes for whoever watches a job: its learning curve as figures and as a picture, and its events as they happen."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Coroutine
from contextlib import suppress
from typing import Annotated, Any

from litestar import Request, Response, Router, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, HeaderParameter, QueryParameter
from litestar.response import Stream

from adapters.http.event_stream import HEARTBEAT, HEARTBEAT_SECONDS, MEDIA_TYPE, event, opening, stream
from adapters.http.plot import draw
from adapters.http.problems import described
from adapters.http.query import refuse_unknown
from adapters.http.responses import AdviceResponse, EvaluationPoint, MetricsResponse, ServerSentEvent
from adapters.http.status import progress_response, status_response
from application.use_cases import UseCases
from application.watching import FollowJob, History
from domain.errors import FieldError, InvalidQuery, StorageFailure
from domain.job import Job

MOST_POINTS = 10_000
PLOT_POINTS = 400
PACE_SECONDS, STORAGE_SECONDS = 0.15, 1.0
_DONE = ".done"
_MOST_DIGITS = 18
_NO_JOB = "There is no such job."

logger = logging.getLogger("grpo.http")


def watching_routes(use_cases: UseCases) -> Router:
    """GET below /training/{job_id}."""

    @get(
        "/training/{job_id:str}/metrics",
        sync_to_thread=True,
        responses=described(_404=_NO_JOB, _422="A parameter is not what it may be."),
        summary="The learning curve of a job",
    )
    def metrics(
        request: Request[Any, Any, Any],
        job_id: FromPath[str],
        max_points: Annotated[
            int | None, QueryParameter(ge=2, le=MOST_POINTS, description="At most so many points, evenly spread.")
        ] = None,
    ) -> MetricsResponse:
        """Column by column, so that a table or a plot takes it as it is: every list has the length of `timesteps`."""
        refuse_unknown(request, "max_points")
        return metrics_response(use_cases.get_history(job_id, max_points))

    @get(
        "/training/{job_id:str}/plot.svg",
        sync_to_thread=True,
        media_type="image/svg+xml",
        responses={200: ResponseSpec(str, description="The curve.", media_type="image/svg+xml", generate_examples=False)}
        | described(_404=_NO_JOB),
        summary="The learning curve as a picture",
    )
    def plot(job_id: FromPath[str]) -> Response[bytes]:
        """Native returns over the steps, with the evaluations, fit for a README or a chat."""
        history = use_cases.get_history(job_id, PLOT_POINTS)
        headers = {"Cache-Control": "no-cache", "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
        return Response(draw(history), media_type="image/svg+xml", headers=headers)

    @get(
        "/training/{job_id:str}/events",
        responses={
            200: ResponseSpec(
                ServerSentEvent,
                description="Events `status`, `progress`, `metrics`, `eval`, `checkpoint`, `log`, `done`.",
                media_type=MEDIA_TYPE,
                generate_examples=False,
            ),
            204: ResponseSpec(None, description="Nothing follows: the job has ended, and `Last-Event-ID` was its last event."),
        }
        | described(_404=_NO_JOB, _422="The id is none of this server's.", _429="Too many streams are open."),
        summary="What happens to a job, as it happens",
    )
    async def events(
        request: Request[Any, Any, Any],
        job_id: FromPath[str],
        last_event_id: Annotated[
            str | None, HeaderParameter(name="Last-Event-ID", description="Go on behind this event.")
        ] = None,
        after: Annotated[str | None, QueryParameter(description="The same, for clients that cannot set headers.")] = None,
    ) -> Stream | Response[None]:
        """Server-sent events. Ids outlive a restart of the server: coming back with the last one leaves no gap."""
        refuse_unknown(request, "after")
        position, told_of_end = _position(last_event_id or after)
        follow = use_cases.follow_job
        news = await asyncio.to_thread(follow, job_id, position)
        if told_of_end and news.over and not news.events:
            return Response(None, status_code=204)
        happening = _following(follow, job_id, position)
        await anext(happening)  # takes a place, or says that there is none
        return stream(happening)

    return Router("/", route_handlers=[metrics, plot, events], tags=["training"])


async def _following(follow: FollowJob, job_id: str, position: int) -> AsyncGenerator[bytes]:
    """Events of a job behind `position`, until it has ended, the server shuts down, or the client goes away.

    The first value is empty: with it the stream has its place, and frees it whether or not anybody asks for the second.
    Raises TooManyStreams before that.
    """
    changed, loop = asyncio.Event(), asyncio.get_running_loop()

    def wake() -> None:
        with suppress(RuntimeError):  # the loop has ended, and nobody waits in it
            loop.call_soon_threadsafe(changed.set)

    unsubscribe = follow.subscribe(job_id, wake)
    shown: Job | None = None
    try:
        yield b""
        yield opening()
        closing = False
        while not closing:
            changed.clear()
            closing = follow.closed
            try:
                news = await asyncio.to_thread(follow, job_id, position)
            except StorageFailure as error:  # a browser does not come back to a server that refuses
                logger.warning("a stream waits for the storage: %s", error, extra={"job_id": job_id})
                yield HEARTBEAT
                await asyncio.sleep(STORAGE_SECONDS)
                continue
            for happened in news.events:
                yield event(happened.kind, happened.data | {"time": happened.time.isoformat()}, str(happened.id))
                position = happened.id
            if news.more:  # of which nobody will wake us
                continue
            if news.over:
                yield event("done", status_response(news.job), f"{position}{_DONE}")
                return
            if shown is None or _differ(shown, news.job):
                shown = news.job
                yield event("progress", progress_response(shown))
            if closing:
                return
            # News of a tenth of a second come together: reading takes time from training, and nobody sees the difference.
            await asyncio.sleep(PACE_SECONDS)
            while not await _within(changed.wait(), HEARTBEAT_SECONDS):
                yield HEARTBEAT
    finally:
        unsubscribe()


def _differ(one: Job, other: Job) -> bool:
    return (one.status, one.current_timesteps) != (other.status, other.current_timesteps)


async def _within(waiting: Coroutine[Any, Any, Any], seconds: float) -> bool:
    """Whether it came about in time."""
    try:
        await asyncio.wait_for(waiting, seconds)
    except TimeoutError:
        return False
    return True


def _position(last_event_id: str | None) -> tuple[int, bool]:
    """The number of the event that the client saw last, and whether it saw the end behind it. Raises InvalidQuery."""
    number, end, rest = (last_event_id or "0").partition(_DONE)
    if not (number.isascii() and number.isdigit() and len(number) <= _MOST_DIGITS) or rest:
        shown = repr((last_event_id or "")[:40])
        message = f"Last-Event-ID (or after) must be the id of an event that was received from here, got {shown}."
        raise InvalidQuery(FieldError("Last-Event-ID", message))
    return int(number), bool(end)


def metrics_response(history: History) -> MetricsResponse:
    """The history, column by column; null where an update had no such figure."""
    rows = [point.data["metrics"] for point in history.points]
    names = sorted({name for row in rows for name in row})
    return MetricsResponse(
        job_id=history.job.id,
        status=history.job.status.value,
        timesteps=[point.data["timesteps"] for point in history.points],
        times=[point.time.isoformat() for point in history.points],
        metrics={name: [row.get(name) for row in rows] for name in names},
        evaluations=[EvaluationPoint(**found.data, time=found.time.isoformat()) for found in history.evaluations],
        diagnosis=[AdviceResponse(advice.code, advice.message) for advice in history.diagnosis],
    )
