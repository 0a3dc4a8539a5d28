"""The queue of training jobs: their order, their capacity, what becomes of reports, and of jobs that were cut off."""

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from application.job_records import JobRecords
from domain.access_errors import TooManyJobs
from domain.errors import (
    CorruptData,
    IdempotencyKeyReused,
    QueueFull,
    ShuttingDown,
    StorageFailure,
)
from domain.job import UNFINISHED, Job, JobStatus
from domain.ports import Clock, EnvironmentFactory, JobExecutor, JobRepository, ModelRepository, TrainingTask
from domain.reports import Checkpointed, Ended, Evaluated, Failed, Logged, Progressed, Report

_WITH_A_WORKER = (JobStatus.RUNNING, JobStatus.STOPPING)

logger = logging.getLogger("grpo.queue")


class JobQueue:
    """Gives queued jobs to the executor in order of arrival and writes down what it reports. Thread-safe.

    It alone changes jobs, under one lock, so each change is made to the newest state. A job that a worker has is held by a
    lease that every report renews. One whose worker is lost waits again and goes on from its last checkpoint, until
    `max_attempts` attempts in a row have brought no new one. `tend` must be called now and then.
    """

    def __init__(
        self,
        *,
        jobs: JobRepository,
        models: ModelRepository,
        executor: JobExecutor,
        environments: EnvironmentFactory,
        clock: Clock,
        max_queued_jobs: int,
        on_model_saved: Callable[[str], None],
        on_news: Callable[[str], None] = lambda _: None,
        max_attempts: int = 3,
        lease_seconds: float = 60.0,
        checkpoint_seconds: float = 2.0,
    ) -> None:
        self._jobs, self._executor = jobs, executor
        self._environments, self._clock = environments, clock
        self._max_queued_jobs, self._max_attempts = max_queued_jobs, max_attempts
        self._lease, self._checkpoint_seconds = timedelta(seconds=lease_seconds), checkpoint_seconds
        self._records = JobRecords(jobs, models, clock, on_model_saved, on_news)
        self.counters = self._records.counters
        self._changed = threading.Condition(threading.RLock())
        self._heard: dict[str, float] = {}
        """The jobs that the executor has, and when each gave its last sign of life, by a clock that never jumps."""
        self._unwritten: list[Ended | Failed] = []
        self._dispatching = self._draining = False

    @property
    def accepting(self) -> bool:
        """New work is taken in."""
        return not self._draining

    def submit(self, job: Job, most_of_owner: int | None = None) -> Job:
        """Take in a job and begin it as soon as a worker is free; a request that is repeated gets the job that it made.

        `most_of_owner`: how many unfinished jobs its owner may have.
        Raises ShuttingDown, IdempotencyKeyReused, QueueFull, TooManyJobs, JobAlreadyExists, StorageFailure.
        """
        with self._changed:
            if job.idempotency_key is not None:
                earlier = self.find_repeated(job.owner, job.idempotency_key, job.request_sha256)
                if earlier is not None:
                    return earlier
            self._check_room(job.owner, most_of_owner)
            self._jobs.add(job)
            logger.info("job %s for %s was taken in", job.id, job.config.env_name, extra={"job_id": job.id})
            self._dispatch()
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
        with self._changed:
            job = self._jobs.get(job_id).resumed(total_timesteps)
            self._check_room(job.owner, most_of_owner)
            self._records.resumed(job)
            self._dispatch()
            return job

    def stop(self, job_id: str) -> Job:
        """Ask a job to end; a queued one ends at once. Raises JobNotFound, JobAlreadyEnded, StorageFailure."""
        with self._changed:
            job = self._jobs.get(job_id)
            if job.status is JobStatus.STOPPING:
                return job
            if job.status is JobStatus.QUEUED:
                self._records.stopped_at_last_checkpoint(job)
            else:
                self._records.stopping(job)
                self._executor.stop(job_id)
            return self._jobs.get(job_id)

    def wait(self, job_id: str, timeout_seconds: float) -> Job:
        """The job once it has ended, or as it is when the time is up. Raises JobNotFound."""
        with self._changed:
            self._changed.wait_for(lambda: self._jobs.get(job_id).status.ended, timeout_seconds)
            return self._jobs.get(job_id)

    def recover(self) -> None:
        """Take up what an earlier process left: cut-off jobs go on from their last checkpoint, stopping ones end."""
        with self._changed:
            for job in self._jobs.with_status(*_WITH_A_WORKER):
                # That its server ended is no fault of the job: workers are processes of their own.
                self._take_back(_unattempted(job), "the server ended while it was running")
            self._dispatch()

    def tend(self) -> None:
        """What time alone makes necessary: reports are written that could not be, leases run out, waiting jobs begin."""
        with self._changed:
            unwritten, self._unwritten = self._unwritten, []
            for report in unwritten:
                self._on_report(report)
            try:
                self._end_leases()
            except StorageFailure as error:
                logger.warning("leases are looked at later: %s", error)
            self._dispatch()

    def drain(self, timeout_seconds: float) -> None:
        """Take nothing new, and let every running job wait again at a checkpoint of this moment, for the next start."""
        with self._changed:
            self._draining = True
            for job_id in [*self._heard]:
                self._executor.stop(job_id)
            self._changed.wait_for(lambda: not self._heard, timeout_seconds)

    def _check_room(self, owner: str, most_of_owner: int | None) -> None:
        if self._draining:
            raise ShuttingDown
        if most_of_owner is not None and self._jobs.count(*UNFINISHED, owner=owner) >= most_of_owner:
            raise TooManyJobs(owner, most_of_owner)
        busy = len(self._heard) >= self._executor.capacity
        if busy and self._jobs.count(JobStatus.QUEUED) >= self._max_queued_jobs:
            raise QueueFull(self._max_queued_jobs)

    def _dispatch(self) -> None:
        """Begin queued jobs while there are free workers. An inline executor reports from within: the loop goes on here."""
        if self._dispatching:
            return
        self._dispatching = True
        try:
            while not self._draining and len(self._heard) < self._executor.capacity:
                job = self._jobs.first_queued()
                if job is None or not self._begin(job):
                    return
        except StorageFailure as error:
            logger.warning("waiting jobs begin later: %s", error)
        finally:
            self._dispatching = False

    def _begin(self, job: Job) -> bool:
        """Give a job to a worker; whether there was one."""
        reason = "begun"
        try:
            checkpoint = self._jobs.load_checkpoint(job.id)
        except CorruptData as error:
            # The run is repeated to the same bits; only the time is lost.
            checkpoint, reason = None, f"begun again from the start: {error}"
        if checkpoint is not None:
            reason = f"goes on from step {checkpoint.timesteps}"
        job = job.progressed(checkpoint.timesteps if checkpoint else 0, job.metrics)
        job = self._records.running(self._leased(job), reason)
        self._heard[job.id] = self._clock.monotonic()
        try:
            self._executor.start(TrainingTask(job, self._environments, checkpoint, self._checkpoint_seconds), self._on_report)
        except (OSError, RuntimeError) as error:
            # No fault of the job, and the next one would fare no better.
            del self._heard[job.id]
            self._records.queued(_unattempted(job), f"no worker could be started: {error}")
            return False
        return True

    def _on_report(self, report: Report) -> None:
        """Write a report down. A final one that cannot be written is kept and tried again; others are followed by more."""
        with self._changed:
            self._heard[report.job_id] = self._clock.monotonic()
            try:
                self._write_down(report)
            except CorruptData:
                logger.exception("job %s: its report is dropped", report.job_id, extra={"job_id": report.job_id})
            except StorageFailure as error:
                if isinstance(report, Ended | Failed):
                    self._unwritten.append(report)
                # Figures and sentences wait for the next report, which comes at once.
                level = logging.WARNING if isinstance(report, Checkpointed | Ended | Failed) else logging.DEBUG
                logger.log(level, "job %s: not written down yet: %s", report.job_id, error, extra={"job_id": report.job_id})
                return
            except Exception as error:
                logger.exception("job %s: its report cannot be written down", report.job_id, extra={"job_id": report.job_id})
                if isinstance(report, Ended):
                    message = f"What was learned cannot be kept: {type(error).__name__}: {error}"
                    self._on_report(Failed(report.job_id, "internal-error", message))
                    return
            if isinstance(report, Ended | Failed):
                self._heard.pop(report.job_id, None)
                self._dispatch()
                self._changed.notify_all()

    def _write_down(self, report: Report) -> None:
        job = self._jobs.get(report.job_id)
        match report:
            case Progressed():
                self._records.progressed(self._leased(job), report)
            case Evaluated() | Logged():
                self._records.noted(self._leased(job), report)
            case Checkpointed():
                self._records.checkpointed(self._leased(job), report)
            case Ended(stopped=False):
                self._records.ended(job, JobStatus.COMPLETED, report.checkpoint, report.metrics, report.evaluation)
            case Ended():
                job = self._records.checkpointed(job, report)
                if job.status is JobStatus.STOPPING:
                    self._records.ended(job, JobStatus.STOPPED, report.checkpoint, report.metrics)
                else:
                    self._records.queued(job, "the server was shut down")
            case Failed() if job.status is JobStatus.STOPPING:
                # The worker did not live to obey.
                self._records.stopped_at_last_checkpoint(job)
            case Failed(lost=True):
                self._take_back(job, report.message)
            case Failed():
                self._records.failed(job, report.code, report.message)

    def _end_leases(self) -> None:
        """Take jobs back whose worker gives no sign of life, or that no worker has."""
        unwritten = {report.job_id for report in self._unwritten}
        for job in self._jobs.with_status(*_WITH_A_WORKER):
            if job.id in unwritten:
                continue
            if job.id in self._heard:
                if self._clock.monotonic() - self._heard[job.id] >= self._lease.total_seconds():
                    message = "job %s gave no sign of life for %g s"
                    logger.warning(message, job.id, self._lease.total_seconds(), extra={"job_id": job.id})
                    self._executor.kill(job.id)
            elif job.lease_until is None or job.lease_until <= self._clock.now():
                self._take_back(job, "no worker had it any more")

    def _take_back(self, job: Job, reason: str) -> None:
        """The worker of a job is lost: it waits again; or ends, where it was stopping or has been tried often enough."""
        if job.status is JobStatus.STOPPING:
            self._records.stopped_at_last_checkpoint(job)
        elif self._draining:
            # That the worker did not end in time is no fault of the job.
            self._records.queued(_unattempted(job), "the server was shut down")
        elif job.attempts >= self._max_attempts:
            self._records.given_up(job, reason)
        else:
            self._records.queued(job, reason)

    def _leased(self, job: Job) -> Job:
        return replace(job, lease_until=self._clock.now() + self._lease)


def _unattempted(job: Job) -> Job:
    """The job as if its present attempt had not been made."""
    return replace(job, attempts=max(0, job.attempts - 1))
