"""A Ray cluster of two nodes: jobs outlive the node that trains them, to the same bits; what goes wrong is told."""

import os
import queue
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import pytest
import ray
from ray.cluster_utils import Cluster

from adapters.environments.factory import GymnasiumEnvironments
from adapters.execution import ray_executor
from adapters.execution.ray_executor import RayExecutor
from adapters.execution.ray_messages import ClusterUnavailable
from bootstrap.settings import worker_variables
from domain.config import TrainingConfig
from domain.errors import EnvironmentFailed
from domain.job import Job
from domain.ports import TrainingTask, VectorEnvironment
from domain.presets import resolve
from domain.reports import Checkpointed, Ended, Failed, Logged, Report
from domain.trainer import Trainer
from tests.e2e.server import free_port
from tests.ray_cluster import add_node, cluster_of

ENVIRONMENTS = GymnasiumEnvironments()
PATIENCE_SECONDS = 60


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with cluster_of(nodes=2) as cluster:
        yield cluster


@pytest.fixture
def executor(cluster: Cluster) -> Iterator[RayExecutor]:
    executor = RayExecutor(cluster.address, 0, variables=worker_variables())
    yield executor
    executor.close()


def config(timesteps: int, seed: int) -> TrainingConfig:
    return resolve({"total_timesteps": timesteps}, ENVIRONMENTS.describe("CartPole-v1"), seed=seed, model_name="model")


def task(job_id: str, timesteps: int, seed: int = 0) -> TrainingTask:
    job = Job(id=job_id, config=config(timesteps, seed), created_at=datetime.now(UTC))
    return TrainingTask(job, ENVIRONMENTS, checkpoint_seconds=0.2)


def undisturbed(timesteps: int, seed: int) -> np.ndarray:
    with Trainer(ENVIRONMENTS, config(timesteps, seed)) as trainer:
        for _ in trainer.run():
            pass
        return trainer.policy.parameters


def until_final(reports: "queue.Queue[Report]") -> list[Report]:
    seen = []
    while not seen or not isinstance(seen[-1], Ended | Failed):
        seen.append(reports.get(timeout=PATIENCE_SECONDS))
    return seen


def until(condition: "object") -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.05)


def test_jobs_when_no_cpu_is_free_wait_and_the_reason_is_told(cluster: Cluster, executor: RayExecutor) -> None:
    until(lambda: executor.capacity == 2)
    assert executor.waiting_reason == ""
    reports: list[queue.Queue[Report]] = [queue.Queue(), queue.Queue()]
    for number, each in enumerate(reports):
        executor.start(task(f"endless {number}", 1_000_000_000), each.put)
    assert executor.capacity == 2
    for each in reports:
        each.get(timeout=PATIENCE_SECONDS)
    until(lambda: executor.waiting_reason == "The Ray cluster has no free CPU: 2 of 2 are in use.")
    assert executor.capacity == 2
    other = RayExecutor(cluster.address, 0)
    seen = set()
    for _ in range(60):  # tasks that wait for an answer, as all do some times a second, keep their CPUs
        seen.add((other.capacity, other.waiting_reason))
        time.sleep(0.05)
    other.close()
    assert seen == {(0, "The Ray cluster has no free CPU: 2 of 2 are in use.")}
    for number, each in enumerate(reports):
        executor.stop(f"endless {number}")
        ended = until_final(each)[-1]
        assert isinstance(ended, Ended)
        assert ended.stopped


def test_job_whose_node_dies_goes_on_at_another_to_the_same_bits(cluster: Cluster, executor: RayExecutor) -> None:
    long = 120_000
    reports: list[queue.Queue[Report]] = [queue.Queue(), queue.Queue()]
    for number, each in enumerate(reports):
        executor.start(task(f"job {number}", long, seed=number), each.put)
    for each in reports:  # one on each node
        while not isinstance(each.get(timeout=PATIENCE_SECONDS), Checkpointed):
            pass
    node = min(cluster.worker_nodes, key=lambda node: node.node_id)
    cluster.remove_node(node, allow_graceful=False)
    seen = [until_final(each) for each in reports]
    for number, each in enumerate(seen):
        ended = each[-1]
        assert isinstance(ended, Ended), ended
        assert np.array_equal(ended.checkpoint.policy.parameters, undisturbed(long, number))
    logged = [report.message for each in seen for report in each if isinstance(report, Logged)]
    assert [message for message in logged if message.startswith("The worker was lost (try 2); another one goes on from step ")]
    add_node(cluster)


