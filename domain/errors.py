"""Every error that the project raises on purpose.

GrpoError
├── InvalidInput                 a value from outside is wrong; `errors` names each field
│   ├── InvalidConfiguration
│   ├── InvalidModelName
│   ├── InvalidObservation
│   ├── InvalidQuery
│   ├── IdempotencyKeyReused
│   ├── InvalidModelFile         (model_errors)
│   ├── EnvironmentNotAllowed    (access_errors)
│   ├── UnknownEnvironment
│   ├── UnsupportedEnvironment
│   └── NotPushable              (play_errors)
├── NotFound
│   ├── JobNotFound
│   ├── ModelNotFound
│   ├── PlayNotFound             (play_errors)
│   └── SweepNotFound            (sweep_errors)
├── Conflict
│   ├── JobAlreadyEnded
│   ├── JobAlreadyExists
│   ├── JobNotResumable
│   ├── SweepAlreadyEnded        (sweep_errors)
│   └── SweepNotResumable        (sweep_errors)
├── Unauthenticated              (access_errors)
├── Forbidden                    (access_errors)
│   ├── MissingScope
│   ├── CrossSiteRequest
│   └── HostNotAllowed
├── CapacityExceeded
│   ├── TooManyRequests          (access_errors)
│   ├── TooManyJobs              (access_errors)
│   ├── TooManyStreams           (access_errors)
│   ├── TooManyEvaluations       (play_errors)
│   ├── TooManyPlays             (play_errors)
│   └── QueueFull
├── ShuttingDown                 no new work is taken any more
├── NotReady                     a readiness check fails
├── ExtraNotInstalled            a package that is optional is missing (model_errors)
├── TrainingFailed               a training job cannot go on
│   ├── TrainingDiverged
│   ├── EnvironmentFailed
│   ├── RewardFailed
│   ├── TooManyAttempts
│   ├── UnusableCheckpoint
│   └── WorkerDied
└── StorageFailure
    └── CorruptData

`str(error)` is a sentence for people, `code` a stable word for machines. The files of those that are elsewhere are named.
"""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one field: its name and a sentence with the value and what is allowed."""

    field: str
    message: str


class GrpoError(Exception):
    """Root of the tree."""

    code: ClassVar[str] = "error"
    title: ClassVar[str] = "Error"


class InvalidInput(GrpoError):
    """A value from outside is wrong. `errors` holds one entry for each wrong field."""

    code = "invalid-input"
    title = "Invalid input"

    def __init__(self, *errors: FieldError) -> None:
        super().__init__(" ".join(error.message for error in errors))
        self.errors = errors


class InvalidConfiguration(InvalidInput):
    """A training configuration has wrong fields, or fields that do not fit one another."""

    code = "invalid-configuration"
    title = "Invalid training configuration"


class InvalidModelName(InvalidInput):
    """No model can have that name."""

    code = "invalid-model-name"
    title = "Invalid model name"


class InvalidObservation(InvalidInput):
    """An observation does not fit the model."""

    code = "invalid-observation"
    title = "Invalid observation"


class InvalidQuery(InvalidInput):
    """A parameter behind the question mark, or a header, is wrong."""

    code = "invalid-query"
    title = "Invalid parameter"


class IdempotencyKeyReused(InvalidInput):
    """The key named another request before."""

    code = "idempotency-key-reused"
    title = "Idempotency key reused"

    def __init__(self, key: str, job_id: str) -> None:
        message = f"The Idempotency-Key {key!r} belongs to job {job_id!r}, whose request had another body; use a new key."
        super().__init__(FieldError("Idempotency-Key", message))


class UnknownEnvironment(InvalidInput):
    """No environment is registered under that id."""

    code = "unknown-environment"
    title = "Unknown environment"


class UnsupportedEnvironment(InvalidInput):
    """The environment exists and cannot be trained: its spaces, or a package that is missing."""

    code = "unsupported-environment"
    title = "Unsupported environment"


class NotFound(GrpoError):
    """What was named does not exist."""

    code = "not-found"
    title = "Not found"


class JobNotFound(NotFound):
    """No job has that id."""

    code = "job-not-found"
    title = "Training job not found"

    def __init__(self, job_id: str) -> None:
        super().__init__(f"There is no training job {job_id!r}.")
        self.job_id = job_id


class ModelNotFound(NotFound):
    """No model has that name."""

    code = "model-not-found"
    title = "Model not found"

    def __init__(self, name: str, version: int | None = None) -> None:
        one = f"model {name!r}" if version is None else f"version {version} of model {name!r}"
        listed = "GET /models" if version is None else "GET /models/{name}"
        super().__init__(f"There is no {one}. {listed} lists what exists.")
        self.name, self.version = name, version


class Conflict(GrpoError):
    """The request does not fit the state of things."""

    code = "conflict"
    title = "Conflict"


class JobAlreadyEnded(Conflict):
    """The job is in a final state."""

    code = "job-already-ended"
    title = "Training job has already ended"

    def __init__(self, job_id: str, status: str) -> None:
        super().__init__(f"Training job {job_id!r} has already ended: it is {status}. Only a queued or running job can change.")
        self.job_id = job_id
        self.status = status


class JobAlreadyExists(Conflict):
    """A job has that id already."""

    code = "job-already-exists"
    title = "Training job already exists"

    def __init__(self, job_id: str) -> None:
        super().__init__(f"There is a training job {job_id!r} already.")
        self.job_id = job_id


class JobNotResumable(Conflict):
    """The job has not ended, or has used its whole budget."""

    code = "job-not-resumable"
    title = "Training job cannot be resumed"

    def __init__(self, job_id: str, status: str) -> None:
        super().__init__(f"Training job {job_id!r} is {status}; only a stopped or failed job can be resumed.")
        self.job_id = job_id
        self.status = status


class CapacityExceeded(GrpoError):
    """There is no room now; later there may be."""

    code = "capacity-exceeded"
    title = "Capacity exceeded"

    def __init__(self, message: str, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class QueueFull(CapacityExceeded):
    """As many jobs are waiting as may wait."""

    code = "queue-full"
    title = "Training queue is full"

    def __init__(self, limit: int, retry_after_seconds: int = 5) -> None:
        super().__init__(
            f"{limit} training jobs are waiting already, which is the limit; try again in {retry_after_seconds} s.",
            retry_after_seconds,
        )
        self.limit = limit


class ShuttingDown(GrpoError):
    """The server is about to end; its jobs go on when it starts again."""

    code = "shutting-down"
    title = "Server is shutting down"
    retry_after_seconds: ClassVar[int] = 5

    def __init__(self) -> None:
        super().__init__("The server is shutting down and takes no new work; try again when it has started again.")


class NotReady(GrpoError):
    """The service is up and cannot do its work now."""

    code = "not-ready"
    title = "Service is not ready"


class TrainingFailed(GrpoError):
    """A training job cannot go on."""

    code = "training-failed"
    title = "Training failed"


class TrainingDiverged(TrainingFailed):
    """A parameter is no finite number any more."""

    code = "training-diverged"
    title = "Training diverged"


class EnvironmentFailed(TrainingFailed):
    """The environment raised, or gave numbers that are none."""

    code = "environment-failed"
    title = "Environment failed"


class RewardFailed(TrainingFailed):
    """The reward function raised, or gave what are no rewards."""

    code = "reward-failed"
    title = "Reward function failed"


class TooManyAttempts(TrainingFailed):
    """The job was cut off again and again without getting any further."""

    code = "too-many-attempts"
    title = "Too many attempts"

    def __init__(self, attempts: int, reason: str) -> None:
        times = "once" if attempts == 1 else f"{attempts} times in a row"
        super().__init__(
            f"Training was cut off {times} without a new checkpoint and is not tried again. The last time: {reason}"
        )


class UnusableCheckpoint(TrainingFailed):
    """A checkpoint from which this version of the program cannot go on."""

    code = "unusable-checkpoint"
    title = "Unusable checkpoint"


class WorkerDied(TrainingFailed):
    """The process that trained has ended."""

    code = "worker-died"
    title = "Worker process died"


class StorageFailure(GrpoError):
    """What should be kept or read cannot be, for now at least."""

    code = "storage-failure"
    title = "Storage failure"
    retry_after_seconds: ClassVar[int] = 5


class CorruptData(StorageFailure):
    """What was stored is damaged, or was not written by this program."""

    code = "corrupt-data"
    title = "Stored data is damaged"
