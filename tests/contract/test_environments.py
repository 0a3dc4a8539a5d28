"""The contract of VectorEnvironment on every adapter, and what only Gymnasium's can get wrong."""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.utils.env_checker import check_env

from adapters.environments import gymnasium_registry
from adapters.environments.factory import OWN_VECTORS, GymnasiumEnvironments
from adapters.environments.gymnasium_vector import GymnasiumVector
from domain.errors import EnvironmentFailed
from domain.ports import VectorEnvironment
from tests.contract.environment_contract import MEMBERS, TIME_LIMIT, CloneableContract, EnvironmentContract, Make

GYMNASIUM_IDS = (
    "CartPole-v1",
    "Pendulum-v1",
    "Acrobot-v1",
    "MountainCarContinuous-v0",
    "FrozenLake-v1",
)


OWN_IDS = (
    *(spec.env_name for spec in OWN_VECTORS),
    "FrozenLake-v1",
    "FrozenLake8x8-v1",
    "CliffWalking-v1",
    "CliffWalkingSlippery-v1",
    "Taxi-v4",
)
ENVIRONMENTS = GymnasiumEnvironments()


def gymnasium_vector(env_name: str, num_envs: int, max_episode_steps: int = TIME_LIMIT) -> GymnasiumVector:
    return GymnasiumVector(gymnasium_registry.describe(env_name), num_envs, max_episode_steps)


class TestOwnVectors(CloneableContract):
    @pytest.fixture(params=OWN_IDS)
    def make(self, request: pytest.FixtureRequest) -> Make:
        return lambda: ENVIRONMENTS.make(request.param, MEMBERS, TIME_LIMIT)


class TestGymnasiumVector(EnvironmentContract):
    @pytest.fixture(params=GYMNASIUM_IDS)
    def make(self, request: pytest.FixtureRequest) -> Make:
        return lambda: gymnasium_vector(request.param, MEMBERS)

    def test_copy_members_is_refused(self, vector: VectorEnvironment) -> None:
        with pytest.raises(NotImplementedError, match="is not cloneable"):
            vector.copy_members(np.zeros(MEMBERS, dtype=np.int64))


class Corridor(gymnasium.Env[Any, Any]):
    """Observes how far it has come and ends at 3. Actions 5 and 6 move on, 7 stays. Notes each action."""

    noted: ClassVar[list[int]] = []

    def __init__(self) -> None:
        self.observation_space = spaces.Box(0.0, 3.0, (1,), dtype=np.float32)
        self.action_space = spaces.Discrete(3, start=5)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.place = 0.0
        return np.array([self.place], dtype=np.float32), {"place": self.place}

    def step(self, action: Any) -> Any:
        assert self.action_space.contains(action)
        self.noted.append(int(action))
        self.place += action < 7
        return np.array([self.place], dtype=np.float32), self.place, self.place >= 3, False, {"place": self.place}


class Picky(gymnasium.Env[Any, Any]):
    """Takes arrays of shape (2, 1) in float64 only, and writes into them. Observes the values from 3 to 5 in turn."""

    noted: ClassVar[list[Any]] = []

    def __init__(self) -> None:
        self.observation_space = spaces.Discrete(3, start=3)
        self.action_space = spaces.Box(-0.1, 0.1, (2, 1), dtype=np.float64)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.place = 0
        return 3, {}

    def step(self, action: Any) -> Any:
        assert self.action_space.contains(action)
        self.noted.append(action.copy())
        action[:] = np.nan
        self.place += 1
        return 3 + self.place % 3, 0.5, False, False, {}


class Broken(Corridor):
    """Fails at its second step, in the way that it was made for."""

    def __init__(self, observation: Any = (0.0,), reward: float = 0.0, error: Exception | None = None) -> None:
        super().__init__()
        self.observation, self.reward, self.error = np.array(observation, dtype=np.float64), reward, error

    def step(self, action: Any) -> Any:
        self.place += 1
        if self.place < 2:
            return np.array([0.0]), 0.0, False, False, {}
        if self.error is not None:
            raise self.error
        return self.observation, self.reward, False, False, {}


Register = Callable[..., str]


