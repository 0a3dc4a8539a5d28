"""The OpenAPI schema: bodies that are decoded by hand are described by msgspec, which knows every field."""

from dataclasses import dataclass
from typing import Any, cast

import msgspec
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.spec import Components, OpenAPIMediaType, Operation, Reference, RequestBody, Schema

from adapters.http.requests import InferenceRequest, TrainRequest

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
    """The description of the API. Its own pages stay off the paths that the guide names."""
    _, schemas = msgspec.json.schema_components([TrainRequest, InferenceRequest], ref_template=_REFERENCE)
    return OpenAPIConfig(
        title="GRPO API",
        version=version,
        description="Trains policies with Group Relative Policy Optimization on Gymnasium environments, keeps the models "
        "and serves inference.",
        path="/schema",
        components=Components(schemas=cast("dict[str, Schema]", schemas)),
        create_examples=False,
    )


def as_document(schema: dict[str, Any]) -> bytes:
    """The schema as it is kept in docs/openapi.json."""
    return msgspec.json.format(msgspec.json.encode(schema, order="deterministic"), indent=2) + b"\n"
