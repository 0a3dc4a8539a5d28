"""The body of one training job, wherever it runs: trains, reports, obeys a stop, and turns every error into a report."""

import logging
import math
import time
from collections.abc import Callable

from application import log_context
from domain.checkpoint import EvaluationSummary
from domain.errors import GrpoError, UnusableCheckpoint
from domain.evaluation import evaluate
from domain.ports import Checkpointed, Ended, Failed, Progressed, Report, TrainingTask
from domain.rollout import Interrupted
from domain.trainer import Metrics, Trainer

PROGRESS_SECONDS = 0.25
COST_FACTOR = 50  # a large network's checkpoint takes long: 2 % of the time is the most that it may take
EVALUATION_EPISODES = 10
EVALUATION_SEED = 0
FEWEST_EVALUATION_STEPS = 10_000

logger = logging.getLogger("grpo.worker")


def run_training(task: TrainingTask, report: Callable[[Report], None], stop_requested: Callable[[], bool]) -> None:
    """Train one job to its end. Reports exactly one Ended or Failed, last; raises nothing but what `report` raises.

    The clock decides when to report and never what is computed.
    """
    job_id = task.job.id
    context = log_context.job_id.set(job_id)
    logger.info("training of %s begins, attempt %d", task.job.config.env_name, task.job.attempts)
    try:
        with _trainer(task) as trainer:
            ended = _train(trainer, task, report, stop_requested)
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


def _trainer(task: TrainingTask) -> Trainer:
    """Where the checkpoint is of no use the run begins anew: it ends with the bits of an undisturbed one all the same."""
    try:
        return Trainer(task.environments, task.job.config, task.checkpoint)
    except UnusableCheckpoint as error:
        logger.warning("job %s begins again from its start: %s", task.job.id, error)
        return Trainer(task.environments, task.job.config)


def _train(trainer: Trainer, task: TrainingTask, report: Callable[[Report], None], stop_requested: Callable[[], bool]) -> Ended:
    job_id = task.job.id
    metrics: Metrics = {}
    begun_at, begun_with = time.monotonic(), trainer.timesteps
    last_progress = last_checkpoint = begun_at
    interval = task.checkpoint_seconds

    def should_stop() -> bool:
        """Asked at every step of the environment: also the place to report from within a long rollout."""
        nonlocal last_progress
        now = time.monotonic()
        if now - last_progress >= PROGRESS_SECONDS:
            last_progress = now
            report(Progressed(job_id, trainer.simulated_timesteps, metrics))
        return stop_requested()

    for latest in trainer.run(should_stop):
        now = time.monotonic()
        metrics = latest | {"time/fps": (trainer.timesteps - begun_with) / max(now - begun_at, 1e-9)}
        if now - last_checkpoint >= interval:
            report(Checkpointed(job_id, trainer.checkpoint(), metrics))
            last_checkpoint = time.monotonic()
            interval = max(task.checkpoint_seconds, COST_FACTOR * (last_checkpoint - now))
    evaluation = _evaluate(trainer, task, should_stop) if trainer.done else None
    return Ended(job_id, trainer.checkpoint(), metrics, stopped=not trainer.done, evaluation=evaluation)


def _evaluate(trainer: Trainer, task: TrainingTask, should_stop: Callable[[], bool]) -> EvaluationSummary | None:
    """What the finished policy reaches; None where that could take more steps than training did, or was interrupted."""
    longest = trainer.environment.max_episode_steps or task.job.config.max_episode_steps
    if EVALUATION_EPISODES * longest > max(task.job.config.total_timesteps, FEWEST_EVALUATION_STEPS):
        return None
    try:
        report = evaluate(trainer.policy, task.environments, EVALUATION_EPISODES, EVALUATION_SEED, should_stop=should_stop)
    except Interrupted:
        return None
    except GrpoError as error:
        logger.warning("the model is kept without an evaluation: %s", error)
        return None
    summary = report.summary(EVALUATION_SEED)
    return summary if math.isfinite(summary.mean_reward) and math.isfinite(summary.std_reward) else None
