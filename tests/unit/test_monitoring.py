"""Readiness and figures over fakes: what is counted, and what a failing part looks like from outside."""

import pytest

from adapters.execution.inline import InlineExecutor
from adapters.storage.memory import MemoryJobRepository, MemoryModelRepository
from application.counters import QueueCounters
from application.inference import ModelCache, Predict
from application.statistics import GetStatistics
from application.system import GetReadiness
from domain.errors import NotReady, StorageFailure
from domain.job import JobStatus
from domain.reports import Checkpointed, Ended, Progressed
from tests.factories import make_checkpoint, make_job, make_model
from tests.unit.test_job_queue import World

OBSERVATION = [0.1, 0.0, 0.05, 0.0]


class JobsOnAFullDisk(MemoryJobRepository):
    def probe(self) -> None:
        raise StorageFailure("The database cannot be used: database or disk is full.")

    def count_by_status(self) -> dict[JobStatus, int]:
        raise StorageFailure("The database cannot be used: database or disk is full.")


def statistics_of(jobs: MemoryJobRepository, models: MemoryModelRepository | None = None) -> tuple[GetStatistics, Predict]:
    cache = ModelCache(models or MemoryModelRepository(), 10**9)
    predict = Predict(cache)
    return GetStatistics(jobs, QueueCounters(), cache, predict), predict


def test_service_when_all_is_well_is_ready() -> None:
    checks = GetReadiness(MemoryJobRepository(), InlineExecutor())()
    assert checks == {"storage": "ok", "executor": "ok", "shutdown": "ok"}


def test_service_when_several_checks_fail_is_not_ready_and_names_each() -> None:
    executor = InlineExecutor()
    executor.close()
    with pytest.raises(NotReady) as error:
        GetReadiness(JobsOnAFullDisk(), executor, accepting=lambda: False)()
    assert str(error.value) == (
        "The service is not ready: the storage cannot be written, the executor of training jobs has ended, "
        "the server is shutting down."
    )


def test_jobs_when_counted_are_there_in_every_state() -> None:
    jobs = MemoryJobRepository()
    jobs.add(make_job("a"))
    get_statistics, _ = statistics_of(jobs)
    assert get_statistics().jobs == dict.fromkeys(JobStatus, 0) | {JobStatus.QUEUED: 1}


def test_storage_when_it_fails_leaves_the_other_figures() -> None:
    get_statistics, _ = statistics_of(JobsOnAFullDisk())
    statistics = get_statistics()
    assert (statistics.jobs, statistics.inferences) == (None, 0)


def test_observations_and_models_when_asked_for_are_counted() -> None:
    models = MemoryModelRepository()
    models.save(make_model("m"))
    get_statistics, predict = statistics_of(MemoryJobRepository(), models)
    assert predict.at_once("m", OBSERVATION) is None
    predict("m", OBSERVATION)
    predict.at_once("m", [OBSERVATION] * 3)
    predict("m", [OBSERVATION] * 300)
    statistics = get_statistics()
    assert (statistics.inferences, statistics.cache_misses, statistics.cache_hits) == (304, 1, 2)
    assert statistics.cache_bytes == 3 * 4 * 51 + 16 * 1024  # three layouts of the parameters, and the objects


def test_reports_when_they_come_in_are_counted_once() -> None:
    world = World()
    world.submit("a")
    world.executor.report(Progressed("a", 250, {}))
    world.executor.report(Progressed("a", 700, {}))
    world.executor.report(Checkpointed("a", make_checkpoint(timesteps=640), {}))
    assert (world.runner.records.counters.timesteps, world.runner.records.counters.checkpoints) == (700, 1)
    assert world.runner.records.counters.checkpoint_seconds > 0
    world.executor.report(Ended("a", make_checkpoint(timesteps=1_000), {}, stopped=False))
    assert (world.runner.records.counters.timesteps, world.runner.records.counters.checkpoints) == (1_060, 1)
