"""Routes that show a policy at play as server-sent events, in real time, and let people push."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get, head, post, route
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, QueryParameter, RawBody
from litestar.response import Stream

from adapters.http.body import BodyDecoder
from adapters.http.event_stream import MEDIA_TYPE, event, opening, stream
from adapters.http.openapi import json_body
from adapters.http.pace import Pace
from adapters.http.play_types import PlayEnd, PlayStart, PlayStep, PushRequest, PushResponse
from adapters.http.problems import described
from adapters.http.query import refuse_unknown
from adapters.http.responses import ServerSentEvent
from adapters.http.space_types import space_response
from application.evaluation import MOST_SEED
from application.play import CLOSED, Plays, PlaySession
from application.use_cases import UseCases
from domain.play import Frame

SLOWEST, FASTEST = 0.1, 10.0
_PATH = "/models/{model_name:str}/play"


def play_routes(use_cases: UseCases) -> Router:
    """GET /models/{model_name}/play and POST /plays/{play_id}/push."""
    plays, decode = use_cases.plays, BodyDecoder(PushRequest)

    @get(
        _PATH,
        responses={
            200: ResponseSpec(
                ServerSentEvent, description="Events `start`, `step`, `end`.", media_type=MEDIA_TYPE, generate_examples=False
            )
        }
        | described(
            _404="There is no such model.", _422="A parameter is not what it may be.", _429="Too many policies are at play."
        ),
        summary="Watch a model play",
    )
    async def play(
        request: Request[Any, Any, Any],
        model_name: FromPath[str],
        seed: Annotated[
            int | None, QueryParameter(ge=0, le=MOST_SEED, description="Of the first episode; absent: one is drawn.")
        ] = None,
        deterministic: Annotated[bool, QueryParameter(description="false: sampled actions.")] = True,
        model_version: Annotated[
            int | None, QueryParameter(ge=1, le=2**53, description="This version; absent: the newest.")
        ] = None,
        speed: Annotated[float, QueryParameter(ge=SLOWEST, le=FASTEST, description="1: as fast as in the world.")] = 1.0,
    ) -> Stream:
        """Server-sent events in real time: one episode after the other, until the client leaves."""
        refuse_unknown(request, "seed", "deterministic", "model_version", "speed")
        session = await asyncio.to_thread(plays.open, model_name, seed, deterministic, model_version)
        return stream(_frames(plays, session, speed))

    @head(_PATH, sync_to_thread=True, include_in_schema=False)
    def play_head(model_name: FromPath[str]) -> Response[None]:
        """The headers of the stream, for whoever asks whether there is one: nothing begins to play."""
        plays.check(model_name)
        return Response(None, media_type=MEDIA_TYPE, headers={"Cache-Control": "no-store"})

    @route(_PATH, http_method="OPTIONS", status_code=204, sync_to_thread=False, include_in_schema=False)
    def methods() -> Response[None]:
        """Litestar's own answer names the methods of the first handler of a path only."""
        return Response(None, headers={"Allow": "GET, HEAD, OPTIONS"})

    @post(
        "/plays/{play_id:str}/push",
        status_code=200,
        sync_to_thread=False,  # it takes a microsecond
        operation_class=json_body(PushRequest),
        responses=described(
            _400="The body is no JSON object.",
            _404="Nothing is at play under that id.",
            _413="The body is too large.",
            _415="The body is not JSON.",
            _422="The force is not what it may be, or the environment cannot be pushed.",
        ),
        summary="Push a model that is at play",
    )
    def push(request: Request[Any, Any, Any], play_id: FromPath[str], body: RawBody) -> PushResponse:
        """Shove the system: the cart of CartPole and of the mountain cars, Pendulum's rod, Acrobot's upper link."""
        plays.push(play_id, decode(request.scope["headers"], body).force)
        return PushResponse("Pushed", play_id)

    return Router("/", route_handlers=[methods, play, play_head, push], tags=["play"])


async def _frames(plays: Plays, session: PlaySession, speed: float) -> AsyncIterator[bytes]:
    """The events of a session, each step when it is due, until the session ends or the client goes away."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()

    def wake() -> None:
        with suppress(RuntimeError):  # the loop has ended, and nobody waits in it
            loop.call_soon_threadsafe(ended.set)

    session.on_end = wake
    try:
        yield opening() + event("start", _start(session))
        pace = Pace(session.play.step_seconds / speed, loop.time())
        while session.ended is None:
            # A single step of ours takes hardly more time than handing it to a thread; others may take any time.
            quick = session.play.quick and pace.at_once == 1
            frames = _some(session, pace.at_once) if quick else await asyncio.to_thread(_some, session, pace.at_once)
            if frames:
                yield frames
            with suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), pace.wait(loop.time()))
        yield event("end", PlayEnd(session.ended, session.detail or msgspec.UNSET))
    finally:
        session.end(CLOSED)  # at once, so that nobody pushes it any more
        loop.run_in_executor(None, plays.leave, session)  # a simulator may take seconds to close, and nobody waits for it


def _some(session: PlaySession, number: int) -> bytes:
    """The next steps as events; fewer where the session ends."""
    frames = (session.step() for _ in range(number))
    return b"".join(event("step", _step(frame)) for frame in frames if frame is not None)


def _start(session: PlaySession) -> PlayStart:
    play = session.play
    return PlayStart(
        play_id=session.id,
        model_name=session.model_name,
        model_version=session.model_version,
        env_name=play.environment.env_name,
        seed=play.seed,
        step_seconds=play.step_seconds,
        observation_space=space_response(play.environment.observation_space),
        action_space=space_response(play.environment.action_space),
        pushable=play.pushable,
    )


def _step(frame: Frame) -> PlayStep:
    return msgspec.convert(frame, PlayStep, from_attributes=True)
