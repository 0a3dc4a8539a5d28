"""What more servers and nodes bring: inference over servers behind nginx, jobs over storages, servers and Ray nodes.

python -m benchmarks.scaling [--rounds N] [--seconds N]
Needs nginx, wrk (Debian: apt install nginx wrk) and a PostgreSQL as the tests do. On a machine of two cores the load generator,
nginx and two servers share these, so the processor time of a request and of a job is measured, too: it is what a calculation
needs.
"""

import argparse
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from adapters.storage.database import open_database
from adapters.storage.postgres import open_postgres
from adapters.storage.postgres_jobs import PostgresJobRepository
from adapters.storage.postgres_models import PostgresModelRepository
from adapters.storage.sqlite_jobs import SqliteJobRepository
from adapters.storage.sqlite_models import SqliteModelRepository
from benchmarks import record
from benchmarks.checkpoints import cpu_seconds
from benchmarks.http import OBSERVATION, requests_per_second
from benchmarks.server import Server
from domain.reports import MetricsPoint, Progressed
from tests.e2e.server import free_port
from tests.postgres import schema
from tests.queue_world import World, checkpointed
from tests.ray_cluster import cluster_of

CONNECTIONS = 32
JOBS = 200
TINY = {"env_name": "CartPole-v1", "total_timesteps": 64, "n_envs": 2, "num_generations": 2, "n_steps": 32, "hidden_sizes": [8]}
LONG = {"env_name": "CartPole-v1", "total_timesteps": 150_000}
LONG_JOBS = 8
REPORTS = 500
METRICS = {f"metric/{number}": 0.5 for number in range(12)}
CONFIGURATION = """
worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
    uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    upstream grpo {{ least_conn; {servers} keepalive 64; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://grpo; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;
        }}
    }}
}}
"""


class Behind:
    """Something with the URL of a load balancer."""

    def __init__(self, url: str) -> None:
        self.url = url


