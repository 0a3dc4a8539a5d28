"""Our own vector environments against Gymnasium's scalar ones, bit by bit, and what only ours can do."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from adapters.environments import gymnasium_registry
from adapters.environments.factory import OWN_VECTORS, GymnasiumEnvironments
from adapters.environments.gymnasium_vector import GymnasiumVector
from adapters.environments.tabular import TabularVector
from domain.ports import VectorEnvironment
from domain.spaces import EnvironmentSpec, encode_observations

CLASSIC = ("Acrobot-v1", "MountainCar-v0", "MountainCarContinuous-v0", "Pendulum-v1")
TABULAR = ("FrozenLake-v1", "FrozenLake8x8-v1", "CliffWalking-v1", "CliffWalkingSlippery-v1", "Taxi-v4")
CONTINUOUS = ("MountainCarContinuous-v0", "Pendulum-v1")
TIME_LIMIT = 200
ENVIRONMENTS = GymnasiumEnvironments()

Actions = NDArray[Any]
Policy = Callable[[NDArray[np.float32]], Actions]


def walk(*moves: int) -> Policy:
    """Move by state, for observations that are one-hot."""
    table = np.array(moves)
    return lambda observations: table[observations.argmax(axis=1)]


# Policies that balance, swing up, reach a goal, or meet a bound, where random actions would not.
POLICIES: dict[str, Policy] = {
    "CartPole-v1": lambda observations: (observations @ (0.0, 0.1, 3.0, 1.0) > 0) * 1,
    "Acrobot-v1": lambda observations: (observations[:, 4] < 0) * 2,
    "MountainCar-v0": lambda observations: (observations[:, 1] >= 0) * 2,
    "MountainCarContinuous-v0": lambda observations: np.where(observations[:, 1:] >= 0, 1, -1).astype(np.float32),
    "Pendulum-v1": lambda observations: np.clip(-3 * observations[:, 2:] - 8 * observations[:, 1:2], -2, 2),
    "FrozenLake-v1": walk(0, 3, 3, 3, 0, 0, 0, 0, 3, 1, 0, 0, 0, 2, 1, 0),
    "CliffWalking-v1": walk(*[1] * 11, 2, *[1] * 11, 2, *[1] * 11, 2, *[0] * 12),
}


def random_actions(spec: EnvironmentSpec, rng: np.random.Generator, members: int) -> Actions:
    """Actions [N] or [N, 1]."""
    if spec.continuous:
        return rng.uniform(spec.action_space.low, spec.action_space.high, (members, 1)).astype(np.float32)  # type: ignore[union-attr]
    return rng.integers(spec.action_space.size, size=members)


@pytest.mark.parametrize(
    ("env_name", "least_terminations", "least_truncations"),
    [
        ("CartPole-v1", 300, 24),
        ("Acrobot-v1", 80, 5),
        ("MountainCar-v0", 80, 30),
        ("MountainCarContinuous-v0", 80, 5),
        ("Pendulum-v1", 0, 100),
        ("FrozenLake-v1", 1000, 1),
        ("FrozenLake8x8-v1", 500, 0),
        ("CliffWalking-v1", 500, 10),
        ("CliffWalkingSlippery-v1", 1, 50),
        ("Taxi-v4", 1, 90),
    ],
)
def test_20000_steps_equal_those_of_gymnasium(env_name: str, least_terminations: int, least_truncations: int) -> None:
    """13 members, so that vector instructions meet unaligned rows and a remainder; 5 act at random."""
    members, steps, seed = 13, 1_600, 12
    rng = np.random.default_rng(3)
    spec = ENVIRONMENTS.describe(env_name)
    limit = spec.max_episode_steps or TIME_LIMIT
    truth = [gymnasium.make(env_name, disable_env_checker=True, max_episode_steps=limit) for _ in range(members)]
    vector = ENVIRONMENTS.make(env_name, members, limit)
    observations = vector.reset(range(members)).copy()
    starts = [env.reset(seed=index)[0] for index, env in enumerate(truth)]
    np.testing.assert_array_equal(observations, encode_observations(spec.observation_space, np.array(starts)), strict=True)
    everyone = np.ones(members, dtype=np.bool_)
    terminations = truncations = 0
    for _ in range(steps):
        actions = random_actions(spec, rng, members)
        if env_name in POLICIES:
            actions[:8] = POLICIES[env_name](observations)[:8]
        result = vector.step(actions, everyone)
        expected = [env.step(action) for env, action in zip(truth, actions, strict=True)]
        shown = encode_observations(spec.observation_space, np.array([row[0] for row in expected]))
        np.testing.assert_array_equal(result.observations, shown, strict=True)
        assert result.rewards.tolist() == [row[1] for row in expected]
        assert result.terminated.tolist() == [row[2] for row in expected]
        assert result.truncated.tolist() == [row[3] for row in expected]
        terminations += int(result.terminated.sum())
        truncations += int(result.truncated.sum())
        observations = result.observations.copy()
        if result.terminated.any() or result.truncated.any():
            seeds: list[int | None] = [None] * members
            for member in np.flatnonzero(result.terminated | result.truncated):
                seed += 1
                seeds[member] = seed
                start, _ = truth[member].reset(seed=seed)
                observations[member] = encode_observations(spec.observation_space, np.array([start]))[0]
            np.testing.assert_array_equal(vector.reset(seeds), observations)
    for env in truth:
        env.close()
    assert members * steps >= 20_000
    assert terminations >= least_terminations
    assert truncations >= least_truncations


@pytest.mark.parametrize("env_name", CLASSIC)
def test_large_vector_equals_small_ones(env_name: str) -> None:
    """Vectorised functions must not depend on where in the array a value stands."""
    rng = np.random.default_rng(5)
    large = ENVIRONMENTS.make(env_name, 1_024, 25)
    actions = [random_actions(large.spec, rng, 1_024) for _ in range(30)]
    large.reset(range(1_024))
    for row in actions:
        result = large.step(row, np.ones(1_024, dtype=np.bool_))
    for start in range(0, 1_024, 256):
        small = ENVIRONMENTS.make(env_name, 3, 25)
        small.reset(range(start, start + 3))
        for row in actions:
            part = small.step(row[start : start + 3], np.ones(3, dtype=np.bool_))
        for whole, piece in zip(result, part, strict=True):
            np.testing.assert_array_equal(whole[start : start + 3], piece)


@pytest.mark.parametrize("spec", OWN_VECTORS, ids=lambda spec: spec.env_name)
def test_spec_equals_that_of_gymnasium_but_for_being_cloneable(spec: EnvironmentSpec) -> None:
    assert replace(gymnasium_registry.describe(spec.env_name), cloneable=True) == spec


MEMBERS = 3
flags = st.lists(st.booleans(), min_size=MEMBERS, max_size=MEMBERS)
operations = st.one_of(
    st.tuples(st.just("step"), flags),
    st.tuples(st.just("step"), flags),
    st.tuples(st.just("copy"), st.lists(st.integers(0, MEMBERS - 1), min_size=MEMBERS, max_size=MEMBERS)),
    st.tuples(st.just("reset"), st.lists(st.none() | st.integers(0, 2**60), min_size=MEMBERS, max_size=MEMBERS)),
    st.tuples(st.just("move"), st.none()),
)


def copy_alone(source: dict[str, NDArray[Any]], target: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The snapshot of a member that takes over another one's state, but keeps its own stream of random draws."""
    return {name: (target if name in {"seeds", "draws"} else source)[name] for name in source}


