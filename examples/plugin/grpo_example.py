"""A plug-in for the GRPO service: a reward function for Pendulum, and an environment of its own.

It imports nothing of the service, so it can be tested and used without it.
"""

from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]


def pendulum_upright(_state: Floats, action: Floats, next_state: Floats) -> Floats:
    """Pays for a pendulum that stands upright with little torque."""
    height, torque = next_state[:, 0], action[:, 0]
    return np.clip((1 + height) / 2 - 0.01 * torque**2, 0.0, 1.0)


# What people should know of it: GET /reward-functions and the dashboard show it. All of it may be left out.
pendulum_upright.formula = "clip((1 + cos θ′) / 2 − 0.01·a², 0, 1)"  # type: ignore[attr-defined]
pendulum_upright.env_names = ["Pendulum-v1"]  # type: ignore[attr-defined]
pendulum_upright.bounds = (0.0, 1.0)  # type: ignore[attr-defined]


class Corridor(gymnasium.Env[int, int]):
    """A row of nine cells: start in the middle, go left or right; the goal is at the right end."""

    CELLS = 9

    def __init__(self) -> None:
        self.observation_space = gymnasium.spaces.Discrete(self.CELLS)
        self.action_space = gymnasium.spaces.Discrete(2)
        self._cell = self.CELLS // 2

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        """Begin in the middle."""
        super().reset(seed=seed, options=options)
        self._cell = self.CELLS // 2
        return self._cell, {}

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        """0 goes left, 1 goes right; each step costs 0.1, the goal pays 1."""
        self._cell = max(self._cell - 1, 0) if action == 0 else self._cell + 1
        reached = self._cell == self.CELLS - 1
        return self._cell, 1.0 if reached else -0.1, reached, False, {}


def register_environments() -> None:
    """What the entry point of `grpo.environments` names: called once in the server and in each worker."""
    gymnasium.register("Example/Corridor-v0", entry_point="grpo_example:Corridor", max_episode_steps=30)
