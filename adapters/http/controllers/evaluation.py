"""Routes that let a kept model play many episodes, or one again."""

from typing import Annotated, Any

import msgspec
from litestar import Request, Router, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, QueryParameter
from litestar.types import ASGIApp, Receive, Scope, Send

from adapters.http.body import JSON, BodyDecoder, read_body
from adapters.http.disconnect import while_connected
from adapters.http.evaluation_types import EvaluateRequest, EvaluateResponse, HistogramResponse, ReplayResponse
from adapters.http.openapi import json_body
from adapters.http.problems import MAX_BODY_BYTES, described
from adapters.http.query import refuse_unknown
from application.evaluation import MOST_SEED, MOST_STEPS, Played, ShouldStop
from application.use_cases import UseCases
from domain.evaluation import EvaluationReport
from domain.replay import Trajectory

_NO_MODEL = "There is no such model."
_BUSY = "Too many evaluations and replays are under way."


def evaluation_routes(use_cases: UseCases) -> Router:
    """POST /models/{model_name}/evaluate and GET /models/{model_name}/replay."""
    decode = BodyDecoder(EvaluateRequest)

    @post(
        "/models/{model_name:str}/evaluate",
        status_code=200,
        operation_class=json_body(EvaluateRequest, required=False),
        responses=_answers(EvaluateResponse)
        | described(
            _400="The body is no JSON object.",
            _404=_NO_MODEL,
            _413="The body is too large.",
            _415="The body is not JSON.",
            _422="A field is unknown, of the wrong type or out of bounds, or the episodes may take too many steps.",
            _429=_BUSY,
        ),
        summary="Evaluate a model",
    )
    async def evaluate(request: Request[Any, Any, Any], model_name: FromPath[str]) -> ASGIApp:
        """Native returns of fresh episodes. The same body gives the same answer. The body may be left out."""
        refuse_unknown(request)

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            sent = await read_body(receive, MAX_BODY_BYTES)
            asked = decode(scope["headers"], sent) if sent else EvaluateRequest()

            def work(should_stop: ShouldStop) -> bytes:
                played, report = use_cases.evaluate_model(
                    model_name, asked.episodes, asked.seed, asked.deterministic, asked.model_version, should_stop
                )
                return msgspec.json.encode(_evaluated(asked, played, report))

            await _send_json(send, await while_connected(receive, work))

        return answer

    @get(
        "/models/{model_name:str}/replay",
        responses=_answers(ReplayResponse)
        | described(_404=_NO_MODEL, _422="A parameter is not what it may be, or the episode is too large.", _429=_BUSY),
        summary="Replay an episode",
    )
    async def replay(
        request: Request[Any, Any, Any],
        model_name: FromPath[str],
        seed: Annotated[int, QueryParameter(ge=0, le=MOST_SEED, description="Of the episode's start.")] = 0,
        deterministic: Annotated[bool, QueryParameter(description="false: sampled actions, which the seed gives, too.")] = True,
        model_version: Annotated[
            int | None, QueryParameter(ge=1, le=2**53, description="This version; absent: the newest.")
        ] = None,
        max_steps: Annotated[
            int | None, QueryParameter(ge=1, le=MOST_STEPS, description="A shorter time limit than the environment's.")
        ] = None,
    ) -> ASGIApp:
        """One episode, step by step, with a digest of its exact bits. The same parameters give the same digest."""
        refuse_unknown(request, "seed", "deterministic", "model_version", "max_steps")

        async def answer(_scope: Scope, receive: Receive, send: Send) -> None:
            def work(should_stop: ShouldStop) -> bytes:
                played, trajectory = use_cases.replay_model(
                    model_name, seed, deterministic, model_version, max_steps, should_stop
                )
                return msgspec.json.encode(_replayed(seed, deterministic, played, trajectory))

            await _send_json(send, await while_connected(receive, work))

        return answer

    return Router("/", route_handlers=[evaluate, replay], tags=["models"])


def _answers(kind: type[msgspec.Struct]) -> dict[int, ResponseSpec]:
    return {200: ResponseSpec(kind, description="Request fulfilled, document follows", generate_examples=False)}


async def _send_json(send: Send, body: bytes | None) -> None:
    """Nothing for a client that is gone."""
    if body is None:
        return
    headers = [(b"content-type", JSON), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _evaluated(asked: EvaluateRequest, played: Played, report: EvaluationReport) -> EvaluateResponse:
    histogram = report.histogram
    return EvaluateResponse(
        model_name=played.model_name,
        model_version=played.model_version,
        env_name=played.env_name,
        episodes=asked.episodes,
        seed=asked.seed,
        deterministic=asked.deterministic,
        mean_reward=report.mean_reward,
        std_reward=report.std_reward,
        ci95=[*report.ci95],
        min_reward=min(report.returns),
        max_reward=max(report.returns),
        mean_length=report.mean_length,
        returns=[*report.returns],
        lengths=[*report.lengths],
        histogram=HistogramResponse([*histogram.edges], [*histogram.counts]),
    )


def _replayed(seed: int, deterministic: bool, played: Played, trajectory: Trajectory) -> ReplayResponse:
    return ReplayResponse(
        model_name=played.model_name,
        model_version=played.model_version,
        env_name=played.env_name,
        seed=seed,
        deterministic=deterministic,
        length=len(trajectory.actions),
        native_return=trajectory.native_return,
        terminated=trajectory.terminated,
        truncated=trajectory.truncated,
        observations=[*trajectory.observations],
        actions=[*trajectory.actions],
        rewards=[*trajectory.rewards],
        trajectory_sha256=trajectory.sha256,
    )
