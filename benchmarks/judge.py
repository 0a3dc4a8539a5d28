"""The one judge of all algorithms: native return of the deterministic policy, over fresh episodes with fixed seeds."""

import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, cast

import numpy as np

from domain.arrays import FloatArray
from domain.evaluation import DEFAULT_TIME_LIMIT, EvaluationReport, evaluate
from domain.policy import Policy, Prediction
from domain.ports import EnvironmentFactory
from domain.spaces import EnvironmentSpec

EPISODES, SEED = 100, 20_251
CURVE_SEED, CURVE_POINTS = 20_252, 20
RULES: dict[str, Any] = {
    "episodes": EPISODES,
    "seed": SEED,
    "scores": ["deterministic", "stochastic"],
    "curve_seed": CURVE_SEED,
    "curve_points": CURVE_POINTS,
    "curve_columns": ["environment steps", "wall seconds", "CPU seconds", "score"],
    "longest_episode_without_a_time_limit": DEFAULT_TIME_LIMIT,
}


class Actor(Protocol):
    """What the judge needs of a policy: features [B, D] in, actions as a VectorEnvironment takes them out."""

    @property
    def environment(self) -> EnvironmentSpec: ...

    def predict_features(
        self, features: FloatArray, deterministic: bool = True, rng: np.random.Generator | None = None
    ) -> Prediction: ...


def judge(
    actor: Actor,
    environments: EnvironmentFactory,
    episodes: int = EPISODES,
    seed: int = SEED,
    *,
    deterministic: bool = True,
) -> EvaluationReport:
    """The service's own evaluation, on any actor."""
    return evaluate(cast("Policy", actor), environments, episodes, seed, deterministic)


def final_scores(actor: Actor, environments: EnvironmentFactory) -> dict[str, float]:
    """The score that counts, and for information that of the policy that samples its actions."""
    return {
        "score": judge(actor, environments).mean_reward,
        "stochastic_score": judge(actor, environments, deterministic=False).mean_reward,
    }


class Clock:
    """Seconds of wall time and of CPU time, ended children's included; stands still while paused."""

    def __init__(self, wall: Callable[[], float] = time.perf_counter, cpu: Callable[[], float] | None = None) -> None:
        self._read = wall, cpu or _cpu_seconds
        self._start = [read() for read in self._read]

    @property
    def wall(self) -> float:
        return self._read[0]() - self._start[0]

    @property
    def cpu(self) -> float:
        return self._read[1]() - self._start[1]

    @contextmanager
    def paused(self) -> Iterator[None]:
        """What happens inside is not counted."""
        before = [read() for read in self._read]
        try:
            yield
        finally:
            self._start = [s + read() - b for s, read, b in zip(self._start, self._read, before, strict=True)]


class Course:
    """The learning curve of one training: judged at about CURVE_POINTS moments of the budget while the clock stands still."""

    def __init__(self, budget: int, episodes: int, environments: EnvironmentFactory, clock: Clock) -> None:
        self._budget, self._episodes, self._environments, self._clock = budget, episodes, environments, clock
        self._due = 0
        self.points: list[tuple[int, float, float, float]] = []
        """Environment steps, wall seconds, CPU seconds, score."""

    def visit(self, timesteps: int, actor: Callable[[], Actor]) -> None:
        """Judge the actor if a point of the curve is due."""
        if timesteps * CURVE_POINTS < self._due * self._budget:
            return
        self._due = timesteps * CURVE_POINTS // self._budget + 1
        with self._clock.paused():
            score = judge(actor(), self._environments, self._episodes, CURVE_SEED).mean_reward
        self.points.append((int(timesteps), round(self._clock.wall, 4), round(self._clock.cpu, 4), score))


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)
