"""Errors as RFC 9457 problems: the one place that knows which error has which status."""

import logging
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi.datastructures import ResponseSpec

from adapters.http.request_id import request_id
from adapters.http.responses import FieldProblem, Problem
from domain.access_errors import Forbidden, Unauthenticated
from domain.errors import (
    CapacityExceeded,
    Conflict,
    EnvironmentFailed,
    FieldError,
    GrpoError,
    InvalidInput,
    InvalidQuery,
    NotFound,
    NotReady,
    ShuttingDown,
    StorageFailure,
)
from domain.model_errors import ExtraNotInstalled

MEDIA_TYPE = "application/problem+json"
STATUS: dict[type[GrpoError], int] = {
    InvalidInput: 422,
    NotFound: 404,
    Conflict: 409,
    CapacityExceeded: 429,
    EnvironmentFailed: 500,
    NotReady: 503,
    ShuttingDown: 503,
    StorageFailure: 503,
    Unauthenticated: 401,
    Forbidden: 403,
    ExtraNotInstalled: 501,
}
HTTP_CODES = {
    400: "malformed-body",
    404: "route-not-found",
    405: "method-not-allowed",
    413: "body-too-large",
    415: "unsupported-media-type",
}

logger = logging.getLogger("grpo.http")

AnyRequest = Request[Any, Any, Any]


def on_grpo_error(request: AnyRequest, error: GrpoError) -> Response[bytes]:
    """A problem for an error of the domain; one that is not the client's is logged and told without internals."""
    status = next((status for kind, status in STATUS.items() if isinstance(error, kind)), None)
    if status is None:
        return on_unforeseen(request, error)
    problem = _problem(request, status, error.title, str(error), error.code)
    if isinstance(error, InvalidInput):
        problem.errors = [FieldProblem(_unicode(e.field), _unicode(e.message)) for e in error.errors]
    if isinstance(error, StorageFailure | EnvironmentFailed):
        logger.error("request %s: %s %s: %s", request_id(request.scope), request.method, request.url.path, error)
    headers = {}
    if isinstance(error, CapacityExceeded | ShuttingDown | StorageFailure):
        headers["Retry-After"] = str(error.retry_after_seconds)
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    return _response(problem, headers)


def on_http_exception(request: AnyRequest, error: HTTPException) -> Response[bytes]:
    """A problem for what Litestar found: no such route, wrong method, a body that is too large or no JSON."""
    status = error.status_code
    if "client disconnected" in str(error.detail):  # who is gone hears nothing, and nothing is wrong here
        return _response(_problem(request, 400, "Bad Request", "The body did not come to its end.", "malformed-body"))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return on_unforeseen(request, error)
    detail = str(error.detail)
    if status == HTTPStatus.NOT_FOUND:
        detail = f"There is nothing at {request.url.path}. GET / lists the endpoints."
    elif status == HTTPStatus.METHOD_NOT_ALLOWED:
        detail = f"{request.method} is not allowed at {request.url.path}."
    elif status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        limit = request.route_handler.resolve_request_max_body_size()
        detail = f"The body is larger than the limit of {limit} bytes."
    title = HTTPStatus(status).phrase
    code = HTTP_CODES.get(status, title.lower().replace(" ", "-"))
    return _response(_problem(request, status, title, detail, code), dict(error.headers or {}))


def on_invalid_parameter(request: AnyRequest, error: ValidationException) -> Response[bytes]:
    """A problem for parameters that Litestar could not convert: which, what was sent, what is allowed."""
    wrong = [(str(fault["key"]), str(fault["message"])) for fault in error.extra or [] if isinstance(fault, dict)]
    errors = [
        FieldError(name, f"{name} is wrong: {said.replace('`', '')}, got {request.query_params.get(name)!r}.")
        for name, said in wrong
    ]
    return on_grpo_error(request, InvalidQuery(*errors))


def on_unforeseen(request: AnyRequest, error: Exception) -> Response[bytes]:
    """A problem that tells nothing but where to look; the log has the rest under the same id."""
    logger.error("request %s: %s %s failed", request_id(request.scope), request.method, request.url.path, exc_info=error)
    detail = f"An unforeseen error occurred; the server's log has it under request id {request_id(request.scope)}."
    return _response(_problem(request, 500, "Internal Server Error", detail, "internal-error"))


MAX_BODY_BYTES = 16 * 1024 * 1024
LONGEST_TEXT = 2_000


def shutting_down(identity: str) -> bytes:
    """The problem for a request that the end of the server cuts off."""
    error = ShuttingDown()
    return msgspec.json.encode(
        Problem(
            type=f"urn:grpo:problem:{error.code}",
            title=error.title,
            status=STATUS[ShuttingDown],
            detail=str(error),
            code=error.code,
            request_id=identity,
        )
    )


def described(**statuses: str) -> dict[int, ResponseSpec]:
    """Error answers for the OpenAPI schema: `described(_404="…")`, with the 500 that any route may give."""
    answers = {400: "The request is malformed.", 500: "Anything unforeseen.", 503: "The storage fails, or the server ends."}
    answers |= {int(status.lstrip("_")): text for status, text in statuses.items()}
    return {
        status: ResponseSpec(Problem, description=text, media_type=MEDIA_TYPE, generate_examples=False)
        for status, text in answers.items()
    }


def _problem(request: AnyRequest, status: int, title: str, detail: str, code: str) -> Problem:
    return Problem(
        type=f"urn:grpo:problem:{code}",
        title=title,
        status=status,
        detail=_unicode(detail),
        code=code,
        request_id=request_id(request.scope),
    )


def _unicode(text: str) -> str:
    """Text that can be sent: what a client sent may hold half a surrogate pair, and megabytes."""
    shown = text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}…"
    return shown.encode(errors="backslashreplace").decode()


def _response(problem: Problem, headers: dict[str, str] | None = None) -> Response[bytes]:
    return Response(msgspec.json.encode(problem), status_code=problem.status, media_type=MEDIA_TYPE, headers=headers or {})
