"""Which plug-ins are loaded, what they may say of themselves, and how the start ends where one cannot be used."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bootstrap.plugins import load_plugins
from bootstrap.settings import InvalidSettings
from domain.rewards import REWARD_FUNCTIONS
from tests.plugin import install

REWARDS, ENVIRONMENTS = "grpo.reward_functions", "grpo.environments"
SOURCE = '''
"""Made for a test."""
def first(state, action, next_state):
    """The first number.

    And more.
    """
    return next_state[:, 0]
first.env_names = ["Pendulum-v1", "CartPole-v1"]
first.bounds = (-1, 1)
first.formula = "s′₀"

class Scaled:
    description = "Twice the first number."
    def __call__(self, state, action, next_state):
        return 2 * next_state[:, 0]
scaled = Scaled()
'''


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path, and a registry of rewards that is forgotten afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before, modules = dict(REWARD_FUNCTIONS), set(sys.modules)
    yield tmp_path
    REWARD_FUNCTIONS.clear()
    REWARD_FUNCTIONS.update(before)
    for name in set(sys.modules) - modules:
        del sys.modules[name]


def test_plugin_that_is_named_then_brings_its_rewards_with_what_it_says_of_them(target: Path) -> None:
    points = {"games.first": "games_rewards:first", "scaled": "games_rewards:scaled"}
    install(target, "My_Games", {REWARDS: points}, "games_rewards", SOURCE)
    load_plugins(["my-games"])
    first, scaled = REWARD_FUNCTIONS["games.first"], REWARD_FUNCTIONS["scaled"]
    assert (first.description, first.formula, first.source) == ("The first number.", "s′₀", "my-games")
    assert (first.env_names, first.bounds) == (("Pendulum-v1", "CartPole-v1"), (-1.0, 1.0))
    assert (scaled.description, scaled.env_names, scaled.bounds) == ("Twice the first number.", None, None)
    load_plugins(["my-games"])  # as a server that is built twice in one process does
    assert REWARD_FUNCTIONS["scaled"].source == "my-games"


def test_plugin_that_is_not_named_then_is_not_even_imported(target: Path) -> None:
    install(target, "games", {REWARDS: {"first": "games_rewards:first"}}, "games_rewards", "raise SystemExit('imported')")
    install(target, "others", {REWARDS: {"other": "other_rewards:first"}}, "other_rewards", SOURCE)
    load_plugins([])
    assert "other" not in REWARD_FUNCTIONS
    load_plugins(["others"])
    assert "other" in REWARD_FUNCTIONS
    assert "games_rewards" not in sys.modules


def test_star_then_loads_all_that_are_installed(target: Path) -> None:
    install(target, "games", {REWARDS: {"one": "games_rewards:first"}}, "games_rewards", SOURCE)
    install(target, "others", {REWARDS: {"two": "other_rewards:first"}}, "other_rewards", SOURCE)
    load_plugins(["*"])
    assert {REWARD_FUNCTIONS[name].source for name in ("one", "two")} == {"games", "others"}


def test_module_that_registers_environments_then_is_imported(target: Path) -> None:
    install(target, "worlds", {ENVIRONMENTS: {"all": "worlds_of_a_test"}}, "worlds_of_a_test", "LOADED = True")
    load_plugins(["worlds"])
    assert sys.modules["worlds_of_a_test"].LOADED


def test_name_that_no_distribution_has_then_ends_the_start_with_those_that_there_are(target: Path) -> None:
    install(target, "games", {REWARDS: {"first": "games_rewards:first"}}, "games_rewards", SOURCE)
    with pytest.raises(InvalidSettings) as caught:
        load_plugins(["games", "gamse"])
    assert "the setting plugins names 'gamse', and no distribution of that name is installed" in str(caught.value)
    assert str(caught.value).endswith("installed are: games.")
    assert "first" not in REWARD_FUNCTIONS


@pytest.mark.parametrize(
    ("name", "source", "said"),
    [
        ("first", "import no_such_module_at_all", "ModuleNotFoundError: No module named 'no_such_module_at_all'"),
        ("first", "first = 5", "TypeError: it must be a function of (state, action, next_state), not int"),
        ("first", "second = 5", "AttributeError: module 'games_rewards' has no attribute 'first'"),
        ("first", f"{SOURCE}\nfirst.env_names = 'Pendulum-v1'", "its attribute env_names must be a list of ids"),
        ("first", f"{SOURCE}\nfirst.env_names = []", "its attribute env_names must be a list of ids"),
        ("first", f"{SOURCE}\nfirst.bounds = (2, 1)", "its attribute bounds must be (lowest, highest)"),
        ("first", f"{SOURCE}\nfirst.formula = 5", "its attribute formula must be text"),
        ("simple_cartpole", SOURCE, "'simple_cartpole' of games has the name of one that is built-in"),
        ("two words", SOURCE, "reward_function_type must be the name of a reward function"),
    ],
)
def test_plugin_that_cannot_be_used_then_ends_the_start_with_its_name(target: Path, name: str, source: str, said: str) -> None:
    install(target, "games", {REWARDS: {name: "games_rewards:first"}}, "games_rewards", source)
    before = dict(REWARD_FUNCTIONS)
    with pytest.raises(InvalidSettings) as caught:
        load_plugins(["*"])
    assert f"the plug-in games, which the setting plugins allows, cannot be used: {REWARDS} {name!r}" in str(caught.value)
    assert said in str(caught.value)
    assert before == REWARD_FUNCTIONS
