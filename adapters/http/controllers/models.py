"""Routes of kept models."""

from dataclasses import asdict
from typing import Annotated, Any

from litestar import Request, Response, Router, delete, get, route
from litestar.params import FromPath, QueryParameter

from adapters.http.controllers.portable import portable_handlers
from adapters.http.problems import described
from adapters.http.query import refuse_unknown
from adapters.http.responses import (
    DeleteResponse,
    EvaluationResponse,
    ModelResponse,
    ModelsResponse,
    ModelVersionResponse,
    ModelVersionsResponse,
    config_response,
)
from application.use_cases import UseCases
from domain.ports import ModelSummary


def model_routes(use_cases: UseCases) -> Router:
    """Everything below /models."""

    @get("/models", sync_to_thread=True, responses=described(), summary="All kept models")
    def list_models() -> ModelsResponse:
        """`loaded` models are in memory, `saved` ones in storage only."""
        return ModelsResponse(
            [
                ModelResponse(
                    name=model.summary.name,
                    status=_status(model.loaded),
                    version=model.summary.version,
                    env_name=model.summary.config.env_name,
                    job_id=model.summary.job_id,
                    created_at=model.summary.created_at.isoformat(),
                    size_bytes=model.summary.size_bytes,
                    sha256=model.summary.sha256,
                )
                for model in use_cases.list_models()
            ]
        )

    @get(
        "/models/{model_name:str}",
        sync_to_thread=True,
        responses=described(_404="There is no such model.", _422="No model can have that name."),
        summary="All versions of a model",
    )
    def get_model(model_name: FromPath[str]) -> ModelVersionsResponse:
        """Where each version comes from: job, configuration, seed, how good it is, and the digest of what is kept."""
        model = use_cases.get_model(model_name)
        return ModelVersionsResponse(model_name, _status(model.loaded), [version_response(kept) for kept in model.versions])

    @delete(
        "/models/{model_name:str}",
        status_code=200,
        sync_to_thread=True,
        responses=described(_404="There is no such model.", _422="No model can have that name."),
        summary="Delete a model",
    )
    def delete_model(
        request: Request[Any, Any, Any],
        model_name: FromPath[str],
        model_version: Annotated[
            int | None, QueryParameter(ge=1, le=2**53, description="Only this version; absent: all of them.")
        ] = None,
    ) -> DeleteResponse:
        """Remove a model from memory and storage. The number of a removed version is not used again while the name exists."""
        refuse_unknown(request, "model_version")
        use_cases.delete_model(model_name, model_version)
        which = f"Model '{model_name}'" if model_version is None else f"Version {model_version} of model '{model_name}'"
        return DeleteResponse(f"{which} deleted")

    @route("/models/{model_name:str}", http_method="OPTIONS", status_code=204, sync_to_thread=False, include_in_schema=False)
    def methods() -> Response[None]:
        """Litestar's own answer names the methods of the first handler of a path only."""
        return Response(None, headers={"Allow": "DELETE, GET, OPTIONS"})

    @route("/models", http_method="OPTIONS", status_code=204, sync_to_thread=False, include_in_schema=False)
    def methods_of_all() -> Response[None]:
        return Response(None, headers={"Allow": "GET, OPTIONS, POST"})

    handlers = [methods, methods_of_all, list_models, get_model, delete_model, *portable_handlers(use_cases)]
    return Router("/", route_handlers=handlers, tags=["models"])


def version_response(kept: ModelSummary) -> ModelVersionResponse:
    """A version as clients see it."""
    return ModelVersionResponse(
        version=kept.version,
        env_name=kept.config.env_name,
        config=config_response(kept.config),
        seed=kept.config.seed,
        job_id=kept.job_id,
        created_at=kept.created_at.isoformat(),
        timesteps=kept.timesteps,
        evaluation=None if kept.evaluation is None else EvaluationResponse(**asdict(kept.evaluation)),
        size_bytes=kept.size_bytes,
        sha256=kept.sha256,
        imported_at=None if kept.imported_at is None else kept.imported_at.isoformat(),
    )


def _status(loaded: bool) -> str:
    return "loaded" if loaded else "saved"
