"""Routes for whoever watches the service: probes and metrics."""

from litestar import MediaType, Response, Router, get
from litestar.openapi.datastructures import ResponseSpec
from prometheus_client import CollectorRegistry, generate_latest

from adapters.http.problems import described
from adapters.http.responses import LiveResponse, ReadyResponse
from application.use_cases import UseCases

EXPOSITION = "text/plain; version=0.0.4"  # Litestar adds the charset


def monitoring_routes(use_cases: UseCases, registry: CollectorRegistry) -> Router:
    """The probes, and what the registry holds."""

    @get("/health/live", sync_to_thread=False, responses=described(), summary="Does it answer?")
    def live() -> LiveResponse:
        """Liveness: the event loop answers. Nothing else is looked at."""
        return LiveResponse("alive")

    @get(
        "/health/ready",
        sync_to_thread=True,
        responses=described(_503="A check failed; the sentence says which."),
        summary="Can it do its work?",
    )
    def ready() -> ReadyResponse:
        """Readiness: the storage can be written, the executor of jobs is alive, the server is not shutting down."""
        return ReadyResponse("ready", dict(use_cases.get_readiness()))

    @get(
        "/metrics",
        sync_to_thread=True,
        responses={
            200: ResponseSpec(
                str, description="Text exposition format 0.0.4.", media_type=MediaType.TEXT, generate_examples=False
            )
        }
        | described(),
        media_type=MediaType.TEXT,
        summary="Figures for Prometheus",
    )
    def metrics() -> Response[bytes]:
        """Counters, gauges and histograms in Prometheus' text format."""
        return Response(generate_latest(registry), media_type=EXPOSITION)

    return Router("/", route_handlers=[live, ready, metrics], tags=["monitoring"])
