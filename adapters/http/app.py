"""The Litestar application over a set of use cases."""

from collections.abc import Callable

from litestar import Litestar
from litestar.exceptions import HTTPException, ValidationException

from adapters.http.controllers.inference import inference_routes
from adapters.http.controllers.models import model_routes
from adapters.http.controllers.system import system_routes
from adapters.http.controllers.training import training_routes
from adapters.http.openapi import describe_types, openapi_config
from adapters.http.problems import (
    MAX_BODY_BYTES,
    on_grpo_error,
    on_http_exception,
    on_invalid_parameter,
    on_unforeseen,
)
from adapters.http.request_id import add_request_id
from application.use_cases import UseCases
from domain.errors import GrpoError


def create_app(
    use_cases: UseCases,
    version: str,
    on_startup: Callable[[], None] = lambda: None,
    on_shutdown: Callable[[], None] = lambda: None,
) -> Litestar:
    """Every documented route. The hooks run once, before the first and after the last request."""
    app = Litestar(
        route_handlers=[
            training_routes(use_cases),
            inference_routes(use_cases),
            model_routes(use_cases),
            system_routes(use_cases, version),
        ],
        exception_handlers={
            GrpoError: on_grpo_error,
            ValidationException: on_invalid_parameter,
            HTTPException: on_http_exception,
            Exception: on_unforeseen,
        },
        before_send=[add_request_id],
        openapi_config=openapi_config(version),
        request_max_body_size=MAX_BODY_BYTES,
        logging_config=None,
        on_startup=[on_startup],
        on_shutdown=[on_shutdown],
    )
    describe_types(app)
    return app
