"""What every VectorEnvironment promises, as tests; `test_environments.py` binds them to the adapters.

The truth is Gymnasium's own scalar environment: a vector must show the same bits, member by member.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import gymnasium
import numpy as np
import pytest
from numpy.typing import NDArray

from domain.ports import VectorEnvironment
from domain.spaces import Box, EnvironmentSpec, encode_observations

SEEDS = (7, 8, 7, 2**40)
MEMBERS = len(SEEDS)
EVERYONE = np.ones(MEMBERS, dtype=np.bool_)
NOBODY = ~EVERYONE
TIME_LIMIT = 40

Make = Callable[[], VectorEnvironment]


class Played(NamedTuple):
    """Episodes of all members: observations [T + 1, N, D], rewards and ends [T, N]."""

    observations: NDArray[Any]
    rewards: NDArray[Any]
    terminated: NDArray[Any]
    truncated: NDArray[Any]


def random_actions(spec: EnvironmentSpec, steps: int, members: int = MEMBERS) -> NDArray[Any]:
    """Actions [T, N] or [T, N, A], always the same."""
    rng = np.random.default_rng(11)
    space = spec.action_space
    if isinstance(space, Box):
        return rng.uniform(space.low, space.high, (steps, members, space.size)).astype(np.float32)
    return rng.integers(space.n, size=(steps, members))


def play(vector: VectorEnvironment, first: NDArray[Any], actions: NDArray[Any]) -> Played:
    """Step from `first` observations with these actions; a member that ends idles."""
    first = first.copy()
    active = np.ones(vector.num_envs, dtype=np.bool_)
    rows = []
    for row in actions:
        result = vector.step(row, active)
        rows.append([array.copy() for array in result])
        active = active & ~(result.terminated | result.truncated)
    observations, rewards, terminated, truncated = (np.array(column) for column in zip(*rows, strict=True))
    return Played(np.concatenate([first[None], observations]), rewards, terminated, truncated)


def play_alone(spec: EnvironmentSpec, seed: int, actions: NDArray[Any]) -> list[tuple[Any, float, bool, bool]]:
    """One episode of Gymnasium's scalar environment: (observation, reward, terminated, truncated), the reset first."""
    env = gymnasium.make(gymnasium.spec(spec.env_name), max_episode_steps=TIME_LIMIT, disable_env_checker=True)
    observation, _ = env.reset(seed=seed)
    rows = [(observation, 0.0, False, False)]
    for action in actions:
        observation, reward, terminated, truncated, _ = env.step(action)
        rows.append((observation, float(reward), terminated, truncated))
        if terminated or truncated:
            break
    env.close()
    return rows


def assert_same(left: Played, right: Played) -> None:
    for name, a, b in zip(Played._fields, left, right, strict=True):
        np.testing.assert_array_equal(a, b, err_msg=name, strict=True)