@pytest.mark.parametrize("env_name", ["CartPole-v1", *CLASSIC, "FrozenLake-v1", "Taxi-v4"])
@given(seed=st.integers(0, 2**32 - 1), program=st.lists(operations, max_size=12))
@settings(max_examples=15, deadline=None)
def test_member_of_a_vector_does_what_it_would_alone(env_name: str, seed: int, program: list[tuple[str, Any]]) -> None:
    """Whatever is stepped, idles, is copied, reset, or carried to another vector by a snapshot, in whatever order."""
    vector = ENVIRONMENTS.make(env_name, MEMBERS, 6)
    alone = [ENVIRONMENTS.make(env_name, 1, 6) for _ in range(MEMBERS)]
    rng = np.random.default_rng(seed)
    seeds = list(range(MEMBERS))
    observations = [vector.reset(seeds), *(one.reset([member]) for member, one in enumerate(alone))]
    for operation, operand in program:
        if operation == "step":
            active = np.array(operand)
            actions = random_actions(vector.spec, rng, MEMBERS)
            result = vector.step(actions, active)
            observations[0] = result.observations
            for member, one in enumerate(alone):
                if not active[member]:
                    assert [column[member] for column in result[1:]] == [0.0, False, False]
                    continue
                single = one.step(actions[member : member + 1], np.array([True]))
                observations[member + 1] = single.observations
                assert [column[member] for column in result[1:]] == [column[0] for column in single[1:]]
        elif operation == "copy":
            observations[0] = vector.copy_members(np.array(operand))
            states = [one.snapshot() for one in alone]
            for member, (one, source) in enumerate(zip(alone, operand, strict=True)):
                observations[member + 1] = one.restore(copy_alone(states[source], states[member]))
        elif operation == "reset":
            observations[0] = vector.reset(operand)
            for member, one in enumerate(alone):
                observations[member + 1] = one.reset([operand[member]])
        else:
            state = vector.snapshot()
            vector = ENVIRONMENTS.make(env_name, MEMBERS, 6)
            observations[0] = vector.restore(state)
        np.testing.assert_array_equal(observations[0], np.concatenate(observations[1:]))


