"""Use cases of training jobs."""

import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from application.access import ANYBODY, Client, check_limits
from application.job_queue import JobQueue
from domain.errors import FieldError, InvalidQuery, JobNotFound
from domain.job import Job, JobStatus
from domain.ports import Clock, EnvironmentFactory, JobExecutor, JobRepository
from domain.presets import DEFAULT_ENV_NAME, resolve

STOP_TIMEOUT_SECONDS = 2.5
LONGEST_KEY = 255
MOST_JOBS = 1_000


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

    def __call__(self, given: Mapping[str, Any], client: Client = ANYBODY, idempotency_key: str | None = None) -> Job:
        """`given`: fields of a training configuration or their aliases; `client`: whose limits hold.

        The same `idempotency_key` of the same client with the same fields gives the job that the first such request made.
        Raises UnknownEnvironment, EnvironmentNotAllowed, UnsupportedEnvironment, InvalidConfiguration, InvalidQuery (the key),
        IdempotencyKeyReused, QueueFull, TooManyJobs, ShuttingDown; then nothing has been stored.
        """
        digest = None
        if idempotency_key is not None:
            digest = hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()
            earlier = self._queue.find_repeated(client.name, _checked_key(idempotency_key), digest)
            if earlier is not None:
                return earlier
        environment = self._environments.describe(given.get("env_name", DEFAULT_ENV_NAME))
        job_id = self._new_id()
        config = resolve(given, environment, seed=self._new_seed(), model_name=f"grpo_model_{job_id}")
        check_limits(config, environment, client)
        job = Job(
            id=job_id,
            config=config,
            created_at=self._clock.now(),
            owner=client.name,
            idempotency_key=idempotency_key,
            request_sha256=digest,
        )
        return self._queue.submit(job, client.limits.jobs)


class StopTraining:
    """End a job and keep what it has learned."""

    def __init__(self, queue: JobQueue) -> None:
        self._queue = queue

    def __call__(self, job_id: str) -> Job:
        """Returns when training has really ended; after 2.5 s also while the storage fails.

        Raises JobNotFound, JobAlreadyEnded.
        """
        self._queue.stop(job_id)
        return self._queue.wait(job_id, STOP_TIMEOUT_SECONDS)

    def ask(self, job_id: str) -> None:
        """Do not wait until it has ended. Raises JobNotFound, JobAlreadyEnded."""
        self._queue.stop(job_id)


class ResumeTraining:
    """Let a stopped or failed job go on from where it was."""

    def __init__(self, environments: EnvironmentFactory, queue: JobQueue, jobs: JobRepository) -> None:
        self._environments, self._queue, self._jobs = environments, queue, jobs

    def __call__(self, job_id: str, total_timesteps: int | None = None, client: Client = ANYBODY) -> Job:
        """`total_timesteps`: a budget that is at least the job's own; absent, the job's own. `client`: whose limits hold.

        Raises JobNotFound, JobNotResumable, InvalidConfiguration, UnknownEnvironment, EnvironmentNotAllowed,
        UnsupportedEnvironment, QueueFull, TooManyJobs, ShuttingDown; then nothing has changed.
        """
        config = self._jobs.get(job_id).resumed(total_timesteps).config
        check_limits(config, self._environments.describe(config.env_name), client)
        return self._queue.resume(job_id, total_timesteps, client.limits.jobs)


class GetStatus:
    """One job as it is."""

    def __init__(self, jobs: JobRepository, executor: JobExecutor) -> None:
        self._jobs, self._executor = jobs, executor

    def __call__(self, job_id: str) -> Job:
        """Raises JobNotFound."""
        return self._jobs.get(job_id)

    def waiting_reason(self, job: Job) -> str | None:
        """Why a queued job waits, as far as it is for the workers of this server; None for any other."""
        return self._executor.waiting_reason or None if job.status is JobStatus.QUEUED else None


@dataclass(frozen=True)
class JobsPage:
    """Some jobs, newest first, and whether there are older ones."""

    jobs: Sequence[Job]
    has_more: bool


class ListJobs:
    """Jobs newest first, a page at a time."""

    def __init__(self, jobs: JobRepository) -> None:
        self._jobs = jobs

    def __call__(self, limit: int = MOST_JOBS, after: str | None = None, statuses: Collection[JobStatus] = ()) -> JobsPage:
        """At most `limit` (1 … 1,000) jobs that are older than the job `after`. Raises InvalidQuery."""
        if not 1 <= limit <= MOST_JOBS:
            raise InvalidQuery(FieldError("limit", f"limit must be an integer from 1 to {MOST_JOBS}, got {limit}."))
        try:
            found = self._jobs.list(limit + 1, after, statuses)
        except JobNotFound as error:
            raise InvalidQuery(FieldError("after", f"after must be the id of a job. {error}")) from None
        return JobsPage(found[:limit], len(found) > limit)


def _checked_key(key: str) -> str:
    if 1 <= len(key) <= LONGEST_KEY and key.isascii() and key.isprintable():
        return key
    message = f"Idempotency-Key must have 1 to {LONGEST_KEY} printable ASCII characters, got {len(key)}: {key[:40]!r}."
    raise InvalidQuery(FieldError("Idempotency-Key", message))
