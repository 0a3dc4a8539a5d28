"""The Litestar application over a set of use cases."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from litestar import Litestar
from litestar.config.cors import CORSConfig
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import ASGIApp

from adapters.http.controllers.catalogue import catalogue_routes
from adapters.http.controllers.dashboard import dashboard_routes
from adapters.http.controllers.evaluation import evaluation_routes
from adapters.http.controllers.inference import inference_routes
from adapters.http.controllers.models import model_routes
from adapters.http.controllers.monitoring import monitoring_routes
from adapters.http.controllers.plays import play_routes
from adapters.http.controllers.sweeps import sweep_routes
from adapters.http.controllers.system import system_routes
from adapters.http.controllers.training import training_routes
from adapters.http.controllers.watching import watching_routes
from adapters.http.documentation import documentation_routes, installed_assets
from adapters.http.examples import describe_examples
from adapters.http.gate import AccessRules, Gate
from adapters.http.observation import Observation, RequestFigures
from adapters.http.openapi import describe_access, describe_types, openapi_config
from adapters.http.problems import (
    MAX_BODY_BYTES,
    on_grpo_error,
    on_http_exception,
    on_invalid_parameter,
    on_unforeseen,
)
from adapters.http.prometheus import build_registry
from application.use_cases import UseCases
from domain.errors import GrpoError

THREADS = 40


def create_app(
    use_cases: UseCases,
    version: str,
    access: AccessRules = AccessRules(),  # noqa: B008 - immutable
    on_startup: Callable[[], None] = lambda: None,
    on_shutdown: Callable[[], None] = lambda: None,
    dropped_log_lines: Callable[[], int] = lambda: 0,
    traced: Callable[[ASGIApp], ASGIApp] = lambda app: app,
) -> Litestar:
    """Every documented route. The hooks run once, before the first and after the last request.

    `traced` wraps the application in whatever traces its requests.
    """
    figures = RequestFigures()
    registry = build_registry(use_cases.get_statistics, figures, dropped_log_lines)
    app = Litestar(
        route_handlers=[
            training_routes(use_cases),
            watching_routes(use_cases),
            inference_routes(use_cases),
            model_routes(use_cases),
            evaluation_routes(use_cases),
            play_routes(use_cases),
            sweep_routes(use_cases),
            catalogue_routes(use_cases),
            system_routes(use_cases, version),
            monitoring_routes(use_cases, registry),
            documentation_routes(installed_assets()),
            dashboard_routes(),
        ],
        exception_handlers={
            GrpoError: on_grpo_error,
            ValidationException: on_invalid_parameter,
            HTTPException: on_http_exception,
            Exception: on_unforeseen,
        },
        before_request=Gate(access).check,
        cors_config=_cors(access.cors_origins),
        openapi_config=openapi_config(version),
        request_max_body_size=MAX_BODY_BYTES,
        logging_config=None,
        on_startup=[_widen_thread_pool, on_startup],
        on_shutdown=[on_shutdown],
    )
    describe_types(app)
    describe_access(app, keys_needed=access.key_owner is not None)
    describe_examples(app)
    figures.know({route.path for route in app.routes})
    # Around everything, so that also an answer that no route gave is seen.
    app.asgi_handler = Observation(traced(app.asgi_handler), figures)
    return app


async def _widen_thread_pool() -> None:
    """Some requests wait: for a job that stops, for a locked database. By default six of them would hold up all others."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS, "request"))


def _cors(origins: frozenset[str]) -> CORSConfig | None:
    """Pages of other sites may use the API only where the operator names them, and never with a visitor's cookies."""
    if not origins:
        return None
    return CORSConfig(
        allow_origins=sorted(origins),
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "X-API-Key", "X-Request-ID"],
        expose_headers=["Content-Disposition", "Retry-After", "X-Model-SHA256", "X-ONNX-Parity", "X-Request-ID"],
    )
