"""Commands without a server: the service within the command, on its folder."""

import os
import signal
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from adapters.storage import folder_lock
from adapters.storage.database import open_database
from adapters.storage.folder_lock import FolderLock, Holder
from adapters.storage.sqlite_jobs import SqliteJobRepository
from bootstrap import in_process, storage
from bootstrap.in_process import service
from bootstrap.settings import Settings
from tests.cli.conftest import Grpo
from tests.factories import make_config, make_job


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data folder of the commands."""
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def test_model_that_one_command_trains_is_used_by_the_next(grpo: Grpo, tmp_path: Path) -> None:
    assert grpo("train", "--timesteps", "300", "--name", "here").code == 0
    assert grpo("predict", "here", "0", "0", "0", "0", "--json").json["action"] in {0, 1}
    assert [model["name"] for model in grpo("models", "--json").json["models"]] == ["here"]
    # Nothing but the folder itself is left behind.
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]


HOLDERS = [
    (Holder(1, url="http://127.0.0.1:8123"), "A server is using the data folder", "reach it with --url http://127.0.0.1:8123."),
    (Holder(4711, socket="/no/such/socket"), "Another grpo command (process 4711)", "wait until it ends"),
    (None, "Another process is using the data folder", "wait until it ends"),
]


@pytest.mark.parametrize(("holder", "who", "what"), HOLDERS, ids=["server", "command", "unknown"])
def test_folder_that_another_process_has_is_told_with_what_to_do(
    grpo: Grpo, data: Path, monkeypatch: pytest.MonkeyPatch, holder: Holder | None, who: str, what: str
) -> None:
    monkeypatch.setattr(storage, "LOCK_SECONDS", 0)
    with closing(FolderLock(data, holder)):
        answer = grpo("jobs")
    assert (answer.code, answer.err.count("\n")) == (4, 1)
    assert who in answer.err
    assert what in answer.err


def test_folder_that_another_command_is_about_to_leave_is_waited_for(
    grpo: Grpo, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = FolderLock(data, Holder(4711))
    pauses: list[float] = []

    def leave(seconds: float) -> None:
        pauses.append(seconds)
        lock.close()

    monkeypatch.setattr(folder_lock, "time", SimpleNamespace(monotonic=lambda: 0.0, sleep=leave))
    assert grpo("jobs").code == 0
    assert len(pauses) == 1


def test_folder_of_a_command_that_was_killed_is_opened(grpo: Grpo, data: Path) -> None:
    (data / "grpo.lock").write_bytes(msgspec.json.encode(Holder(4711, socket="/no/such/socket", trains=True)) + b" " * 400)
    assert grpo("jobs").code == 0
    assert (data / "grpo.lock").read_bytes() == b""


def test_service_of_another_command_is_used_where_it_is_enough(grpo: Grpo, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "LOCK_SECONDS", 0)
    assert grpo("train", "--timesteps", "200").code == 0
    with service(Settings(data_dir=str(data), executor="inline"), trains=True, joins=True):
        assert "completed" in grpo("jobs").out
        assert grpo("logs", "--follow").code == 0
        assert "completed" in (ended := grpo("stop")).err
        assert ended.code == 1
        # That service would end in the middle of a job of ours.
        refused = grpo("train", "--timesteps", "200")
        assert (refused.code, f"process {os.getpid()}" in refused.err) == (4, True)


def test_service_of_another_command_that_trains_nothing_is_no_use_to_what_needs_training(
    grpo: Grpo, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "LOCK_SECONDS", 0)
    with service(Settings(data_dir=str(data), executor="inline"), trains=False, joins=True):
        assert grpo("jobs").code == 0
        assert grpo("stop").code == 4
        assert grpo("logs", "--follow").code == 4


def test_socket_of_another_user_is_not_used(grpo: Grpo, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "LOCK_SECONDS", 0)
    with service(Settings(data_dir=str(data), executor="inline"), trains=True, joins=True):
        monkeypatch.setattr(in_process.os, "getuid", lambda: -1)
        assert grpo("jobs").code == 4


def test_temporary_folder_with_a_long_name_is_no_hindrance(grpo: Grpo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = tmp_path / ("t" * 100)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    assert grpo("jobs").code == 0
    assert [*long.iterdir()] == []


def test_temporary_folder_that_cannot_be_made_is_told(grpo: Grpo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/dev/null/x")
    answer = grpo("jobs")
    assert (answer.code, answer.err.count("\n")) == (1, 1)
    assert "A temporary folder cannot be made: " in answer.err


def test_unfinished_job_is_left_alone_by_what_only_reads(grpo: Grpo, tmp_path: Path) -> None:
    grpo("jobs")
    database = open_database(tmp_path / "data" / "grpo.db")
    SqliteJobRepository(database).add(make_job("waiting", config=make_config(total_timesteps=300)))
    database.close()
    assert "waiting  queued" in grpo("jobs").out
    seen = grpo("status")
    assert "queued" in seen.out
    assert "was cut off and waits for `grpo resume` or `grpo serve`" in seen.err
    assert "completed at 300 steps" in grpo("logs", "--follow").out


def test_resume_of_a_job_that_was_cut_off_follows_it(grpo: Grpo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRPO_EXECUTOR", "process")  # inline it would have ended before resume asks
    grpo("jobs")
    database = open_database(tmp_path / "data" / "grpo.db")
    SqliteJobRepository(database).add(make_job("waiting", config=make_config(total_timesteps=150_000)))
    database.close()
    larger = grpo("resume", "--timesteps", "200000")
    assert (larger.code, larger.err.count("\n")) == (2, 1)
    assert "--timesteps: the job was cut off and goes on to its 150,000 steps" in larger.err
    followed = grpo("resume")
    assert (followed.code, followed.err) == (0, "")
    assert "completed: 150,000 of 150,000 steps" in followed.out
    again = grpo("resume")
    assert (again.code, "only a stopped or failed job can be resumed" in again.err) == (1, True)


def test_signals_while_a_command_ends_leave_nothing_behind(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_process, "configure", lambda level, form: None)
    numbers = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
    heard: list[int] = []
    before = [signal.signal(number, lambda number, frame: heard.append(number)) for number in numbers]

    def disturbed(end: Callable[..., None]) -> Callable[..., None]:
        def after_signals(*given: Any) -> None:
            for number in numbers:
                signal.raise_signal(number)
            end(*given)

        return after_signals

    monkeypatch.setattr(in_process, "_wait_for_others", disturbed(in_process._wait_for_others))
    monkeypatch.setattr(in_process.shutil, "rmtree", disturbed(in_process.shutil.rmtree))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with service(Settings(data_dir=str(data), executor="inline"), trains=True, joins=False):
        assert len([*tmp_path.glob("grpo-*")]) == 1
    assert [*tmp_path.glob("grpo-*")] == []
    assert heard == []
    for number, handler in zip(numbers, before, strict=True):
        signal.raise_signal(number)  # it is heard again
        signal.signal(number, handler)
    assert heard == numbers


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
