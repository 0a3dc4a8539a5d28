"""What PostgreSQL alone has to keep: several servers at once, migrations, lost connections, sentences for people."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from queue import Empty, Queue

import psycopg
import pytest

from adapters.storage.postgres import PostgresDatabase, open_postgres
from adapters.storage.postgres_jobs import PostgresJobRepository
from adapters.storage.postgres_models import PostgresModelRepository
from adapters.storage.postgres_news import PostgresNews
from domain.errors import JobAlreadyExists, StorageFailure
from domain.job import JobEvent, JobStatus
from tests import postgres
from tests.e2e.server import free_port
from tests.factories import NOON, make_checkpoint, make_job, make_model

PATIENCE_SECONDS = 10


@pytest.fixture(scope="module")
def schema() -> Iterator[str]:
    with postgres.schema() as url:
        yield url


@pytest.fixture
def servers(schema: str) -> Iterator[tuple[PostgresDatabase, PostgresDatabase]]:
    """Two servers on one empty schema."""
    both = open_postgres(schema), open_postgres(schema)
    postgres.empty(schema)
    yield both
    for database in both:
        database.close()


Servers = tuple[PostgresDatabase, PostgresDatabase]


def repositories(servers: Servers) -> tuple[PostgresJobRepository, PostgresJobRepository]:
    return PostgresJobRepository(servers[0]), PostgresJobRepository(servers[1])


def in_thread(act: Callable[[], object]) -> tuple[threading.Thread, "Queue[object]"]:
    """Act beside the test; what it returned or raised comes through the queue."""
    results: Queue[object] = Queue()

    def run() -> None:
        try:
            results.put(act())
        except Exception as error:
            results.put(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, results


def test_job_that_one_server_claims_is_passed_over_by_the_other(servers: Servers) -> None:
    ours, theirs = repositories(servers)
    for name in ("a", "b"):
        ours.add(make_job(name))
    with ours.alone():
        first = ours.first_queued()
        assert first is not None

        def claim() -> str | None:
            with theirs.alone():
                other = theirs.first_queued()
                return other.id if other else None

        thread, results = in_thread(claim)
        assert (first.id, results.get(timeout=PATIENCE_SECONDS)) == ("a", "b")
        thread.join()
        ours.save(replace(first, status=JobStatus.RUNNING, server="ours"))
    with theirs.alone():
        assert theirs.first_queued().id == "b"  # type: ignore[union-attr]


def test_each_of_many_jobs_is_claimed_once_by_servers_that_claim_at_once(servers: Servers) -> None:
    ours, theirs = repositories(servers)
    names = {f"job {number}" for number in range(40)}
    for name in names:
        ours.add(make_job(name))

    def claim_all(jobs: PostgresJobRepository) -> list[str]:
        claimed = []
        while True:
            with jobs.alone():
                job = jobs.first_queued()
                if job is None:
                    return claimed
                jobs.save(replace(job, status=JobStatus.RUNNING))
            claimed.append(job.id)

    running = [in_thread(lambda jobs=jobs: claim_all(jobs)) for jobs in (ours, theirs, ours, theirs)]
    lists = [results.get(timeout=PATIENCE_SECONDS) for _, results in running]
    for thread, _ in running:
        thread.join()
    claimed = [name for each in lists for name in each]  # type: ignore[attr-defined]
    # One that passes over a job which another holds may see none and end; so some are left, but none is claimed twice.
    assert len(claimed) == len(set(claimed))
    assert {*claimed, *(job.id for job in ours.with_status(JobStatus.QUEUED))} == names


def test_job_that_is_read_alone_waits_for_the_other_server_to_finish_its_change(servers: Servers) -> None:
    ours, theirs = repositories(servers)
    ours.add(make_job("a"))

    def stop() -> JobStatus:
        with theirs.alone():
            before = theirs.get("a").status
            theirs.save(replace(theirs.get("a"), status=JobStatus.STOPPING))
            return before

    with ours.alone():
        job = ours.get("a")
        thread, results = in_thread(stop)
        with pytest.raises(Empty):
            results.get(timeout=0.1)
        ours.save(replace(job, status=JobStatus.RUNNING))
    assert results.get(timeout=PATIENCE_SECONDS) is JobStatus.RUNNING
    thread.join()
    assert ours.get("a").status is JobStatus.STOPPING


def test_queue_of_one_server_is_counted_while_no_other_adds(servers: Servers) -> None:
    ours, theirs = repositories(servers)

    def add() -> int:
        with theirs.alone(queue=True):
            theirs.add(make_job("theirs"))
            return theirs.count(JobStatus.QUEUED)

    with ours.alone(queue=True):
        thread, results = in_thread(add)
        with pytest.raises(Empty):
            results.get(timeout=0.1)
        assert ours.count(JobStatus.QUEUED) == 0
        ours.add(make_job("ours"))
    assert results.get(timeout=PATIENCE_SECONDS) == 2
    thread.join()


def test_everything_that_is_done_alone_is_kept_as_a_whole_or_not_at_all(servers: Servers) -> None:
    jobs, _ = repositories(servers)
    models = PostgresModelRepository(servers[0])
    jobs.add(make_job("a"))

    def fail_at_the_end() -> None:
        with jobs.alone():
            jobs.save_checkpoint(make_job("a", current_timesteps=9), make_checkpoint(), status_event("a"))
            models.save(make_model("m"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_at_the_end()
    assert (jobs.get("a").current_timesteps, jobs.load_checkpoint("a"), jobs.events("a"), models.list()) == (0, None, [], [])
    with pytest.raises(RuntimeError, match="nested"), jobs.alone(), jobs.alone():
        pass


def status_event(job_id: str) -> JobEvent:
    return JobEvent(job_id=job_id, time=NOON, kind="status", data={})


def test_events_of_a_job_become_visible_in_the_order_of_their_ids(servers: Servers) -> None:
    ours, theirs = repositories(servers)
    ours.add(make_job("a"))
    with ours.alone():
        ours.save(make_job("a"), status_event("a"))
        thread, results = in_thread(lambda: theirs.save(make_job("a"), status_event("a")))
        with pytest.raises(Empty):  # otherwise the second could be seen before the first
            results.get(timeout=0.1)
    assert results.get(timeout=PATIENCE_SECONDS) is None
    thread.join()
    assert len(ours.events("a")) == 2


def test_server_that_beats_is_seen_by_the_other(servers: Servers, schema: str) -> None:
    ours, theirs = repositories(servers)
    ours.beat("ours")
    assert {*theirs.beat("theirs")} == {"ours", "theirs"}
    with psycopg.connect(schema) as connection:
        connection.execute("update servers set seen_at = now() - interval '1 minute' where id = 'ours'")
    assert {*theirs.beat("theirs")} == {"theirs"}
    theirs.probe()
    assert {*theirs.beat("theirs")} == {"theirs"}


def test_news_of_other_servers_are_heard_and_own_ones_are_not(servers: Servers, schema: str) -> None:
    ours, theirs = repositories(servers)
    heard: Queue[tuple[str, str]] = Queue()
    news = PostgresNews(schema, servers[0])
    news.listen(
        lambda job_id: heard.put(("job", job_id)), lambda name: heard.put(("model", name)), lambda: heard.put(("gap", ""))
    )
    try:
        assert heard.get(timeout=PATIENCE_SECONDS) == ("gap", "")
        ours.add(make_job("ours"))
        PostgresModelRepository(servers[0]).save(make_model("ours"))
        theirs.add(make_job("theirs"))
        theirs.save_progress(make_job("theirs"))  # is looked for by those who watch it
        theirs.save(make_job("theirs", status=JobStatus.RUNNING))
        models = PostgresModelRepository(servers[1])
        models.save(make_model("a-model"))
        models.delete("a-model")
        expected = [("job", "theirs")] * 2 + [("model", "a-model")] * 2
        assert [heard.get(timeout=PATIENCE_SECONDS) for _ in expected] == expected
        assert heard.empty()
        terminate_others(schema)
        assert heard.get(timeout=PATIENCE_SECONDS) == ("gap", "")
    finally:
        news.close()
        news.close()


def terminate_others(url: str) -> None:
    """End the connections of this schema's servers, as a restart of the database does."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = %s and pid <> pg_backend_pid()",
            [connection.info.get_parameters()["application_name"]],
        )


