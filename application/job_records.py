"""What is written down of a job: its states with their events, its checkpoints, and the model that it leaves."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from application.counters import QueueCounters
from application.job_curve import JobCurve
from domain.checkpoint import Checkpoint, EvaluationSummary, Model
from domain.errors import CorruptData, TooManyAttempts
from domain.job import EventKind, Job, JobEvent, JobStatus
from domain.ports import Clock, JobRepository, ModelRepository
from domain.reports import Checkpointed, Ended, Evaluated, Logged, Progressed

LONGEST_MESSAGE = 2_000

logger = logging.getLogger("grpo.queue")


class JobRecords:
    """Each method takes a job in its newest state and keeps what became of it, within `change`. Any raises StorageFailure.

    Not thread-safe.
    """

    def __init__(
        self,
        jobs: JobRepository,
        models: ModelRepository,
        clock: Clock,
        on_model_saved: Callable[[str], None],
        on_news: Callable[[str], None],
    ) -> None:
        """`on_news` is told the id of a job of which something new was kept."""
        self._jobs, self._models, self._clock = jobs, models, clock
        self._on_model_saved, self._on_news = on_model_saved, on_news
        self.counters = QueueCounters()
        self._curves: dict[str, JobCurve] = {}
        self._taken: list[tuple[JobCurve, Sequence[JobEvent]]] = []
        self._afterwards: list[Callable[[], object]] = []

    @contextmanager
    def change(self, *, queue: bool = False) -> Iterator[None]:
        """Keep other servers away from what is read and written in the block; `queue`: as JobRepository.alone has it.

        What was done is told only when it is kept: before, nobody could read it. Not nested.
        """
        self._taken, self._afterwards = [], []
        try:
            with self._jobs.alone(queue=queue):
                yield
        except BaseException:
            for curve, events in self._taken:
                curve.put_back(events)
            raise
        for act in self._afterwards:
            act()

    def queued(self, job: Job, reason: str) -> None:
        """The job waits again."""
        self._save(job.to(JobStatus.QUEUED, self._clock.now()), reason)

    def resumed(self, job: Job) -> None:
        """The job, which waits already, was ended before."""
        self._save(job, "resumed on request")

    def running(self, job: Job, reason: str) -> Job:
        """A worker begins."""
        job = job.to(JobStatus.RUNNING, self._clock.now())
        self._curves[job.id] = JobCurve(self._jobs, job.id)
        self._save(job, reason)
        return job

    def stopping(self, job: Job) -> None:
        """Its worker is asked to end."""
        self._save(job.to(JobStatus.STOPPING, self._clock.now()), "stopped on request")

    def failed(self, job: Job, code: str, message: str) -> None:
        """It cannot go on. What an environment says may be of any length, and half a surrogate pair among it."""
        message = message[:LONGEST_MESSAGE].encode(errors="backslashreplace").decode()
        self._save(job.to(JobStatus.FAILED, self._clock.now(), (code, message)), message)

    def given_up(self, job: Job, reason: str) -> None:
        """It was begun often enough."""
        error = TooManyAttempts(job.attempts, reason)
        self.failed(job, error.code, str(error))

    def progressed(self, job: Job, report: Progressed) -> None:
        """Newer figures, which may be lost."""
        for point in report.points:
            self._note(job, "metrics", {"timesteps": point.timesteps, "metrics": point.metrics}, point.time)
        self._keep_notes(job.progressed(report.timesteps, report.metrics))
        self._count_timesteps(job.current_timesteps, report.timesteps)

    def noted(self, job: Job, report: Evaluated | Logged) -> None:
        """What an evaluation found, or a sentence for whoever watches."""
        if isinstance(report, Evaluated):
            self._note(job, "eval", {"timesteps": report.timesteps, "best": report.best} | asdict(report.evaluation))
        else:
            self._note(job, "log", {"level": report.level, "message": report.message})
        self._keep_notes(job)

    def checkpointed(self, job: Job, report: Checkpointed | Ended) -> Job:
        """The job, its checkpoint and the event, all or nothing; the attempts begin to count anew."""
        before, timesteps, begun = job.current_timesteps, report.checkpoint.timesteps, time.perf_counter()
        job = replace(job.progressed(timesteps, report.metrics), attempts=0)
        event = JobEvent(job_id=job.id, time=self._clock.now(), kind="checkpoint", data={"timesteps": timesteps})
        self._jobs.save_checkpoint(job, report.checkpoint, *self._notes(job), event)
        self._count_timesteps(before, timesteps)
        self._afterwards.append(lambda: self.counters.add_checkpoint(time.perf_counter() - begun))
        return job

    def stopped_at_last_checkpoint(self, job: Job) -> None:
        """It ends without its worker; what its last checkpoint holds is what was learned."""
        try:
            checkpoint = self._jobs.load_checkpoint(job.id)
        except CorruptData as error:
            self.failed(job, error.code, str(error))
        else:
            self.ended(job, JobStatus.STOPPED, checkpoint, job.metrics)

    def ended(
        self,
        job: Job,
        status: JobStatus,
        checkpoint: Checkpoint | None,
        metrics: dict[str, float],
        evaluation: EvaluationSummary | None = None,
    ) -> None:
        """Keep what was learned as the model and end the job; one that had learned nothing yet leaves no model.

        Should the process end in between, the job ends once more, and the same model is not kept twice.
        """
        now, before, data = self._clock.now(), job.current_timesteps, {}
        if checkpoint is not None:
            job = job.progressed(checkpoint.timesteps, metrics)
        if checkpoint is not None and checkpoint.timesteps:
            name = job.config.model_name
            data = {"model_name": name, "model_version": self._save_models(job, checkpoint, evaluation, now)}
            self._afterwards.append(lambda: self._on_model_saved(name))
        self._save(job.to(status, now), "its training is over", data, drop_checkpoint=status is JobStatus.COMPLETED)
        self._count_timesteps(before, job.current_timesteps)

    def _save_models(self, job: Job, last: Checkpoint, evaluation: EvaluationSummary | None, now: datetime) -> int:
        """Keep the last policy, and behind it, as the newest version, the best one where that is another; its number."""
        name, best = job.config.model_name, last.best
        version = self._models.save(Model(name, last.policy, last.config, job.id, now, last.timesteps, evaluation))
        if best is None or best.timesteps == last.timesteps:
            return version
        # A job that was stopped and resumed has kept the best one before, which is not the newest version any more.
        model = Model(name, best.policy, last.config, job.id, now, best.timesteps, best.evaluation)
        return self._models.save(model, behind=version)

    def _note(self, job: Job, kind: EventKind, data: dict[str, Any], time: datetime | None = None) -> None:
        """Take up an event, of now or of that time, which is kept with the next change of the job."""
        self._curves[job.id].add(JobEvent(job_id=job.id, time=time or self._clock.now(), kind=kind, data=data))

    def _notes(self, job: Job) -> Sequence[JobEvent]:
        """What was noted of the job, to be kept now; where that fails it waits for the next time."""
        self._afterwards.append(lambda: self._on_news(job.id))
        curve = self._curves.get(job.id)
        if curve is None:
            return ()
        notes = curve.take()
        self._taken.append((curve, notes))
        return notes

    def _keep_notes(self, job: Job) -> None:
        """Keep the job as it is now, and what was noted of it."""
        self._jobs.save_progress(job, *self._notes(job))

    def _save(self, job: Job, reason: str, data: dict[str, Any] | None = None, *, drop_checkpoint: bool = False) -> None:
        """Keep the job in its new state, and the event that tells of it."""
        data = {"status": job.status.value, "timesteps": job.current_timesteps, "reason": reason} | (data or {})
        event = JobEvent(job_id=job.id, time=self._clock.now(), kind="status", data=data)
        self._jobs.save(job, *self._notes(job), event, drop_checkpoint=drop_checkpoint)
        if not job.status.has_worker:
            self._afterwards.append(lambda: self._curves.pop(job.id, None))
        logger.info("job %s is %s: %s", job.id, job.status, reason, extra={"job_id": job.id})

    def _count_timesteps(self, before: int, now: int) -> None:
        self._afterwards.append(lambda: self.counters.add_timesteps(before, now))