def spread(timesteps: int) -> TrainingConfig:
    """Of two workers."""
    given = {"total_timesteps": timesteps, "num_workers": 2}
    return resolve(given, ENVIRONMENTS.describe("CartPole-v1"), seed=5, model_name="model")


def test_job_of_several_workers_is_that_of_one_process_also_when_a_node_dies(cluster: Cluster, executor: RayExecutor) -> None:
    config = spread(60_000)
    with Trainer(ENVIRONMENTS, config) as trainer:
        for _ in trainer.run():
            pass
        expected = trainer.policy.parameters
    job = Job(id="spread", config=config, created_at=datetime.now(UTC))
    reports: queue.Queue[Report] = queue.Queue()
    executor.start(TrainingTask(job, ENVIRONMENTS, checkpoint_seconds=0.2), reports.put)
    checkpointed = reports.get(timeout=PATIENCE_SECONDS)
    while not isinstance(checkpointed, Checkpointed):
        checkpointed = reports.get(timeout=PATIENCE_SECONDS)
    cluster.remove_node(max(cluster.worker_nodes, key=lambda node: node.node_id), allow_graceful=False)
    seen = [checkpointed, *until_final(reports)]
    if isinstance(seen[-1], Failed):  # that node had the second sampler; with the other one Ray has begun the task again
        assert (seen[-1].code, seen[-1].lost) == ("worker-died", True)
        checkpoint = [report.checkpoint for report in seen if isinstance(report, Checkpointed)][-1]
        executor.start(TrainingTask(job, ENVIRONMENTS, checkpoint), reports.put)
        seen = until_final(reports)
    ended = seen[-1]
    assert isinstance(ended, Ended), ended
    assert np.array_equal(ended.checkpoint.policy.parameters, expected)
    add_node(cluster)


def test_environment_that_fails_in_another_worker_fails_the_job_with_its_reason(executor: RayExecutor) -> None:
    reports: queue.Queue[Report] = queue.Queue()
    job = Job(id="failing", config=spread(5_000), created_at=datetime.now(UTC))
    executor.start(TrainingTask(job, OneThatFails()), reports.put)
    assert until_final(reports)[-1] == Failed("failing", "environment-failed", "It broke.")


class OneThatFails(GymnasiumEnvironments):
    """The environments of the second sampler fail; those of the first, in the process that trains, do not."""

    def make(self, env_name: str, num_envs: int, max_episode_steps: int) -> VectorEnvironment:
        if ray.get_runtime_context().get_actor_id():
            raise EnvironmentFailed("It broke.")
        return super().make(env_name, num_envs, max_episode_steps)


def test_driver_that_is_frozen_is_given_nothing_until_it_goes_on(
    executor: RayExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_executor, "SILENT_SECONDS", 2.0)
    until(lambda: executor.capacity == 2)
    pid = executor._driver.process.pid or 0
    os.kill(pid, signal.SIGSTOP)
    until(lambda: not executor.alive)
    assert executor.capacity == 0
    assert "does not answer" in executor.waiting_reason
    os.kill(pid, signal.SIGCONT)
    until(lambda: executor.alive and executor.capacity == 2)


def test_cluster_that_is_begun_anew_costs_its_tasks_a_try_and_is_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_executor, "RECONNECT_SECONDS", 0.5)
    port = free_port()
    reports: queue.Queue[Report] = queue.Queue()
    with cluster_of(nodes=1, port=port) as cluster:
        address = cluster.address
        executor = RayExecutor(address, 0, variables=worker_variables())
        executor.start(task("a", 1_000_000_000), reports.put)
        reports.get(timeout=PATIENCE_SECONDS)
    try:
        assert until_final(reports)[-1] == Failed("a", "worker-died", "The Ray cluster was lost.", lost=True)
        assert not executor.alive
        assert executor.capacity == 0
        assert executor.waiting_reason == f"The Ray cluster at {address} does not answer."
        with pytest.raises(RuntimeError, match="does not answer"):
            executor.start(task("b", 300), reports.put)
        with cluster_of(nodes=1, port=port):
            until(lambda: executor.alive and executor.capacity)
            executor.start(task("b", 300), reports.put)
            assert isinstance(until_final(reports)[-1], Ended)
    finally:
        executor.close()
    assert not executor.alive


def test_cluster_that_does_not_answer_is_told_at_once() -> None:
    with pytest.raises(ClusterUnavailable, match=r"The Ray cluster at 127\.0\.0\.1:\d+ does not answer: .*refused"):
        RayExecutor(f"127.0.0.1:{free_port()}", 0)
