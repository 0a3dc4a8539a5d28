"""The body of one training job, wherever it runs: trains, reports, obeys a stop, and turns every error into a report."""

import logging
import time
from collections.abc import Callable

from application import log_context
from domain.errors import GrpoError
from domain.ports import Checkpointed, Ended, Failed, Progressed, Report, TrainingTask
from domain.trainer import Metrics, Trainer

PROGRESS_SECONDS = 0.25
CHECKPOINT_SECONDS = 2.0

logger = logging.getLogger("grpo.worker")


def run_training(task: TrainingTask, report: Callable[[Report], None], stop_requested: Callable[[], bool]) -> None:
    """Train one job to its end. Reports exactly one Ended or Failed, last; raises nothing but what `report` raises.

    The clock decides when to report and never what is computed.
    """
    job_id = task.job.id
    context = log_context.job_id.set(job_id)
    logger.info("training of %s begins, attempt %d", task.job.config.env_name, task.job.attempts)
    try:
        with Trainer(task.environments, task.job.config, task.checkpoint) as trainer:
            ended = _train(trainer, job_id, report, stop_requested)
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


def _train(trainer: Trainer, job_id: str, report: Callable[[Report], None], stop_requested: Callable[[], bool]) -> Ended:
    metrics: Metrics = {}
    begun_at, begun_with = time.monotonic(), trainer.timesteps
    last_progress = last_checkpoint = begun_at

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
        if now - last_checkpoint >= CHECKPOINT_SECONDS:
            last_checkpoint = now
            report(Checkpointed(job_id, trainer.checkpoint(), metrics))
    return Ended(job_id, trainer.checkpoint(), metrics, stopped=not trainer.done)