@pytest.mark.parametrize("env_name", ["CartPole-v1", "Acrobot-v1", "MountainCar-v0", "FrozenLake-v1", "Taxi-v4"])
def test_discrete_action_out_of_range_counts_as_the_nearest(env_name: str) -> None:
    vector = ENVIRONMENTS.make(env_name, 4, TIME_LIMIT)
    vector.reset((5, 5, 5, 5))
    highest = vector.spec.action_space.size - 1
    observations = vector.step(np.array([-(2**62), 0, highest, 2**62]), np.ones(4, dtype=np.bool_)).observations
    np.testing.assert_array_equal(observations[0], observations[1])
    np.testing.assert_array_equal(observations[2], observations[3])


@pytest.mark.parametrize("env_name", CONTINUOUS)
def test_box_action_out_of_bounds_counts_as_the_nearest_as_with_gymnasium(env_name: str) -> None:
    vectors: tuple[VectorEnvironment, ...] = (
        ENVIRONMENTS.make(env_name, 2, TIME_LIMIT),
        GymnasiumVector(gymnasium_registry.describe(env_name), 2, TIME_LIMIT),
    )
    for vector in vectors:
        vector.reset((5, 6))
    for _ in range(3):
        ours, theirs = (v.step(np.array([[-3.4e38], [-3.4e38]], np.float32), np.array([True, True])) for v in vectors)
        np.testing.assert_array_equal(ours.observations, theirs.observations)
        np.testing.assert_array_equal(ours.rewards, theirs.rewards)
    vectors[1].close()


@pytest.mark.parametrize("env_name", CONTINUOUS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_box_action_that_is_not_finite_is_refused_unless_its_member_idles(env_name: str, value: float) -> None:
    vector = ENVIRONMENTS.make(env_name, 2, TIME_LIMIT)
    before = vector.reset((5, 6)).copy()
    actions = np.array([[value], [0.5]], dtype=np.float32)
    with pytest.raises(ValueError, match="actions must be finite"):
        vector.step(actions, np.array([True, True]))
    np.testing.assert_array_equal(vector.reset((None, None)), before)
    result = vector.step(actions, np.array([False, True]))
    np.testing.assert_array_equal(result.observations[0], before[0])
    assert result.rewards[0] == 0
    assert np.isfinite(result.observations).all()


def test_rewards_that_are_always_the_same_cannot_be_changed_by_the_caller() -> None:
    vector = ENVIRONMENTS.make("MountainCar-v0", 2, TIME_LIMIT)
    vector.reset((1, 2))
    rewards = vector.step(np.array([0, 0]), np.array([True, True])).rewards
    with pytest.raises(ValueError, match="read-only"):
        rewards *= 2


def test_copies_on_the_frozen_lake_meet_chances_of_their_own() -> None:
    vector = ENVIRONMENTS.make("FrozenLake8x8-v1", 64, TIME_LIMIT)
    vector.reset(range(64))
    vector.copy_members(np.zeros(64, dtype=np.int64))
    states = vector.step(np.full(64, 2), np.ones(64, dtype=np.bool_)).observations.argmax(axis=1)
    assert set(states.tolist()) == {0, 1, 8}


def test_draws_of_a_long_episode_are_those_of_gymnasium_block_after_block() -> None:
    """Idle steps between, so that the members use up their blocks at different times."""
    spec = ENVIRONMENTS.describe("CliffWalkingSlippery-v1")
    vector = TabularVector(spec, 2, 10_000)
    truth = [gymnasium.make(spec.env_name, disable_env_checker=True) for _ in range(2)]
    vector.reset((3, 4))
    shown = [env.reset(seed=seed)[0] for env, seed in zip(truth, (3, 4), strict=True)]
    rng = np.random.default_rng(9)
    for t in range(600):
        active = np.array([True, t % 3 > 0])
        actions = rng.choice([0, 3], size=2)  # up and left, never to the goal
        observations = vector.step(actions, active).observations
        for member in np.flatnonzero(active):
            shown[member] = truth[member].step(actions[member])[0]
        assert observations.argmax(axis=1).tolist() == shown
        if t == 300:
            state = vector.snapshot()
            assert state["draws"].tolist() == [302, 201]
            vector = TabularVector(spec, 2, 10_000)
            vector.restore(state)
