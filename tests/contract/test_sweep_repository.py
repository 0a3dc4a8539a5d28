"""What every SweepRepository keeps."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.storage.database import open_database
from adapters.storage.memory_sweeps import MemorySweepRepository
from adapters.storage.postgres import open_postgres
from adapters.storage.postgres_sweeps import PostgresSweepRepository
from adapters.storage.sqlite_sweeps import SqliteSweepRepository
from domain.sweep import Dimension, Sweep, SweepStatus, Trial, TrialStatus
from domain.sweep_errors import SweepNotFound
from domain.sweep_ports import SweepRepository
from tests import postgres
from tests.factories import NOON


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def sweeps(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SweepRepository]:
    if request.param == "memory":
        yield MemorySweepRepository()
    elif request.param == "sqlite":
        database = open_database(tmp_path / "grpo.db")
        yield SqliteSweepRepository(database)
        database.close()
    else:
        with postgres.schema() as url:
            shared = open_postgres(url)
            yield PostgresSweepRepository(shared)
            shared.close()


def sweep(name: str) -> Sweep:
    return Sweep(
        id=name,
        created_at=NOON,
        training={"env_name": "CartPole-v1", "model_name": "名前", "total_timesteps": 1_000, "eval_freq": 100},
        search_space={
            "learning_rate": Dimension(type="float", low=1e-4, high=1e-2, log=True),
            "hidden_sizes": Dimension(type="categorical", choices=([8], [64, 64])),
        },
        n_trials=3,
        max_parallel=2,
        seed=1,
        owner="me",
        limits={"jobs": 3, "n_envs": None},
    )


def test_sweeps_when_kept_come_back_equal_newest_first_and_by_state(sweeps: SweepRepository) -> None:
    for name in "ab":
        sweeps.add(sweep(name))
    ended = sweep("a").to(SweepStatus.FAILED, NOON, "why")
    assert sweeps.replace(ended, SweepStatus.RUNNING)
    assert [kept.id for kept in sweeps.list()] == ["b", "a"]
    assert [kept.id for kept in sweeps.list([SweepStatus.RUNNING])] == ["b"]
    kept = sweeps.get("b")
    assert replace(kept, search_space={}) == replace(sweep("b"), search_space={})
    assert [[*kept.search_space["hidden_sizes"].choices], kept.search_space["learning_rate"]] == [
        [[8], [64, 64]],
        sweep("b").search_space["learning_rate"],
    ]
    assert (sweeps.get("a").end_time, sweeps.get("a").message) == (NOON, "why")
    for nobody in ("c", "c\0"):
        with pytest.raises(SweepNotFound):
            sweeps.get(nobody)


def test_state_is_changed_only_from_the_one_that_it_was(sweeps: SweepRepository) -> None:
    sweeps.add(sweep("a"))
    assert sweeps.replace(sweep("a").to(SweepStatus.STOPPING, NOON), SweepStatus.RUNNING)
    assert not sweeps.replace(sweep("a").to(SweepStatus.COMPLETED, NOON), SweepStatus.RUNNING)
    assert not sweeps.replace(sweep("nobody"), SweepStatus.RUNNING)
    assert sweeps.get("a").status is SweepStatus.STOPPING


def test_number_of_a_trial_is_taken_once_and_trials_come_by_their_numbers(sweeps: SweepRepository) -> None:
    for name in "ab":
        sweeps.add(sweep(name))
    second = Trial(sweep_id="a", number=1, parameters={"learning_rate": 0.1 + 0.2, "hidden_sizes": [64, 64]})
    assert sweeps.add_trial(second)
    assert sweeps.add_trial(replace(second, number=0))
    assert not sweeps.add_trial(replace(second, parameters={}))
    assert [trial.number for trial in sweeps.trials("a")] == [0, 1]
    assert sweeps.trials("a")[1] == second
    ended = replace(second, status=TrialStatus.COMPLETED, value=1.5, job_id="job", message="ok")
    sweeps.save_trial(ended)
    assert sweeps.trials("a")[1] == ended
    assert sweeps.trials("b") == []
