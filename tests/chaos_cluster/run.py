"""The same jobs twice on a cluster: left alone, and under blows."""

import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from ray.cluster_utils import Cluster

from tests import postgres
from tests.chaos.jobs import JOBS
from tests.e2e.server import FINAL, ServerProcess
from tests.ray_cluster import add_node, cluster_of

BLOWS = {"a server": 3, "a node": 2, "a server and a node": 1}
LAST_AT = 0.8
PATIENCE_SECONDS = 900.0


@dataclass(frozen=True)
class Ended:
    """The last state of a job, and the one model that it left."""

    status: str
    sha256: str


@dataclass
class Outcome:
    """What became of the jobs by model name."""

    jobs: dict[str, Ended]
    faults: list[str]
    blows: Counter[str] = field(default_factory=Counter)


def bodies(number: int, scale: float) -> list[dict[str, Any]]:
    """Every kind of job in turn, each with a seed of its own."""
    kinds = [(name, fields) for name, fields in JOBS.items() if "Plain" not in str(fields.get("env_name"))]
    chosen = [kinds[index % len(kinds)] for index in range(number)]
    return [
        fields | {"model_name": f"{name}-{seed}", "seed": seed, "total_timesteps": round(fields["total_timesteps"] * scale)}
        for seed, (name, fields) in enumerate(chosen)
    ]


def run(folder: Path, jobs: int, scale: float, kills: int = 0, seed: int = 0) -> Outcome:
    """Train all jobs on a cluster of its own."""
    rng = random.Random(seed)
    with _cluster(folder) as (servers, cluster):
        ids: dict[str, str] = {}
        for index, body in enumerate(bodies(jobs, scale)):
            ids[servers[index % 2].train(**body)] = str(body["model_name"])
        blows: Counter[str] = Counter()
        for at in sorted(rng.uniform(0, LAST_AT) for _ in range(kills)):
            servers[0].until(lambda at=at: _share_done(servers) >= at)
            if all(status in FINAL for status in _statuses(servers).values()):
                break
            kind = rng.choices([*BLOWS], [*BLOWS.values()])[0]
            _strike(kind, servers, cluster, rng)
            blows[kind] += 1
        servers[0].until(lambda: all(status in FINAL for status in _statuses(servers).values()))
        found = {job["job_id"]: job for job in _list(servers)}
        faults = [f"{len(found)} jobs are listed, {len(ids)} were started"] if found.keys() != ids.keys() else []
        faults += [f"{ids[key]}: {job['error_message']}" for key, job in found.items() if job["status"] != "completed"]
        ended = {}
        for key, name in ids.items():
            versions = servers[1].versions(name) if found[key]["status"] == "completed" else []
            faults += [f"{name} has {len(versions)} versions"] if len(versions) != 1 else []
            ended[name] = Ended(found[key]["status"], versions[-1][1] if versions else "")
    return Outcome(ended, faults, blows)


def compare(undisturbed: Outcome, disturbed: Outcome) -> list[str]:
    """What does not hold, a sentence each."""
    differ = [name for name, job in disturbed.jobs.items() if job != undisturbed.jobs.get(name)]
    return [*undisturbed.faults, *disturbed.faults, *(f"the model {name} is not the undisturbed one" for name in differ)]


@contextmanager
def _cluster(folder: Path) -> Iterator[tuple[list[ServerProcess], Cluster]]:
    with ExitStack() as opened:
        url = opened.enter_context(postgres.schema())
        cluster = opened.enter_context(cluster_of(nodes=2))
        servers = []
        for number in range(2):
            home = folder / f"server {number}"
            home.mkdir(parents=True)
            server = ServerProcess(
                home, workers=0, database_url=url, executor="ray", ray_address=cluster.address, checkpoint_seconds=0.5
            )
            server.patience_seconds = PATIENCE_SECONDS
            opened.callback(server.close)
            servers.append(server.start())
        yield servers, cluster


def _strike(kind: str, servers: list[ServerProcess], cluster: Cluster, rng: random.Random) -> None:
    """Kill, wait a moment, and start again what was killed."""
    time.sleep(rng.uniform(0, 0.5))
    server = rng.choice(servers) if "server" in kind else None
    if server is not None:
        server.stop(signal.SIGKILL)
    if "node" in kind:
        cluster.remove_node(rng.choice(sorted(cluster.worker_nodes, key=lambda node: node.node_id)), allow_graceful=False)
        add_node(cluster)
    if server is not None:
        server.start()


def _list(servers: list[ServerProcess]) -> list[dict[str, Any]]:
    """From a server that lives."""
    for server in servers:
        if server.process is not None:
            try:
                return list(server.client.get("/training/jobs").json()["jobs"])
            except httpx.TransportError:
                continue
    return []


def _statuses(servers: list[ServerProcess]) -> dict[str, str]:
    return {job["job_id"]: job["status"] for job in _list(servers)}


def _share_done(servers: list[ServerProcess]) -> float:
    jobs = _list(servers)
    return sum(job["current_timesteps"] for job in jobs) / sum(job["total_timesteps"] for job in jobs)