@contextmanager
def nginx(servers: list[Server]) -> Iterator[Any]:
    """A load balancer in front of them."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        listed = " ".join(f"server 127.0.0.1:{server.port};" for server in servers)
        path = Path(folder) / "nginx.conf"
        path.write_text(CONFIGURATION.format(folder=folder, servers=listed, port=port), encoding="utf-8")
        process = subprocess.Popen(["nginx", "-p", folder, "-c", str(path), "-g", "daemon off; user root;"])
        try:
            time.sleep(0.5)
            yield Behind(f"http://127.0.0.1:{port}")
        finally:
            process.terminate()
            process.wait()


def inference(seconds: int) -> dict[str, dict[str, float]]:
    """Requests per second, and processor time of the servers for one, in microseconds."""
    with ExitStack() as stack:
        url = stack.enter_context(schema())
        servers = [stack.enter_context(Server(database_url=url, max_concurrent_jobs="1")) for _ in range(2)]
        servers[0].wait(servers[0].train(model_name="bench", total_timesteps=2_000))
        one, two = stack.enter_context(nginx(servers[:1])), stack.enter_context(nginx(servers))
        found = {}
        for name, target in (("1 server", servers[0]), ("nginx, 1 server", one), ("nginx, 2 servers", two)):
            requests_per_second(target, CONNECTIONS, 1, OBSERVATION)
            before = sum(cpu_seconds(server) for server in servers)
            rate = requests_per_second(target, CONNECTIONS, seconds, OBSERVATION)
            spent = sum(cpu_seconds(server) for server in servers) - before
            found[name] = {"requests_per_second": rate, "cpu_microseconds_per_request": spent / (rate * seconds) * 1e6}
        return found


def jobs_per_second(servers: list[Server], fields: dict[str, Any], number: int) -> dict[str, float]:
    """From the first request to the end of the last job; the requests go to the servers in turn."""
    for server in servers:
        server.wait(server.train(**fields, seed=0))
    before, begun = sum(cpu_seconds(server) for server in servers), time.perf_counter()
    for index in range(number):
        servers[index % len(servers)].train(**fields, seed=index)
    while unfinished(servers[0]):
        time.sleep(0.02)
    wall = time.perf_counter() - begun
    spent = sum(cpu_seconds(server) for server in servers) - before
    return {"jobs_per_second": number / wall, "cpu_milliseconds_per_job": spent / number * 1e3}


def unfinished(server: Server) -> bool:
    """Whether a job waits or runs."""
    states = "status=queued&status=running&status=stopping"
    return bool(server.get(f"/training/jobs?limit=1&{states}")["jobs"])


def storages() -> dict[str, dict[str, float]]:
    """Many tiny jobs: what the service itself costs."""
    found = {}
    with Server(max_concurrent_jobs="2") as server:
        found["SQLite, 1 server, 2 workers"] = jobs_per_second([server], TINY, JOBS)
    for number in (1, 2):
        with ExitStack() as stack:
            url, workers = stack.enter_context(schema()), str(2 // number)
            servers = [stack.enter_context(Server(database_url=url, max_concurrent_jobs=workers)) for _ in range(number)]
            name = f"PostgreSQL, {number} server{'s' * (number > 1)}, 2 workers"
            found[name] = jobs_per_second(servers, TINY, JOBS)
    return found


def nodes() -> dict[str, dict[str, float]]:
    """Jobs of about a second on Ray nodes of one CPU each, and in as many worker processes."""
    found = {}
    for number in (1, 2):
        with Server(max_concurrent_jobs=str(number)) as server:
            found[f"{number} worker process{'es' * (number > 1)}"] = jobs_per_second([server], LONG, LONG_JOBS)
        with cluster_of(number) as cluster, Server(executor="ray", ray_address=cluster.address) as server:
            found[f"{number} Ray node{'s' * (number > 1)}"] = jobs_per_second([server], LONG, LONG_JOBS)
    for each in found.values():
        del each["cpu_milliseconds_per_job"]  # nodes are no children of the server
    return found


def reports() -> dict[str, dict[str, float]]:
    """A report of progress with twelve metrics, and one of a checkpoint, through the queue of one server."""
    found = {}
    with schema() as url, tempfile.TemporaryDirectory() as folder:
        shared, own = open_postgres(url), open_database(Path(folder) / "grpo.db")
        for name, world in (
            ("SQLite", World(SqliteJobRepository(own), SqliteModelRepository(own))),
            ("PostgreSQL", World(PostgresJobRepository(shared), PostgresModelRepository(shared))),
        ):
            world.submit("job")
            begun = time.perf_counter()
            for step in range(1, REPORTS + 1):
                point = MetricsPoint(step, METRICS, world.clock.now())
                world.executor.report(Progressed("job", step, METRICS, (point,)))
            between = time.perf_counter()
            for step in range(1, REPORTS + 1):
                world.executor.report(checkpointed("job", REPORTS + step))
            ended = time.perf_counter()
            found[name] = {
                "progress_milliseconds": (between - begun) / REPORTS * 1e3,
                "checkpoint_milliseconds": (ended - between) / REPORTS * 1e3,
            }
        shared.close()
        own.close()
    return found


def medians(measure: Callable[[], dict[str, dict[str, float]]], rounds: int) -> dict[str, dict[str, float]]:
    """Of each figure over the rounds."""
    found = [measure() for _ in range(rounds)]
    return {
        name: {key: round(statistics.median(one[name][key] for one in found), 2) for key in found[0][name]} for name in found[0]
    }


PARTS: dict[str, Callable[[int], dict[str, dict[str, float]]]] = {
    "inference": inference,
    "jobs": lambda _: storages(),
    "reports": lambda _: reports(),
    "nodes": lambda _: nodes(),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5, help="of each run of wrk")
    parser.add_argument("--part", action="append", choices=PARTS, help="only this; the others are kept from the last results")
    arguments = parser.parse_args()
    measured = record.read("scaling") or {}
    for part in arguments.part or PARTS:
        begun = record.circumstances()
        measured[part] = medians(partial(PARTS[part], arguments.seconds), arguments.rounds)
        when = {"commit": begun["commit"], "time": begun["time"], "rounds": arguments.rounds}
        measured.setdefault("measured", {})[part] = when
        for name, figures in measured[part].items():
            print(f"{name:<32}" + "   ".join(f"{key} {value:,.2f}" for key, value in figures.items()))
    measured.pop("circumstances", None)
    record.write("scaling", {"connections": CONNECTIONS, "tiny_job": TINY, "long_job": LONG} | measured)


if __name__ == "__main__":
    main()
