"""What every JobExecutor keeps: one final report, stop, the same numbers wherever a task runs, survival of its workers."""

import os
import queue
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import pytest

from adapters.environments.factory import GymnasiumEnvironments
from adapters.execution.inline import InlineExecutor
from adapters.execution.process import ProcessExecutor
from adapters.execution.ray_executor import RayExecutor
from domain.config import TrainingConfig
from domain.job import Job
from domain.ports import EnvironmentFactory, JobExecutor, TrainingTask
from domain.presets import resolve
from domain.reports import Checkpointed, Ended, Failed, Progressed, Report
from domain.spaces import EnvironmentSpec
from domain.trainer import Trainer
from tests.ray_cluster import local_executor

ENVIRONMENTS = GymnasiumEnvironments()
PATIENCE_SECONDS = 30


class FactoryThatKillsItsProcess(GymnasiumEnvironments):
    """Its worker is killed as the kernel kills for memory."""

    def make(self, env_name: str, num_envs: int, max_episode_steps: int) -> None:  # type: ignore[override]
        os.kill(os.getpid(), signal.SIGKILL)


class FactoryThatHangs(GymnasiumEnvironments):
    """Its environment never answers."""

    def make(self, env_name: str, num_envs: int, max_episode_steps: int) -> None:  # type: ignore[override]
        threading.Event().wait()


class FactoryThatRaises(GymnasiumEnvironments):
    """An error that nobody foresaw."""

    def describe(self, env_name: str) -> EnvironmentSpec:
        raise ZeroDivisionError("a bug in somebody's environment")


@dataclass
class Listener:
    """Collects reports."""

    reports: "queue.Queue[Report]"

    def __call__(self, report: Report) -> None:
        self.reports.put(report)

    def final(self) -> tuple[list[Report], Ended | Failed]:
        """All reports until the one that ends the task."""
        seen: list[Report] = []
        while True:
            report = self.reports.get(timeout=PATIENCE_SECONDS)
            if isinstance(report, Ended | Failed):
                return seen, report
            seen.append(report)


def listen() -> Listener:
    return Listener(queue.Queue())


def config(timesteps: int, seed: int = 3) -> TrainingConfig:
    given = {"total_timesteps": timesteps}
    return resolve(given, ENVIRONMENTS.describe("CartPole-v1"), seed=seed, model_name="model")


def task(job_id: str, timesteps: int, environments: EnvironmentFactory = ENVIRONMENTS, seed: int = 3) -> TrainingTask:
    return TrainingTask(Job(id=job_id, config=config(timesteps, seed), created_at=datetime.now(UTC)), environments)


@pytest.fixture(scope="module")
def processes() -> Iterator[ProcessExecutor]:
    executor = ProcessExecutor(2)
    yield executor
    executor.close()


@pytest.fixture(scope="module")
def on_ray() -> Iterator[RayExecutor]:
    with local_executor(cpus=2) as executor:
        yield executor


@pytest.fixture(params=["process", "ray"])
def beside(request: pytest.FixtureRequest) -> JobExecutor:
    """An executor with workers of its own, two of them."""
    executor: JobExecutor = request.getfixturevalue({"process": "processes", "ray": "on_ray"}[request.param])
    return executor


@pytest.fixture(params=["inline", "process", "ray"])
def executor(request: pytest.FixtureRequest) -> JobExecutor:
    if request.param == "inline":
        return InlineExecutor()
    executor: JobExecutor = request.getfixturevalue({"process": "processes", "ray": "on_ray"}[request.param])
    return executor


def test_executor_when_it_is_not_closed_is_alive(executor: JobExecutor) -> None:
    assert executor.alive


@pytest.mark.parametrize("make", [InlineExecutor, lambda: ProcessExecutor(1)], ids=["inline", "process"])
def test_executor_when_closed_is_not_alive(make: Callable[[], JobExecutor]) -> None:
    executor = make()
    executor.close()
    assert not executor.alive


