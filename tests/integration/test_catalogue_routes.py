"""What can be trained, as clients see it."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import gymnasium
import pytest
from gymnasium import spaces
from litestar import Litestar
from litestar.testing import TestClient

from adapters.environments.factory import OWN_VECTORS, GymnasiumEnvironments
from domain.presets import resolve
from domain.rewards import REWARD_FUNCTIONS, RewardFunction, rewards_for
from tests.integration.asgi import service_of

Client = TestClient[Litestar]


class Watched(gymnasium.Env[Any, Any]):
    """Counts how often it is made, and must not be stepped."""

    made = 0

    def __init__(self) -> None:
        type(self).made += 1
        self.observation_space = spaces.Discrete(3, start=1)
        self.action_space = spaces.Box(-1.0, 1.0, (2,))

    def step(self, action: Any) -> Any:
        raise AssertionError("somebody's code is not run to describe it")

    reset = step  # type: ignore[assignment]


def missing() -> Any:
    import a_package_that_nobody_has  # type: ignore[import-not-found]  # noqa: PLC0415

    return a_package_that_nobody_has


@pytest.fixture(scope="module")
def registered() -> Iterator[None]:
    gymnasium.register("tests/Watched-v0", entry_point=Watched, max_episode_steps=7, reward_threshold=3.5)
    gymnasium.register("tests/Missing-v0", entry_point=missing)
    yield
    del gymnasium.registry["tests/Watched-v0"], gymnasium.registry["tests/Missing-v0"]


@pytest.fixture(scope="module")
def listed(registered: None) -> dict[str, dict[str, Any]]:
    """The environments by name, from the second answer, which equals the first."""
    app, container = service_of(GymnasiumEnvironments(["gymnasium", "tests/*"]))
    with TestClient(app) as client:
        first, second = (client.get("/environments") for _ in range(2))
    container.close()
    assert first.status_code == 200
    assert first.content == second.content
    return {environment["env_name"]: environment for environment in second.json()["environments"]}


def test_environment_of_ours_is_listed_with_spaces_rewards_and_preset(listed: dict[str, dict[str, Any]]) -> None:
    assert [*listed] == sorted(listed)
    cartpole = listed["CartPole-v1"]
    defaults = cartpole.pop("defaults")
    assert cartpole == {
        "env_name": "CartPole-v1",
        "available": True,
        "reason": None,
        "observation_space": {
            "type": "box",
            "shape": [4],
            "low": [-4.800000190734863, None, -0.41887903213500977, None],
            "high": [4.800000190734863, None, 0.41887903213500977, None],
        },
        "action_space": {"type": "discrete", "n": 2, "start": 0},
        "max_episode_steps": 500,
        "reward_threshold": 475.0,
        "vectorised": True,
        "drawable": True,
        "reward_functions": [*rewards_for("CartPole-v1")],
    }
    config = asdict(resolve({}, GymnasiumEnvironments().describe("CartPole-v1"), seed=1, model_name="m"))
    assert defaults == {
        name: [*value] if isinstance(value, tuple) else value
        for name, value in config.items()
        if name not in {"seed", "model_name"}
    }
    assert {name for name, environment in listed.items() if environment["drawable"]} == {spec.env_name for spec in OWN_VECTORS}
    assert listed["FrozenLake-v1"]["vectorised"]


def test_foreign_environment_is_listed_made_once_and_never_stepped(listed: dict[str, dict[str, Any]]) -> None:
    watched = listed["tests/Watched-v0"]
    assert watched["available"]
    assert watched["observation_space"] == {"type": "discrete", "n": 3, "start": 1}
    assert watched["action_space"] == {"type": "box", "shape": [2], "low": [-1, -1], "high": [1, 1]}
    assert (watched["max_episode_steps"], watched["reward_threshold"]) == (7, 3.5)
    assert (watched["vectorised"], watched["drawable"]) == (False, False)
    assert watched["reward_functions"][-1:] == ["environment"]
    assert Watched.made == 1


def test_environment_whose_package_is_missing_is_listed_with_the_reason(listed: dict[str, dict[str, Any]]) -> None:
    absent = listed["tests/Missing-v0"]
    assert (absent["available"], absent["defaults"], absent["observation_space"]) == (False, {}, None)
    assert absent["reason"] == (
        "env_name 'tests/Missing-v0' needs something that is not installed here: No module named 'a_package_that_nobody_has'"
    )
    assert not listed["Blackjack-v1"]["available"]
    assert "observation space Tuple" in listed["Blackjack-v1"]["reason"]


def test_environment_that_the_operator_does_not_allow_is_not_listed(client: Client, registered: None) -> None:
    names = {environment["env_name"] for environment in client.get("/environments").json()["environments"]}
    assert "CartPole-v1" in names
    assert not any(name.startswith("tests/") for name in names)


def test_environment_that_is_listed_as_available_can_be_trained_from_its_defaults(client: Client) -> None:
    listed = {one["env_name"]: one for one in client.get("/environments").json()["environments"]}
    answer = client.post("/train", json=listed["MountainCar-v0"]["defaults"] | {"total_timesteps": 64})
    assert answer.status_code == 200, answer.text
    assert answer.json()["config"]["env_name"] == "MountainCar-v0"


def test_reward_functions_are_those_of_the_registry(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    extra = RewardFunction(
        "lazy", lambda _s, _a, n: -n[:, 0], "Pays for little.", "−x", ("Pendulum-v1",), (-1.0, 0.0), "lazy-pkg"
    )
    monkeypatch.setitem(REWARD_FUNCTIONS, "lazy", extra)
    listed = {reward["name"]: reward for reward in client.get("/reward-functions").json()["reward_functions"]}
    assert listed.keys() == REWARD_FUNCTIONS.keys()
    assert listed["simple_cartpole"]["bounds"] == [0.1, 1.0]
    assert (listed["environment"]["env_names"], listed["environment"]["source"]) == (None, "built-in")
    assert listed["lazy"] == {
        "name": "lazy",
        "description": "Pays for little.",
        "formula": "−x",
        "env_names": ["Pendulum-v1"],
        "bounds": [-1.0, 0.0],
        "source": "lazy-pkg",
    }
