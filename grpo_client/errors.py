"""What can go wrong, as seen by a program that uses a server.

ClientError
├── ApiError                  the server refused; `status`, `code`, `detail`, `errors` are those of its problem (RFC 9457)
│   ├── BadRequest            400, and every status below 500 without its own class: 405, 413, 415
│   ├── Unauthorized          401
│   ├── Forbidden             403
│   ├── NotFound              404
│   ├── Conflict              409
│   ├── Invalid               422; `errors` names every wrong field
│   ├── RateLimited           429; `retry_after` says in how many seconds there is room again
│   └── ServerError           500 and above
│       └── NotInstalled      501; `detail` names the command that installs what is missing
├── ConnectionFailed          no answer, or one that was cut off
├── UnexpectedAnswer          an answer that is not this API's
├── JobFailed                 a job that was waited for has failed; `status` says why
├── SweepFailed               a sweep that was waited for has failed; `status` says why
└── StillRunning              a job that was waited for needs longer; also a TimeoutError
"""

import httpx
import msgspec

from grpo_client.results import JobStatus
from grpo_client.sweep_results import SweepStatus


class FieldProblem(msgspec.Struct, frozen=True):
    """What is wrong with one field of a request."""

    field: str
    message: str


class ClientError(Exception):
    """Root of the tree."""


class ApiError(ClientError):
    """The server refused. `str(error)` is its sentence, `code` a word that stays the same when sentences change."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        errors: tuple[FieldProblem, ...] = (),
        request_id: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(status, code, detail, errors, request_id, retry_after)
        self.status, self.code, self.detail, self.errors = status, code, detail, errors
        self.request_id, self.retry_after = request_id, retry_after

    def __str__(self) -> str:
        return f"{self.detail} ({self.status} {self.code})"


class BadRequest(ApiError):
    """400, or another status below 500 without its own class."""


class Unauthorized(ApiError):
    """401: no key, or one that is unknown or revoked."""


class Forbidden(ApiError):
    """403: the key is not for this."""


class NotFound(ApiError):
    """404: there is no such job, model, version or route."""


class Conflict(ApiError):
    """409: the job is not in a state for this."""


class Invalid(ApiError):
    """422: a value is wrong; `errors` names every field."""


class RateLimited(ApiError):
    """429: too much at once. `retry_after`: seconds until there is room again, if the server said so."""


class ServerError(ApiError):
    """500 and above."""


class NotInstalled(ServerError):
    """501: the server lacks an optional package; `detail` names the command that installs it."""


class ConnectionFailed(ClientError):
    """No answer, or one that was cut off."""


class UnexpectedAnswer(ClientError):
    """An answer that is not this API's, for instance the page of a proxy."""


class JobFailed(ClientError):
    """A job that was waited for has failed. `code` and `status.error_message` say why."""

    def __init__(self, status: JobStatus) -> None:
        super().__init__(status)
        self.status, self.code = status, status.error_code

    def __str__(self) -> str:
        return f"Job {self.status.job_id} failed: {self.status.error_message} ({self.code})"


class StillRunning(ClientError, TimeoutError):
    """The time that one was ready to wait is over. The job goes on."""

    def __init__(self, status: JobStatus, waited_seconds: float) -> None:
        super().__init__(status, waited_seconds)
        self.status, self.waited_seconds = status, waited_seconds

    def __str__(self) -> str:
        at = f"{self.status.current_timesteps:,} of {self.status.total_timesteps:,} steps"
        return f"Job {self.status.job_id} is {self.status.status} after {self.waited_seconds:g} s ({at}) and goes on."


class SweepFailed(ClientError):
    """A sweep that was waited for has failed. `status.message` says why."""

    def __init__(self, status: SweepStatus) -> None:
        super().__init__(status)
        self.status = status

    def __str__(self) -> str:
        return f"Sweep {self.status.sweep_id} failed: {self.status.message}"


CLASSES: dict[int, type[ApiError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    422: Invalid,
    429: RateLimited,
    501: NotInstalled,
}
LONGEST_EXCERPT = 200


class _Problem(msgspec.Struct):
    """A problem as the server writes it; every member may be absent, since a proxy may answer in the server's place."""

    detail: str
    code: str = ""
    request_id: str = ""
    errors: tuple[FieldProblem, ...] = ()


def error_of(answer: httpx.Response) -> ApiError:
    """The error that an answer of another status than 2xx tells. Its body has been read."""
    try:
        problem = msgspec.json.decode(answer.content, type=_Problem)
    except msgspec.DecodeError:  # a proxy's page, or nothing at all
        excerpt = answer.text.strip()[:LONGEST_EXCERPT]
        problem = _Problem(excerpt or f"{answer.url} answered {answer.status_code} {answer.reason_phrase}")
    status = answer.status_code
    kind = CLASSES.get(status, ServerError if status >= httpx.codes.INTERNAL_SERVER_ERROR else BadRequest)
    return kind(
        status,
        problem.code or answer.reason_phrase.lower().replace(" ", "-"),
        problem.detail,
        problem.errors,
        problem.request_id or answer.headers.get("X-Request-ID", ""),
        retry_after_of(answer),
    )


def retry_after_of(answer: httpx.Response) -> float | None:
    """Seconds of the header Retry-After; None if it is absent or a date, which this API never sends."""
    try:
        return max(0.0, float(answer.headers["Retry-After"]))
    except (KeyError, ValueError):
        return None
