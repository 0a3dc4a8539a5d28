"""Ray clusters for tests: small, on loopback, gone at the end."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ray.cluster_utils import Cluster

from adapters.execution.ray_executor import RayExecutor
from bootstrap.settings import set_ray_variables, worker_variables

LOOPBACK = "127.0.0.2"  # Ray takes 127.0.0.1 for the address by which other machines reach this one
COMMON: dict[str, Any] = {
    "object_store_memory": 80 * 1024 * 1024,
    "include_dashboard": False,
    "node_ip_address": LOOPBACK,
}


@contextmanager
def local_executor(cpus: int = 2) -> Iterator[RayExecutor]:
    """An executor with a cluster of its own."""
    set_ray_variables()
    executor = RayExecutor("", cpus, variables=worker_variables())
    try:
        yield executor
    finally:
        executor.close()


@contextmanager
def cluster_of(nodes: int, port: int = 0) -> Iterator[Cluster]:
    """A head without CPUs, to which servers connect (at `port` if given), and nodes of one CPU each."""
    set_ray_variables()
    system = {"health_check_initial_delay_ms": 1_000, "health_check_period_ms": 500, "health_check_failure_threshold": 2}
    head = COMMON | {"num_cpus": 0, "_system_config": system} | ({"gcs_server_port": port} if port else {})
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        for _ in range(nodes):
            add_node(cluster)
        yield cluster
    finally:
        cluster.shutdown()


def add_node(cluster: Cluster) -> None:
    """One more, of one CPU."""
    cluster.add_node(num_cpus=1, **COMMON)
