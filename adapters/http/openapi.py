"""The OpenAPI schema: all types are described by msgspec, which knows every field and its bounds."""

from dataclasses import dataclass
from typing import Any, cast

import msgspec
from litestar import Litestar
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.spec import (
    Components,
    License,
    OpenAPIMediaType,
    OpenAPIResponse,
    Operation,
    Reference,
    RequestBody,
    Schema,
    SecurityScheme,
)
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType

from adapters.http import catalogue_types, evaluation_types, play_types, requests, responses, sweep_types
from adapters.http.introduction import INTRODUCTION, TAGS
from adapters.http.scopes import is_probe, needed_scope

TYPES = [
    requests.TrainRequest,
    requests.ResumeRequest,
    requests.InferenceRequest,
    sweep_types.SweepRequest,
    sweep_types.ResumeSweepRequest,
    sweep_types.SweepsResponse,
    sweep_types.SweepResponse,
    responses.TrainResponse,
    responses.ServerSentEvent,
    responses.JobsResponse,
    responses.StopResponse,
    responses.ResumeResponse,
    responses.InferenceResponse,
    responses.ModelsResponse,
    responses.ModelVersionsResponse,
    responses.DeleteResponse,
    responses.ImportResponse,
    evaluation_types.EvaluateRequest,
    evaluation_types.EvaluateResponse,
    evaluation_types.ReplayResponse,
    play_types.PushRequest,
    play_types.PushResponse,
    play_types.PlayStart,
    play_types.PlayStep,
    play_types.PlayEnd,
    catalogue_types.EnvironmentsResponse,
    catalogue_types.RewardFunctionsResponse,
    responses.HealthResponse,
    responses.LiveResponse,
    responses.ReadyResponse,
    responses.IndexResponse,
    responses.Problem,
]
_REFERENCE = "#/components/schemas/{name}"
_KEYS = {
    "bearer": SecurityScheme("http", scheme="bearer", description="A key, where the server has keys."),
    "header": SecurityScheme(
        "apiKey", name="X-API-Key", security_scheme_in="header", description="The same in its own header."
    ),
}


def json_body(request_type: type[msgspec.Struct], *, required: bool = True) -> type[Operation]:
    """An operation whose body is JSON of that type, or may be left out."""
    reference = Reference(ref=_REFERENCE.format(name=request_type.__name__))

    @dataclass
    class WithJsonBody(Operation):
        def __post_init__(self) -> None:
            content = {"application/json": OpenAPIMediaType(schema=reference)}
            self.request_body = RequestBody(content=content, required=required)

    return WithJsonBody


def bytes_body() -> type[Operation]:
    """An operation whose body is bytes."""

    @dataclass
    class WithBytes(Operation):
        def __post_init__(self) -> None:
            schema = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
            self.request_body = RequestBody(content={"application/octet-stream": OpenAPIMediaType(schema)}, required=True)

    return WithBytes


def openapi_config(version: str) -> OpenAPIConfig:
    """The description of the API. Litestar's own pages stay off the paths that the guide names."""
    return OpenAPIConfig(
        title="GRPO API",
        version=version,
        summary="Reinforcement learning as a service: GRPO on Gymnasium environments.",
        description=INTRODUCTION,
        license=License("MIT", identifier="MIT"),
        tags=TAGS,
        components=Components(security_schemes=cast("dict[str, SecurityScheme | Reference]", _KEYS)),
        path="/schema",
        create_examples=False,
        use_handler_docstrings=True,
    )


def describe_types(app: Litestar) -> None:
    """Describe every type by msgspec, which knows all bounds; Litestar describes only what it decodes, and leaves some out."""
    _, schemas = msgspec.json.schema_components(TYPES, ref_template=_REFERENCE)
    described = app.openapi_schema.components.schemas
    described |= cast("dict[str, Schema]", schemas)


def describe_access(app: Litestar, *, keys_needed: bool) -> None:
    """Tell of each route which scope it needs and how it refuses. Without keys on this server, one need not be sent."""
    for path, item in (app.openapi_schema.paths or {}).items():
        for method in ("get", "post", "delete"):
            operation = getattr(item, method)
            if operation is None:
                continue
            scope = needed_scope(method.upper(), path)
            refusals = {"403": "The origin or the host is not allowed, or the key has not the scope."}
            if scope is not None:
                operation.security = [*([] if keys_needed else [{}]), *({name: [str(scope)]} for name in _KEYS)]
                refusals["401"] = "No key or a wrong one, where the server has keys."
            if not is_probe(path):
                refusals["429"] = "Too many requests; Retry-After says when to try again."
            for status, text in refusals.items():
                _add_refusal(operation.responses, status, text)


def _add_refusal(answers: dict[str, OpenAPIResponse], status: str, text: str) -> None:
    known = answers.get(status)
    description = f"{known.description} {text}" if known else text
    answers[status] = OpenAPIResponse(description, content=answers["500"].content)


def as_document(schema: dict[str, Any]) -> bytes:
    """The schema as it is kept in docs/openapi.json."""
    return msgspec.json.format(msgspec.json.encode(schema, order="deterministic"), indent=2) + b"\n"
