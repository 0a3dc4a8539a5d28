"""The side of the clients: jobs are taken in, resumed, stopped and waited for."""

import logging
import time

from application.job_runner import JobRunner
from domain.access_errors import TooManyJobs
from domain.errors import IdempotencyKeyReused, QueueFull, ShuttingDown
from domain.job import UNFINISHED, Job, JobStatus
from domain.ports import JobRepository

LOOK_SECONDS = 0.1  # between two looks at a job that another server may have

logger = logging.getLogger("grpo.queue")


class JobQueue:
    """Jobs in order of arrival, as many as there is room for, on all servers of the storage together. Thread-safe."""

    def __init__(self, jobs: JobRepository, runner: JobRunner, max_queued_jobs: int) -> None:
        self._jobs, self._runner, self._max_queued_jobs = jobs, runner, max_queued_jobs

    @property
    def accepting(self) -> bool:
        """New work is taken in."""
        return not self._runner.draining

    def submit(self, job: Job, most_of_owner: int | None = None) -> Job:
        """Take in a job and begin it as soon as a worker is free; a request that is repeated gets the job that it made.

        `most_of_owner`: how many unfinished jobs its owner may have.
        Raises ShuttingDown, IdempotencyKeyReused, QueueFull, TooManyJobs, JobAlreadyExists, StorageFailure.
        """
        with self._runner.changed:
            with self._runner.records.change(queue=True):
                if job.idempotency_key is not None:
                    earlier = self.find_repeated(job.owner, job.idempotency_key, job.request_sha256)
                    if earlier is not None:
                        return earlier
                self._check_room(job.owner, most_of_owner)
                self._jobs.add(job)
            logger.info("job %s for %s was taken in", job.id, job.config.env_name, extra={"job_id": job.id})
            self._runner.dispatch()
            return job

    def find_repeated(self, owner: str, idempotency_key: str, request_sha256: str | None) -> Job | None:
        """The job that an earlier request under this key made. Raises IdempotencyKeyReused, StorageFailure."""
        earlier = self._jobs.find(owner, idempotency_key)
        if earlier is not None and earlier.request_sha256 != request_sha256:
            raise IdempotencyKeyReused(idempotency_key, earlier.id)
        return earlier

    def resume(self, job_id: str, total_timesteps: int | None = None, most_of_owner: int | None = None) -> Job:
        """Let a stopped or failed job wait again, in its old place, to go on from its last checkpoint.

        Raises ShuttingDown, JobNotFound, JobNotResumable, InvalidConfiguration, QueueFull, TooManyJobs, StorageFailure.
        """
        with self._runner.changed:
            with self._runner.records.change(queue=True):
                job = self._jobs.get(job_id).resumed(total_timesteps)
                self._check_room(job.owner, most_of_owner)
                self._runner.records.resumed(job)
            self._runner.dispatch()
            return job

    def stop(self, job_id: str) -> Job:
        """Ask a job to end; a queued one ends at once. Raises JobNotFound, JobAlreadyEnded, StorageFailure."""
        with self._runner.changed:
            with self._runner.records.change():
                job = self._jobs.get(job_id)
                if job.status is JobStatus.QUEUED:
                    self._runner.records.stopped_at_last_checkpoint(job)
                elif job.status is not JobStatus.STOPPING:
                    self._runner.records.stopping(job)
            self._runner.obey(job_id)
            return self._jobs.get(job_id)

    def wait(self, job_id: str, timeout_seconds: float) -> Job:
        """The job once it has ended, or as it is when the time is up. Raises JobNotFound."""
        deadline = time.monotonic() + timeout_seconds
        with self._runner.changed:
            while not (job := self._jobs.get(job_id)).status.ended and (left := deadline - time.monotonic()) > 0:
                self._runner.changed.wait(min(left, LOOK_SECONDS))
            return job

    def _check_room(self, owner: str, most_of_owner: int | None) -> None:
        if self._runner.draining:
            raise ShuttingDown
        if most_of_owner is not None and self._jobs.count(*UNFINISHED, owner=owner) >= most_of_owner:
            raise TooManyJobs(owner, most_of_owner)
        if self._runner.busy and self._jobs.count(JobStatus.QUEUED) >= self._max_queued_jobs:
            raise QueueFull(self._max_queued_jobs)
