"""A policy at play: one episode after the other, a step at a time, for somebody who watches and may push."""

from collections import deque
from dataclasses import dataclass

import numpy as np

from domain.arrays import FloatArray
from domain.evaluation import time_limit
from domain.policy import Policy
from domain.ports import EnvironmentFactory
from domain.pushable import Pushable
from domain.spaces import Discrete, raw_action, raw_observation

SMALL_NETWORK = 100_000
MOST_PUSHES = 64  # between two steps
CONTINUOUS_SECONDS = 1 / 30
DISCRETE_SECONDS = 1 / 4


@dataclass(frozen=True)
class Frame:
    """A step: what the policy saw, what it did and thought of it, and what came of it.

    `t` counts the steps of the episode from 0, `episode` the episodes. `native_return`: of the episode, this step included.
    `pushed`: the force of the pushes between the step before and this observation.
    """

    t: int
    episode: int
    observation: list[float]
    action: int | list[float]
    action_probs: list[float] | None
    value: float
    reward: float
    native_return: float
    terminated: bool
    truncated: bool
    pushed: float


class Play:
    """The episodes from `seed`, `seed` + 1, …; without a push the same arguments give the same frames. Not thread-safe.

    The exception is `push`, which may come from another thread while `step` runs.
    """

    def __init__(self, policy: Policy, environments: EnvironmentFactory, seed: int, deterministic: bool = True) -> None:
        """Raises UnknownEnvironment, UnsupportedEnvironment, EnvironmentFailed."""
        self.environment = policy.environment
        self._policy, self._deterministic = policy, deterministic
        self._vector = environments.make(self.environment.env_name, 1, time_limit(self.environment))
        self._alone = np.ones(1, dtype=np.bool_)
        self._rng = np.random.default_rng(seed)
        self.seed, self._episode = seed, 0
        self._t, self._return, self._ended = 0, 0.0, False
        self._pushes: deque[float] = deque(maxlen=MOST_PUSHES)
        try:
            self._features = self._begin()
        except BaseException:
            self.close()
            raise

    @property
    def pushable(self) -> bool:
        """Whether `push` does anything: the environment has bodies that move, and says how to shove them."""
        return isinstance(self._vector, Pushable)

    @property
    def step_seconds(self) -> float:
        """How long a step lasts for who watches: its time in the world, or one that suits the eye."""
        if isinstance(self._vector, Pushable):
            return self._vector.step_seconds
        return DISCRETE_SECONDS if isinstance(self.environment.observation_space, Discrete) else CONTINUOUS_SECONDS

    @property
    def quick(self) -> bool:
        """A step takes about 0.1 ms: the environment is one of ours, and the network is not large."""
        return self.pushable and self._policy.parameters.size <= SMALL_NETWORK

    def push(self, force: float) -> None:
        """Shove the system before the next step: −1 … 1 of the environment's unit. Several pushes add up within that."""
        self._pushes.append(force)

    def step(self) -> Frame:
        """Raises EnvironmentFailed."""
        if self._ended:
            self._episode += 1
            self._features = self._begin()
        force = self._pushed()
        if force and isinstance(self._vector, Pushable):
            self._features = self._vector.push(force)
        prediction = self._policy.predict_features(self._features, self._deterministic, self._rng)
        observation = raw_observation(self.environment.observation_space, self._features[0])
        result = self._vector.step(prediction.actions, self._alone)
        self._features = result.observations
        reward = float(result.rewards[0])
        self._return += reward
        terminated, truncated = bool(result.terminated[0]), bool(result.truncated[0])
        self._ended = terminated or truncated
        frame = Frame(
            t=self._t,
            episode=self._episode,
            observation=observation,
            action=raw_action(self.environment.action_space, prediction.actions[0]),
            action_probs=None if prediction.action_probs is None else prediction.action_probs[0].tolist(),
            value=float(prediction.values[0]),
            reward=reward,
            native_return=self._return,
            terminated=terminated,
            truncated=truncated,
            pushed=force,
        )
        self._t += 1
        return frame

    def close(self) -> None:
        """Free the environment. Idempotent."""
        self._vector.close()

    def _pushed(self) -> float:
        """The force of all pushes since the last step."""
        force = 0.0
        while self._pushes:
            force += self._pushes.popleft()
        return min(max(force, -1.0), 1.0)

    def _begin(self) -> FloatArray:
        """Start the next episode; its first observation."""
        self._t, self._return, self._ended = 0, 0.0, False
        return self._vector.reset([self.seed + self._episode])
