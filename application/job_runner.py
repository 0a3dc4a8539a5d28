"""The side of the workers: which of them has which job, what becomes of their reports, and of jobs that were cut off."""

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from application.job_records import JobRecords
from domain.errors import CorruptData, JobNotFound, StorageFailure
from domain.job import Job, JobStatus
from domain.ports import Clock, EnvironmentFactory, JobExecutor, JobRepository, ModelRepository, TrainingTask
from domain.reports import Checkpointed, Ended, Evaluated, Failed, Logged, Progressed, Report

logger = logging.getLogger("grpo.queue")


class JobRunner:
    """Gives queued jobs to the executor in order of arrival and writes down what it reports. Thread-safe.

    With the JobQueue it alone changes jobs here, under one lock, so each change is made to the newest state; other servers on
    the same storage are kept away meanwhile (JobRepository.alone). A job that a worker has belongs to the server of that
    worker, by a lease that every report renews. One whose worker or server is lost waits again and goes on from its last
    checkpoint, until `max_attempts` attempts in a row have brought no new one. `tend` must be called every second.
    """

    def __init__(
        self,
        *,
        jobs: JobRepository,
        models: ModelRepository,
        executor: JobExecutor,
        environments: EnvironmentFactory,
        clock: Clock,
        server: str,
        on_model_saved: Callable[[str], None],
        on_news: Callable[[str], None] = lambda _: None,
        max_attempts: int = 3,
        lease_seconds: float = 60.0,
        checkpoint_seconds: float = 2.0,
    ) -> None:
        """`server`: a name that no other process has, and this one had at no earlier time."""
        self._jobs, self._executor, self._server = jobs, executor, server
        self._environments, self._clock = environments, clock
        self._max_attempts, self._checkpoint_seconds = max_attempts, checkpoint_seconds
        self._lease = timedelta(seconds=lease_seconds)
        self.records = JobRecords(jobs, models, clock, on_model_saved, on_news)
        self.changed = threading.Condition(threading.RLock())
        """The lock under which jobs are changed; those who wait are told when one has ended, or somebody else changed it."""
        self._heard: dict[str, float] = {}
        """The jobs that the executor has, and when each gave its last sign of life, by a clock that never jumps."""
        self._unwritten: list[Ended | Failed] = []
        self._dispatching = self._draining = False

    @property
    def draining(self) -> bool:
        """No job is begun any more."""
        return self._draining

    @property
    def busy(self) -> bool:
        """No worker is free."""
        return len(self._heard) >= self._executor.capacity

    def recover(self) -> None:
        """Take up what ended servers left, an earlier process of this one among them. Raises StorageFailure."""
        with self.changed:
            self._take_over()
            self.dispatch()

    def tend(self) -> None:
        """What time alone makes necessary: reports are written that could not be, leases run out, waiting jobs begin."""
        with self.changed:
            unwritten, self._unwritten = self._unwritten, []
            for report in unwritten:
                self._on_report(report)
            self._end_leases()
            try:
                self._take_over()
            except StorageFailure as error:
                logger.warning("jobs without a worker are looked for later: %s", error)
            self.dispatch()

    def noticed(self, job_id: str) -> None:
        """Another server has changed this job, or added it."""
        with self.changed:
            try:
                self.obey(job_id)
            except StorageFailure as error:
                logger.warning("job %s is looked at later: %s", job_id, error, extra={"job_id": job_id})
            self.dispatch()
            self.changed.notify_all()

    def drain(self, timeout_seconds: float) -> None:
        """Take nothing new, and let every running job wait again at a checkpoint of this moment, for the next start."""
        with self.changed:
            self._draining = True
            for job_id in [*self._heard]:
                self._executor.stop(job_id)
            self.changed.wait_for(lambda: not self._heard, timeout_seconds)

    def dispatch(self) -> None:
        """Begin queued jobs while there are free workers. An inline executor reports from within: the loop goes on here."""
        if self._dispatching:
            return
        self._dispatching = True
        try:
            while not self._draining and not self.busy:
                task = self._claimed()
                if task is None or not self._begin(task):
                    return
        except StorageFailure as error:
            logger.warning("waiting jobs begin later: %s", error)
        finally:
            self._dispatching = False

    def _claimed(self) -> TrainingTask | None:
        """The oldest job that waits, from now on this server's; None where there is none."""
        with self.records.change():
            job = self._jobs.first_queued()
            if job is None or job.id in self._heard:  # its former worker here has not ended yet
                return None
            reason = "begun"
            try:
                checkpoint = self._jobs.load_checkpoint(job.id)
            except CorruptData as error:
                # The run is repeated to the same bits; only the time is lost.
                checkpoint, reason = None, f"begun again from the start: {error}"
            if checkpoint is not None:
                reason = f"goes on from step {checkpoint.timesteps}"
            job = job.progressed(checkpoint.timesteps if checkpoint else 0, job.metrics)
            job = self.records.running(self._leased(job), reason)
        return TrainingTask(job, self._environments, checkpoint, self._checkpoint_seconds)

    def _begin(self, task: TrainingTask) -> bool:
        """Give a job to a worker; whether there was one."""
        self._heard[task.job.id] = self._clock.monotonic()
        try:
            self._executor.start(task, self._on_report)
        except (OSError, RuntimeError) as error:
            # No fault of the job, and the next one would fare no better.
            del self._heard[task.job.id]
            with self.records.change():
                self.records.queued(_unattempted(task.job), f"no worker could be started: {error}")
            return False
        return True

    def _on_report(self, report: Report) -> None:
        """Write a report down. A final one that cannot be written is kept and tried again; others are followed by more."""
        with self.changed:
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
                self.dispatch()
                self.changed.notify_all()

    def _write_down(self, report: Report) -> None:
        with self.records.change():
            job = self._jobs.get(report.job_id)
            if job.server == self._server:
                self._write_down_of(job, report)
                return
        # This server gave no sign of life for so long that another one has taken the job over.
        logger.warning("job %s is not this server's any more", job.id, extra={"job_id": job.id})
        self._executor.kill(job.id)

    def _write_down_of(self, job: Job, report: Report) -> None:
        match report:
            case Progressed():
                self.records.progressed(self._leased(job), report)
            case Evaluated() | Logged():
                self.records.noted(self._leased(job), report)
            case Checkpointed():
                self.records.checkpointed(self._leased(job), report)
            case Ended(stopped=False):
                self.records.ended(job, JobStatus.COMPLETED, report.checkpoint, report.metrics, report.evaluation)
            case Ended():
                job = self.records.checkpointed(job, report)
                if job.status is JobStatus.STOPPING:
                    self.records.ended(job, JobStatus.STOPPED, report.checkpoint, report.metrics)
                else:
                    self.records.queued(job, "the server was shut down")
            case Failed() if job.status is JobStatus.STOPPING:
                # The worker did not live to obey.
                self.records.stopped_at_last_checkpoint(job)
            case Failed(lost=True):
                self._take_back(job, report.message)
            case Failed():
                self.records.failed(job, report.code, report.message)

    def _end_leases(self) -> None:
        """End workers that give no sign of life; their jobs come back by the report of it."""
        for job_id in self._heard.keys() - self._ended():
            if self._clock.monotonic() - self._heard[job_id] >= self._lease.total_seconds():
                message = "job %s gave no sign of life for %g s"
                logger.warning(message, job_id, self._lease.total_seconds(), extra={"job_id": job_id})
                self._executor.kill(job_id)

    def _take_over(self) -> None:
        """Take jobs back that no worker has, or whose server has ended; obey what other servers said of the own ones."""
        living = self._jobs.beat(self._server)
        found = self._jobs.with_worker_of_no({*living} - {self._server})
        for job_id in self._heard.keys() - self._ended():
            self.obey(job_id)
        for job in found:
            with self.records.change():
                job = self._jobs.get(job.id)  # noqa: PLW2901 - as it is now, and stays until the end of the block
                if not job.status.has_worker or job.server in {*living} - {self._server}:
                    continue
                if job.server != self._server:
                    # That its server ended is no fault of the job: workers are processes of their own.
                    self._take_back(_unattempted(job), "the server ended while it was running")
                elif job.id not in self._heard and (job.lease_until is None or job.lease_until <= self._clock.now()):
                    self._take_back(job, "no worker had it any more")

    def obey(self, job_id: str) -> None:
        """Tell the worker here, if it is one, what became of its job: somebody stopped it, or it is another server's."""
        if job_id not in self._heard:
            return
        try:
            job = self._jobs.get(job_id)
        except (CorruptData, JobNotFound):
            return
        if job.server != self._server:
            self._executor.kill(job_id)
        elif job.status is JobStatus.STOPPING:
            self._executor.stop(job_id)

    def _ended(self) -> set[str]:
        """The jobs whose worker has ended and whose last report waits to be written."""
        return {report.job_id for report in self._unwritten}

    def _take_back(self, job: Job, reason: str) -> None:
        """The worker of a job is lost: it waits again; or ends, where it was stopping or has been tried often enough."""
        if job.status is JobStatus.STOPPING:
            self.records.stopped_at_last_checkpoint(job)
        elif self._draining:
            # That the worker did not end in time is no fault of the job.
            self.records.queued(_unattempted(job), "the server was shut down")
        elif job.attempts >= self._max_attempts:
            self.records.given_up(job, reason)
        else:
            self.records.queued(job, reason)

    def _leased(self, job: Job) -> Job:
        return replace(job, server=self._server, lease_until=self._clock.now() + self._lease)


def _unattempted(job: Job) -> Job:
    """The job as if its present attempt had not been made."""
    return replace(job, attempts=max(0, job.attempts - 1))
