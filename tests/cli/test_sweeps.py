"""`grpo sweep` and `grpo sweeps`: from the values that people write to the best trial, stopped and gone on with."""

from pathlib import Path
from typing import Any

import pytest

from adapters.cli.failures import CommandFailed
from adapters.cli.search import parse_search
from tests.cli.conftest import Grpo
from tests.cli.terminal import Terminal

QUICK = ("--timesteps", "200", "--set", "hidden_sizes=[8]", "--set", "n_eval_episodes=1")
LEARNING_RATE = ("--search", "learning_rate=1e-4..1e-2:log")
CTRL_C = "\x03"


@pytest.mark.parametrize(
    ("text", "dimension"),
    [
        ("x=1e-4..1e-2:log", {"type": "float", "low": 1e-4, "high": 1e-2, "log": True}),
        ("x=2..20", {"type": "int", "low": 2, "high": 20, "log": False}),
        ("x=0..1.5", {"type": "float", "low": 0, "high": 1.5, "log": False}),
        ("x=-2..-1", {"type": "int", "low": -2, "high": -1, "log": False}),
        ('x=["tanh","relu"]', {"type": "categorical", "choices": ["tanh", "relu"]}),
        ('x={"type":"int","low":8,"high":64,"step":8}', {"type": "int", "low": 8, "high": 64, "step": 8}),
    ],
)
def test_values_that_are_searched_are_read_as_people_write_them(text: str, dimension: dict[str, Any]) -> None:
    assert parse_search((text,)) == {"x": dimension}


@pytest.mark.parametrize("text", ["x", "=1..2", "x=", "x=1", "x=1..", "x=..2", "x=a..b", "x=true..2", "x=1..2:l", "x=1..2..3"])
def test_values_that_cannot_be_read_are_refused_with_the_form(text: str) -> None:
    with pytest.raises(CommandFailed, match=r"--search.*write"):
        parse_search((text,))


def test_field_that_is_searched_twice_is_refused(grpo: Grpo) -> None:
    answer = grpo("sweep", *LEARNING_RATE, *LEARNING_RATE)
    assert (answer.code, answer.err) == (2, "error: --search learning_rate: the field is given twice.\n")


def test_sweep_tells_each_trial_and_the_best_and_is_found_again(grpo: Grpo, url: str) -> None:
    server = ("--url", url)
    found = grpo("sweep", *server, *LEARNING_RATE, *QUICK, "--trials", "4", "--name", "tuned", "--seed", "1")
    assert found.code == 0, found.err
    lines = found.out.splitlines()
    sweep_id = lines[0].removeprefix("sweep ")
    assert sorted(line.split()[1] for line in lines if line.startswith("trial ")) == ["0", "1", "2", "3"]
    assert any(line.startswith("completed: the best is trial ") for line in lines)
    assert "importance: learning_rate 100%" in lines
    assert any(line.startswith("Watch it: grpo play tuned_") for line in lines)
    assert sweep_id in grpo("sweeps", *server).out
    assert grpo("sweeps", *server, "--json").json["sweeps"][0]["sweep_id"] == sweep_id
    shown = grpo("sweeps", "show", *server, sweep_id[:9]).out
    assert "4 of 4 done, 0 under way" in shown
    assert shown.count("tuned_") == 4
    assert grpo("sweeps", "show", *server, "--json").json["sweep_id"] == sweep_id

    more = grpo("sweeps", "resume", *server, sweep_id, "--trials", "5", "--json").lines
    assert [line["event"] for line in more] == ["sweep", *["trial"] * 5, "done"]
    assert more[-1]["data"]["status"] == "completed"
    over = grpo("sweeps", "stop", *server, sweep_id)
    assert (over.code, "already ended" in over.err) == (1, True)


def test_sweep_that_cannot_be_says_which_option_is_wrong(grpo: Grpo, url: str) -> None:
    def refused(*arguments: str) -> str:
        answer = grpo("sweep", "--url", url, *arguments)
        assert (answer.code, answer.out) == (2, "")
        return answer.err

    assert refused("--search", "gamma=0.9..0.8").startswith("error: --search: search_space.gamma: low must not be above high")
    assert refused("--search", "gama=0.9..0.8").startswith("error: --search: search_space.gama is no field")
    assert refused(*LEARNING_RATE, "--timesteps", "0").startswith("error: --timesteps: total_timesteps must be")
    assert refused(*LEARNING_RATE, "--trials", "0").startswith("error: --trials: n_trials must be")
    assert refused(*LEARNING_RATE, "--set", "epsilon=2").startswith("error: --set epsilon: epsilon must be")


def test_sweep_that_does_not_exist_is_not_found(grpo: Grpo, guarded: str) -> None:
    reads = ("--url", guarded, "--api-key", "reads")
    assert grpo("sweeps", *reads).err == "There is no sweep yet; `grpo sweep` makes one.\n"
    assert grpo("sweeps", "show", *reads).err == "error: There is no sweep yet; `grpo sweep` makes one.\n"
    assert grpo("sweeps", "show", *reads, "abc").err == "error: There is no sweep whose id begins with 'abc'.\n"
    assert grpo("sweeps", "show", *reads, "00000000-0000-0000-0000-000000000000").code == 3
    assert grpo("sweep", *reads, *LEARNING_RATE).code == 5


def test_detached_sweep_prints_its_id_and_needs_a_server(grpo: Grpo, url: str) -> None:
    answer = grpo("sweep", "--url", url, *LEARNING_RATE, *QUICK, "--trials", "1", "--detach")
    assert grpo("sweeps", "show", "--url", url, answer.out.strip(), "--json").json["n_trials"] == 1
    assert grpo("sweep", *LEARNING_RATE, "--detach").code == 2


def test_sweep_in_a_terminal_when_interrupted_keeps_what_was_found_and_goes_on(tmp_path: Path, grpo: Grpo) -> None:
    folder = ("--data-dir", str(tmp_path / "data"))
    with Terminal("sweep", *LEARNING_RATE, *QUICK, "--trials", "1000", "--parallel", "1", *folder) as terminal:
        terminal.until(lambda text: "trial 1 completed" in text and "of 1000 done" in text)
        terminal.type(CTRL_C)
        assert terminal.end() == 130
        assert "stopping; what was found so far is kept" in terminal.text
        assert "Go on: grpo sweeps resume" in terminal.text
    stopped = grpo("sweeps", "show", "--json").json
    assert (stopped["status"], stopped["best"]["value"] > 0) == ("stopped", True)
    done = len(stopped["trials"])
    with Terminal("sweeps", "resume", *folder) as terminal:
        terminal.until(lambda text: f"trial {done + 1} completed" in text)
        assert grpo("sweeps", "stop").code == 0  # from another terminal
        assert terminal.end() == 1
    assert grpo("sweeps", "show", "--json").json["status"] == "stopped"
