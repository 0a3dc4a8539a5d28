"""Use case: the figures of the service, for monitoring."""

from collections.abc import Mapping
from dataclasses import dataclass

from application.counters import QueueCounters
from application.inference import ModelCache, Predict
from domain.errors import StorageFailure
from domain.job import JobStatus
from domain.ports import JobRepository


@dataclass(frozen=True)
class Statistics:
    """Counts since the process began, but for `jobs`, which is what the storage holds now: None where it cannot be read."""

    jobs: Mapping[JobStatus, int] | None
    timesteps: int
    checkpoints: int
    checkpoint_seconds: float
    inferences: int
    cache_hits: int
    cache_misses: int
    cache_bytes: int


class GetStatistics:
    """A snapshot. Cheap: one query, no waiting for training. Raises nothing: who watches must see a failing storage, too."""

    def __init__(self, jobs: JobRepository, queue: QueueCounters, cache: ModelCache, predict: Predict) -> None:
        self._jobs, self._queue, self._cache, self._predict = jobs, queue, cache, predict

    def __call__(self) -> Statistics:
        return Statistics(
            jobs=self._count_jobs(),
            timesteps=self._queue.timesteps,
            checkpoints=self._queue.checkpoints,
            checkpoint_seconds=self._queue.checkpoint_seconds,
            inferences=self._predict.answered,
            cache_hits=self._cache.hits,
            cache_misses=self._cache.misses,
            cache_bytes=self._cache.size_bytes,
        )

    def _count_jobs(self) -> Mapping[JobStatus, int] | None:
        try:
            found = self._jobs.count_by_status()
        except StorageFailure:
            return None
        return {status: found.get(status, 0) for status in JobStatus}
