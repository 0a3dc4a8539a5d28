"""Which environments are stepped to learn whether their rewards are dense, and what is found."""

from typing import Any

import gymnasium
import pytest
from gymnasium import spaces

from adapters.environments.gymnasium_registry import describe


@pytest.mark.parametrize(
    ("env_name", "dense"),
    [("Pendulum-v1", True), ("MountainCarContinuous-v0", True), ("CartPole-v1", False), ("MountainCar-v0", False)],
)
def test_rewards_of_gymnasium_then_are_looked_at(env_name: str, dense: bool) -> None:
    assert describe(env_name).dense_reward is dense


def test_environment_of_somebody_else_then_is_not_stepped_in_this_process() -> None:
    class Deadly(gymnasium.Env[Any, Any]):
        observation_space = spaces.Box(-1.0, 1.0, (2,))
        action_space = spaces.Discrete(2)

        def reset(self, **_: Any) -> Any:
            raise SystemExit("a described environment was reset")

        def step(self, _: Any) -> Any:
            raise SystemExit("a described environment was stepped")

    gymnasium.register("test/Deadly-v0", Deadly)
    try:
        assert describe("test/Deadly-v0").dense_reward is False
    finally:
        gymnasium.registry.pop("test/Deadly-v0")