class EnvironmentContract:
    """A subclass gives the fixture `make`, which makes vectors of 4 members with a time limit of 40 steps."""

    @pytest.fixture
    def vector(self, make: Make) -> Iterator[VectorEnvironment]:
        vector = make()
        yield vector
        vector.close()

    @pytest.fixture
    def actions(self, vector: VectorEnvironment) -> NDArray[Any]:
        return random_actions(vector.spec, TIME_LIMIT)

    def test_reset_gives_features_of_every_member(self, vector: VectorEnvironment) -> None:
        observations = vector.reset(SEEDS)
        assert vector.num_envs == MEMBERS
        assert observations.shape == (MEMBERS, vector.spec.observation_space.size)
        assert observations.dtype == np.float32

    def test_step_gives_arrays_of_the_promised_types(self, vector: VectorEnvironment, actions: NDArray[Any]) -> None:
        vector.reset(SEEDS)
        result = vector.step(actions[0], EVERYONE)
        assert result.observations.shape == (MEMBERS, vector.spec.observation_space.size)
        assert result.observations.dtype == np.float32
        assert [array.shape for array in result[1:]] == [(MEMBERS,)] * 3
        assert [array.dtype for array in result[1:]] == [np.float64, np.bool_, np.bool_]

    def test_episodes_equal_those_of_the_scalar_environment_up_to_the_last_true_observation(
        self, vector: VectorEnvironment, actions: NDArray[Any]
    ) -> None:
        played = play(vector, vector.reset(SEEDS), actions)
        for member, seed in enumerate(SEEDS):
            alone = play_alone(vector.spec, seed, actions[:, member])
            steps = len(alone) - 1
            observations, rewards, terminated, truncated = zip(*alone, strict=True)
            features = encode_observations(vector.spec.observation_space, np.array(observations))
            np.testing.assert_array_equal(played.observations[: steps + 1, member], features)
            np.testing.assert_array_equal(played.rewards[:steps, member], rewards[1:])
            np.testing.assert_array_equal(played.terminated[:steps, member], terminated[1:])
            np.testing.assert_array_equal(played.truncated[:steps, member], truncated[1:])
            assert terminated[-1] or truncated[-1]
            assert (played.observations[steps:, member] == features[-1]).all()

    def test_equal_seeds_and_actions_give_equal_episodes_whatever_was_played_before(
        self, make: Make, vector: VectorEnvironment, actions: NDArray[Any]
    ) -> None:
        first = play(vector, vector.reset(SEEDS), actions)
        play(vector, vector.reset((1, 2, 3, 4)), actions)
        assert_same(play(vector, vector.reset(SEEDS), actions), first)
        other = make()
        assert_same(play(other, other.reset(SEEDS), actions), first)
        other.close()

    def test_member_depends_on_its_own_seed_and_actions_only(self, vector: VectorEnvironment, actions: NDArray[Any]) -> None:
        actions[:, 2] = actions[:, 0]
        played = play(vector, vector.reset(SEEDS), actions)
        for array in played:
            np.testing.assert_array_equal(array[:, 2], array[:, 0])

    def test_inactive_member_keeps_its_observation_with_reward_0_and_goes_on_as_if_nothing_was(
        self, vector: VectorEnvironment, actions: NDArray[Any]
    ) -> None:
        expected = play(vector, vector.reset(SEEDS), actions)
        vector.reset(SEEDS)
        before = vector.step(actions[0], EVERYONE).observations.copy()
        for active in (np.array([True, False, False, True]), NOBODY):
            result = vector.step(actions[1], active)
            np.testing.assert_array_equal(result.observations[1:3], before[1:3])
            np.testing.assert_array_equal(result.rewards[1:3], 0)
            assert not (result.terminated | result.truncated)[1:3].any()
        result = vector.step(actions[1], np.array([False, True, True, False]))
        np.testing.assert_array_equal(result.observations, expected.observations[2])
        assert result.rewards[[0, 3]].tolist() == [0, 0]
        np.testing.assert_array_equal(result.rewards[1:3], expected.rewards[1, 1:3])

    def test_reset_of_some_members_leaves_the_others(self, vector: VectorEnvironment, actions: NDArray[Any]) -> None:
        expected = play(vector, vector.reset(SEEDS), actions[:3])
        vector.reset((7, 8, 1, 1))
        vector.step(actions[0], np.array([True, True, True, True]))
        vector.step(actions[1], np.array([True, True, False, False]))
        observations = vector.reset((None, None, 7, 2**40))
        np.testing.assert_array_equal(observations[:2], expected.observations[2, :2])
        np.testing.assert_array_equal(observations[2:], expected.observations[0, 2:])
        result = vector.step(np.concatenate([actions[2, :2], actions[0, 2:]]), EVERYONE)
        np.testing.assert_array_equal(result.observations[:2], expected.observations[3, :2])
        np.testing.assert_array_equal(result.observations[2:], expected.observations[1, 2:])

    def test_reset_of_no_member_gives_the_present_observations(self, vector: VectorEnvironment, actions: NDArray[Any]) -> None:
        vector.reset(SEEDS)
        present = vector.step(actions[0], EVERYONE).observations.copy()
        np.testing.assert_array_equal(vector.reset([None] * MEMBERS), present)

    def test_snapshot_restored_elsewhere_gives_the_same_steps_bit_for_bit(
        self, make: Make, vector: VectorEnvironment, actions: NDArray[Any]
    ) -> None:
        vector.reset(SEEDS)
        for row in actions[:3]:
            observations = vector.step(row, np.array([True, True, False, True])).observations
        present, state = observations.copy(), vector.snapshot()
        kept = {name: array.copy() for name, array in state.items()}
        expected = play(vector, present, actions[3:])
        for name, array in state.items():
            np.testing.assert_array_equal(array, kept[name], err_msg="the caller owns the snapshot")
        other = make()
        assert_same(play(other, other.restore(state), actions[3:]), expected)
        other.close()
        assert_same(play(vector, vector.restore(state), actions[3:]), expected)

    def test_snapshot_of_a_restored_environment_is_the_same_snapshot(
        self, vector: VectorEnvironment, actions: NDArray[Any]
    ) -> None:
        play(vector, vector.reset(SEEDS), actions)
        state = vector.snapshot()
        vector.reset((1, 2, 3, 4))
        vector.restore(state)
        for name, array in vector.snapshot().items():
            np.testing.assert_array_equal(array, state[name], strict=True)

    def test_snapshot_of_another_number_of_members_is_refused(self, make: Make, vector: VectorEnvironment) -> None:
        vector.reset(SEEDS)
        state = {name: array[..., :2] for name, array in vector.snapshot().items()}
        other = make()
        with pytest.raises(ValueError, match="has shape"):
            other.restore(state)
        other.close()

    def test_close_twice_is_allowed(self, make: Make) -> None:
        vector = make()
        vector.reset(SEEDS)
        vector.close()
        vector.close()


