"""Commands without a server: the service within the command, on its folder."""

from pathlib import Path

import pytest

from adapters.storage.database import open_database
from adapters.storage.folder_lock import FolderLock
from adapters.storage.sqlite_jobs import SqliteJobRepository
from tests.cli.conftest import Grpo
from tests.factories import make_config, make_job


def test_model_that_one_command_trains_is_used_by_the_next(grpo: Grpo, tmp_path: Path) -> None:
    assert grpo("train", "--timesteps", "300", "--name", "here").code == 0
    assert grpo("predict", "here", "0", "0", "0", "0", "--json").json["action"] in {0, 1}
    assert [model["name"] for model in grpo("models", "--json").json["models"]] == ["here"]
    # Nothing but the folder itself is left behind.
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]


def test_folder_that_another_process_has_is_named_with_the_way_to_it(grpo: Grpo, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    lock = FolderLock(tmp_path / "data")
    try:
        answer = grpo("jobs")
    finally:
        lock.close()
    assert answer.code == 4
    assert "--url http://127.0.0.1:8000" in answer.err
    assert answer.err.count("\n") == 1


def test_unfinished_job_is_left_alone_by_what_only_reads(grpo: Grpo, tmp_path: Path) -> None:
    grpo("jobs")
    database = open_database(tmp_path / "data" / "grpo.db")
    SqliteJobRepository(database).add(make_job("waiting", config=make_config(total_timesteps=300)))
    database.close()
    assert "waiting  queued" in grpo("jobs").out
    seen = grpo("status")
    assert "queued" in seen.out
    assert "unfinished jobs go on with `grpo serve`" in seen.err
    assert "completed at 300 steps" in grpo("logs", "--follow").out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["status"], 3, "There is no job yet; `grpo train` makes one."),
        (["train", "--detach"], 2, "--detach needs a server"),
        (["jobs", "--config", "no.toml"], 2, "the settings file no.toml cannot be read"),
        (["jobs", "--data-dir", "/dev/null/x"], 1, "The data folder '/dev/null/x' cannot be used"),
    ],
)
def test_folder_that_does_not_serve_is_told(grpo: Grpo, arguments: list[str], code: int, said: str) -> None:
    answer = grpo(*arguments)
    assert (answer.code, answer.out) == (code, "")
    assert answer.err.startswith("error: ")
    assert said in answer.err


def test_setting_that_is_wrong_is_told(grpo: Grpo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRPO_PORT", "many")
    answer = grpo("jobs")
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert "GRPO_PORT" in answer.err
