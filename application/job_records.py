"""What is written down of a job: its states with their events, its checkpoints, and the model that it leaves."""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from application.counters import QueueCounters
from domain.checkpoint import Checkpoint, EvaluationSummary, Model
from domain.errors import CorruptData, TooManyAttempts
from domain.job import Job, JobEvent, JobStatus
from domain.ports import Checkpointed, Clock, Ended, JobRepository, ModelRepository

LONGEST_MESSAGE = 2_000

logger = logging.getLogger("grpo.queue")


class JobRecords:
    """Each method takes a job in its newest state and keeps what became of it. Any raises StorageFailure."""

    def __init__(
        self, jobs: JobRepository, models: ModelRepository, clock: Clock, on_model_saved: Callable[[str], None]
    ) -> None:
        self._jobs, self._models, self._clock, self._on_model_saved = jobs, models, clock, on_model_saved
        self.counters = QueueCounters()

    def queued(self, job: Job, reason: str) -> None:
        """The job waits again."""
        self._save(job.to(JobStatus.QUEUED, self._clock.now()), reason)

    def resumed(self, job: Job) -> None:
        """The job, which waits already, was ended before."""
        self._save(job, "resumed on request")

    def running(self, job: Job, reason: str) -> Job:
        """A worker begins."""
        job = replace(job.to(JobStatus.RUNNING, self._clock.now()), lease_until=job.lease_until)
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

    def progressed(self, job: Job, timesteps: int, metrics: dict[str, float]) -> None:
        """Newer figures, which may be lost."""
        self._jobs.save_progress(job.progressed(timesteps, metrics))
        self.counters.add_timesteps(job.current_timesteps, timesteps)

    def checkpointed(self, job: Job, report: Checkpointed | Ended) -> Job:
        """The job, its checkpoint and the event, all or nothing; the attempts begin to count anew."""
        before, timesteps, begun = job.current_timesteps, report.checkpoint.timesteps, time.perf_counter()
        job = replace(job.progressed(timesteps, report.metrics), attempts=0)
        event = JobEvent(
            job_id=job.id,
            time=self._clock.now(),
            kind="checkpoint",
            data={"timesteps": timesteps, "metrics": report.metrics},
        )
        self._jobs.save_checkpoint(job, report.checkpoint, event)
        self.counters.add_timesteps(before, timesteps)
        self.counters.add_checkpoint(time.perf_counter() - begun)
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
            model = Model(name, checkpoint.policy, checkpoint.config, job.id, now, checkpoint.timesteps, evaluation)
            data = {"model_name": name, "model_version": self._models.save(model)}
            self._on_model_saved(name)
        self._save(job.to(status, now), "its training is over", data, drop_checkpoint=status is JobStatus.COMPLETED)
        self.counters.add_timesteps(before, job.current_timesteps)

    def _save(self, job: Job, reason: str, data: dict[str, Any] | None = None, *, drop_checkpoint: bool = False) -> None:
        """Keep the job in its new state, and the event that tells of it."""
        data = {"status": job.status.value, "timesteps": job.current_timesteps, "reason": reason} | (data or {})
        event = JobEvent(job_id=job.id, time=self._clock.now(), kind="status", data=data)
        self._jobs.save(job, event, drop_checkpoint=drop_checkpoint)
        logger.info("job %s is %s: %s", job.id, job.status, reason, extra={"job_id": job.id})
