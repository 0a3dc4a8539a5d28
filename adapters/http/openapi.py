"""The OpenAPI schema: all types are described by msgspec, which knows every field and its bounds."""

from dataclasses import dataclass
from typing import Any, cast

import msgspec
from litestar import Litestar
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.spec import OpenAPIMediaType, Operation, Reference, RequestBody, Schema

from adapters.http import requests, responses

TYPES = [
    requests.TrainRequest,
    requests.InferenceRequest,
    responses.TrainResponse,
    responses.JobsResponse,
    responses.StopResponse,
    responses.InferenceResponse,
    responses.ModelsResponse,
    responses.DeleteResponse,
    responses.HealthResponse,
    responses.LiveResponse,
    responses.ReadyResponse,
    responses.IndexResponse,
    responses.Problem,
]
_REFERENCE = "#/components/schemas/{name}"


def json_body(request_type: type[msgspec.Struct]) -> type[Operation]:
    """An operation whose body is JSON of that type."""
    reference = Reference(ref=_REFERENCE.format(name=request_type.__name__))

    @dataclass
    class WithJsonBody(Operation):
        def __post_init__(self) -> None:
            self.request_body = RequestBody(content={"application/json": OpenAPIMediaType(schema=reference)}, required=True)

    return WithJsonBody


def openapi_config(version: str) -> OpenAPIConfig:
    """The description of the API. Litestar's own pages stay off the paths that the guide names."""
    return OpenAPIConfig(
        title="GRPO API",
        version=version,
        description="Trains policies with Group Relative Policy Optimization on Gymnasium environments, keeps the models "
        "and serves inference.",
        path="/schema",
        create_examples=False,
    )


def describe_types(app: Litestar) -> None:
    """Describe every type by msgspec, which knows all bounds; Litestar describes only what it decodes, and leaves some out."""
    _, schemas = msgspec.json.schema_components(TYPES, ref_template=_REFERENCE)
    described = app.openapi_schema.components.schemas
    described |= cast("dict[str, Schema]", schemas)


def as_document(schema: dict[str, Any]) -> bytes:
    """The schema as it is kept in docs/openapi.json."""
    return msgspec.json.format(msgspec.json.encode(schema, order="deterministic"), indent=2) + b"\n"