class CloneableContract(EnvironmentContract):
    """What a cloneable environment promises beyond."""

    def test_copy_members_copies_observation_and_step_counter(self, vector: VectorEnvironment, actions: NDArray[Any]) -> None:
        vector.reset(SEEDS)
        for row in actions[:2]:
            before = vector.step(row, np.array([True, False, True, False])).observations.copy()
        sources = np.array([2, 1, 2, 0])
        np.testing.assert_array_equal(vector.copy_members(sources), before[sources])
        active = np.array([False, True, True, True])
        for t in range(2, TIME_LIMIT):
            result = vector.step(actions[t], active)
            late = active & ~result.terminated
            assert (result.truncated & late).tolist() == [False, False, *(late[2:] & (t == TIME_LIMIT - 1))]
            active &= ~result.terminated

    def test_copies_of_one_member_that_act_alike_stay_alike(self, vector: VectorEnvironment, actions: NDArray[Any]) -> None:
        vector.reset([7] * MEMBERS)
        alike = np.repeat(actions[:, :1], MEMBERS, axis=1)
        played = play(vector, vector.copy_members(np.array([3, 3, 3, 3])), alike)
        for array in played:
            for member in range(1, MEMBERS):
                np.testing.assert_array_equal(array[:, member], array[:, 0])

    def test_copy_of_an_ended_member_is_no_end_while_it_idles(self, vector: VectorEnvironment, actions: NDArray[Any]) -> None:
        last = play(vector, vector.reset(SEEDS), actions).observations[-1]
        vector.copy_members(np.array([1, 1, 1, 1]))
        result = vector.step(actions[0], NOBODY)
        assert not (result.terminated | result.truncated).any()
        assert result.rewards.tolist() == [0, 0, 0, 0]
        np.testing.assert_array_equal(result.observations, last[[1, 1, 1, 1]])

    def test_copies_are_part_of_a_snapshot(self, make: Make, vector: VectorEnvironment, actions: NDArray[Any]) -> None:
        vector.reset(SEEDS)
        vector.step(actions[0], EVERYONE)
        present = vector.copy_members(np.array([2, 1, 2, 0])).copy()
        state = vector.snapshot()
        expected = play(vector, present, actions[1:])
        other = make()
        assert_same(play(other, other.restore(state), actions[1:]), expected)
        other.close()
