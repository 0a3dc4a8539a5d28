"""All of tracing as one value: what it wraps, and where spans go."""

import threading
from collections.abc import Callable
from typing import Any

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from adapters.tracing.jobs import Submissions, TracedExecutor
from adapters.tracing.requests import TracedRequests
from domain.ports import JobExecutor

CLOSE_SECONDS = 1.0


class Tracing:
    """Traces of requests and jobs, given to a provider."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider, self._tracer = provider, provider.get_tracer("grpo")
        self._submissions = Submissions()

    def requests(self, app: Any) -> TracedRequests:
        """The ASGI application with a span around each request."""
        return TracedRequests(app, self._tracer)

    def executor(self, executor: JobExecutor) -> JobExecutor:
        """The executor with a span around each attempt at a job."""
        return TracedExecutor(executor, self._tracer, self._submissions)

    def ids(self, new_id: Callable[[], str]) -> Callable[[], str]:
        """The maker of job ids, which remembers the request that asked."""
        return self._submissions.observed(new_id)

    def close(self) -> None:
        """Send what waits, for a moment at most: a collector that is down must not hold up the end."""
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)


def open_tracing() -> Tracing:
    """Spans go out over OTLP and HTTP, from a thread of the SDK's own, which itself reads the standard OTEL_* variables."""
    resource = Resource.create()
    if str(resource.attributes.get(SERVICE_NAME, "")).startswith("unknown_service"):
        resource = resource.merge(Resource({SERVICE_NAME: "grpo"}))
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Tracing(provider)
