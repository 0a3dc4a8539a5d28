"""One episode from a seed, and the digest of its bits."""

import hashlib
from typing import Any

import gymnasium
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.environments.factory import GymnasiumEnvironments
from domain.replay import Trajectory, replay
from domain.rollout import Interrupted
from domain.spaces import Box, Discrete, EnvironmentSpec
from tests.factories import make_policy
from tests.fakes import FakeEnvironments, IdentityVector, TargetVector

ENVIRONMENTS = GymnasiumEnvironments()
SPECS = {name: ENVIRONMENTS.describe(name) for name in ("CartPole-v1", "Pendulum-v1", "FrozenLake-v1")}
seeds = st.integers(0, 2**32 - 1)


def replayed(env_name: str, seed: int, **asked: Any) -> Trajectory:
    return replay(make_policy(SPECS[env_name]), ENVIRONMENTS, seed, **asked)


@settings(max_examples=10)
@given(st.sampled_from([*SPECS]), seeds, st.booleans())
def test_replay_of_the_same_seed_is_the_same_and_of_another_seed_another(env_name: str, seed: int, deterministic: bool) -> None:
    one = replayed(env_name, seed, deterministic=deterministic, max_steps=40)
    assert replayed(env_name, seed, deterministic=deterministic, max_steps=40) == one
    if env_name != "FrozenLake-v1":  # whose episodes of few steps are often alike
        other = replayed(env_name, seed + 1, deterministic=deterministic, max_steps=40)
        assert other.sha256 != one.sha256


@pytest.mark.parametrize("env_name", [*SPECS])
def test_replay_is_the_episode_of_gymnasium_itself(env_name: str) -> None:
    trajectory = replayed(env_name, 11, deterministic=False, max_steps=50)
    environment = gymnasium.make(env_name)
    first, _ = environment.reset(seed=11)
    shown, rewards, ends = [first], [], []
    for action in trajectory.actions:
        taken = np.array(action, dtype=np.float32) if isinstance(action, list) else action
        observation, reward, *ended, _ = environment.step(taken)
        shown.append(observation)
        rewards.append(float(reward))
        ends.append(ended)
    environment.close()
    assert [np.asarray(one, dtype=np.float32).ravel().tolist() for one in shown] == [*trajectory.observations]
    assert rewards == [*trajectory.rewards]
    assert ends[-1][0] == trajectory.terminated
    assert trajectory.terminated or len(rewards) == 50
    assert trajectory.truncated == (len(rewards) == 50)


def test_digest_is_that_of_the_documented_bytes() -> None:
    discrete = replayed("CartPole-v1", 3)
    parts = [
        np.array(discrete.observations, "<f4").tobytes(),
        np.array(discrete.actions, "<i8").tobytes(),
        np.array(discrete.rewards, "<f8").tobytes(),
        bytes([discrete.terminated, discrete.truncated]),
    ]
    assert discrete.sha256 == hashlib.sha256(b"".join(parts)).hexdigest()
    box = replayed("Pendulum-v1", 3)
    parts = [
        np.array(box.observations, "<f4").tobytes(),
        np.array(box.actions, "<f4").tobytes(),
        np.array(box.rewards, "<f8").tobytes(),
        bytes([False, True]),
    ]
    assert box.sha256 == hashlib.sha256(b"".join(parts)).hexdigest()


@pytest.mark.parametrize(
    "change",
    [
        {"observations": ([0.0], [np.nextafter(np.float32(1), np.float32(2)).item()])},
        {"actions": (1,)},
        {"rewards": (float(np.nextafter(0.5, 1)),)},
        {"terminated": False, "truncated": True},
    ],
)
def test_digest_when_a_bit_changes_is_another(change: dict[str, Any]) -> None:
    fields: dict[str, Any] = {
        "observations": ([0.0], [1.0]),
        "actions": (0,),
        "rewards": (0.5,),
        "terminated": True,
        "truncated": False,
    }
    assert Trajectory(**fields).sha256 != Trajectory(**(fields | change)).sha256


def test_replay_counts_discrete_values_from_their_start() -> None:
    class Shifted(IdentityVector):
        SPEC = EnvironmentSpec("Shifted-v0", Discrete(5, start=3), Discrete(5, start=-7), 20)

    trajectory = replay(make_policy(Shifted.SPEC, normalized=False), FakeEnvironments(Shifted), seed=1)
    assert all(observation in [[k] for k in range(3, 8)] for observation in trajectory.observations)
    assert all(-7 <= action < -2 for action in trajectory.actions if isinstance(action, int))
    assert len(trajectory.observations) == len(trajectory.actions) + 1


def test_replay_of_a_box_gives_actions_in_the_environments_units() -> None:
    environments = FakeEnvironments(TargetVector)
    trajectory = replay(make_policy(TargetVector.SPEC), environments, seed=1, deterministic=False)
    space = TargetVector.SPEC.action_space
    assert isinstance(space, Box)
    for action in trajectory.actions:
        assert isinstance(action, list)
        assert all(low <= number <= high for low, number, high in zip(space.low, action, space.high, strict=True))
    assert environments.made[-1].closed


def test_replay_when_told_to_stop_ends_and_frees_the_environment() -> None:
    environments = FakeEnvironments(TargetVector)
    with pytest.raises(Interrupted):
        replay(make_policy(TargetVector.SPEC), environments, should_stop=lambda: environments.simulated >= 2)
    assert environments.simulated == 2
    assert environments.made[-1].closed
