"""How good a policy is: native returns of fresh episodes with fixed seeds."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from domain.checkpoint import EvaluationSummary
from domain.policy import Policy
from domain.ports import EnvironmentFactory
from domain.rollout import Interrupted

DEFAULT_TIME_LIMIT = 1_000


@dataclass(frozen=True)
class EvaluationReport:
    """Native return and length of each episode, in the order of the seeds."""

    returns: tuple[float, ...]
    lengths: tuple[int, ...]

    @property
    def mean_reward(self) -> float:
        """Mean native return."""
        return math.fsum(self.returns) / len(self.returns)

    @property
    def std_reward(self) -> float:
        """Population standard deviation of the native returns."""
        return float(np.std(self.returns))

    def summary(self, seed: int) -> EvaluationSummary:
        """The figures without the episodes, of an evaluation with this seed."""
        episodes = len(self.returns)
        return EvaluationSummary(self.mean_reward, self.std_reward, sum(self.lengths) / episodes, episodes, seed)


def evaluate(
    policy: Policy,
    environments: EnvironmentFactory,
    episodes: int = 100,
    seed: int = 0,
    deterministic: bool = True,
    should_stop: Callable[[], bool] = lambda: False,
) -> EvaluationReport:
    """Play `episodes` episodes from the seeds seed·1,000,003 + 0, 1, 2, …; the same arguments give the same report.

    Raises Interrupted when `should_stop()`, UnknownEnvironment, UnsupportedEnvironment, EnvironmentFailed.
    """
    environment = policy.environment
    limit = environment.max_episode_steps or DEFAULT_TIME_LIMIT
    vector = environments.make(environment.env_name, episodes, limit)
    rng = np.random.default_rng(seed)
    returns, lengths = np.zeros(episodes), np.zeros(episodes, dtype=np.int64)
    active = np.ones(episodes, dtype=np.bool_)
    try:
        observations = vector.reset([seed * 1_000_003 + episode for episode in range(episodes)])
        while active.any():
            if should_stop():
                raise Interrupted
            actions = policy.predict_features(observations, deterministic, rng).actions
            observations, rewards, terminated, truncated = vector.step(actions, active)
            returns += rewards
            lengths += active
            active = active & ~(terminated | truncated)
    finally:
        vector.close()
    return EvaluationReport(tuple(returns.tolist()), tuple(lengths.tolist()))