@pytest.fixture
def register() -> Iterator[Register]:
    """Registers an environment for one test and gives its id."""
    ids = []

    def _register(entry_point: Callable[..., Any], **kwargs: Any) -> str:
        ids.append(f"test/{entry_point.__name__}-v0")
        gymnasium.register(ids[-1], entry_point, max_episode_steps=10, kwargs=kwargs)
        return ids[-1]

    yield _register
    for env_id in ids:
        del gymnasium.registry[env_id]


def test_corridor_of_these_tests_follows_the_rules_of_gymnasium() -> None:
    check_env(Corridor(), skip_render_check=True)


def test_step_with_inactive_members_does_not_simulate_them(register: Register) -> None:
    vector = gymnasium_vector(register(Corridor), 3)
    vector.reset((1, 2, 3))
    Corridor.noted.clear()
    vector.step(np.array([0, 1, 2]), np.array([True, False, True]))
    assert Corridor.noted == [5, 7]
    result = vector.step(np.array([0, 1, 2]), np.array([False, True, False]))
    assert Corridor.noted == [5, 7, 6]
    assert result.observations.tolist() == [[1.0], [1.0], [0.0]]
    assert result.rewards.tolist() == [0.0, 1.0, 0.0]


def test_step_that_ends_an_episode_shows_its_last_observation_and_never_resets(register: Register) -> None:
    vector = gymnasium_vector(register(Corridor), 2)
    vector.reset((1, 2))
    for _ in range(2):
        vector.step(np.array([0, 2]), np.array([True, True]))
    result = vector.step(np.array([0, 2]), np.array([True, True]))
    assert result.observations.tolist() == [[3.0], [0.0]]
    assert result.rewards.tolist() == [3.0, 0.0]
    assert result.terminated.tolist() == [True, False]
    assert result.truncated.tolist() == [False, False]
    Corridor.noted.clear()
    result = vector.step(np.array([0, 2]), np.array([False, True]))
    assert result.observations.tolist() == [[3.0], [0.0]]
    assert result.terminated.tolist() == [False, False]
    assert Corridor.noted == [7]


def test_step_at_the_time_limit_truncates(register: Register) -> None:
    vector = gymnasium_vector(register(Corridor), 2, max_episode_steps=2)
    vector.reset((1, 2))
    assert not vector.step(np.array([2, 2]), np.array([True, False])).truncated.any()
    assert vector.step(np.array([2, 2]), np.array([True, True])).truncated.tolist() == [True, False]
    assert vector.step(np.array([2, 2]), np.array([False, True])).truncated.tolist() == [False, True]


def test_box_actions_arrive_in_shape_and_type_of_the_space_and_within_its_bounds(register: Register) -> None:
    vector = gymnasium_vector(register(Picky), 2)
    observations = vector.reset((1, 2))
    assert observations.tolist() == [[1, 0, 0], [1, 0, 0]]
    Picky.noted.clear()
    highest = np.float32(0.1)  # as a float64 0.10000000149, beyond the bound
    result = vector.step(np.array([[highest, -highest], [0.0, 0.05]], dtype=np.float32), np.array([True, True]))
    assert result.observations.tolist() == [[0, 1, 0], [0, 1, 0]]
    assert result.rewards.tolist() == [0.5, 0.5]
    assert [action.tolist() for action in Picky.noted] == [[[0.1], [-0.1]], [[0.0], [0.05000000074505806]]]


def test_snapshot_of_an_environment_that_writes_into_its_actions_replays_the_actions_given(register: Register) -> None:
    vector = gymnasium_vector(register(Picky), 2)
    vector.reset((1, 2))
    vector.step(np.array([[0.1, -0.1], [0.0, 0.0]], dtype=np.float32), np.array([True, True]))
    vector.step(np.array([[0.0, 0.0], [0.05, 0.0]], dtype=np.float32), np.array([False, True]))
    state = vector.snapshot()
    assert state["seeds"].tolist() == [1, 2]
    assert state["lengths"].tolist() == [1, 2]
    assert state["actions"].tolist() == [[[0.1], [-0.1]], [[0.0], [0.0]], [[0.05000000074505806], [0.0]]]
    Picky.noted.clear()
    assert vector.restore(state).tolist() == [[0, 1, 0], [0, 0, 1]]
    assert [action.tolist() for action in Picky.noted] == [[[0.1], [-0.1]], [[0.0], [0.0]], [[0.05000000074505806], [0.0]]]


