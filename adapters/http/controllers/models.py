"""Routes of kept models."""

from litestar import Router, delete, get
from litestar.params import FromPath

from adapters.http.problems import described
from adapters.http.responses import DeleteResponse, ModelResponse, ModelsResponse
from application.use_cases import UseCases


def model_routes(use_cases: UseCases) -> Router:
    """Everything below /models."""

    @get("/models", sync_to_thread=True, responses=described(), summary="All kept models")
    def list_models() -> ModelsResponse:
        """`loaded` models are in memory, `saved` ones in storage only."""
        return ModelsResponse(
            [
                ModelResponse(
                    name=model.summary.name,
                    status="loaded" if model.loaded else "saved",
                    env_name=model.summary.env_name,
                    job_id=model.summary.job_id,
                    created_at=model.summary.created_at.isoformat(),
                    size_bytes=model.summary.size_bytes,
                )
                for model in use_cases.list_models()
            ]
        )

    @delete(
        "/models/{model_name:str}",
        status_code=200,
        sync_to_thread=True,
        responses=described(_404="There is no such model.", _422="No model can have that name."),
        summary="Delete a model",
    )
    def delete_model(model_name: FromPath[str]) -> DeleteResponse:
        """Remove a model from memory and storage."""
        use_cases.delete_model(model_name)
        return DeleteResponse(f"Model '{model_name}' deleted")

    return Router("/", route_handlers=[list_models, delete_model], tags=["models"])
