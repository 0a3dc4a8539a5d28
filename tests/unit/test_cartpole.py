"""Our CartPole against Gymnasium's scalar one, bit by bit, and what only ours can do."""

import numpy as np
import pytest
from numpy.typing import NDArray

from adapters.environments import gymnasium_registry
from adapters.environments.cartpole import CARTPOLE_V0, CARTPOLE_V1, CartPoleVector
from domain.spaces import EnvironmentSpec

EVERYONE = np.ones(4, dtype=np.bool_)


def float32(*rows: list[float]) -> NDArray[np.float32]:
    return np.array(rows, dtype=np.float32)


def test_first_steps_are_those_that_gymnasium_documents() -> None:
    # the example of gymnasium.vector.VectorEnv.step, printed with eight decimals
    vector = CartPoleVector(3, 500)
    starts = float32(
        [0.0273956, -0.00611216, 0.03585979, 0.0197368],
        [0.01522993, -0.04562247, -0.04799704, 0.03392126],
        [-0.03774345, -0.02418869, -0.00942293, 0.0469184],
    )
    np.testing.assert_allclose(vector.reset((42, 43, 44)), starts, rtol=0, atol=6e-9)
    result = vector.step(np.array([1, 0, 1]), np.ones(3, dtype=np.bool_))
    expected = float32(
        [0.02727336, 0.18847767, 0.03625453, -0.26141977],
        [0.01431748, -0.24002443, -0.04731862, 0.3110827],
        [-0.03822722, 0.1710671, -0.00848456, -0.2487226],
    )
    np.testing.assert_allclose(result.observations, expected, rtol=0, atol=6e-9)
    assert result.rewards.tolist() == [1.0, 1.0, 1.0]


def test_large_vector_equals_small_ones() -> None:
    """Vectorised sine and cosine must not depend on where in the array a value stands."""
    actions = np.random.default_rng(5).integers(2, size=(30, 1_024))
    large = CartPoleVector(1_024, 25)
    large.reset(range(1_024))
    for row in actions:
        result = large.step(row, np.ones(1_024, dtype=np.bool_))
    for start in range(0, 1_024, 256):
        small = CartPoleVector(3, 25)
        small.reset(range(start, start + 3))
        for row in actions:
            part = small.step(row[start : start + 3], np.ones(3, dtype=np.bool_))
        for whole, piece in zip(result, part, strict=True):
            np.testing.assert_array_equal(whole[start : start + 3], piece)


def test_step_at_the_time_limit_truncates_counted_from_each_members_reset() -> None:
    vector = CartPoleVector(4, 3)
    vector.reset((1, 2, 3, 4))
    actions = np.array([0, 1, 0, 1])
    vector.step(actions, np.array([True, False, True, True]))
    vector.reset((None, None, 9, None))
    assert vector.step(actions, EVERYONE).truncated.tolist() == [False, False, False, False]
    assert vector.step(actions, EVERYONE).truncated.tolist() == [True, False, False, True]
    third = vector.step(actions, np.array([False, True, True, False]))
    assert third.truncated.tolist() == [False, True, True, False]
    assert third.terminated.tolist() == [False, False, False, False]
    assert third.rewards.tolist() == [0.0, 1.0, 1.0, 0.0]


def test_copy_members_copies_state_and_step_counter() -> None:
    vector = CartPoleVector(4, 3)
    vector.reset((1, 2, 3, 4))
    for _ in range(2):
        before = vector.step(np.array([0, 1, 0, 1]), np.array([True, False, True, False])).observations.copy()
    sources = np.array([2, 1, 2, 0])
    np.testing.assert_array_equal(vector.copy_members(sources), before[sources])
    result = vector.step(np.array([1, 1, 1, 1]), EVERYONE)
    assert result.truncated.tolist() == [True, False, True, True]
    np.testing.assert_array_equal(result.observations[0], result.observations[2])


def test_copies_that_act_alike_stay_alike_and_others_part() -> None:
    vector = CartPoleVector(4, 500)
    vector.reset((1, 2, 3, 4))
    vector.copy_members(np.array([3, 3, 3, 3]))
    observations = vector.step(np.array([1, 1, 1, 0]), EVERYONE).observations
    np.testing.assert_array_equal(observations[1:3], observations[[0, 0]])
    assert (observations[3] != observations[0]).any()


def test_copy_of_an_ended_member_is_no_end_while_it_idles() -> None:
    vector = CartPoleVector(4, 500)
    vector.reset((1, 2, 3, 4))
    result = vector.step(np.array([0, 0, 0, 0]), EVERYONE)
    while not result.terminated[0]:
        result = vector.step(np.array([0, 0, 0, 0]), EVERYONE)
    last = result.observations[0].copy()
    vector.copy_members(np.array([0, 0, 0, 0]))
    result = vector.step(np.array([1, 1, 1, 1]), ~EVERYONE)
    assert not result.terminated.any()
    np.testing.assert_array_equal(result.observations, np.tile(last, (4, 1)))


def test_rewards_of_a_full_step_cannot_be_changed_by_the_caller() -> None:
    vector = CartPoleVector(4, 500)
    vector.reset((1, 2, 3, 4))
    rewards = vector.step(np.array([0, 0, 0, 0]), EVERYONE).rewards
    with pytest.raises(ValueError, match="read-only"):
        rewards *= 2


@pytest.mark.parametrize("spec", [CARTPOLE_V1, CARTPOLE_V0])
def test_spec_equals_that_of_gymnasium(spec: EnvironmentSpec) -> None:
    described = gymnasium_registry.describe(spec.env_name)
    assert described.observation_space == spec.observation_space
    assert described.action_space == spec.action_space
    assert described.max_episode_steps == spec.max_episode_steps
    assert described.reward_threshold == spec.reward_threshold
    assert spec.cloneable
