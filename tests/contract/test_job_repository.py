"""SqliteJobRepository over rows that are damaged, or that no row can hold; the port's promises are in test_repositories.py."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.storage.database import SqliteDatabase, open_database
from adapters.storage.sqlite_jobs import SqliteJobRepository
from domain.errors import CorruptData, StorageFailure
from tests.factories import make_checkpoint, make_config, make_job


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqliteDatabase]:
    opened = open_database(tmp_path / "grpo.db")
    yield opened
    opened.close()


@pytest.mark.parametrize(
    "change",
    [
        "config = 'no JSON'",
        "config = '{}'",
        "config = json_set(config, '$.learning_rate', -1)",
        "status = 'dreaming'",
        "created_at = 'yesterday'",
        "start_time = 5",
        "current_timesteps = 'many'",
        "metrics = '[]'",
        "metrics = x'ff'",
    ],
)
def test_job_when_its_row_is_damaged_is_corrupt(database: SqliteDatabase, change: str) -> None:
    jobs = SqliteJobRepository(database)
    jobs.add(make_job("a"))
    with database.write() as db:
        db.execute(f"update jobs set {change}")
    with pytest.raises(CorruptData, match="job 'a' cannot be read"):
        jobs.get("a")
    jobs.add(make_job("b"))
    assert [job.id for job in jobs.list()] == ["b"]
    first = jobs.first_queued()
    assert first is not None
    assert first.id == "b"


def test_checkpoint_when_it_is_text_is_corrupt(database: SqliteDatabase) -> None:
    jobs = SqliteJobRepository(database)
    jobs.add(make_job("a"))
    jobs.save_checkpoint(make_job("a"), make_checkpoint())
    with database.write() as db:
        db.execute("update checkpoints set data = 'text'")
    with pytest.raises(CorruptData, match="checkpoint of job 'a'"):
        jobs.load_checkpoint("a")


def test_job_when_sqlite_cannot_hold_it_is_refused_and_not_kept(database: SqliteDatabase) -> None:
    jobs = SqliteJobRepository(database)
    for job in (
        make_job("\ud800"),
        make_job("a", error_message="\ud800"),
        make_job("b", current_timesteps=2**63),
        make_job("c", config=make_config(env_name="\ud800")),
    ):
        with pytest.raises(StorageFailure):
            jobs.add(job)
    assert jobs.list() == []


def test_storage_that_cannot_be_written_when_probed_fails_and_leaves_the_version(database: SqliteDatabase) -> None:
    jobs = SqliteJobRepository(database)
    with database.write() as db:
        db.execute("pragma user_version = 7")
    jobs.probe()
    with database.write() as db:
        db.execute("pragma query_only = on")
    with pytest.raises(StorageFailure, match="may not be written to"):
        jobs.probe()
    with database.read() as db:
        assert db.execute("pragma user_version").fetchall() == [(7,)]


def test_job_of_an_unknown_state_when_jobs_are_counted_is_left_out(database: SqliteDatabase) -> None:
    jobs = SqliteJobRepository(database)
    jobs.add(make_job("a"))
    with database.write() as db:
        db.execute("update jobs set status = 'dreaming'")
    assert sum(jobs.count_by_status().values()) == 0


def test_page_when_a_row_in_it_is_damaged_is_as_long_as_any_other(database: SqliteDatabase) -> None:
    jobs = SqliteJobRepository(database)
    for index in range(6):
        jobs.add(make_job(str(index)))
    with database.write() as db:
        db.execute("update jobs set config = 'no JSON' where id in ('5', '3')")
    assert [job.id for job in jobs.list(limit=2)] == ["4", "2"]
    assert [job.id for job in jobs.list(limit=9)] == ["4", "2", "1", "0"]
    assert [job.id for job in jobs.list(limit=1, after="3")] == ["2"]
