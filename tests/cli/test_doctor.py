"""`grpo doctor`: what it finds where all is well, and where something is not."""

import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.cli.machine import Check
from adapters.storage.folder_lock import FolderLock, Holder
from bootstrap import doctor
from tests.cli.conftest import Answer, Grpo

WORKER = doctor._worker


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """One environment is enough, and the process that a worker would be is started in one test."""
    monkeypatch.setattr(doctor, "ENVIRONMENTS", ("CartPole-v1", "NoSuch-v0"))
    monkeypatch.setattr(doctor, "_worker", lambda: Check("worker process", "ok", "not started here"))


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A port that somebody else has, which is the one of the settings."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("GRPO_PORT", str(taken.getsockname()[1]))
        yield taken


def found(answer: Answer) -> dict[str, dict[str, str]]:
    return {check["name"]: check for check in answer.json["checks"]}


def test_installation_that_is_well_passes(grpo: Grpo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRPO_PORT", "0")
    grpo("jobs")
    checks = found(answer := grpo("doctor", "--json"))
    assert (answer.code, answer.json["ok"]) == (0, True)
    for name in ("python", "packages", "settings", "data folder", "database", "disk", "clock", "port", "CartPole-v1"):
        assert checks[name]["state"] in {"ok", "warning"}, checks[name]
    assert "litestar 2." in checks["packages"]["found"]
    assert checks["database"]["found"].startswith("whole; 0 jobs, 0 models")
    # What can be lived without is a warning with its way out.
    assert checks["NoSuch-v0"]["state"] == "warning"
    assert "NoSuch-v0" in checks["NoSuch-v0"]["advice"]
    text = grpo("doctor").out
    assert "✓ data folder" in text
    assert text.endswith("Everything that is needed is well.\n")


def test_worker_process_that_starts_is_well() -> None:
    check = WORKER()
    assert (check.state, check.found.startswith("starts in ")) == ("ok", True)


def test_damaged_database_is_told_with_what_to_do(grpo: Grpo, tmp_path: Path) -> None:
    grpo("jobs")
    database = tmp_path / "data" / "grpo.db"
    size = database.stat().st_size
    with database.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    answer = grpo("doctor", "--json")
    assert answer.code == 1
    assert found(answer)["database"]["state"] == "failed"
    assert "backup" in found(answer)["database"]["advice"]
    assert "Something is wrong with: database" in answer.err


def test_database_of_a_newer_version_is_told(grpo: Grpo, tmp_path: Path) -> None:
    grpo("jobs")
    connection = sqlite3.connect(tmp_path / "data" / "grpo.db")
    with connection:
        connection.execute("update _sqlite_migrations set name = 'm999_later' where name like 'm002%'")
    connection.close()
    check = found(grpo("doctor", "--json"))["database"]
    assert (check["state"], "m999_later" in check["found"]) == ("failed", True)


def test_database_is_read_once(grpo: Grpo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grpo("jobs")
    read: list[Path] = []
    inspect = doctor.inspect_database
    monkeypatch.setattr(doctor, "inspect_database", lambda path: read.append(path) or inspect(path))
    grpo("doctor")
    assert read == [tmp_path / "data" / "grpo.db"]


def test_port_that_another_program_has_is_told(grpo: Grpo, port: socket.socket) -> None:
    check = found(grpo("doctor", "--json"))["port"]
    assert (check["state"], "--port" in check["advice"]) == ("failed", True)


def test_folder_and_port_of_a_running_server_are_well(grpo: Grpo, port: socket.socket, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    lock = FolderLock(tmp_path / "data", Holder(1, url="http://127.0.0.1:8123"))
    try:
        answer = grpo("doctor", "--json")
    finally:
        lock.close()
    assert answer.code == 0
    assert "in use by the server at http://127.0.0.1:8123" in found(answer)["data folder"]["found"]


def test_clock_that_stands_before_the_jobs_is_told(grpo: Grpo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grpo("train", "--timesteps", "200")
    connection = sqlite3.connect(tmp_path / "data" / "grpo.db")
    with connection:
        connection.execute("update jobs set created_at = '2999-01-01T00:00:00+00:00'")
    connection.close()
    assert found(grpo("doctor", "--json"))["clock"]["state"] == "failed"


def test_setting_that_is_wrong_is_told_and_ends_the_look(grpo: Grpo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRPO_LEASE_SECONDS", "soon")
    answer = grpo("doctor", "--json")
    assert answer.code == 1
    assert "lease_seconds" in found(answer)["settings"]["found"]


@pytest.mark.parametrize(
    ("text", "version", "fits"),
    [
        ("msgspec>=0.1", None, True),
        ("msgspec>=99", None, False),
        ("msgspec<0.1,>=0.0.1", None, False),
        ("no-such-package>=1", None, False),
        ('msgspec>=0.1; sys_platform != "win32"', None, True),
    ],
)
def test_requirement_is_compared_with_what_is_installed(text: str, version: None, fits: bool) -> None:
    assert doctor._requirement(text)[1] is fits