def test_task_when_run_ends_with_the_numbers_of_a_trainer(executor: JobExecutor) -> None:
    listener = listen()
    executor.start(task("a", 700), listener)
    _, ended = listener.final()
    with Trainer(ENVIRONMENTS, config(700)) as trainer:
        for _ in trainer.run():
            pass
        expected = trainer.policy.parameters
    assert isinstance(ended, Ended)
    assert (ended.job_id, ended.stopped, ended.checkpoint.timesteps) == ("a", False, 700)
    assert ended.evaluation is not None
    assert (ended.evaluation.episodes, ended.evaluation.seed) == (10, 0)
    assert np.array_equal(ended.checkpoint.policy.parameters, expected)


def test_task_when_the_environment_raises_fails_with_what_happened(executor: JobExecutor) -> None:
    listener = listen()
    executor.start(task("b", 700, FactoryThatRaises()), listener)
    _, failed = listener.final()
    assert failed == Failed(
        "b", "internal-error", "Training ended with an unexpected ZeroDivisionError: a bug in somebody's environment"
    )


def test_executor_after_a_failed_task_runs_the_next(executor: JobExecutor) -> None:
    listener = listen()
    executor.start(task("c", 300, FactoryThatRaises()), listener)
    listener.final()
    executor.start(task("d", 300), listener)
    assert isinstance(listener.final()[1], Ended)


def test_stop_of_an_unknown_job_has_no_effect(executor: JobExecutor) -> None:
    executor.stop("nobody")


def test_stop_when_called_from_the_listener_ends_the_task_and_keeps_what_was_learned(executor: JobExecutor) -> None:
    listener = listen()

    def stop_at_first_progress(report: Report) -> None:
        listener(report)
        if isinstance(report, Progressed):
            executor.stop("e")

    executor.start(task("e", 1_000_000_000), stop_at_first_progress)
    seen, ended = listener.final()
    assert isinstance(ended, Ended)
    assert ended.stopped
    assert 0 < ended.checkpoint.timesteps < 1_000_000_000
    assert any(isinstance(report, Progressed) for report in seen)


def test_task_from_a_checkpoint_ends_with_the_bits_of_an_undisturbed_run(beside: JobExecutor) -> None:
    listener = listen()

    def stop_when_under_way(report: Report) -> None:
        listener(report)
        if isinstance(report, Progressed):
            beside.stop("f")

    long = 100_000  # a second of work, and the first report of progress comes after a tenth of one
    beside.start(task("f", long), stop_when_under_way)
    beside.start(task("undisturbed", long), undisturbed := listen())
    _, stopped = listener.final()
    assert isinstance(stopped, Ended)
    resumed = TrainingTask(task("f", long).job, ENVIRONMENTS, stopped.checkpoint)
    beside.start(resumed, listener)
    _, ended = listener.final()
    _, reference = undisturbed.final()
    assert isinstance(ended, Ended)
    assert isinstance(reference, Ended)
    assert stopped.stopped
    assert np.array_equal(ended.checkpoint.policy.parameters, reference.checkpoint.policy.parameters)
    assert ended.checkpoint.counters == reference.checkpoint.counters


def test_worker_that_is_killed_fails_its_task_only_and_is_replaced(processes: ProcessExecutor) -> None:
    survivor, victim = listen(), listen()
    processes.start(task("survivor", 20_000), survivor)
    processes.start(task("victim", 300, FactoryThatKillsItsProcess()), victim)
    _, failed = victim.final()
    assert failed == Failed(
        "victim",
        "worker-died",
        "The worker process ended unexpectedly (signal SIGKILL, which the kernel sends where memory runs out).",
        lost=True,
    )
    processes.start(task("next", 300), victim)
    assert isinstance(victim.final()[1], Ended)
    assert isinstance(survivor.final()[1], Ended)


def test_worker_that_ends_by_a_signal_without_a_name_is_reported_all_the_same() -> None:
    executor, listener = ProcessExecutor(1), listen()
    try:
        executor.start(task("j", 1_000_000_000), listener)
        assert isinstance(listener.reports.get(timeout=PATIENCE_SECONDS), Progressed)
        [worker] = executor._workers
        assert worker.process.pid is not None
        os.kill(worker.process.pid, 40)
        _, failed = listener.final()
        assert failed == Failed("j", "worker-died", "The worker process ended unexpectedly (signal 40).", lost=True)
    finally:
        executor.close()