def test_step_with_nan_among_the_actions_of_active_members_is_refused(register: Register) -> None:
    vector = gymnasium_vector(register(Picky), 2)
    vector.reset((1, 2))
    actions = np.array([[np.nan, 0.0], [0.0, 0.0]], dtype=np.float32)
    with pytest.raises(ValueError, match="actions must be finite"):
        vector.step(actions, np.array([True, True]))
    assert vector.step(actions, np.array([False, True])).rewards.tolist() == [0.0, 0.5]


@pytest.mark.parametrize(
    ("failure", "sentence"),
    [
        ({"error": RuntimeError("out of fuel")}, "test/Broken-v0 failed in step: RuntimeError: out of fuel"),
        ({"error": KeyError("x")}, "test/Broken-v0 failed in step: KeyError: 'x'"),
        ({"observation": (np.nan,)}, "test/Broken-v0 gave an observation with NaN or infinity in it."),
        ({"observation": (-np.inf,)}, "test/Broken-v0 gave an observation with NaN or infinity in it."),
        ({"reward": np.nan}, "test/Broken-v0 gave a reward that is NaN or infinite."),
        ({"reward": np.inf}, "test/Broken-v0 gave a reward that is NaN or infinite."),
        (
            {"reward": "high"},
            "test/Broken-v0 failed in step: ValueError: could not convert string to float: 'high'",
        ),
    ],
)
def test_step_of_an_environment_that_breaks_fails_with_a_sentence(
    register: Register, failure: dict[str, Any], sentence: str
) -> None:
    vector = gymnasium_vector(register(Broken, **failure), 2)
    vector.reset((1, 2))
    vector.step(np.array([0, 0]), np.array([True, True]))
    with pytest.raises(EnvironmentFailed) as raised:
        vector.step(np.array([0, 0]), np.array([False, True]))
    assert str(raised.value) == sentence
    vector.close()


def test_step_with_a_value_outside_a_discrete_observation_space_fails_with_a_sentence(register: Register) -> None:
    class Outside(Picky):
        def step(self, action: Any) -> Any:
            return 6, 0.0, False, False, {}

    vector = gymnasium_vector(register(Outside), 1)
    vector.reset((1,))
    with pytest.raises(EnvironmentFailed, match="test/Outside-v0 failed in step: ValueError: expected integers from 3 to 5"):
        vector.step(np.zeros((1, 2), dtype=np.float32), np.array([True]))


def test_every_other_method_of_an_environment_that_breaks_fails_with_a_sentence(register: Register) -> None:
    class Stubborn(Corridor):
        works = True

        def __init__(self) -> None:
            super().__init__()
            self.check("no room")

        def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
            self.check("no display")
            return super().reset(seed=seed)

        def step(self, action: Any) -> Any:
            self.check("no power")
            return super().step(action)

        def close(self) -> None:
            self.check("still busy")

        def check(self, message: str) -> None:
            if not self.works:
                raise OSError(message)

    spec = gymnasium_registry.describe(register(Stubborn))
    vector = GymnasiumVector(spec, 1, 10)
    vector.reset((1,))
    vector.step(np.array([0]), np.array([True]))
    state = vector.snapshot()
    other = GymnasiumVector(spec, 1, 10)
    Stubborn.works = False
    for call, sentence in (
        (lambda: GymnasiumVector(spec, 2, 10), "at its start: OSError: no room"),
        (lambda: vector.reset((1,)), "in reset: OSError: no display"),
        (lambda: vector.restore(state), "in reset: OSError: no display"),
        (lambda: vector.step(np.array([0]), np.array([True])), "in step: OSError: no power"),
        (vector.close, "at its end: OSError: still busy"),
        (other.close, "at its end: OSError: still busy"),
    ):
        with pytest.raises(EnvironmentFailed, match=f"^test/Stubborn-v0 failed {sentence}$"):
            call()
    vector.close()


def test_long_message_of_a_failure_is_shortened(register: Register) -> None:
    vector = gymnasium_vector(register(Broken, error=RuntimeError("x" * 10_000)), 1)
    vector.reset((1,))
    vector.step(np.array([0]), np.array([True]))
    with pytest.raises(EnvironmentFailed) as raised:
        vector.step(np.array([0]), np.array([True]))
    assert len(str(raised.value)) == 500
