"""A training job, its states, the legal transitions between them, and what is written down of its life."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from domain.config import TrainingConfig
from domain.errors import FieldError, InvalidConfiguration, JobAlreadyEnded, JobNotResumable


class JobStatus(StrEnum):
    """The words that clients see. Exactly the last three are final; only a resume leads out of `failed` and `stopped`."""

    QUEUED = "queued"
    RUNNING = "running"
    STOPPING = "stopping"
    COMPLETED = "completed"
    FAILED = "failed"
    STOPPED = "stopped"

    @property
    def ended(self) -> bool:
        return self in ENDED

    @property
    def has_worker(self) -> bool:
        return self in {JobStatus.RUNNING, JobStatus.STOPPING}


ENDED = frozenset({JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.STOPPED})
UNFINISHED = tuple(status for status in JobStatus if status not in ENDED)
TRANSITIONS: dict[JobStatus, frozenset[JobStatus]] = {
    JobStatus.QUEUED: frozenset({JobStatus.RUNNING, JobStatus.STOPPED, JobStatus.FAILED}),
    JobStatus.RUNNING: frozenset(
        {JobStatus.QUEUED, JobStatus.STOPPING, JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.STOPPED}
    ),
    JobStatus.STOPPING: frozenset({JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.STOPPED}),
    JobStatus.COMPLETED: frozenset(),
    JobStatus.FAILED: frozenset({JobStatus.QUEUED}),
    JobStatus.STOPPED: frozenset({JobStatus.QUEUED}),
}


@dataclass(frozen=True, kw_only=True)
class Job:
    """One training job. Times have an offset.

    `attempts`: how often a worker has begun it since its last checkpoint. `owner`: the client that sent it.
    `idempotency_key` and `request_sha256`: the name and the digest of the request that made it, where the client gave a name.
    While a worker has it: `server`: whose worker that is; `lease_until`: the time until which a sign of life counts.
    """

    id: str
    config: TrainingConfig
    created_at: datetime
    status: JobStatus = JobStatus.QUEUED
    start_time: datetime | None = None
    end_time: datetime | None = None
    current_timesteps: int = 0
    metrics: dict[str, float] = field(default_factory=dict)
    error_code: str | None = None
    error_message: str | None = None
    attempts: int = 0
    lease_until: datetime | None = None
    owner: str = ""
    idempotency_key: str | None = None
    request_sha256: str | None = None
    server: str | None = None

    @property
    def progress(self) -> float:
        """Share of the budget that is used, 0 … 1."""
        return self.current_timesteps / self.config.total_timesteps

    def to(self, status: JobStatus, now: datetime, error: tuple[str, str] | None = None) -> "Job":
        """Return the job in another state; `error` is (code, message).

        Raises JobAlreadyEnded, and ValueError for an illegal transition.
        """
        if self.status.ended:
            raise JobAlreadyEnded(self.id, self.status)
        if status not in TRANSITIONS[self.status]:
            raise ValueError(f"a {self.status} job cannot become {status}")
        started = status is JobStatus.RUNNING
        return replace(
            self,
            status=status,
            start_time=self.start_time or now if started else self.start_time,
            end_time=now if status.ended else None,
            attempts=self.attempts + 1 if started else self.attempts,
            lease_until=self.lease_until if status.has_worker else None,
            server=self.server if status.has_worker else None,
            error_code=error[0] if error else None,
            error_message=error[1] if error else None,
        )

    def resumed(self, total_timesteps: int | None = None) -> "Job":
        """Return a stopped or failed job as one that waits again, with a larger budget where one is given.

        Raises JobNotResumable, and InvalidConfiguration where the budget is smaller than it was, or too large.
        """
        if JobStatus.QUEUED not in TRANSITIONS[self.status] or not self.status.ended:
            raise JobNotResumable(self.id, self.status)
        had = self.config.total_timesteps
        total = had if total_timesteps is None else total_timesteps
        if isinstance(total, int) and total < had:
            message = f"total_timesteps can be raised only: the job has {had}, got {total}."
            raise InvalidConfiguration(FieldError("total_timesteps", message))
        return replace(
            self,
            status=JobStatus.QUEUED,
            config=replace(self.config, total_timesteps=total),
            end_time=None,
            attempts=0,
            error_code=None,
            error_message=None,
        )

    def progressed(self, timesteps: int, metrics: dict[str, float]) -> "Job":
        """Return the job with newer figures."""
        return replace(self, current_timesteps=timesteps, metrics=metrics)


EventKind = Literal["status", "checkpoint", "metrics", "eval", "log"]
MOST_CHECKPOINT_EVENTS = 2_000


@dataclass(frozen=True, kw_only=True)
class JobEvent:
    """Something that happened to a job. `data`: JSON values. `id`: ascending in the order of events, 0 until it is kept."""

    job_id: str
    time: datetime
    kind: EventKind
    data: dict[str, Any] = field(default_factory=dict)
    id: int = 0
