"""How good a policy is: native returns of fresh episodes with fixed seeds."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from domain.checkpoint import EvaluationSummary
from domain.policy import Policy
from domain.ports import EnvironmentFactory
from domain.return_statistics import Histogram, histogram, mean_interval
from domain.rollout import Interrupted
from domain.spaces import EnvironmentSpec

DEFAULT_TIME_LIMIT = 1_000
MOST_AT_ONCE = 100


def time_limit(environment: EnvironmentSpec) -> int:
    """How many steps an episode is played at most: the environment's own limit where it has one."""
    return environment.max_episode_steps or DEFAULT_TIME_LIMIT


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

    @property
    def mean_length(self) -> float:
        """Mean number of steps."""
        return sum(self.lengths) / len(self.lengths)

    @property
    def ci95(self) -> tuple[float, float]:
        """95 % confidence interval of the mean return; of a single episode, twice its return."""
        return mean_interval(self.returns)

    @property
    def histogram(self) -> Histogram:
        """Of the returns."""
        return histogram(self.returns)

    def summary(self, seed: int) -> EvaluationSummary:
        """The figures without the episodes, of an evaluation with this seed."""
        return EvaluationSummary(self.mean_reward, self.std_reward, self.mean_length, len(self.returns), seed)


def evaluate(
    policy: Policy,
    environments: EnvironmentFactory,
    episodes: int = 100,
    seed: int = 0,
    deterministic: bool = True,
    should_stop: Callable[[], bool] = lambda: False,
) -> EvaluationReport:
    """Play `episodes` episodes from the seeds seed·1,000,003 + 0, 1, 2, …; the same arguments give the same report.

    At most a hundred are played side by side, so that a thousand simulators need not be in memory.
    Raises Interrupted when `should_stop()`, UnknownEnvironment, UnsupportedEnvironment, EnvironmentFailed.
    """
    environment = policy.environment
    members = min(episodes, MOST_AT_ONCE)
    vector = environments.make(environment.env_name, members, time_limit(environment))
    rng = np.random.default_rng(seed)
    returns, lengths = np.zeros(episodes), np.zeros(episodes, dtype=np.int64)
    try:
        for first in range(0, episodes, members):
            count = min(members, episodes - first)
            active = np.arange(members) < count
            seeds = [seed * 1_000_003 + first + member if member < count else None for member in range(members)]
            observations = vector.reset(seeds)
            while active.any():
                if should_stop():
                    raise Interrupted
                actions = policy.predict_features(observations, deterministic, rng).actions
                observations, rewards, terminated, truncated = vector.step(actions, active)
                returns[first : first + count] += rewards[:count]
                lengths[first : first + count] += active[:count]
                active = active & ~(terminated | truncated)
    finally:
        vector.close()
    return EvaluationReport(tuple(returns.tolist()), tuple(lengths.tolist()))
