"""The shaped rewards by their numbers, and where each may be used."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as npst

from domain.arrays import FloatArray
from domain.config import RewardFunctionType
from domain.errors import InvalidConfiguration
from domain.rewards import check_reward_fits, optimized_cartpole, reward_function, rewards_for, simple_cartpole
from tests.strategies import numbers

UPRIGHT = [0.0, 5.0, 0.0, -5.0]  # speeds do not count
SHAPED: tuple[RewardFunctionType, ...] = ("optimized_cartpole", "simple_cartpole")


@pytest.mark.parametrize(
    ("state", "reward"),
    [
        (UPRIGHT, 5.5),
        ([1.0, 0.0, 0.0, 0.0], 4.5 + np.exp(-1.5)),
        ([0.0, 0.0, -0.1, 0.0], 2.5 + 3 * np.exp(-0.8)),
        ([2.4, 0.0, 0.2, 0.0], 1.5 + 3 * np.exp(-1.6) + np.exp(-1.5 * 5.76) - 0.8),
        ([9.0, 0.0, 3.0, 0.0], 0.1),
    ],
)
def test_optimized_cartpole_then_pays_by_angle_and_place(state: list[float], reward: float) -> None:
    assert optimized_cartpole(np.array([state])) == pytest.approx([reward])


@pytest.mark.parametrize(
    ("angle", "reward"), [(0.0, 1.0), (0.10475, 0.5), (-0.10475, 0.5), (0.1676, 0.2), (0.2, 0.1), (3.0, 0.1)]
)
def test_simple_cartpole_then_pays_by_angle(angle: float, reward: float) -> None:
    assert simple_cartpole(np.array([[7.0, 0.0, angle, 0.0]])) == pytest.approx([reward])


@pytest.mark.parametrize("name", SHAPED)
@given(states=npst.arrays(np.float64, (3, 4), elements=numbers(10)))
def test_shaped_reward_then_is_even_and_bounded(name: RewardFunctionType, states: FloatArray) -> None:
    function = reward_function(name)
    assert function is not None
    rewards = function(states)
    assert rewards.shape == (3,)
    assert np.all((rewards >= 0.1) & (rewards <= 6))
    np.testing.assert_array_equal(function(-states), rewards)


@pytest.mark.parametrize("name", SHAPED)
def test_shaped_reward_then_falls_with_the_angle(name: RewardFunctionType) -> None:
    function = reward_function(name)
    assert function is not None
    states = np.zeros((20, 4))
    states[:, 2] = np.linspace(0, 0.18, 20)
    assert np.all(np.diff(function(states)) < 0)


def test_native_reward_then_has_no_function() -> None:
    assert reward_function("environment") is None


@pytest.mark.parametrize("env_name", ["CartPole-v0", "CartPole-v1"])
def test_rewards_of_cartpole_then_are_all_with_the_shaped_one_first(env_name: str) -> None:
    assert rewards_for(env_name) == ("optimized_cartpole", "simple_cartpole", "environment")
    for name in rewards_for(env_name):
        check_reward_fits(name, env_name)


@pytest.mark.parametrize(("name", "env_name"), [("simple_cartpole", "Pendulum-v1"), ("nonsense", "CartPole-v1")])
def test_reward_when_it_does_not_fit_then_is_refused(name: str, env_name: str) -> None:
    with pytest.raises(InvalidConfiguration) as caught:
        check_reward_fits(name, env_name)
    allowed = ", ".join(rewards_for(env_name))
    assert str(caught.value) == f"reward_function_type {name!r} does not fit {env_name}; allowed there: {allowed}."
    assert [error.field for error in caught.value.errors] == ["reward_function_type"]
