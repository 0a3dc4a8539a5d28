"""docs/how-to/plugins.md says what examples/plugin does."""

import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

from bootstrap.settings import PREFIX, Settings
from tests.plugin import EXAMPLE, install_example

PAGE = (Path(__file__).parent.parent.parent / "docs" / "how-to" / "plugins.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    install_example(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    import grpo_example  # noqa: PLC0415 - it is there now

    yield grpo_example
    del sys.modules["grpo_example"]


def test_reward_of_the_page_then_is_that_of_the_example(example: Any) -> None:
    page: dict[str, Any] = {}
    exec(blocks("python")[0], page)
    rng = np.random.default_rng(0)
    state, action, next_state = rng.normal(size=(3, 50, 3)).astype(np.float32)
    ours, theirs = page["pendulum_upright"], example.pendulum_upright
    rewards = ours(state, action, next_state)
    np.testing.assert_array_equal(rewards, theirs(state, action, next_state))
    assert (rewards.shape, rewards.min() >= ours.bounds[0], rewards.max() <= ours.bounds[1]) == ((50,), True, True)
    assert ours.__doc__ == theirs.__doc__
    for name in ("env_names", "bounds", "formula"):
        assert getattr(ours, name) == getattr(theirs, name)


def test_environment_of_the_page_then_is_that_of_the_example(example: Any) -> None:
    page: dict[str, Any] = {}
    exec(blocks("python")[1], page)
    registered = []
    for register in (page["register_environments"], example.register_environments):
        register()
        registered.append(gymnasium.registry.pop("Example/Corridor-v0"))
    assert [(spec.entry_point, spec.max_episode_steps) for spec in registered] == [("grpo_example:Corridor", 30)] * 2


def test_entry_points_and_commands_of_the_page_then_are_those_of_the_example() -> None:
    [points] = blocks("toml")
    assert tomllib.loads(points)["project"]["entry-points"] == PROJECT["entry-points"]
    start, train = blocks("bash")
    assert f"pip install ./examples/{EXAMPLE.name}" in start
    assert f"{PREFIX}PLUGINS={PROJECT['name']} " in start
    assert "plugins" in Settings.__struct_fields__
    sent = json.loads(re.search(r"-d '(.*)'", train)[1])  # type: ignore[index]
    assert sent["reward_function_type"] in PROJECT["entry-points"]["grpo.reward_functions"]
