"""Queues of several servers on one storage: a job is begun once, obeyed wherever it runs, and outlives its server."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from application.elsewhere import Elsewhere
from application.inference import ModelCache
from domain.access_errors import TooManyJobs
from domain.errors import QueueFull, StorageFailure
from domain.job import JobEvent, JobStatus
from domain.ports import OtherServers
from domain.reports import MetricsPoint, Progressed
from tests.factories import make_config, make_job
from tests.queue_world import SharedJobs, World, checkpointed, ended


def two_servers(**settings: int) -> tuple[World, World]:
    """With one worker each."""
    jobs = SharedJobs()
    first = World(jobs, **settings)
    second = World(jobs, first.models, **settings)
    for world in (first, second):
        world.runner.recover()
    return first, second


def server_of(world: World, name: str) -> str | None:
    return world.jobs.get(name).server


def die(world: World) -> None:
    """It says nothing any more."""
    assert isinstance(world.jobs, SharedJobs)
    world.jobs.dead.add(world.runner._server)


def test_job_that_waits_when_another_server_has_a_free_worker_is_begun_there() -> None:
    first, second = two_servers()
    first.submit("a", "b")
    assert first.status("b") is JobStatus.QUEUED
    second.runner.noticed("b")
    assert [*first.executor.tasks, *second.executor.tasks] == ["a", "b"]
    assert server_of(first, "a") != server_of(first, "b")


def test_jobs_of_a_living_server_are_left_to_it() -> None:
    first, second = two_servers()
    first.submit("a")
    first.clock.advance(3_600)
    second.runner.tend()
    assert (second.executor.tasks, first.status("a")) == ({}, JobStatus.RUNNING)


def test_job_of_a_server_that_died_goes_on_at_another_from_its_last_checkpoint_and_costs_no_attempt() -> None:
    first, second = two_servers(max_attempts=1)
    first.submit("a")
    first.executor.report(checkpointed("a"))
    die(first)
    second.runner.tend()
    checkpoint = second.executor.tasks["a"].checkpoint
    assert checkpoint is not None
    assert (checkpoint.timesteps, first.jobs.get("a").attempts) == (640, 1)
    second.executor.report(ended("a"))
    assert first.status("a") is JobStatus.COMPLETED


def test_server_that_was_frozen_and_thought_dead_is_not_heard_any_more() -> None:
    first, second = two_servers()
    first.submit("a")
    die(first)
    second.runner.tend()
    first.executor.report(Progressed("a", 999, {}))
    assert first.executor.killed == ["a"]
    first.executor.report(ended("a"))
    assert (first.status("a"), server_of(first, "a")) == (JobStatus.RUNNING, second.runner._server)
    second.executor.report(ended("a"))
    assert [summary.version for summary in first.models.versions("a")] == [1]


def test_frozen_server_when_it_looks_ends_the_worker_of_what_is_another_ones() -> None:
    first, second = two_servers()
    first.submit("a")
    die(first)
    second.runner.tend()
    first.runner.tend()
    assert first.executor.killed == ["a"]
    # Nor does it begin the job once more while its former worker has not ended.
    die(second)
    first.jobs.dead.discard(first.runner._server)  # type: ignore[attr-defined]
    first.runner.tend()
    assert first.status("a") is JobStatus.QUEUED


@pytest.mark.parametrize("hears", ["news", "by looking"])
def test_stop_at_another_server_reaches_the_worker(hears: str) -> None:
    first, second = two_servers()
    first.submit("a")
    assert second.queue.stop("a").status is JobStatus.STOPPING
    assert (first.executor.stopped, second.executor.stopped) == ([], [])
    if hears == "news":
        first.runner.noticed("a")
    else:
        first.runner.tend()
    assert first.executor.stopped == ["a"]
    first.executor.report(ended("a", stopped=True))
    assert second.queue.wait("a", 0).status is JobStatus.STOPPED


def test_job_that_is_stopping_when_its_server_dies_is_stopped_with_what_it_had_learned() -> None:
    first, second = two_servers()
    first.submit("a")
    first.executor.report(checkpointed("a"))
    second.queue.stop("a")
    die(first)
    second.runner.tend()
    assert second.status("a") is JobStatus.STOPPED
    assert second.models.get("a").timesteps == 640


def test_limits_hold_for_all_servers_together() -> None:
    first, second = two_servers(max_queued_jobs=1)
    first.submit("a", "b")
    second.submit("c")
    with pytest.raises(QueueFull):
        second.submit("d")
    mine = make_job("mine", owner="me", config=make_config(model_name="mine"))
    with pytest.raises(TooManyJobs):
        second.queue.submit(replace(mine, owner=""), 2)


def test_repeated_request_at_another_server_gives_the_same_job() -> None:
    first, second = two_servers()
    job = make_job("a", owner="me", idempotency_key="k", request_sha256="d", config=make_config(model_name="a"))
    first.queue.submit(job)
    assert second.queue.submit(replace(job, id="b")).id == "a"
    assert [job.id for job in second.jobs.list()] == ["a"]


class Others:
    """Remembers who listens."""

    def listen(self, on_job: object, on_model: object, on_gap: object) -> None:
        self.on_job, self.on_model, self.on_gap = on_job, on_model, on_gap

    def close(self) -> None:
        pass


def test_who_watches_a_job_of_another_server_is_woken_when_it_has_told_something() -> None:
    first, second = two_servers()
    others: OtherServers = Others()
    elsewhere = Elsewhere(others, second.jobs, second.runner, second.feed, ModelCache(second.models, 0))
    first.submit("a", "b")
    woken: list[str] = []
    second.feed.subscribe("a", lambda: woken.append("a"))
    elsewhere.look()
    woken.clear()
    elsewhere.look()
    assert woken == []
    first.jobs.save(first.jobs.get("a"), JobEvent(job_id="a", time=first.clock.now(), kind="log", data={}))
    elsewhere.look()
    assert woken == ["a"]


def test_models_in_memory_are_forgotten_when_another_server_says_so_or_news_were_missed() -> None:
    first, second = two_servers()
    cache, others = ModelCache(second.models, 10**9), Others()
    Elsewhere(others, second.jobs, second.runner, second.feed, cache).listen()
    for name in ("a", "b"):
        first.submit(name)
        first.executor.report(ended(name))
        cache.get(name)
    others.on_model("a")  # type: ignore[operator]
    assert cache.names() == {"b"}
    others.on_gap()  # type: ignore[operator]
    assert cache.names() == frozenset()


class Shaky(SharedJobs):
    """A storage whose commit fails while `broken`: nothing of the block is kept then."""

    broken = False

    @contextmanager
    def alone(self, *, queue: bool = False) -> Iterator[None]:
        before = dict(self._jobs), dict(self._checkpoints), [*self._events]
        yield
        if self.broken:
            self._jobs, self._checkpoints, self._events = before
            raise StorageFailure("The connection was lost.")


def test_points_of_the_curve_when_the_commit_failed_are_kept_once_with_the_next_report() -> None:
    jobs = Shaky()
    world = World(jobs)
    world.submit("a")
    told: list[str] = []
    world.feed.subscribe("a", lambda: told.append("a"))

    def progressed(timesteps: int) -> None:
        world.executor.report(Progressed("a", timesteps, {}, (MetricsPoint(timesteps, {}, world.clock.now()),)))

    progressed(100)
    jobs.broken, before = True, len(told)
    progressed(200)
    assert len(told) == before
    jobs.broken = False
    progressed(300)
    curve = jobs.events("a", kinds=["metrics"])
    assert [point.data["timesteps"] for point in curve] == [100, 200, 300]
    assert world.runner.records.counters.timesteps == 300


def test_job_whose_claim_could_not_be_kept_waits_and_is_begun_later() -> None:
    jobs = Shaky()
    world = World(jobs)
    world.submit("a")
    jobs.add(make_job("b", config=make_config(model_name="b")))
    jobs.broken = True
    world.executor.report(ended("a"))
    world.runner.tend()
    assert ([*world.executor.tasks], world.status("b")) == (["a"], JobStatus.QUEUED)
    jobs.broken = False
    world.runner.tend()
    assert (world.status("a"), [*world.executor.tasks]) == (JobStatus.COMPLETED, ["a", "b"])
