"""The route that acts."""

import asyncio

import msgspec
from litestar import Router, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.types import ASGIApp, Receive, Scope, Send

from adapters.http.body import JSON, BodyDecoder, read_body
from adapters.http.openapi import json_body
from adapters.http.problems import MAX_BODY_BYTES, described
from adapters.http.requests import InferenceRequest
from adapters.http.responses import InferenceResponse
from application.use_cases import UseCases

LARGE_BODY_BYTES = 64 * 1024
_DONE = "Request fulfilled, document follows"


def inference_routes(use_cases: UseCases) -> Router:
    """POST /inference."""
    decode, encode = BodyDecoder(InferenceRequest), msgspec.json.Encoder().encode
    predict = use_cases.predict

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        """One prediction from ASGI to ASGI: the request and response objects between cost more than the prediction."""
        sent = await read_body(receive, MAX_BODY_BYTES)
        headers = scope["headers"]
        asked = decode(headers, sent) if len(sent) <= LARGE_BODY_BYTES else await asyncio.to_thread(decode, headers, sent)
        arguments = (asked.model_name, asked.observation, asked.deterministic, asked.model_version)
        # A small prediction takes microseconds, less than handing it to a thread; what may wait or take long goes there.
        found = predict.at_once(*arguments)
        if found is None:
            found = await asyncio.to_thread(predict, *arguments)
        body = encode(InferenceResponse(found.action, found.action_probs, found.value))
        own_headers = [(b"content-type", JSON), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": own_headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    @post(
        "/inference",
        status_code=200,
        operation_class=json_body(InferenceRequest),
        responses={200: ResponseSpec(InferenceResponse, description=_DONE, generate_examples=False)}
        | described(
            _400="The body is no JSON object.",
            _404="There is no such model.",
            _413="The body is too large.",
            _415="The body is not JSON.",
            _422="A field is unknown or of the wrong type, or the observation does not fit the model.",
        ),
        summary="Act with a kept model",
    )
    async def infer() -> ASGIApp:
        """An action for an observation, or for each of a list of observations."""
        return answer

    return Router("/", route_handlers=[infer], tags=["inference"])
