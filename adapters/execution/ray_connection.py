"""The way into a Ray cluster, with a sentence for people where there is none."""

import logging
import socket
from collections.abc import Mapping
from typing import Any

import ray

from adapters.execution.ray_messages import ClusterUnavailable

ANSWER_SECONDS = 5.0
LOCAL_STORE_BYTES = 256 * 1024 * 1024
NAMESPACE = "grpo"
LOOPBACK = "127.0.0.1"


def connect(address: str, cpus: int, variables: Mapping[str, str]) -> None:
    """Join the cluster at host:port, or start one of this machine alone with so many CPUs where there is no address.

    `variables`: of the environment of each worker. Raises ClusterUnavailable.
    """
    logging.getLogger("ray").setLevel(logging.ERROR)
    options: dict[str, Any] = {
        "namespace": NAMESPACE,
        "runtime_env": {"env_vars": {**variables}},
        "log_to_driver": False,
        "configure_logging": False,
    }
    if address:
        _check_answers(address)
        options |= {"address": address}
    else:
        options |= {
            "address": "local",
            "num_cpus": cpus,
            "include_dashboard": False,
            "object_store_memory": LOCAL_STORE_BYTES,
            "_node_ip_address": LOOPBACK,
        }
    where = f"The Ray cluster at {address}" if address else "A Ray cluster of this machine"
    try:
        ray.init(**options)
    except Exception as error:  # Ray raises what it likes
        reason = " ".join(str(error).split())
        raise ClusterUnavailable(f"{where} cannot be used: {reason}") from error


def _check_answers(address: str) -> None:
    """Ray itself would try for a long time."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), ANSWER_SECONDS).close()
    except OSError as error:
        raise ClusterUnavailable(f"The Ray cluster at {address} does not answer: {error}") from error
