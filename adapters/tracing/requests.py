"""One span for each HTTP request."""

from typing import Any

from opentelemetry import propagate
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer

from application import log_context

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class TracedRequests:
    """ASGI around an application. The span is the current one while the request is answered, also in its threads.

    A `traceparent` of the client makes it part of the client's trace. Attributes have the names of OpenTelemetry's conventions.
    """

    def __init__(self, app: Any, tracer: Tracer) -> None:
        self._app, self._tracer = app, tracer

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in METHODS else "_OTHER"
        parent = propagate.extract({name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]})
        with self._tracer.start_as_current_span(method, parent, SpanKind.SERVER) as span:
            span.set_attributes({"http.request.method": method, "url.path": scope["path"]})
            if identity := log_context.request_id.get():
                span.set_attribute("grpo.request_id", identity)

            async def send_seen(message: Any) -> None:
                if message["type"] == "http.response.start":
                    _answered(span, message["status"])
                await send(message)

            await self._app(scope, receive, send_seen)
            if route := scope.get("path_template"):
                span.update_name(f"{method} {route}")
                span.set_attribute("http.route", route)


def _answered(span: Span, status: int) -> None:
    span.set_attribute("http.response.status_code", status)
    if status >= 500:
        span.set_status(StatusCode.ERROR)
