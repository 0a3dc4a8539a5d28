"""Standard streams of a process that are no UTF-8, full, closed, or left by who reads them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from grpo_client import Client

GRPO = str(Path(sys.executable).parent / "grpo")
PATIENCE_SECONDS = 60
PLAIN = {name: value for name, value in os.environ.items() if not name.startswith(("GRPO_", "PYTHON", "LC_", "LANG"))}
ASCII = {"PYTHONIOENCODING": "ascii"}


def ended(command: list[str], **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command, capture_output=True, env=PLAIN | environment, timeout=PATIENCE_SECONDS, check=False)


def in_shell(redirections: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return ended(["sh", "-c", f'"$0" "$@" {redirections}', GRPO, *arguments])


def test_train_on_an_ascii_terminal_writes_question_marks_and_ends_its_job(url: str) -> None:
    answer = ended([GRPO, "train", "--url", url, "--timesteps", "300", "--name", "plain"], **ASCII)
    assert (answer.returncode, answer.stderr) == (0, b"")
    assert answer.stdout.startswith(b"CartPole-v1 ? plain   job ")
    with Client(url) as client:
        assert client.jobs(limit=1, status="completed")[0].model_name == "plain"


def test_json_is_utf_8_whatever_the_encoding_of_the_terminal(url: str) -> None:
    with Client(url) as client:
        client.import_model(client.model("quick").export(), "é")
    answer = ended([GRPO, "models", "--url", url, "--json"], **ASCII)
    assert "é" in [model["name"] for model in json.loads(answer.stdout.decode())["models"]]


@pytest.mark.parametrize("arguments", [["models"], ["models", "--json"], ["--help"], ["completion", "bash"]], ids=str)
def test_full_disk_is_told_in_one_sentence(url: str, arguments: list[str]) -> None:
    given = [*arguments, "--url", url] if arguments[0] == "models" else arguments
    answer = in_shell("> /dev/full", *given)
    assert answer.returncode == 1
    assert answer.stderr == b"error: Standard output cannot be written: No space left on device.\n"


@pytest.mark.parametrize(
    ("redirections", "code"), [(">&-", 0), ("<&- >&- 2>&-", 0), ("2> /dev/full", 0)], ids=["output", "all", "full-errors"]
)
def test_closed_stream_is_as_dev_null(tmp_path: Path, redirections: str, code: int) -> None:
    folder = tmp_path / "data"
    answer = in_shell(redirections, "jobs", "--json", "--data-dir", str(folder))
    assert (answer.returncode, answer.stderr) == (code, b"")
    # A file that had got the number of the closed stream would now hold what was printed.
    assert (folder / "grpo.db").read_bytes().startswith(b"SQLite format 3")


@pytest.mark.parametrize("form", [["--json"], []], ids=["json", "text"])
def test_reader_who_has_enough_ends_the_command_without_an_error(url: str, form: list[str]) -> None:
    command = [GRPO, "play", "quick", "--url", url, "--episodes", "1000000", "--speed", "10", *form]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=PLAIN) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert (process.wait(PATIENCE_SECONDS), process.stderr.read()) == (0, b"")
