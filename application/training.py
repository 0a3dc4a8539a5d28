"""Use cases of training jobs."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from application.job_queue import JobQueue
from domain.job import Job
from domain.ports import Clock, EnvironmentFactory, JobRepository
from domain.presets import DEFAULT_ENV_NAME, resolve

STOP_TIMEOUT_SECONDS = 2.5

logger = logging.getLogger("grpo.training")


class StartTraining:
    """Resolve a configuration and queue a job for it."""

    def __init__(
        self,
        environments: EnvironmentFactory,
        queue: JobQueue,
        clock: Clock,
        new_id: Callable[[], str],
        new_seed: Callable[[], int],
    ) -> None:
        self._environments, self._queue, self._clock = environments, queue, clock
        self._new_id, self._new_seed = new_id, new_seed

    def __call__(self, given: Mapping[str, Any]) -> Job:
        """`given`: fields of a training configuration or their aliases.

        Raises UnknownEnvironment, UnsupportedEnvironment, InvalidConfiguration, QueueFull; then nothing has been stored.
        """
        environment = self._environments.describe(given.get("env_name", DEFAULT_ENV_NAME))
        job_id = self._new_id()
        config = resolve(given, environment, seed=self._new_seed(), model_name=f"grpo_model_{job_id}")
        job = Job(id=job_id, config=config, created_at=self._clock.now())
        self._queue.submit(job)
        logger.info("a job for %s was submitted", config.env_name, extra={"job_id": job_id})
        return job


class StopTraining:
    """End a job and keep what it has learned."""

    def __init__(self, queue: JobQueue) -> None:
        self._queue = queue

    def __call__(self, job_id: str) -> Job:
        """Returns when training has really ended. Raises JobNotFound, JobAlreadyEnded."""
        self._queue.stop(job_id)
        return self._queue.wait(job_id, STOP_TIMEOUT_SECONDS)


class GetStatus:
    """One job as it is."""

    def __init__(self, jobs: JobRepository) -> None:
        self._jobs = jobs

    def __call__(self, job_id: str) -> Job:
        """Raises JobNotFound."""
        return self._jobs.get(job_id)


class ListJobs:
    """All jobs, newest first."""

    def __init__(self, jobs: JobRepository) -> None:
        self._jobs = jobs

    def __call__(self) -> Sequence[Job]:
        return self._jobs.list()
