"""The queue of training jobs: their order, their capacity, what becomes of reports, and recovery after a restart."""

import threading
import time
from collections.abc import Callable

from application.counters import QueueCounters
from domain.checkpoint import Checkpoint, Model
from domain.errors import CorruptData, QueueFull, StorageFailure
from domain.job import Job, JobStatus
from domain.ports import (
    Checkpointed,
    Clock,
    Ended,
    EnvironmentFactory,
    Failed,
    JobExecutor,
    JobRepository,
    ModelRepository,
    Progressed,
    Report,
    TrainingTask,
)

MAX_ATTEMPTS = 3
_OCCUPYING = (JobStatus.RUNNING, JobStatus.STOPPING)


class JobQueue:
    """Gives queued jobs to the executor in order of arrival and writes down what it reports. Thread-safe.

    It alone changes jobs, under one lock, so each change is made to the newest state.
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
    ) -> None:
        self._jobs, self._models, self._executor = jobs, models, executor
        self._environments, self._clock = environments, clock
        self._max_queued_jobs = max_queued_jobs
        self._on_model_saved = on_model_saved
        self._changed = threading.Condition(threading.RLock())
        self._dispatching = False
        self.counters = QueueCounters()

    def submit(self, job: Job) -> None:
        """Take in a job and begin it as soon as a worker is free. Raises QueueFull, JobAlreadyExists, StorageFailure."""
        with self._changed:
            busy = self._jobs.count(*_OCCUPYING) >= self._executor.capacity
            if busy and self._jobs.count(JobStatus.QUEUED) >= self._max_queued_jobs:
                raise QueueFull(self._max_queued_jobs)
            self._jobs.add(job)
            self._dispatch()

    def stop(self, job_id: str) -> Job:
        """Ask a job to end; a queued one ends at once. Raises JobNotFound, JobAlreadyEnded, StorageFailure."""
        with self._changed:
            job = self._jobs.get(job_id)
            if job.status is JobStatus.STOPPING:
                return job
            waiting = job.status is JobStatus.QUEUED
            job = job.to(JobStatus.STOPPED if waiting else JobStatus.STOPPING, self._clock.now())
            self._jobs.save(job)
            if not waiting:
                self._executor.stop(job_id)
            return job

    def wait(self, job_id: str, timeout_seconds: float) -> Job:
        """The job once it has ended, or as it is when the time is up. Raises JobNotFound."""
        with self._changed:
            self._changed.wait_for(lambda: self._jobs.get(job_id).status.ended, timeout_seconds)
            return self._jobs.get(job_id)

    def recover(self) -> None:
        """Take up what an earlier process left: cut-off jobs go on from their last checkpoint, stopping ones end.

        A job that was begun `MAX_ATTEMPTS` times without an end fails, since it may be what ended the process.
        """
        with self._changed:
            for job in self._jobs.with_status(*_OCCUPYING):
                if job.status is JobStatus.STOPPING:
                    self._stop_at_last_checkpoint(job)
                elif job.attempts >= MAX_ATTEMPTS:
                    message = f"The server ended {job.attempts} times while this job was running; it is not tried again."
                    self._fail(job, "too-many-attempts", message)
                else:
                    self._jobs.save(job.to(JobStatus.QUEUED, self._clock.now()))
            self._dispatch()

    def _dispatch(self) -> None:
        """Begin queued jobs while there are free workers. An inline executor reports from within: the loop goes on here."""
        if self._dispatching:
            return
        self._dispatching = True
        try:
            while self._jobs.count(*_OCCUPYING) < self._executor.capacity:
                waiting = self._jobs.with_status(JobStatus.QUEUED)
                if not waiting:
                    return
                self._begin(waiting[0])
        finally:
            self._dispatching = False

    def _begin(self, job: Job) -> None:
        try:
            checkpoint = self._jobs.load_checkpoint(job.id)
        except CorruptData as error:
            self._fail(job, error.code, str(error))
            return
        job = job.to(JobStatus.RUNNING, self._clock.now())
        self._jobs.save(job)
        self._executor.start(TrainingTask(job, self._environments, checkpoint), self._on_report)

    def _on_report(self, report: Report) -> None:
        with self._changed:
            job = self._jobs.get(report.job_id)
            match report:
                case Progressed():
                    self.counters.add_timesteps(job.current_timesteps, report.timesteps)
                    self._jobs.save(job.progressed(report.timesteps, report.metrics))
                    return
                case Checkpointed():
                    self.counters.add_timesteps(job.current_timesteps, report.checkpoint.timesteps)
                    progressed = job.progressed(report.checkpoint.timesteps, report.metrics)
                    begun = time.perf_counter()
                    self._jobs.save_checkpoint(progressed, report.checkpoint)
                    self.counters.add_checkpoint(time.perf_counter() - begun)
                    return
                case Ended():
                    self.counters.add_timesteps(job.current_timesteps, report.checkpoint.timesteps)
                    self._end(job.progressed(report.checkpoint.timesteps, report.metrics), report)
                case Failed() if job.status is JobStatus.STOPPING:
                    # The worker did not live to obey; what its last checkpoint holds is what was learned.
                    self._stop_at_last_checkpoint(job)
                case Failed():
                    self._fail(job, report.code, report.message)
            self._dispatch()
            self._changed.notify_all()

    def _end(self, job: Job, report: Ended) -> None:
        if report.stopped:
            self._jobs.save_checkpoint(job, report.checkpoint)
            self._keep(job, report.checkpoint, JobStatus.STOPPED)
        else:
            self._keep(job, report.checkpoint, JobStatus.COMPLETED)
            self._jobs.delete_checkpoint(job.id)

    def _stop_at_last_checkpoint(self, job: Job) -> None:
        try:
            checkpoint = self._jobs.load_checkpoint(job.id)
        except CorruptData as error:
            self._fail(job, error.code, str(error))
        else:
            self._keep(job, checkpoint, JobStatus.STOPPED)

    def _keep(self, job: Job, checkpoint: Checkpoint | None, status: JobStatus) -> None:
        """Keep what was learned as the model and end the job; one that had learned nothing yet leaves no model."""
        if checkpoint is not None and checkpoint.timesteps:
            name, now = job.config.model_name, self._clock.now()
            try:
                self._models.save(Model(name, checkpoint.policy, checkpoint.config, job.id, now, checkpoint.timesteps))
            except StorageFailure as error:
                self._fail(job, error.code, str(error))
                return
            self._on_model_saved(name)
        self._jobs.save(job.to(status, self._clock.now()))

    def _fail(self, job: Job, code: str, message: str) -> None:
        self._jobs.save(job.to(JobStatus.FAILED, self._clock.now(), (code, message)))
