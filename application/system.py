"""Use cases: how the service is doing."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from application.inference import ModelCache
from domain.errors import NotReady, StorageFailure
from domain.job import JobStatus
from domain.ports import Clock, JobExecutor, JobRepository

logger = logging.getLogger("grpo.system")


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


class GetReadiness:
    """Whether jobs and requests can be served now."""

    def __init__(self, jobs: JobRepository, executor: JobExecutor, accepting: Callable[[], bool] = lambda: True) -> None:
        """`accepting`: false once the service is shutting down."""
        self._jobs, self._executor, self._accepting = jobs, executor, accepting

    def __call__(self) -> Mapping[str, str]:
        """The checks by name, all "ok". Raises NotReady that names each one that failed."""
        failures = {"storage": self._storage(), "executor": self._workers(), "shutdown": self._shutdown()}
        failed = [failure for failure in failures.values() if failure is not None]
        if failed:
            raise NotReady(f"The service is not ready: {', '.join(failed)}.")
        return dict.fromkeys(failures, "ok")

    def _storage(self) -> str | None:
        try:
            self._jobs.probe()
        except StorageFailure as error:
            logger.warning("the readiness check could not write to the storage: %s", error)
            return "the storage cannot be written"
        return None

    def _workers(self) -> str | None:
        return None if self._executor.alive else "the executor of training jobs has ended"

    def _shutdown(self) -> str | None:
        return None if self._accepting() else "the server is shutting down"
