"""Evaluation of a policy while it is trained and when it is done, and which one was the best."""

import logging
import math
from collections.abc import Callable

from domain.checkpoint import Best, EvaluationSummary
from domain.config import TrainingConfig
from domain.errors import GrpoError
from domain.evaluation import evaluate
from domain.ports import EnvironmentFactory
from domain.rollout import Interrupted
from domain.trainer import Trainer

SEED = 0  # the same episodes every time, so that two evaluations differ by the policy alone
FEWEST_STEPS = 10_000

logger = logging.getLogger("grpo.worker")


class Evaluations:
    """Those of one run. Environments and random numbers are its own: training goes on to the same bits with and without it."""

    def __init__(self, config: TrainingConfig, environments: EnvironmentFactory, best: Best | None, timesteps: int) -> None:
        """`best`, `timesteps`: the best so far, and how far training was at the last evaluation."""
        self._config, self._environments = config, environments
        self.best, self.timesteps = best, timesteps
        self._last: EvaluationSummary | None = None

    def is_due(self, timesteps: int) -> bool:
        """Whether a multiple of `eval_freq` was reached since the last one; asked after every update, and after a restart."""
        every = self._config.eval_freq
        return every > 0 and timesteps // every > self.timesteps // every

    def final(self, trainer: Trainer, should_stop: Callable[[], bool]) -> EvaluationSummary | None:
        """Of the finished policy; None where nobody asked and it could take more steps than training did."""
        if self._last is not None and self.timesteps == trainer.timesteps:
            return self._last
        longest = trainer.environment.max_episode_steps or self._config.max_episode_steps
        affordable = max(self._config.total_timesteps, FEWEST_STEPS)
        if not self._config.eval_freq and self._config.n_eval_episodes * longest > affordable:
            return None
        return self(trainer, should_stop)

    def __call__(self, trainer: Trainer, should_stop: Callable[[], bool]) -> EvaluationSummary | None:
        """Of the policy as it is now; None when interrupted, or where the environment fails."""
        policy, episodes = trainer.policy, self._config.n_eval_episodes
        try:
            report = evaluate(policy, self._environments, episodes, SEED, should_stop=should_stop)
        except Interrupted:
            return None
        except GrpoError as error:
            logger.warning("the policy after %d steps is not evaluated: %s", trainer.timesteps, error)
            self.timesteps = trainer.timesteps
            return None
        self.timesteps, summary = trainer.timesteps, report.summary(SEED)
        if not (math.isfinite(summary.mean_reward) and math.isfinite(summary.std_reward)):
            return None
        self._last = summary
        if self.best is None or summary.mean_reward >= self.best.evaluation.mean_reward:
            self.best = Best(policy, trainer.timesteps, summary)
        return summary
