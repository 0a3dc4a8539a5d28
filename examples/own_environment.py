"""An environment of your own: a room that is to be kept at 20 °C by switching a heater, while it leaks to the cold outside.

Trained right here:

    OPENBLAS_NUM_THREADS=1 python -m examples.own_environment     # small products on many threads take many times as long

or by a server, which imports this module and allows its environment:

    GRPO_ENV_MODULES=examples.own_environment GRPO_ENV_ALLOW=gymnasium,Thermostat-v0 python run_api.py
    curl -s http://localhost:8000/train -H 'Content-Type: application/json' -d '{"env_name": "Thermostat-v0"}'

Expected output:

    untrained: 14.9 °C off on average
    trained:   0.9 °C off on average
"""

import os
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

TARGET, COLDEST, WARMEST = 20.0, 0.0, 40.0
LEAK, HEAT = 0.05, 2.0
EPISODE_STEPS = 100

Observation = NDArray[np.float32]


class Thermostat(gymnasium.Env[Observation, np.int64]):
    """Observation: degrees above the target, and those outside below it. Action 1 heats. Reward: minus the distance."""

    def __init__(self) -> None:
        limits = np.array([WARMEST, WARMEST], np.float32)
        self.observation_space = spaces.Box(-limits, limits)
        self.action_space = spaces.Discrete(2)
        self._room = self._outside = 0.0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Observation, dict[str, Any]]:
        """A room of any temperature in any weather."""
        super().reset(seed=seed, options=options)
        self._room = self.np_random.uniform(COLDEST, WARMEST)
        self._outside = self.np_random.uniform(-10.0, 10.0)
        return self._observation(), {}

    def step(self, action: np.int64) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """A minute passes."""
        self._room += HEAT * int(action) - LEAK * (self._room - self._outside)
        return self._observation(), -abs(self._room - TARGET) / TARGET, False, False, {}

    def _observation(self) -> Observation:
        return np.array([self._room - TARGET, TARGET - self._outside], np.float32)


gymnasium.register("Thermostat-v0", Thermostat, max_episode_steps=EPISODE_STEPS)

if __name__ == "__main__":
    from adapters.environments.factory import GymnasiumEnvironments
    from domain.evaluation import evaluate
    from domain.policy import Policy
    from domain.presets import resolve
    from domain.trainer import Trainer

    environments = GymnasiumEnvironments()

    def degrees_off(policy: Policy) -> float:
        """The mean distance from the target over twenty episodes."""
        return -evaluate(policy, environments, episodes=20).mean_reward * TARGET / EPISODE_STEPS

    steps = int(os.environ.get("GRPO_STEPS", "40000"))
    config = resolve({"total_timesteps": steps}, environments.describe("Thermostat-v0"), seed=0, model_name="thermostat")
    with Trainer(environments, config) as trainer:
        print(f"untrained: {degrees_off(trainer.policy):.1f} °C off on average")
        for _ in trainer.run():
            pass
        print(f"trained:   {degrees_off(trainer.policy):.1f} °C off on average")