def test_connections_that_broke_are_replaced(servers: Servers, schema: str) -> None:
    jobs, _ = repositories(servers)
    jobs.add(make_job("a"))
    terminate_others(schema)
    assert [job.id for job in jobs.list()] == ["a"]
    jobs.add(make_job("b"))
    assert jobs.count(JobStatus.QUEUED) == 2


class Gate:
    """A TCP proxy in front of the database that can be shut: whoever is connected is cut off, and nobody else gets in."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.port, self._target = free_port(), target
        self._sockets: list[socket.socket] = []
        self._listener: socket.socket | None = None

    def open(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def shut(self) -> None:
        assert self._listener is not None
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in self._sockets:
            _cut(each)
            each.close()
        self._sockets.clear()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._target)
            self._sockets += [client, server]
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        finally:
            _cut(sink)


def _cut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def test_database_that_goes_away_and_comes_back_is_told_and_used_again(schema: str) -> None:
    with psycopg.connect(schema) as direct:
        target = (direct.info.host, direct.info.port)
    gate = Gate(target)
    gate.open()
    database = open_postgres(psycopg.conninfo.make_conninfo(schema, host="127.0.0.1", port=gate.port))
    postgres.empty(schema)
    jobs = PostgresJobRepository(database)
    try:
        jobs.add(make_job("before"))
        gate.shut()
        with pytest.raises(StorageFailure, match="PostgreSQL database cannot be used"):
            jobs.add(make_job("meanwhile"))
        with pytest.raises(StorageFailure), jobs.alone():
            pass
        gate.open()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                jobs.add(make_job("after"))
                break
            except JobAlreadyExists:  # it was kept, and the answer was lost
                break
            except StorageFailure:
                assert time.monotonic() < deadline
        assert [job.id for job in jobs.list()] == ["after", "before"]
    finally:
        database.close()
        gate.shut()


def test_servers_that_start_at_once_make_the_tables_once() -> None:
    with postgres.schema() as url:
        starting = [in_thread(lambda: open_postgres(url)) for _ in range(4)]
        opened = [results.get(timeout=PATIENCE_SECONDS) for _, results in starting]
        for thread, _ in starting:
            thread.join()
        for database in opened:
            assert isinstance(database, PostgresDatabase), database
            database.close()


def test_tables_of_a_newer_version_are_refused_and_left_alone() -> None:
    with postgres.schema() as url:
        open_postgres(url).close()
        with psycopg.connect(url) as connection:
            connection.execute("insert into grpo_migrations values ('p999_from_the_future', now())")
        with pytest.raises(StorageFailure, match=r"newer version of this service .*p999_from_the_future"):
            open_postgres(url)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"port": "1"}, "Connection refused"),
        ({"dbname": "no_such_database"}, 'database "no_such_database" does not exist'),
        ({"user": "nobody_here"}, "nobody_here"),
        ({"options": "-csearch_path=no_such_schema"}, "no schema for the tables"),
        ({"host": "no-such-host.invalid"}, "no-such-host.invalid"),
    ],
)
def test_database_that_cannot_be_used_is_told_in_one_line_without_the_password(change: dict[str, str], sentence: str) -> None:
    url = psycopg.conninfo.make_conninfo(postgres.url_or_skip(), password="s3cret", **change)
    with pytest.raises(StorageFailure, match=sentence) as caught:
        open_postgres(url)
    assert "\n" not in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_text_that_the_database_cannot_hold_is_a_storage_failure(servers: Servers) -> None:
    jobs, _ = repositories(servers)
    for text in ("nul \0", "surrogate \udc80"):
        with pytest.raises(StorageFailure):
            jobs.add(make_job(text))
    assert jobs.list() == []


def test_thousand_jobs_are_listed_by_pages(servers: Servers) -> None:
    jobs, _ = repositories(servers)
    with jobs.alone():
        for number in range(1_000):
            jobs.add(make_job(str(number)))
    found, after = [], None
    while page := jobs.list(limit=300, after=after):
        found += [job.id for job in page]
        after = found[-1]
    assert found == [str(number) for number in reversed(range(1_000))]
    assert jobs.count(JobStatus.QUEUED) == 1_000
