"""What a push does in each of our environments, against Gymnasium's own with its velocity changed."""

from typing import Any, NamedTuple

import gymnasium
import numpy as np
import pytest

from adapters.environments.factory import OWN_VECTORS, GymnasiumEnvironments
from domain.pushable import Pushable
from tests.contract.environment_contract import random_actions

ENVIRONMENTS = GymnasiumEnvironments()
ALONE = np.ones(1, dtype=np.bool_)


class Velocity(NamedTuple):
    """Where the pushed velocity stands in Gymnasium's state and in the observation, what a push of 1 adds, and its bound."""

    in_state: int
    in_observation: int
    change: float
    fastest: float


VELOCITIES = {
    "CartPole-v1": Velocity(1, 1, 1.0, np.inf),
    "CartPole-v0": Velocity(1, 1, 1.0, np.inf),
    "Acrobot-v1": Velocity(2, 4, 2.0, 4 * np.pi),
    "MountainCar-v0": Velocity(1, 1, 0.03, 0.07),
    "MountainCarContinuous-v0": Velocity(1, 1, 0.03, 0.07),
    "Pendulum-v1": Velocity(1, 2, 4.0, 8.0),
}


def test_every_moving_environment_is_covered() -> None:
    assert VELOCITIES.keys() == {spec.env_name for spec in OWN_VECTORS}


@pytest.mark.parametrize("env_name", VELOCITIES)
@pytest.mark.parametrize("force", [-0.5, 0.25])
def test_push_then_goes_on_as_gymnasium_does_with_the_new_velocity(env_name: str, force: float) -> None:
    place = VELOCITIES[env_name]
    vector = ENVIRONMENTS.make(env_name, 1, 100)
    assert isinstance(vector, Pushable)
    environment = gymnasium.make(gymnasium.spec(env_name), disable_env_checker=True)
    bare: Any = environment.unwrapped
    actions = random_actions(vector.spec, 12, 1)
    vector.reset([5])
    environment.reset(seed=5)
    for t, action in enumerate(actions):
        if t == 4:
            before = vector.step(action, ~ALONE).observations[0].copy()
            after = vector.push(force)[0]
            expected = before.copy()
            expected[place.in_observation] += np.float32(force * place.change)
            np.testing.assert_allclose(after, expected, rtol=1e-5)
            state = np.array(bare.state)
            state[place.in_state] = after[place.in_observation]
            bare.state = state if isinstance(bare.state, np.ndarray) else tuple(state)
        shown, reward, terminated, _, _ = environment.step(action[0])
        result = vector.step(action, ALONE)
        np.testing.assert_array_equal(result.observations[0], shown)
        assert result.rewards[0] == reward
        assert result.terminated[0] == terminated
        if terminated:
            break
    environment.close()
    assert t > 4


@pytest.mark.parametrize("env_name", VELOCITIES)
def test_push_again_and_again_stays_within_bounds(env_name: str) -> None:
    place = VELOCITIES[env_name]
    vector = ENVIRONMENTS.make(env_name, 1, 100)
    assert isinstance(vector, Pushable)
    vector.reset([5])
    for _ in range(20):
        observation = vector.push(1.0)[0]
    speed = observation[place.in_observation]
    assert speed == pytest.approx(min(place.fastest, 20 * place.change), rel=0.05)
    assert speed <= np.float32(place.fastest)


def test_push_is_part_of_a_snapshot() -> None:
    vector, other = (ENVIRONMENTS.make("CartPole-v1", 1, 100) for _ in range(2))
    assert isinstance(vector, Pushable)
    vector.reset([5])
    shown = vector.push(-1.0).copy()
    np.testing.assert_array_equal(other.restore(vector.snapshot()), shown)


@pytest.mark.parametrize("env_name", ["FrozenLake-v1", "Taxi-v4"])
def test_environment_without_bodies_cannot_be_pushed(env_name: str) -> None:
    assert not isinstance(ENVIRONMENTS.make(env_name, 1, 100), Pushable)
