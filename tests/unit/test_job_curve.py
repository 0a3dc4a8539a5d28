"""The learning curve on its way into the storage: nothing twice, nothing lost while the disk is full, news for who watches."""

from typing import Any

import pytest

from domain.access_errors import TooManyStreams
from domain.checkpoint import EvaluationSummary
from domain.reports import Evaluated, Logged, MetricsPoint, Progressed
from tests.factories import NOON
from tests.queue_world import FailingJobs, World, checkpointed, ended, lost


def progressed(*timesteps: int) -> Progressed:
    return Progressed("a", timesteps[-1], {}, tuple(MetricsPoint(n, {"train/loss": n / 10}, NOON) for n in timesteps))


def evaluated(timesteps: int) -> Evaluated:
    return Evaluated("a", timesteps, EvaluationSummary(12.5, 0.5, 12.5, 10, 0), best=True)


def curve(world: World, kind: Any = "metrics") -> list[int]:
    return [event.data["timesteps"] for event in world.jobs.events("a", kinds=[kind])]


def test_points_that_a_worker_tells_again_after_another_was_lost_are_kept_once() -> None:
    world = World()
    world.submit("a")
    world.executor.report(progressed(100, 200))
    world.executor.report(checkpointed("a", timesteps=200))
    world.executor.report(progressed(300, 400))
    world.executor.report(evaluated(400))
    world.executor.report(lost("a"))
    world.executor.report(progressed(300))
    world.executor.report(progressed(400, 500))
    world.executor.report(evaluated(400))
    world.executor.report(evaluated(500))
    assert curve(world) == [100, 200, 300, 400, 500]
    assert curve(world, "eval") == [400, 500]
    [first, _] = world.jobs.events("a", kinds=["eval"])
    assert first.data == {
        "timesteps": 400,
        "best": True,
        "mean_reward": 12.5,
        "std_reward": 0.5,
        "mean_length": 12.5,
        "episodes": 10,
        "seed": 0,
    }


def test_points_that_cannot_be_written_are_kept_with_what_follows() -> None:
    jobs = FailingJobs()
    world = World(jobs)
    world.submit("a")
    jobs.full = True
    world.executor.report(progressed(100))
    world.executor.report(Logged("a", "warning", "Nothing is learned."))
    world.executor.report(checkpointed("a", timesteps=100))
    assert curve(world) == []
    jobs.full = False
    world.executor.report(progressed(200))
    assert curve(world) == [100, 200]
    assert [event.data for event in jobs.events("a", kinds=["log"])] == [{"level": "warning", "message": "Nothing is learned."}]
    jobs.full = True
    world.executor.report(progressed(300))
    jobs.full = False
    world.executor.report(ended("a"))
    assert curve(world) == [100, 200, 300]
    assert world.story("a")[-2:] == ["metrics", "completed"]


def test_subscriber_is_woken_by_every_change_of_its_job_until_it_leaves() -> None:
    world = World()
    woken: list[str] = []
    leave = world.feed.subscribe("a", lambda: woken.append("a"))
    world.feed.subscribe("b", lambda: woken.append("b"))
    world.submit("a")
    world.executor.report(progressed(100))
    assert woken == ["a", "a"]
    leave()
    leave()
    world.executor.report(progressed(200))
    assert woken == ["a", "a"]
    world.feed.close()
    assert woken == ["a", "a", "b"]


def test_feed_has_room_for_so_many_and_has_it_again_when_one_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("application.feed.MOST_SUBSCRIBERS", 1)
    feed = World().feed
    feed.check_room()
    leave = feed.subscribe("a", lambda: None)
    with pytest.raises(TooManyStreams, match="1 streams"):
        feed.check_room()
    leave()
    feed.check_room()
