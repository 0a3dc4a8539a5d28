"""One episode from a seed, with a digest of its exact bits: who has the model and the seed can check that nothing differs.

The digest is the SHA-256 of these arrays, one after the other, each in C order and little-endian:

observations  float32 [T + 1, D]: the start, and what each step led to, as clients write observations
actions       int64 [T] of a Discrete action space, float32 [T, A] of a Box, in the environment's units
rewards       float64 [T]
ends          uint8 [2]: terminated, truncated
"""

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from domain.evaluation import time_limit
from domain.policy import Policy
from domain.ports import EnvironmentFactory
from domain.rollout import Interrupted
from domain.spaces import raw_action, raw_observation


@dataclass(frozen=True)
class Trajectory:
    """T steps: T + 1 observations, T actions and native rewards, and how it ended. `truncated`: a time limit was reached."""

    observations: tuple[list[float], ...]
    actions: tuple[int | list[float], ...]
    rewards: tuple[float, ...]
    terminated: bool
    truncated: bool

    @property
    def native_return(self) -> float:
        """Sum of the rewards."""
        return math.fsum(self.rewards)

    @property
    def sha256(self) -> str:
        """The digest, in hexadecimal; the module says of what."""
        discrete = isinstance(self.actions[0], int)
        parts = (
            np.asarray(self.observations, dtype="<f4"),
            np.asarray(self.actions, dtype="<i8" if discrete else "<f4"),
            np.asarray(self.rewards, dtype="<f8"),
            np.array([self.terminated, self.truncated], dtype=np.uint8),
        )
        return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()


def replay(
    policy: Policy,
    environments: EnvironmentFactory,
    seed: int = 0,
    deterministic: bool = True,
    max_steps: int | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Trajectory:
    """The episode that begins as Gymnasium's `reset(seed=seed)`; the same arguments give the same bits.

    `max_steps`: a time limit that is shorter than the environment's own. `seed` also makes what a stochastic policy draws.
    Raises Interrupted when `should_stop()`, UnknownEnvironment, UnsupportedEnvironment, EnvironmentFailed.
    """
    environment, rng = policy.environment, np.random.default_rng(seed)
    limit = min(max_steps or time_limit(environment), time_limit(environment))
    vector = environments.make(environment.env_name, 1, limit)
    alone, ended = np.ones(1, dtype=np.bool_), False
    actions: list[int | list[float]] = []
    rewards: list[float] = []
    try:
        features = vector.reset([seed])
        observations = [raw_observation(environment.observation_space, features[0])]
        while not ended:
            if should_stop():
                raise Interrupted
            chosen = policy.predict_features(features, deterministic, rng).actions
            result = vector.step(chosen, alone)
            features = result.observations
            observations.append(raw_observation(environment.observation_space, features[0]))
            actions.append(raw_action(environment.action_space, chosen[0]))
            rewards.append(float(result.rewards[0]))
            terminated, truncated = bool(result.terminated[0]), bool(result.truncated[0])
            ended = terminated or truncated
    finally:
        vector.close()
    return Trajectory(tuple(observations), tuple(actions), tuple(rewards), terminated, truncated)
