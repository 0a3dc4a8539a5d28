"""In a real terminal: the bar, the curve that grows, Ctrl-C, a policy at play."""

import re
from pathlib import Path

from grpo_client import Client
from tests.cli.conftest import Grpo
from tests.cli.terminal import Terminal

CTRL_C = "\x03"
RIGHT = "\x1b[C"


def test_train_when_interrupted_keeps_the_model_and_says_how_to_go_on(tmp_path: Path, grpo: Grpo) -> None:
    folder = str(tmp_path / "data")
    with Terminal("train", "--timesteps", "5000000", "--name", "cut", "--data-dir", folder) as terminal:
        screen = terminal.until(lambda text: "steps/s" in text and "┤" in text)
        assert "CartPole-v1 → cut" in screen
        assert re.search(r"/ 5,000,000 steps", screen)
        assert re.search(r"return [\d.]+ \(best [\d.]+\) +[\d,]+ steps/s +[\d:]+ left", screen)
        terminal.type(CTRL_C)
        assert terminal.end() == 130
        assert "stopping; what was learned so far is kept as the model" in terminal.text
        assert re.search(r"stopped at [\d,]+ of 5,000,000 steps; the model is cut, version 1", terminal.text)
        assert "grpo resume" in terminal.text
    assert grpo("models", "--json").json["models"][0]["name"] == "cut"
    assert grpo("status", "--json").json["status"] == "stopped"


def test_train_when_its_terminal_is_closed_comes_to_a_checkpoint_and_waits(tmp_path: Path, grpo: Grpo) -> None:
    places = {"data": str(tmp_path / "data"), "temporary": str(tmp_path / "temporary")}
    Path(places["temporary"]).mkdir()
    # No checkpoint is made on the way but the one at the end.
    settings = {"TMPDIR": places["temporary"], "GRPO_CHECKPOINT_SECONDS": "3600"}
    with Terminal("train", "--timesteps", "50000000", "--name", "cut", "--data-dir", places["data"], **settings) as terminal:
        terminal.until(lambda text: "steps/s" in text)
        assert terminal.hang_up() == 143
    assert [*Path(places["temporary"]).iterdir()] == []
    waiting = grpo("status", "--json").json
    assert (waiting["status"], waiting["current_timesteps"] > 0) == ("queued", True)


def test_train_in_one_terminal_is_watched_and_stopped_from_another(tmp_path: Path, grpo: Grpo) -> None:
    with Terminal("train", "--timesteps", "5000000", "--name", "far", "--data-dir", str(tmp_path / "data")) as terminal:
        terminal.until(lambda text: "steps/s" in text)
        assert grpo("status", "--json").json["status"] == "running"
        assert "far" in grpo("jobs").out
        stopped = grpo("stop")
        assert (stopped.code, "is stopped at" in stopped.out) == (0, True)
        assert terminal.end() == 1
        assert "the model is far, version 1" in terminal.text


def test_train_in_a_terminal_draws_in_place_and_ends_with_the_model(url: str) -> None:
    with Terminal("train", "--timesteps", "400", "--name", "seen", "--url", url, NO_COLOR="1") as terminal:
        assert terminal.end() == 0
        screen = terminal.text
    assert screen.count("/ 400 steps") == 1
    assert "100%" in screen
    assert "└0" in screen
    assert "completed: 400 of 400 steps; the model is seen, version 1" in screen
    # NO_COLOR leaves bold and the movements of the cursor, and takes the colours.
    assert not re.search(rb"\x1b\[(?:\d+;)*(?:3[0-7]|9[0-7]|38)", terminal.raw)


def test_status_in_a_terminal_shows_the_curve_and_short_ids(url: str) -> None:
    with Client(url) as client:
        job_id = client.model("quick").info().versions[0].job_id or ""
    with Terminal("status", job_id[:8], "--url", url) as terminal:
        assert terminal.end() == 0
        assert "mean return" in terminal.text
        assert "600 steps" in terminal.text
        assert b"\x1b[32m" in terminal.raw  # completed is green


def test_play_in_a_terminal_draws_the_cart_takes_a_push_and_leaves_by_q(url: str) -> None:
    with Terminal("play", "quick", "--url", url) as terminal:
        screen = terminal.until(lambda text: "← → push   q leave" in text and "value" in text)
        assert "CartPole-v1   quick, version 1   seed 0" in screen
        assert "⣀⣀⣀" in screen
        assert "▶" in screen
        terminal.type(RIGHT)
        terminal.until(lambda text: "push ▶" in text)
        terminal.type("q")
        assert terminal.end() == 0
        assert re.fullmatch(r"episode \d+: return \d+ after \d+ steps", terminal.text.strip())