def test_worker_that_is_interrupted_while_it_starts_goes_on() -> None:
    executor, listener = ProcessExecutor(1), listen()
    try:
        executor.start(task("j", 300), listener)
        [worker] = executor._workers
        assert worker.process.pid is not None
        os.kill(worker.process.pid, signal.SIGINT)  # as Ctrl-C does to all of a terminal
        assert isinstance(listener.final()[1], Ended)
    finally:
        executor.close()


def test_worker_frozen_in_the_middle_of_a_message_is_killed_and_holds_up_nobody() -> None:
    executor, frozen, other = ProcessExecutor(2), listen(), listen()
    try:
        large = replace(config(1_000_000_000), hidden_sizes=(1024, 1024))  # megabytes, which no pipe takes at once
        job = Job(id="frozen", config=large, created_at=datetime.now(UTC))
        executor.start(TrainingTask(job, ENVIRONMENTS, checkpoint_seconds=0.0), frozen)
        while not isinstance(frozen.reports.get(timeout=PATIENCE_SECONDS), Checkpointed):
            pass
        [worker] = executor._workers
        assert worker.process.pid is not None
        os.kill(worker.process.pid, signal.SIGSTOP)
        executor.start(task("other", 300), other)
        assert isinstance(other.final()[1], Ended)
        executor.kill("frozen")
        _, failed = frozen.final()
        assert isinstance(failed, Failed)
        assert failed.code == "worker-unresponsive"
    finally:
        executor.close()


def test_stop_that_comes_before_its_task_has_begun_ends_that_task_only(beside: JobExecutor) -> None:
    for _ in range(2):
        stopped, whole = listen(), listen()
        beside.start(task("k", 1_000_000_000), stopped)
        beside.stop("k")
        ended = stopped.final()[1]
        assert isinstance(ended, Ended)
        assert ended.stopped
        beside.start(task("k", 300), whole)
        ended = whole.final()[1]
        assert isinstance(ended, Ended)
        assert not ended.stopped


def test_worker_that_does_not_obey_a_stop_is_killed(beside: JobExecutor) -> None:
    listener = listen()
    beside.start(task("deaf", 300, FactoryThatHangs()), listener)
    beside.stop("deaf")
    _, failed = listener.final()
    assert isinstance(failed, Failed)
    assert (failed.code, failed.lost) == ("worker-unresponsive", True)


def test_worker_that_hangs_when_killed_is_reported_lost(processes: ProcessExecutor) -> None:
    listener = listen()
    processes.start(task("hung", 300, FactoryThatHangs()), listener)
    processes.kill("hung")
    _, failed = listener.final()
    assert failed == Failed(
        "hung", "worker-unresponsive", "The worker did not answer and was killed (signal SIGKILL).", lost=True
    )
    processes.kill("hung")


def test_two_tasks_when_started_together_both_end(beside: JobExecutor) -> None:
    listeners = [listen(), listen()]
    for index, listener in enumerate(listeners):
        beside.start(task(f"g{index}", 2_000, seed=index), listener)
    results = [listener.final()[1] for listener in listeners]
    assert [result.job_id for result in results] == ["g0", "g1"]
    assert all(isinstance(result, Ended) for result in results)


def test_close_when_tasks_run_ends_the_processes_without_a_report() -> None:
    executor, listener = ProcessExecutor(1), listen()
    executor.start(task("h", 1_000_000_000), listener)
    assert isinstance(listener.reports.get(timeout=PATIENCE_SECONDS), Progressed)
    [worker] = executor._workers
    pid = worker.process.pid
    executor.close()
    executor.close()
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    remaining = [listener.reports.get_nowait() for _ in range(listener.reports.qsize())]
    assert not any(isinstance(report, Ended | Failed) for report in remaining)
