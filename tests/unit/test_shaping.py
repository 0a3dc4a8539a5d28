"""What a reward function is given, and what becomes of one that gives no rewards."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from domain.errors import RewardFailed
from domain.rewards import REWARD_FUNCTIONS, RewardCallable, RewardFunction
from domain.rollout import Rollout
from domain.shaping import training_rewards
from domain.spaces import Box, Discrete, EnvironmentSpec

VALID = np.array([[True, True], [False, True]])
ARM = EnvironmentSpec("Arm-v1", Box((2,), (-1.0, -1.0), (1.0, 1.0)), Box((1,), (-2.0,), (4.0,)), 100)
LAKE = EnvironmentSpec("Lake-v1", Discrete(3, start=5), Discrete(4, start=-1), None)


def make_rollout(observations: Any, actions: Any) -> Rollout:
    """Two steps of two members, the first of which ended after one step."""
    states = np.asarray(observations, dtype=np.float32)
    nothing = np.zeros((2, 2), dtype=np.bool_)
    return Rollout(states[:2], np.asarray(actions), states[1:], np.ones((2, 2)), VALID, nothing, nothing)


ARM_ROLLOUT = make_rollout([[[0, 1], [2, 3]], [[4, 5], [6, 7]], [[9, 9], [10, 11]]], np.float32([[[0.5], [9]], [[7], [-1]]]))
LAKE_ROLLOUT = make_rollout(np.eye(3)[[[0, 1], [1, 2], [1, 0]]], [[0, 1], [2, 3]])


def reward_of(function: RewardCallable) -> RewardFunction:
    return RewardFunction("mine", function, source="games")


def seen(environment: EnvironmentSpec, rollout: Rollout) -> list[Any]:
    given: list[Any] = []

    def remember(*arguments: Any) -> Any:
        given.extend(arguments)
        return np.zeros(len(arguments[0]))

    training_rewards(reward_of(remember), environment, rollout)
    return [array.tolist() for array in given]


def test_reward_of_boxes_then_sees_observations_and_actions_in_units_of_the_environment_and_no_idle_member() -> None:
    states, actions, next_states = seen(ARM, ARM_ROLLOUT)
    assert states == [[0, 1], [2, 3], [6, 7]]
    assert actions == [[2.5], [4.0], [-2.0]]  # centre 1, half the range 3, clipped to the bounds
    assert next_states == [[4, 5], [6, 7], [10, 11]]


def test_reward_of_discrete_spaces_then_sees_their_integers() -> None:
    assert seen(LAKE, LAKE_ROLLOUT) == [[5, 6, 7], [-1, 0, 2], [6, 7, 5]]


def test_rewards_then_stand_where_their_steps_are_and_are_zero_elsewhere() -> None:
    rewards = training_rewards(reward_of(lambda _s, _a, following: following[:, 0] / 2), ARM, ARM_ROLLOUT)
    assert rewards.tolist() == [[2.0, 3.0], [0.0, 5.0]]
    whole = training_rewards(reward_of(lambda state, _a, _n: state), LAKE, LAKE_ROLLOUT)
    assert (whole.dtype, whole.tolist()) == (np.float64, [[5, 6], [0, 7]])


def test_native_reward_then_is_the_environments_own() -> None:
    assert training_rewards(REWARD_FUNCTIONS["environment"], ARM, ARM_ROLLOUT) is ARM_ROLLOUT.rewards


def test_reward_that_writes_into_what_it_is_given_then_harms_nobody() -> None:
    everybody = replace(ARM_ROLLOUT, valid=np.ones((2, 2), dtype=np.bool_))
    before = everybody.observations.copy()

    def greedy(state: Any, action: Any, next_state: Any) -> Any:
        for array in (state, action, next_state):
            array[:] = 77
        return np.ones(len(state))

    training_rewards(reward_of(greedy), ARM, everybody)
    np.testing.assert_array_equal(everybody.observations, before)


def raises(*_: Any) -> Any:
    raise KeyError("angle")


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (raises, "raised KeyError: 'angle'"),
        (lambda *_: np.zeros((3, 1)), "gave an array of shape (3, 1) for 3 steps; it must give (3,)"),
        (lambda *_: 1.0, "gave an array of shape () for 3 steps; it must give (3,)"),
        (lambda *_: np.array([1, np.nan, np.nan]), "gave nan for 2 of 3 steps; each must be a finite number"),
        (lambda *_: np.array([-np.inf, 1, 2]), "gave -inf for 1 of 3 steps; each must be a finite number"),
        (lambda *_: ["a", "b", "c"], "gave <U1; it must give numbers"),
        (lambda *_: [None, 1, 2], "gave object; it must give numbers"),
    ],
)
def test_reward_that_gives_no_rewards_then_is_named(function: RewardCallable, said: str) -> None:
    with pytest.raises(RewardFailed) as caught:
        training_rewards(reward_of(function), ARM, ARM_ROLLOUT)
    assert str(caught.value) == f"The reward function 'mine' (games) {said}."
