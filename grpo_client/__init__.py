"""A server of this project from Python: `Client`, and `AsyncClient` with the same names, awaited.

It needs httpx and msgspec only, and nothing of the server's code, so that this folder may be taken along alone.

`calls` (requests and how answers are read) and `plans` (repetition, waiting, event streams) do no I/O; `session` and
`async_session` are the thin shells that do, `client`, `job`, `model` and `async_client` the names for people.
"""

from grpo_client.async_client import AsyncClient, AsyncJob, AsyncModel
from grpo_client.client import Client
from grpo_client.connection import DEFAULT_URL
from grpo_client.errors import (
    ApiError,
    BadRequest,
    ClientError,
    Conflict,
    ConnectionFailed,
    FieldProblem,
    Forbidden,
    Invalid,
    JobFailed,
    NotFound,
    NotInstalled,
    RateLimited,
    ServerError,
    StillRunning,
    SweepFailed,
    Unauthorized,
    UnexpectedAnswer,
)
from grpo_client.job import Job
from grpo_client.model import Model
from grpo_client.results import (
    Environment,
    EvaluationReport,
    Event,
    ImportedModel,
    JobStatus,
    Metrics,
    ModelFile,
    ModelInfo,
    ModelVersion,
    ModelVersions,
    Prediction,
    Replay,
    RewardFunction,
)
from grpo_client.sweep import AsyncSweep, Sweep
from grpo_client.sweep_results import SweepStatus, SweepSummary

__all__ = [
    "DEFAULT_URL",
    "ApiError",
    "AsyncClient",
    "AsyncJob",
    "AsyncModel",
    "AsyncSweep",
    "BadRequest",
    "Client",
    "ClientError",
    "Conflict",
    "ConnectionFailed",
    "Environment",
    "EvaluationReport",
    "Event",
    "FieldProblem",
    "Forbidden",
    "ImportedModel",
    "Invalid",
    "Job",
    "JobFailed",
    "JobStatus",
    "Metrics",
    "Model",
    "ModelFile",
    "ModelInfo",
    "ModelVersion",
    "ModelVersions",
    "NotFound",
    "NotInstalled",
    "Prediction",
    "RateLimited",
    "Replay",
    "RewardFunction",
    "ServerError",
    "StillRunning",
    "Sweep",
    "SweepFailed",
    "SweepStatus",
    "SweepSummary",
    "Unauthorized",
    "UnexpectedAnswer",
]
