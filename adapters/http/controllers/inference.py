"""The route that acts."""

import asyncio
from typing import Any

from litestar import Request, Router, post
from litestar.params import RawBody

from adapters.http.body import BodyDecoder
from adapters.http.openapi import json_body
from adapters.http.problems import described
from adapters.http.requests import InferenceRequest
from adapters.http.responses import InferenceResponse
from application.use_cases import UseCases

LARGE_BATCH = 256


def inference_routes(use_cases: UseCases) -> Router:
    """POST /inference."""
    decode = BodyDecoder(InferenceRequest)
    predict = use_cases.predict

    @post(
        "/inference",
        status_code=200,
        operation_class=json_body(InferenceRequest),
        responses=described(
            _400="The body is no JSON object.",
            _404="There is no such model.",
            _413="The body is too large.",
            _415="The body is not JSON.",
            _422="A field is unknown or of the wrong type, or the observation does not fit the model.",
        ),
        summary="Act with a kept model",
    )
    async def infer(request: Request[Any, Any, Any], body: RawBody) -> InferenceResponse:
        """An action for an observation, or for each of a list of observations."""
        asked = decode(request, body)
        arguments = (asked.model_name, asked.observation, asked.deterministic)
        # A small prediction takes microseconds, less than handing it to a thread; what may wait or take long goes there.
        if len(asked.observation) <= LARGE_BATCH and predict.in_memory(asked.model_name):
            answer = predict(*arguments)
        else:
            answer = await asyncio.to_thread(predict, *arguments)
        return InferenceResponse(answer.action, answer.action_probs, answer.value)

    return Router("/", route_handlers=[infer], tags=["inference"])
