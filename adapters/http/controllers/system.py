"""Routes about the service itself."""

from typing import Any

from litestar import Request, Router, get

from adapters.http.problems import described
from adapters.http.responses import HealthResponse, IndexResponse
from application.use_cases import UseCases

ENDPOINTS = {
    "train": "POST /train",
    "status": "GET /training/{job_id}/status",
    "jobs": "GET /training/jobs",
    "metrics_of_job": "GET /training/{job_id}/metrics",
    "events": "GET /training/{job_id}/events",
    "plot": "GET /training/{job_id}/plot.svg",
    "stop": "POST /training/{job_id}/stop",
    "resume": "POST /training/{job_id}/resume",
    "start_sweep": "POST /sweeps",
    "sweeps": "GET /sweeps",
    "sweep": "GET /sweeps/{sweep_id}",
    "stop_sweep": "POST /sweeps/{sweep_id}/stop",
    "resume_sweep": "POST /sweeps/{sweep_id}/resume",
    "inference": "POST /inference",
    "models": "GET /models",
    "model": "GET /models/{model_name}",
    "delete_model": "DELETE /models/{model_name}",
    "export_model": "GET /models/{model_name}/export",
    "import_model": "POST /models",
    "evaluate": "POST /models/{model_name}/evaluate",
    "replay": "GET /models/{model_name}/replay",
    "play": "GET /models/{model_name}/play",
    "push": "POST /plays/{play_id}/push",
    "environments": "GET /environments",
    "reward_functions": "GET /reward-functions",
    "health": "GET /health",
    "live": "GET /health/live",
    "ready": "GET /health/ready",
    "metrics": "GET /metrics",
    "dashboard": "GET /dashboard",
    "docs": "GET /docs",
    "redoc": "GET /redoc",
    "openapi": "GET /openapi.json",
}


def system_routes(use_cases: UseCases, version: str) -> Router:
    """The index, the health check, and the schema."""

    @get("/", sync_to_thread=False, responses=described(), summary="What is here")
    def index() -> IndexResponse:
        """The service's name, version and endpoints."""
        return IndexResponse("GRPO API Server", version, ENDPOINTS)

    @get("/health", sync_to_thread=True, responses=described(), summary="Health of the service")
    def health() -> HealthResponse:
        """How many jobs are being trained and how many models are in memory."""
        health = use_cases.get_health()
        return HealthResponse("healthy", health.timestamp.isoformat(), health.active_jobs, health.loaded_models)

    @get("/openapi.json", sync_to_thread=False, include_in_schema=False)
    def openapi(request: Request[Any, Any, Any]) -> dict[str, Any]:
        return request.app.openapi_schema.to_schema()

    return Router("/", route_handlers=[index, health, openapi], tags=["system"])
