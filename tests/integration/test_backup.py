"""The copy of the database: what is in it, and what is said when there is none."""

import os
import sqlite3
from pathlib import Path

import pytest

from adapters.storage.database import open_database
from adapters.storage.sqlite_jobs import SqliteJobRepository
from bootstrap.backup import main
from tests.factories import make_checkpoint, make_job


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with one job and its checkpoint."""
    folder = tmp_path / "data"
    folder.mkdir()
    database = open_database(folder / "grpo.db")
    jobs = SqliteJobRepository(database)
    jobs.add(make_job("kept"))
    jobs.save_checkpoint(make_job("kept"), make_checkpoint())
    database.close()
    return folder


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The sentence with which the command ends."""
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert len(said.splitlines()) == 1
    return said


def test_copy_while_a_writer_is_in_a_transaction_holds_what_was_committed(data: Path, tmp_path: Path) -> None:
    database = open_database(data / "grpo.db")
    try:
        with database.write() as writer:
            writer.execute("DELETE FROM checkpoints")
            main(["--to", str(tmp_path / "copy.db"), "--data-dir", str(data)])
    finally:
        database.close()
    copied = open_database(tmp_path / "copy.db")
    jobs = SqliteJobRepository(copied)
    assert [job.id for job in jobs.list()] == ["kept"]
    assert jobs.load_checkpoint("kept") is not None
    copied.close()


def test_copy_has_its_name_only_when_it_is_whole_and_nothing_else_is_left(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "copies" / "copy.db"
    target.parent.mkdir()
    main(["--to", str(target), "--data-dir", str(data)])
    assert capsys.readouterr().out == f"{target}: {target.stat().st_size} bytes\n"
    assert [path.name for path in target.parent.iterdir()] == ["copy.db"]
    assert target.stat().st_mode & 0o077 == 0
    connection = sqlite3.connect(target)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


def test_copy_onto_a_file_is_refused_and_leaves_the_file_alone(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "copy.db"
    target.write_bytes(b"precious")
    assert "copy.db' exists already" in refused(capsys, "--to", str(target), "--data-dir", str(data))
    assert target.read_bytes() == b"precious"


def test_copy_of_nothing_or_to_nowhere_is_refused(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "copy.db"
    assert "there is no database" in refused(capsys, "--to", str(target), "--data-dir", str(tmp_path / "elsewhere"))
    nowhere = tmp_path / "nowhere" / "copy.db"
    assert "No such file or directory" in refused(capsys, "--to", str(nowhere), "--data-dir", str(data))
    assert "there is no setting" not in refused(capsys, "--to", str(target), "--data-dir", str(data), "--port", "many")
    assert not target.exists()


def test_copy_of_a_damaged_database_is_refused_and_leaves_nothing(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (data / "grpo.db").write_bytes(os.urandom(8_192))
    target = tmp_path / "copies" / "copy.db"
    target.parent.mkdir()
    assert "file is not a database" in refused(capsys, "--to", str(target), "--data-dir", str(data))
    assert [*target.parent.iterdir()] == []
