"""Use case: how the service is doing."""

from dataclasses import dataclass
from datetime import datetime

from application.inference import ModelCache
from domain.job import JobStatus
from domain.ports import Clock, JobRepository


@dataclass(frozen=True)
class Health:
    """`active_jobs` are being trained now; waiting ones do not count."""

    timestamp: datetime
    active_jobs: int
    loaded_models: int


class GetHealth:
    """How many jobs run and how many models are in memory."""

    def __init__(self, jobs: JobRepository, cache: ModelCache, clock: Clock) -> None:
        self._jobs, self._cache, self._clock = jobs, cache, clock

    def __call__(self) -> Health:
        active = self._jobs.count(JobStatus.RUNNING, JobStatus.STOPPING)
        return Health(self._clock.now(), active, len(self._cache.names()))
