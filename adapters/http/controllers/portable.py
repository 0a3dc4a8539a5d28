"""Routes of models as files."""

from typing import Annotated, Any
from urllib.parse import quote

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, QueryParameter, RawBody

from adapters.http.body import UnsupportedMediaType
from adapters.http.gate import client_of
from adapters.http.openapi import bytes_body
from adapters.http.problems import described
from adapters.http.query import refuse_unknown
from adapters.http.responses import ImportResponse
from application.portable import DEFAULT_FORMAT, Export
from application.use_cases import UseCases

MAX_MODEL_BYTES = 64 * 1024 * 1024
MEDIA_TYPE = "application/octet-stream"


def portable_handlers(use_cases: UseCases) -> list[HTTPRouteHandler]:
    """GET /models/{model_name}/export and POST /models, for the router of models: a path may be in one router only."""

    @get(
        "/models/{model_name:str}/export",
        sync_to_thread=True,
        media_type=MEDIA_TYPE,
        responses={200: ResponseSpec(bytes, description="The file.", media_type=MEDIA_TYPE, generate_examples=False)}
        | described(
            _404="There is no such model.",
            _422="No model can have that name, or there is no such format.",
            _501="The format needs a package that is not installed on the server.",
        ),
        summary="A model as one file",
    )
    def export_model(
        request: Request[Any, Any, Any],
        model_name: FromPath[str],
        file_format: Annotated[
            str,
            QueryParameter(
                name="format",
                description="safetensors, which POST /models takes in again, or onnx, which other software runs: raw "
                "observations in, actions, action probabilities and values out.",
            ),
        ] = DEFAULT_FORMAT,
        model_version: Annotated[
            int | None, QueryParameter(ge=1, le=2**53, description="A version; absent: the newest.")
        ] = None,
    ) -> Response[bytes]:
        """`X-Model-SHA256` is the version's digest as GET /models/{model_name} tells it.

        `X-ONNX-Parity` says how far the graph's numbers are from the policy's own, on a fixed set of observations.
        """
        refuse_unknown(request, "format", "model_version")
        export = use_cases.export_model(model_name, file_format, model_version)
        headers = {"Content-Disposition": _disposition(export), "X-Model-SHA256": export.summary.sha256}
        if export.parity:
            headers["X-ONNX-Parity"] = msgspec.json.encode(export.parity).decode()
        return Response(export.data, media_type=MEDIA_TYPE, headers=headers)

    @post(
        "/models",
        status_code=200,
        sync_to_thread=True,
        request_max_body_size=MAX_MODEL_BYTES,
        operation_class=bytes_body(),
        responses=described(
            _413="The file is too large.",
            _415="The body is not declared as bytes.",
            _422="The file is no model that can be read here, or no model can have that name.",
        ),
        summary="Import a model",
    )
    def import_model(
        request: Request[Any, Any, Any],
        body: RawBody,
        model_name: Annotated[
            str | None, QueryParameter(description="The name to keep it under; absent: the one that it had.")
        ] = None,
    ) -> ImportResponse:
        """Take in what GET /models/{model_name}/export gave, here or elsewhere, as a new version. Nothing in it is executed.

        The same file again gives the version that it has become. A policy for an environment that is unknown here can act.
        """
        refuse_unknown(request, "model_name")
        declared = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if declared != MEDIA_TYPE:
            raise UnsupportedMediaType(
                f"The body must be the bytes of a model, sent with Content-Type: {MEDIA_TYPE}, got {declared[:100]!r}."
            )
        kept = use_cases.import_model(body, model_name, client_of(request.scope))
        return ImportResponse(
            message=f"Model '{kept.name}' imported as version {kept.version}",
            name=kept.name,
            version=kept.version,
            env_name=kept.config.env_name,
            sha256=kept.sha256,
            size_bytes=kept.size_bytes,
        )

    return [export_model, import_model]


def _disposition(export: Export) -> str:
    """A file name for browsers (RFC 6266): names of models may have letters of any script, which need the second form."""
    name = f"{export.summary.name}-v{export.summary.version}.{export.suffix}"
    plain = name.encode("ascii", "replace").decode().replace("?", "_")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
