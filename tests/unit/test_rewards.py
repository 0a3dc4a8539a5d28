"""The shaped rewards by their numbers, and where each may be used."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as npst

from domain.arrays import FloatArray
from domain.errors import InvalidConfiguration
from domain.rewards import (
    REWARD_FUNCTIONS,
    RewardFunction,
    check_reward_fits,
    optimized_cartpole,
    register,
    rewards_for,
    simple_cartpole,
)
from tests.strategies import numbers

ALL = "optimized_cartpole, simple_cartpole, environment"
HINT = "One that a plug-in brings is known where the setting plugins names its distribution."
UNUSED = np.array([])
UPRIGHT = [0.0, 5.0, 0.0, -5.0]  # speeds do not count
SHAPED = ("optimized_cartpole", "simple_cartpole")


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
    assert optimized_cartpole(UNUSED, UNUSED, np.array([state])) == pytest.approx([reward])


@pytest.mark.parametrize(
    ("angle", "reward"), [(0.0, 1.0), (0.10475, 0.5), (-0.10475, 0.5), (0.1676, 0.2), (0.2, 0.1), (3.0, 0.1)]
)
def test_simple_cartpole_then_pays_by_angle(angle: float, reward: float) -> None:
    assert simple_cartpole(UNUSED, UNUSED, np.array([[7.0, 0.0, angle, 0.0]])) == pytest.approx([reward])


@pytest.mark.parametrize("name", SHAPED)
@given(states=npst.arrays(np.float64, (3, 4), elements=numbers(10)))
def test_shaped_reward_then_is_even_and_bounded(name: str, states: FloatArray) -> None:
    reward = REWARD_FUNCTIONS[name]
    assert reward.function is not None
    assert reward.bounds is not None
    rewards = reward.function(UNUSED, UNUSED, states)
    assert rewards.shape == (3,)
    assert np.all((rewards >= reward.bounds[0]) & (rewards <= reward.bounds[1]))
    np.testing.assert_array_equal(reward.function(UNUSED, UNUSED, -states), rewards)


@pytest.mark.parametrize("name", SHAPED)
def test_shaped_reward_then_falls_with_the_angle(name: str) -> None:
    function = REWARD_FUNCTIONS[name].function
    assert function is not None
    states = np.zeros((20, 4))
    states[:, 2] = np.linspace(0, 0.18, 20)
    assert np.all(np.diff(function(UNUSED, UNUSED, states)) < 0)


def test_native_reward_then_has_no_function() -> None:
    assert REWARD_FUNCTIONS["environment"].function is None


@pytest.mark.parametrize("env_name", ["CartPole-v0", "CartPole-v1"])
def test_rewards_of_cartpole_then_are_all_with_the_shaped_one_first(env_name: str) -> None:
    assert rewards_for(env_name) == ("optimized_cartpole", "simple_cartpole", "environment")
    for name in rewards_for(env_name):
        check_reward_fits(name, env_name)


@pytest.mark.parametrize(
    ("name", "env_name", "said"),
    [
        ("simple_cartpole", "Pendulum-v1", "'simple_cartpole' does not fit Pendulum-v1; allowed there: environment."),
        (
            "nonsense",
            "CartPole-v1",
            f"'nonsense' is unknown here; allowed for CartPole-v1: {ALL}. {HINT}",
        ),
    ],
)
def test_reward_when_it_does_not_fit_then_is_refused(name: str, env_name: str, said: str) -> None:
    with pytest.raises(InvalidConfiguration) as caught:
        check_reward_fits(name, env_name)
    assert str(caught.value) == f"reward_function_type {said}"
    assert [error.field for error in caught.value.errors] == ["reward_function_type"]


def test_built_in_reward_then_says_what_it_is() -> None:
    for name, reward in REWARD_FUNCTIONS.items():
        assert (reward.name, reward.source) == (name, "built-in")
        assert reward.description.endswith(".")
        assert reward.formula


def one(name: str, source: str, env_names: tuple[str, ...] | None = None) -> RewardFunction:
    return RewardFunction(name, lambda _s, _a, next_state: next_state[:, 0], env_names=env_names, source=source)


def test_registered_reward_then_is_allowed_where_it_fits_and_the_default_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("domain.rewards.REWARD_FUNCTIONS", dict(REWARD_FUNCTIONS))
    register(one("far", "games", ("Pendulum-v1",)))
    register(one("anywhere", "games"))
    assert rewards_for("Pendulum-v1") == ("environment", "far", "anywhere")
    assert rewards_for("CartPole-v1") == ("optimized_cartpole", "simple_cartpole", "environment", "anywhere")
    check_reward_fits("far", "Pendulum-v1")


def test_register_when_the_name_is_taken_or_none_then_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("domain.rewards.REWARD_FUNCTIONS", dict(REWARD_FUNCTIONS))
    register(one("far", "games"))
    register(one("far", "games", ("Pendulum-v1",)))  # a server that is built twice in one process registers twice
    assert rewards_for("Acrobot-v1") == ("environment",)
    for taken, by in (("far", "games"), ("environment", "built-in")):
        with pytest.raises(ValueError, match=f"{taken!r} of others has the name of one that is {by}"):
            register(one(taken, "others"))
    with pytest.raises(ValueError, match="must be the name of a reward function"):
        register(one("no name", "games"))
