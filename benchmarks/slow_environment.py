"""Environments whose step takes a set time without a processor, as one that waits for a simulator or a machine."""

import time
from functools import partial
from typing import Any

import gymnasium
import numpy as np

MILLISECONDS = (0.1, 1.0)


class Slow(gymnasium.Env[Any, Any]):
    """CartPole's spaces; nothing is learned here."""

    def __init__(self, seconds: float) -> None:
        self.observation_space = gymnasium.spaces.Box(-1.0, 1.0, (4,), np.float32)
        self.action_space = gymnasium.spaces.Discrete(2)
        self._seconds = seconds

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed, options=options)
        return self.np_random.uniform(-1, 1, 4).astype(np.float32), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        time.sleep(self._seconds)
        return self.np_random.uniform(-1, 1, 4).astype(np.float32), float(action), False, False, {}


def register() -> None:
    """Slow0p1ms-v0 and its like, and Gymnasium's own CartPole, which computes; once in each process."""
    if "PlainCartPole-v0" not in gymnasium.registry:
        gymnasium.register("PlainCartPole-v0", "gymnasium.envs.classic_control.cartpole:CartPoleEnv", max_episode_steps=200)
    for milliseconds in MILLISECONDS:
        name = f"Slow{milliseconds:g}ms-v0".replace(".", "p")
        if name not in gymnasium.registry:
            gymnasium.register(name, partial(Slow, milliseconds / 1_000), max_episode_steps=200)


register()
