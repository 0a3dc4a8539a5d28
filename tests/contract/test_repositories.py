"""What every JobRepository and ModelRepository keeps, bound to memory, to SQLite and to PostgreSQL."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from adapters.storage.database import SqliteDatabase, open_database
from adapters.storage.memory import MemoryJobRepository, MemoryModelRepository
from adapters.storage.postgres import PostgresDatabase, open_postgres
from adapters.storage.postgres_jobs import PostgresJobRepository
from adapters.storage.postgres_models import PostgresModelRepository
from adapters.storage.sqlite_jobs import SqliteJobRepository
from adapters.storage.sqlite_models import SqliteModelRepository
from domain.checkpoint import EvaluationSummary
from domain.errors import CorruptData, JobAlreadyExists, JobNotFound, ModelNotFound, StorageFailure
from domain.job import Job, JobEvent, JobStatus
from domain.ports import JobRepository, ModelRepository
from tests import postgres
from tests.factories import (
    NOON,
    assert_same_checkpoint,
    assert_same_model,
    make_checkpoint,
    make_config,
    make_job,
    make_model,
    make_policy,
)

Repositories = tuple[JobRepository, ModelRepository]


def in_memory(_: Path) -> Repositories:
    return MemoryJobRepository(), MemoryModelRepository()


OPENED: list[SqliteDatabase | PostgresDatabase] = []


@pytest.fixture(autouse=True)
def _closed_databases() -> Iterator[None]:
    yield
    while OPENED:
        OPENED.pop().close()


def in_sqlite(folder: Path) -> Repositories:
    database = open_database(folder / "grpo.db")
    OPENED.append(database)
    return SqliteJobRepository(database), SqliteModelRepository(database)


@pytest.fixture(scope="module")
def postgres_schema() -> Iterator[str]:
    with postgres.schema() as url:
        yield url


@pytest.fixture
def in_postgres(postgres_schema: str) -> Callable[[Path], Repositories]:
    """Repositories over the same schema, emptied."""
    database = open_postgres(postgres_schema)
    OPENED.append(database)

    def make(_: Path) -> Repositories:
        postgres.empty(postgres_schema)
        return PostgresJobRepository(database), PostgresModelRepository(database)

    return make


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def make_repositories(request: pytest.FixtureRequest) -> Callable[[Path], Repositories]:
    if request.param == "postgres":
        made: Callable[[Path], Repositories] = request.getfixturevalue("in_postgres")
        return made
    return {"memory": in_memory, "sqlite": in_sqlite}[request.param]


@pytest.fixture
def repositories(make_repositories: Callable[[Path], Repositories], tmp_path: Path) -> Repositories:
    return make_repositories(tmp_path)


@pytest.fixture
def jobs(repositories: Repositories) -> JobRepository:
    return repositories[0]


@pytest.fixture
def models(repositories: Repositories) -> ModelRepository:
    return repositories[1]


FULL_JOB = replace(
    make_job(config=make_config(n_steps=32, hidden_sizes=(8, 4), epsilon_high=0.3, model_name="名前")),
    status=JobStatus.FAILED,
    start_time=NOON,
    end_time=NOON,
    current_timesteps=12,
    metrics={"rollout/ep_rew_mean": 0.1 + 0.2},
    error_code="x",
    error_message="wörds\n",
    attempts=2,
    lease_until=NOON,
    owner="me",
    idempotency_key="key",
    request_sha256="digest",
)


def test_job_when_added_comes_back_equal(jobs: JobRepository) -> None:
    jobs.add(FULL_JOB)
    assert jobs.get(FULL_JOB.id) == FULL_JOB


def test_job_when_added_twice_is_refused_and_unchanged(jobs: JobRepository) -> None:
    jobs.add(make_job("a"))
    with pytest.raises(JobAlreadyExists):
        jobs.add(make_job("a", attempts=5))
    assert jobs.get("a").attempts == 0


def test_unknown_job_is_not_found(jobs: JobRepository) -> None:
    for call in (
        lambda: jobs.get("nobody"),
        lambda: jobs.get("no\0body"),
        lambda: jobs.list(after="no\0body"),
        lambda: jobs.save(make_job("nobody")),
        lambda: jobs.save_checkpoint(make_job("nobody"), make_checkpoint()),
    ):
        with pytest.raises(JobNotFound):
            call()
    for call in (lambda: jobs.save_progress(make_job("nobody")), lambda: jobs.list(after="nobody")):
        with pytest.raises(JobNotFound):
            call()
    assert jobs.load_checkpoint("nobody") is None
    assert jobs.find("", "nothing") is None
    assert jobs.first_queued() is None
    assert jobs.events("nobody") == []
    assert jobs.list() == []


def test_job_when_saved_is_replaced_and_keeps_its_place(jobs: JobRepository) -> None:
    for name in ("a", "b", "c"):
        jobs.add(make_job(name))
    jobs.save(make_job("a", status=JobStatus.RUNNING))
    assert [job.id for job in jobs.list()] == ["c", "b", "a"]
    assert [job.id for job in jobs.with_status(JobStatus.QUEUED)] == ["b", "c"]
    assert [job.id for job in jobs.with_status(JobStatus.RUNNING, JobStatus.QUEUED)] == ["a", "b", "c"]
    assert jobs.count(JobStatus.QUEUED) == 2
    assert jobs.count(JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.FAILED) == 3
    assert jobs.count(JobStatus.FAILED) == 0


def test_jobs_when_counted_by_status_are_all_counted(jobs: JobRepository) -> None:
    assert sum(jobs.count_by_status().values()) == 0
    for name, status in (("a", JobStatus.QUEUED), ("b", JobStatus.FAILED), ("c", JobStatus.QUEUED)):
        jobs.add(make_job(name, status=status))
    assert {status: number for status, number in jobs.count_by_status().items() if number} == {
        JobStatus.QUEUED: 2,
        JobStatus.FAILED: 1,
    }


def test_storage_when_probed_is_unchanged(jobs: JobRepository) -> None:
    jobs.add(FULL_JOB)
    jobs.probe()
    jobs.probe()
    assert jobs.list() == [FULL_JOB]


def test_job_that_was_returned_can_be_changed_without_effect(jobs: JobRepository) -> None:
    jobs.add(make_job("a", metrics={"x": 1.0}))
    jobs.get("a").metrics["x"] = 2.0
    jobs.list()[0].metrics["x"] = 3.0
    assert jobs.get("a").metrics == {"x": 1.0}


def test_checkpoint_when_saved_again_is_replaced_with_the_job(jobs: JobRepository) -> None:
    jobs.add(make_job("a"))
    assert jobs.load_checkpoint("a") is None
    jobs.save_checkpoint(make_job("a", current_timesteps=1), make_checkpoint(timesteps=1))
    jobs.save_checkpoint(make_job("a", current_timesteps=2), make_checkpoint(timesteps=2))
    assert jobs.get("a").current_timesteps == 2
    loaded = jobs.load_checkpoint("a")
    assert loaded is not None
    assert_same_checkpoint(loaded, make_checkpoint(timesteps=2))
    jobs.save(make_job("a", current_timesteps=3), drop_checkpoint=True)
    assert jobs.get("a").current_timesteps == 3
    assert jobs.load_checkpoint("a") is None


def event(job_id: str, **data: Any) -> JobEvent:
    return JobEvent(job_id=job_id, time=NOON, kind="status", data=data)


def test_events_when_saved_with_jobs_come_back_in_order_with_ascending_ids(jobs: JobRepository) -> None:
    jobs.add(make_job("a"))
    jobs.add(make_job("b"))
    jobs.save(make_job("a"), event("a", n=1), event("a", n=2))
    jobs.save(make_job("b"), event("b", n=3))
    jobs.save_checkpoint(make_job("a"), make_checkpoint(), event("a", text="wörds", number=0.5))
    found = jobs.events("a")
    assert [kept.data for kept in found] == [{"n": 1}, {"n": 2}, {"text": "wörds", "number": 0.5}]
    assert [kept.id for kept in found] == sorted({kept.id for kept in found})
    assert (found[0].time, found[0].kind, found[0].job_id) == (NOON, "status", "a")
    assert [kept.data for kept in jobs.events("a", after=found[0].id, limit=1)] == [{"n": 2}]


def test_events_when_asked_for_by_kind_are_those_alone_and_the_last_one_is_found(jobs: JobRepository) -> None:
    jobs.add(make_job("a"))
    jobs.add(make_job("b"))
    points = [replace(event("a", timesteps=n), kind="metrics") for n in range(4)]
    jobs.save_progress(make_job("a", current_timesteps=1), *points[:2], event("a", n=1))
    jobs.save_progress(make_job("a", current_timesteps=3), *points[2:], replace(event("a", timesteps=3), kind="eval"))
    jobs.save_progress(make_job("b"), replace(event("b", timesteps=9), kind="metrics"))
    curve = jobs.events("a", kinds=["metrics"])
    assert [point.data["timesteps"] for point in curve] == [0, 1, 2, 3]
    assert [point.data["timesteps"] for point in jobs.events("a", curve[0].id, 2, ["metrics", "eval"])] == [1, 2]
    assert jobs.get("a").current_timesteps == 3
    assert jobs.last_event("a", "metrics") == curve[-1]
    assert jobs.last_event("a", "checkpoint") is None
    assert jobs.last_event("nobody", "metrics") is None


def test_newest_events_of_several_jobs_are_told_by_their_ids(jobs: JobRepository) -> None:
    for name in ("a", "b", "silent"):
        jobs.add(make_job(name))
    jobs.save(make_job("a"), event("a"), event("a"))
    jobs.save(make_job("b"), event("b"))
    assert jobs.last_event_ids(["a", "silent", "nobody"]) == {"a": jobs.events("a")[-1].id}
    assert jobs.last_event_ids([]) == {}


def test_server_that_beats_lives(jobs: JobRepository) -> None:
    assert "first" in jobs.beat("first")


def test_jobs_with_a_worker_of_no_server_are_those_of_others_and_of_none(jobs: JobRepository) -> None:
    for name, status, server in (
        ("mine", JobStatus.RUNNING, "me"),
        ("theirs", JobStatus.STOPPING, "they"),
        ("nobody's", JobStatus.RUNNING, None),
        ("waiting", JobStatus.QUEUED, None),
        ("over", JobStatus.COMPLETED, None),
    ):
        jobs.add(make_job(name, status=status, server=server))
    assert [job.id for job in jobs.with_worker_of_no(["me"])] == ["theirs", "nobody's"]
    assert [job.id for job in jobs.with_worker_of_no(["me", "they"])] == ["nobody's"]
    assert [job.id for job in jobs.with_worker_of_no([])] == ["mine", "theirs", "nobody's"]


def test_what_is_done_alone_is_there_afterwards_with_the_server_of_the_job(jobs: JobRepository) -> None:
    jobs.add(make_job("a"))
    with jobs.alone(queue=True):
        found = jobs.first_queued()
        assert found is not None
        jobs.save(replace(found, status=JobStatus.RUNNING, server="me"), event("a", n=1))
        assert jobs.get("a").server == "me"
    assert (jobs.get("a").server, len(jobs.events("a"))) == ("me", 1)
    with pytest.raises(ZeroDivisionError), jobs.alone():
        raise ZeroDivisionError
    assert jobs.count(JobStatus.RUNNING) == 1


def test_jobs_when_listed_by_pages_come_newest_first_without_gap_or_repetition(jobs: JobRepository) -> None:
    for index in range(5):
        jobs.add(make_job(str(index), status=JobStatus.QUEUED if index % 2 else JobStatus.FAILED))
    assert [job.id for job in jobs.list(limit=2)] == ["4", "3"]
    assert [job.id for job in jobs.list(limit=2, after="3")] == ["2", "1"]
    assert [job.id for job in jobs.list(after="1")] == ["0"]
    assert jobs.list(after="0") == []
    assert [job.id for job in jobs.list(statuses=[JobStatus.QUEUED])] == ["3", "1"]
    assert [job.id for job in jobs.list(1, "4", [JobStatus.FAILED, JobStatus.RUNNING])] == ["2"]


def test_events_of_checkpoints_when_they_are_many_are_thinned_and_span_the_whole_run(
    jobs: JobRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    for adapter in ("memory", "sqlite_jobs", "postgres_jobs"):
        monkeypatch.setattr(f"adapters.storage.{adapter}.MOST_CHECKPOINT_EVENTS", 8)
    jobs.add(make_job("a"))
    jobs.save(make_job("a"), event("a", n=-1))
    checkpoint = make_checkpoint()
    for n in range(40):
        jobs.save_checkpoint(make_job("a"), checkpoint, replace(event("a", n=n), kind="checkpoint"))
    numbers = [kept.data["n"] for kept in jobs.events("a")]
    assert numbers[:2] == [-1, 0]
    assert numbers[-1] == 39
    assert 4 <= len(numbers) - 1 <= 8
    assert numbers == sorted(numbers)


def test_jobs_of_owners_are_counted_apart_and_found_by_their_keys(jobs: JobRepository) -> None:
    jobs.add(make_job("a", owner="me", idempotency_key="k", request_sha256="d"))
    jobs.add(make_job("b", owner="you", idempotency_key="k"))
    jobs.add(make_job("c", owner="me"))
    jobs.add(make_job("d", owner="me"))
    found = jobs.find("me", "k")
    assert found is not None
    assert (found.id, found.request_sha256) == ("a", "d")
    assert jobs.find("nobody", "k") is None
    assert jobs.count(JobStatus.QUEUED, owner="me") == 3
    assert jobs.count(JobStatus.QUEUED, JobStatus.FAILED) == 4
    with pytest.raises(JobAlreadyExists):
        jobs.add(make_job("e", owner="you", idempotency_key="k"))


def test_model_when_saved_comes_back_equal_and_is_listed(models: ModelRepository) -> None:
    models.save(make_model("b"))
    models.save(make_model("a", job_id="other"))
    assert_same_model(models.get("b"), make_model("b"))
    summaries = models.list()
    assert [(s.name, s.version, s.config, s.job_id, s.created_at, s.timesteps, s.evaluation) for s in summaries] == [
        ("a", 1, make_config(model_name="a"), "other", NOON, 1_000, None),
        ("b", 1, make_config(model_name="b"), "job", NOON, 1_000, None),
    ]
    assert all(summary.size_bytes > 100 for summary in summaries)


def test_model_of_the_same_name_is_the_next_version(models: ModelRepository) -> None:
    assert models.save(make_model("a")) == 1
    evaluation = EvaluationSummary(mean_reward=1.5, std_reward=0.5, mean_length=9.0, episodes=10, seed=0)
    newer = make_model("a", policy=make_policy(seed=9), job_id="newer", evaluation=evaluation)
    assert models.save(newer) == 2
    assert_same_model(models.get("a"), newer)
    assert_same_model(models.get("a", 1), make_model("a"))
    assert [models.get("a", version).version for version in (1, 2)] == [1, 2]
    assert [(s.version, s.job_id, s.evaluation) for s in models.versions("a")] == [(1, "job", None), (2, "newer", evaluation)]
    assert [summary.version for summary in models.list()] == [2]


def test_model_when_its_job_saves_it_again_keeps_its_version(models: ModelRepository) -> None:
    assert [models.save(make_model("a")), models.save(make_model("a", created_at=NOON + timedelta(1)))] == [1, 1]
    assert models.save(make_model("a", job_id="another")) == 2
    first, second = models.versions("a")
    assert first.sha256 == second.sha256


def test_model_when_imported_is_a_version_of_its_own_with_the_time_and_kept_once(models: ModelRepository) -> None:
    models.save(make_model("a"))
    imported = make_model("a", imported_at=NOON + timedelta(days=1))
    assert [models.save(imported), models.save(make_model("a", imported_at=NOON + timedelta(days=2)))] == [2, 2]
    assert [kept.imported_at for kept in models.versions("a")] == [None, NOON + timedelta(days=1)]
    assert [models.get("a", version).imported_at for version in (1, 2)] == [None, NOON + timedelta(days=1)]
    assert models.save(make_model("a")) == 1


def test_version_when_deleted_is_gone_and_its_number_is_not_used_again(models: ModelRepository) -> None:
    for index in range(3):
        models.save(make_model("a", job_id=str(index)))
    models.delete("a", 3)
    assert [summary.version for summary in models.versions("a")] == [1, 2]
    with pytest.raises(ModelNotFound, match="version 3 of model 'a'"):
        models.get("a", 3)
    with pytest.raises(ModelNotFound):
        models.delete("a", 3)
    assert models.get("a").version == 2
    assert models.save(make_model("a", job_id="fourth")) == 4


def test_model_when_deleted_is_gone_with_all_versions(models: ModelRepository) -> None:
    models.save(make_model("a"))
    models.save(make_model("a", job_id="other"))
    models.delete("a")
    assert models.list() == []
    for call in (models.get, models.delete, models.versions):
        with pytest.raises(ModelNotFound):
            call("a")
    assert models.save(make_model("a")) == 1
    models.delete("a", 1)
    assert models.save(make_model("a")) == 1


def test_two_threads_that_add_and_save_lose_nothing(jobs: JobRepository) -> None:
    def work(name: str) -> None:
        for index in range(40):
            job = make_job(f"{name}{index}")
            jobs.add(job)
            jobs.save(job.progressed(index, {}))

    threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = {job.id: job.current_timesteps for job in jobs.list()}
    assert found == {f"{name}{index}": index for name in "ab" for index in range(40)}


def test_sqlite_file_when_opened_again_has_everything(tmp_path: Path) -> None:
    jobs, models = in_sqlite(tmp_path)
    jobs.add(FULL_JOB)
    jobs.save_checkpoint(FULL_JOB, make_checkpoint())
    models.save(make_model("a"))
    jobs, models = in_sqlite(tmp_path)
    assert jobs.get(FULL_JOB.id) == FULL_JOB
    loaded = jobs.load_checkpoint(FULL_JOB.id)
    assert loaded is not None
    assert_same_checkpoint(loaded, make_checkpoint())
    assert_same_model(models.get("a"), make_model("a"))


def test_sqlite_model_with_changed_bytes_is_corrupt(tmp_path: Path) -> None:
    _, models = in_sqlite(tmp_path)
    models.save(make_model("a"))
    with sqlite3.connect(tmp_path / "grpo.db") as connection:
        connection.execute("update model_versions set data = zeroblob(10)")
    connection.close()
    with pytest.raises(CorruptData, match="SHA-256"):
        models.get("a")


def test_sqlite_checkpoint_is_saved_with_its_job_or_not_at_all(tmp_path: Path) -> None:
    jobs, _ = in_sqlite(tmp_path)
    jobs.add(make_job("a"))
    with sqlite3.connect(tmp_path / "grpo.db") as connection:
        connection.execute(
            "create trigger full before insert on checkpoints begin select raise(abort, 'database or disk is full'); end"
        )
    connection.close()
    with pytest.raises(StorageFailure, match="disk is full"):
        jobs.save_checkpoint(make_job("a", current_timesteps=9), make_checkpoint())
    assert jobs.get("a").current_timesteps == 0


@pytest.mark.parametrize("prepare", [lambda path: path.mkdir(), lambda path: path.write_bytes(b"no database at all" * 100)])
def test_sqlite_path_that_is_no_database_is_refused(tmp_path: Path, prepare: Callable[[Path], None]) -> None:
    prepare(tmp_path / "grpo.db")
    with pytest.raises(StorageFailure, match=r"grpo\.db"):
        open_database(tmp_path / "grpo.db")


def test_closed_sqlite_database_gives_storage_failure(tmp_path: Path) -> None:
    database = open_database(tmp_path / "grpo.db")
    database.close()
    database.close()
    with pytest.raises(StorageFailure):
        SqliteJobRepository(database).list()


NAMES = st.sampled_from(["a", "b", "c"])


class RepositoryMachine(RuleBasedStateMachine):
    """Any order of calls, against a dict."""

    make: Callable[[], Repositories]

    @initialize()
    def begin(self) -> None:
        self.jobs, self.models = type(self).make()
        self.expected: dict[str, Job] = {}
        self.checkpoints: dict[str, int] = {}
        self.model_jobs: dict[str, dict[int, str]] = {}
        self.last_version: dict[str, int] = {}

    @rule(name=NAMES, timesteps=st.integers(0, 9))
    def add(self, name: str, timesteps: int) -> None:
        job = make_job(name, current_timesteps=timesteps)
        if name in self.expected:
            with pytest.raises(JobAlreadyExists):
                self.jobs.add(job)
        else:
            self.jobs.add(job)
            self.expected[name] = job

    @rule(name=NAMES, status=st.sampled_from(JobStatus), timesteps=st.integers(0, 9), with_checkpoint=st.booleans())
    def save(self, name: str, status: JobStatus, timesteps: int, with_checkpoint: bool) -> None:
        job = make_job(name, status=status, current_timesteps=timesteps)

        def act() -> None:
            if with_checkpoint:
                self.jobs.save_checkpoint(job, make_checkpoint(timesteps=timesteps))
            else:
                self.jobs.save(job)

        if name not in self.expected:
            with pytest.raises(JobNotFound):
                act()
            return
        act()
        self.expected[name] = job
        if with_checkpoint:
            self.checkpoints[name] = timesteps

    @rule(name=NAMES)
    def drop_checkpoint(self, name: str) -> None:
        if name in self.expected:
            self.jobs.save(self.expected[name], drop_checkpoint=True)
            self.checkpoints.pop(name, None)

    @rule(name=NAMES, job_id=NAMES)
    def save_model(self, name: str, job_id: str) -> None:
        versions = self.model_jobs.setdefault(name, {})
        known = [version for version, job in versions.items() if job == job_id]
        self.last_version[name] = self.last_version.get(name, 0) + (not known)
        expected = known[0] if known else self.last_version[name]
        versions[expected] = job_id
        assert self.models.save(make_model(name, job_id=job_id)) == expected

    @rule(name=NAMES, version=st.sampled_from([None, 1, 2, 3]))
    def delete_model(self, name: str, version: int | None) -> None:
        versions = self.model_jobs.get(name, {})
        if not versions or version not in {None, *versions}:
            with pytest.raises(ModelNotFound):
                self.models.delete(name, version)
            return
        self.models.delete(name, version)
        for number in [*versions] if version is None else [version]:
            del versions[number]
        if not versions:
            self.model_jobs.pop(name, None)
            self.last_version.pop(name, None)

    @invariant()
    def holds_what_was_put_in(self) -> None:
        assert list(self.jobs.list()) == [*self.expected.values()][::-1]
        for status in JobStatus:
            assert [job.id for job in self.jobs.with_status(status)] == [
                name for name, job in self.expected.items() if job.status is status
            ]
        for name in "abc":
            loaded = self.jobs.load_checkpoint(name)
            assert (loaded.timesteps if loaded else None) == self.checkpoints.get(name)
        assert [(summary.name, summary.version) for summary in self.models.list()] == [
            (name, max(versions)) for name, versions in sorted(self.model_jobs.items())
        ]
        for name, versions in self.model_jobs.items():
            assert {summary.version: summary.job_id for summary in self.models.versions(name)} == versions


def test_repositories_in_any_order_of_calls_equal_a_dict(
    make_repositories: Callable[[Path], Repositories], tmp_path_factory: pytest.TempPathFactory
) -> None:
    class Machine(RepositoryMachine):
        @staticmethod
        def make() -> Repositories:
            return make_repositories(tmp_path_factory.mktemp("machine"))

    run_state_machine_as_test(
        Machine, settings=settings(max_examples=20, stateful_step_count=20, deadline=None, derandomize=True)
    )
