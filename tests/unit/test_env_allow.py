"""Which environments may be named: an allow-list, and never a module."""

import contextlib
import pickle
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import gymnasium
import pytest

from adapters.environments.cartpole import CartPoleVector
from adapters.environments.factory import GymnasiumEnvironments
from adapters.environments.gymnasium_vector import GymnasiumVector
from adapters.environments.process_vector import ProcessVector
from domain.access_errors import EnvironmentNotAllowed
from domain.errors import UnknownEnvironment, UnsupportedEnvironment


@pytest.fixture
def own_game() -> Iterator[str]:
    """An environment that the operator has registered, whose code is not Gymnasium's."""
    gymnasium.register("MyGame/Hard-v0", entry_point="tests.unit.test_env_allow:Game", max_episode_steps=5)
    yield "MyGame/Hard-v0"
    gymnasium.registry.pop("MyGame/Hard-v0")


class Game(gymnasium.Env[int, int]):
    observation_space = gymnasium.spaces.Discrete(2)
    action_space = gymnasium.spaces.Discrete(2)


@pytest.mark.parametrize("name", ["CartPole-v1", "FrozenLake-v1", "MountainCarContinuous-v0"])
def test_gymnasiums_own_are_allowed_by_its_name(name: str) -> None:
    assert GymnasiumEnvironments(["gymnasium"]).describe(name).env_name == name


def test_environment_of_another_package_is_refused_by_default_with_what_is_allowed(own_game: str) -> None:
    for allow in (["gymnasium"], ["gymnasium", "CartPole*"], ["mygame/*"]):
        with pytest.raises(EnvironmentNotAllowed) as error:
            GymnasiumEnvironments(allow).describe(own_game)
        assert f"env_name '{own_game}' is not allowed on this server; allowed are: " in str(error.value)
        assert all(word in str(error.value) for word in allow if word != "gymnasium")


@pytest.mark.parametrize("pattern", ["*", "MyGame/*", "MyGame/Hard-v0", "*-v[0-9]"])
def test_environment_that_a_pattern_names_is_allowed(own_game: str, pattern: str) -> None:
    assert GymnasiumEnvironments(["gymnasium", pattern]).describe(own_game).env_name == own_game


@pytest.mark.parametrize("name", ["CartPole-v1", "Pendulum-v1", "Taxi-v4"])
def test_gymnasiums_own_that_no_word_names_is_refused_also_when_it_is_made(name: str) -> None:
    environments = GymnasiumEnvironments(["Acrobot-v1", "MyGame/*"])
    with pytest.raises(EnvironmentNotAllowed):
        environments.describe(name)
    with pytest.raises(EnvironmentNotAllowed):
        environments.make(name, 2, 10)
    assert environments.describe("Acrobot-v1").env_name == "Acrobot-v1"


def test_allow_list_travels_to_a_worker() -> None:
    there = pickle.loads(pickle.dumps(GymnasiumEnvironments(["Acrobot-v1"])))
    assert there.describe("Acrobot-v1")
    with pytest.raises(EnvironmentNotAllowed):
        there.make("CartPole-v1", 2, 10)


def test_factory_without_a_list_allows_all_that_are_registered(own_game: str) -> None:
    assert GymnasiumEnvironments().describe(own_game)


def test_name_that_would_import_a_module_is_refused_and_imports_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "imported"
    (tmp_path / "hostile_module.py").write_text(f"open({str(mark)!r}, 'w').close()\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    for allow in (["gymnasium"], ["*"], ["hostile_module:*", "hostile_module:CartPole-v1"]):
        environments = GymnasiumEnvironments(allow)
        for name in ("hostile_module:CartPole-v1", "hostile_module:", ":hostile_module", "hostile_module:Thing-v0"):
            with pytest.raises(UnknownEnvironment):
                environments.describe(name)
            with pytest.raises(UnknownEnvironment):
                environments.make(name, 2, 10)
    assert "hostile_module" not in sys.modules
    assert not mark.exists()


def test_names_are_those_that_are_registered_and_allowed(own_game: str) -> None:
    assert GymnasiumEnvironments(["Pendulum-v1", "MyGame/*"]).names() == [own_game, "Pendulum-v1"]
    everything = GymnasiumEnvironments().names()
    assert everything == sorted(everything)
    assert {own_game, "CartPole-v1"} <= {*everything}
    assert own_game not in GymnasiumEnvironments(["gymnasium"]).names()


def test_foreign_environment_is_made_apart_where_told_so_and_not_in_a_worker(own_game: str) -> None:
    server = GymnasiumEnvironments(foreign_apart=True)
    with contextlib.closing(server.make(own_game, 1, 5)) as apart:
        assert isinstance(apart, ProcessVector)
    worker: GymnasiumEnvironments = pickle.loads(pickle.dumps(server))
    assert isinstance(worker.make(own_game, 1, 5), GymnasiumVector)
    assert isinstance(server.make("CartPole-v1", 1, 5), CartPoleVector)


def test_foreign_environment_that_cannot_be_told_to_another_process_is_refused() -> None:
    lock = threading.Lock()
    gymnasium.register("MyGame/Locked-v0", entry_point=lambda: (lock, Game())[1], max_episode_steps=5)
    try:
        with pytest.raises(UnsupportedEnvironment, match="'MyGame/Locked-v0' cannot be told to another process, and its code"):
            GymnasiumEnvironments(foreign_apart=True).make("MyGame/Locked-v0", 1, 5)
    finally:
        gymnasium.registry.pop("MyGame/Locked-v0")
