"""A training job, its states, and the legal transitions between them."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from domain.config import TrainingConfig
from domain.errors import JobAlreadyEnded


class JobStatus(StrEnum):
    """The words that clients see. Exactly the last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    STOPPING = "stopping"
    COMPLETED = "completed"
    FAILED = "failed"
    STOPPED = "stopped"

    @property
    def ended(self) -> bool:
        return not TRANSITIONS[self]


TRANSITIONS: dict[JobStatus, frozenset[JobStatus]] = {
    JobStatus.QUEUED: frozenset({JobStatus.RUNNING, JobStatus.STOPPED, JobStatus.FAILED}),
    JobStatus.RUNNING: frozenset(
        {JobStatus.QUEUED, JobStatus.STOPPING, JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.STOPPED}
    ),
    JobStatus.STOPPING: frozenset({JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.STOPPED}),
    JobStatus.COMPLETED: frozenset(),
    JobStatus.FAILED: frozenset(),
    JobStatus.STOPPED: frozenset(),
}


@dataclass(frozen=True, kw_only=True)
class Job:
    """One training job. Times have an offset; `attempts` counts how often a worker began it."""

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
            error_code=error[0] if error else None,
            error_message=error[1] if error else None,
        )

    def progressed(self, timesteps: int, metrics: dict[str, float]) -> "Job":
        """Return the job with newer figures."""
        return replace(self, current_timesteps=timesteps, metrics=metrics)
