"""The body of one training job, wherever it runs: trains, reports, obeys a stop, and turns every error into a report."""

import logging
import time
from collections.abc import Callable
from dataclasses import replace

from application import log_context
from application.periodic_evaluation import PeriodicEvaluation
from application.progress import ProgressReports
from domain.checkpoint import Checkpoint, EvaluationSummary
from domain.errors import GrpoError, UnusableCheckpoint, WorkerDied
from domain.ports import TrainingTask
from domain.reports import Checkpointed, Ended, Evaluated, Failed, Report
from domain.samplers import SamplersFactory, SamplersHere
from domain.trainer import Trainer

COST_FACTOR = 50  # a large network's checkpoint takes long: 2 % of the time is the most that it may take

logger = logging.getLogger("grpo.worker")


def run_training(
    task: TrainingTask,
    report: Callable[[Report], None],
    stop_requested: Callable[[], bool],
    make_samplers: SamplersFactory = SamplersHere,
) -> None:
    """Train one job to its end. Reports exactly one Ended or Failed, last; raises nothing but what `report` raises.

    The clock decides when to report and never what is computed.
    """
    job_id = task.job.id
    context = log_context.job_id.set(job_id)
    logger.info("training of %s begins, attempt %d", task.job.config.env_name, task.job.attempts)
    try:
        trainer, checkpoint = _trainer(task, make_samplers)
        with trainer:
            ended = _Run(task, trainer, checkpoint, report).to_its_end(stop_requested)
    except WorkerDied as error:
        logger.warning("a worker that sampled for this one was lost: %s", error)
        report(Failed(job_id, error.code, str(error), lost=True))
    except GrpoError as error:
        logger.warning("training failed: %s", error)
        report(Failed(job_id, error.code, str(error)))
    except MemoryError:
        logger.warning("training failed: out of memory")
        report(Failed(job_id, "out-of-memory", "The worker ran out of memory; fewer n_envs or smaller hidden_sizes need less."))
    except Exception as error:
        logger.exception("job %s failed", job_id)
        report(Failed(job_id, "internal-error", f"Training ended with an unexpected {type(error).__name__}: {error}"))
    else:
        logger.info("training %s after %d steps", "stopped" if ended.stopped else "completed", ended.checkpoint.timesteps)
        report(ended)
    finally:
        log_context.job_id.reset(context)


def _trainer(task: TrainingTask, make_samplers: SamplersFactory) -> tuple[Trainer, Checkpoint | None]:
    """The run, and the checkpoint that it goes on from.

    Where the checkpoint is of no use the run begins anew: it ends with the bits of an undisturbed one all the same.
    """
    try:
        return Trainer(task.environments, task.job.config, task.checkpoint, make_samplers), task.checkpoint
    except UnusableCheckpoint as error:
        logger.warning("job %s begins again from its start: %s", task.job.id, error)
        return Trainer(task.environments, task.job.config, make_samplers=make_samplers), None


class _Run:
    """One attempt at a job: between two updates it reports, evaluates and makes checkpoints."""

    def __init__(
        self, task: TrainingTask, trainer: Trainer, checkpoint: Checkpoint | None, report: Callable[[Report], None]
    ) -> None:
        self._task, self._trainer, self._report = task, trainer, report
        self._progress = ProgressReports(task.job, trainer, report)
        best, evaluated = (checkpoint.best, checkpoint.evaluated_timesteps) if checkpoint else (None, 0)
        self._evaluations = PeriodicEvaluation(task.job.config, task.environments, best, evaluated)
        self._last_checkpoint, self._interval = time.monotonic(), task.checkpoint_seconds

    def to_its_end(self, stop_requested: Callable[[], bool]) -> Ended:
        """Train until the budget is used up or a stop is requested."""
        trainer, evaluations = self._trainer, self._evaluations

        def should_stop() -> bool:
            """Asked at every step of the environment: also the place to report from within a long rollout."""
            self._progress.report_now_and_then()
            return stop_requested()

        def evaluate_if_due() -> None:
            if evaluations.is_due(trainer.timesteps):
                self._tell(evaluations(trainer, should_stop))

        evaluate_if_due()  # a stop may have come in the middle of it
        for metrics in trainer.run(should_stop):
            self._progress.updated(metrics)
            evaluate_if_due()
            self._checkpoint_now_and_then()
        self._progress.finish()
        told = evaluations.timesteps
        evaluation = evaluations.final(trainer, should_stop) if trainer.done else None
        if evaluations.timesteps != told:
            self._tell(evaluation)
        metrics = self._progress.metrics
        return Ended(self._task.job.id, self._checkpoint(), metrics, stopped=not trainer.done, evaluation=evaluation)

    def _tell(self, evaluation: EvaluationSummary | None) -> None:
        """Report an evaluation, behind the updates before it."""
        if evaluation is None:
            return
        self._progress.report()
        timesteps, best = self._trainer.timesteps, self._evaluations.best
        is_best = best is not None and best.timesteps == timesteps
        self._report(Evaluated(self._task.job.id, timesteps, evaluation, is_best))
        found = {"eval/mean_reward": evaluation.mean_reward, "eval/mean_ep_length": evaluation.mean_length}
        self._progress.metrics = self._progress.metrics | found  # the dictionary of before belongs to a report

    def _checkpoint_now_and_then(self) -> None:
        now = time.monotonic()
        if now - self._last_checkpoint < self._interval:
            return
        self._progress.report()
        self._report(Checkpointed(self._task.job.id, self._checkpoint(), self._progress.metrics))
        self._last_checkpoint = time.monotonic()
        self._interval = max(self._task.checkpoint_seconds, COST_FACTOR * (self._last_checkpoint - now))

    def _checkpoint(self) -> Checkpoint:
        evaluations = self._evaluations
        return replace(self._trainer.checkpoint(), best=evaluations.best, evaluated_timesteps=evaluations.timesteps)
