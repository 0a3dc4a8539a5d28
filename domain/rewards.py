"""Reward functions by name. They shape what is learned from; returns are always reported in the native reward."""

from collections.abc import Callable
from typing import get_args

import numpy as np

from domain.arrays import FloatArray
from domain.config import RewardFunctionType
from domain.errors import FieldError, InvalidConfiguration

RewardFunction = Callable[[FloatArray], FloatArray]
"""From next observations [B, 4] (x, ẋ, θ, θ̇) to rewards [B]."""

CARTPOLE = "CartPole-v1"
CARTPOLE_VERSIONS = frozenset({"CartPole-v0", CARTPOLE})


def optimized_cartpole(next_observations: FloatArray) -> FloatArray:
    """clip(1.5 + 3·exp(−8|θ|) + exp(−1.5x²) − 2·max(|x| − 2, 0), 0.1, 6)."""
    x, theta = next_observations[:, 0], next_observations[:, 2]
    reward = 1.5 + 3 * np.exp(-8 * np.abs(theta)) + np.exp(-1.5 * x**2) - 2 * np.maximum(np.abs(x) - 2, 0)
    return np.asarray(np.clip(reward, 0.1, 6.0))


def simple_cartpole(next_observations: FloatArray) -> FloatArray:
    """clip(1 − |θ| / 0.2095, 0.1, 1)."""
    return np.clip(1 - np.abs(next_observations[:, 2]) / 0.2095, 0.1, 1.0)


_SHAPED: dict[str, RewardFunction] = {"optimized_cartpole": optimized_cartpole, "simple_cartpole": simple_cartpole}


def reward_function(name: RewardFunctionType) -> RewardFunction | None:
    """The function of that name; None for `environment`, the native reward."""
    return _SHAPED.get(name)


def rewards_for(env_name: str) -> tuple[RewardFunctionType, ...]:
    """The reward functions that fit an environment, its default first."""
    return get_args(RewardFunctionType) if env_name in CARTPOLE_VERSIONS else ("environment",)


def check_reward_fits(name: str, env_name: str) -> None:
    """Raise InvalidConfiguration unless the reward function fits the environment."""
    allowed = rewards_for(env_name)
    if name not in allowed:
        raise InvalidConfiguration(
            FieldError(
                "reward_function_type",
                f"reward_function_type {name!r} does not fit {env_name}; allowed there: {', '.join(allowed)}.",
            )
        )
