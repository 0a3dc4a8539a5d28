"""Observation and action spaces, and what the engine knows of an environment.

The engine sees every observation as D numbers: a Box flattened in C order, a Discrete value as a one-hot vector.
"""

import math
from dataclasses import dataclass

import numpy as np

from domain.arrays import ActionArray, FloatArray


@dataclass(frozen=True)
class Discrete:
    """The integers start … start + n − 1 (gymnasium.spaces.Discrete)."""

    n: int
    start: int = 0

    @property
    def size(self) -> int:
        return self.n


@dataclass(frozen=True)
class Box:
    """Real arrays of `shape`; `low` and `high` are flattened in C order and may be infinite (gymnasium.spaces.Box)."""

    shape: tuple[int, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    @property
    def size(self) -> int:
        return math.prod(self.shape)


Space = Discrete | Box


@dataclass(frozen=True)
class EnvironmentSpec:
    """What the engine must know of an environment before it is made.

    `cloneable`: members of a vector of it can take over one another's state (branched segments).
    `max_episode_steps`: the environment's own time limit, None = it has none.
    `dense_reward`: actions at random see a reward at most steps that differs from the commonest one.
    """

    env_name: str
    observation_space: Space
    action_space: Space
    max_episode_steps: int | None
    cloneable: bool = False
    reward_threshold: float | None = None
    dense_reward: bool = False

    @property
    def continuous(self) -> bool:
        """True for a Box action space."""
        return isinstance(self.action_space, Box)


def encode_observations(space: Space, observations: FloatArray) -> FloatArray:
    """Turn raw observations into features, float32 [B, D].

    `observations`: Box: [B, D]; Discrete: [B, 1] holding values of the space. A value outside a Discrete space gives
    ValueError; a Box does not clip, since real environments leave their declared bounds.
    """
    if isinstance(space, Box):
        return np.asarray(observations, dtype=np.float32).reshape(len(observations), space.size)
    index = np.asarray(observations).reshape(len(observations)) - space.start
    if not np.all((index >= 0) & (index < space.n) & (index == np.floor(index))):
        raise ValueError(f"expected integers from {space.start} to {space.start + space.n - 1}")
    features = np.zeros((len(index), space.n), dtype=np.float32)
    features[np.arange(len(index)), index.astype(np.int64)] = 1.0
    return features


def raw_observation(space: Space, features: FloatArray) -> list[float]:
    """One observation as clients write it, from its features [D]: a Box flattened in C order, a Discrete value as [k]."""
    return [space.start + int(features.argmax())] if isinstance(space, Discrete) else features.tolist()


def raw_action(space: Space, action: ActionArray) -> int | list[float]:
    """One action as clients get it, from what `Policy.predict_features` gave: a Discrete one counts from `start`."""
    return space.start + int(action) if isinstance(space, Discrete) else action.tolist()
