"""What checkpoints cost: CPU seconds and wall time of the same job with few and with many of them, through the whole service.

python -m benchmarks.checkpoints [--rounds N] [--task NAME]
Three servers take turns with the same job: one makes no checkpoint while it trains, one makes them at the default interval,
one as often as it can be told to. The third measures the cost of one, which is too small beside the noise at the default.
"""

import argparse
import os
import sqlite3
import statistics
import sys
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from benchmarks import record
from benchmarks.server import Server
from benchmarks.soak import children

DEFAULT_SECONDS = 2.0
INTERVALS = {"none": 3_600.0, "default": DEFAULT_SECONDS, "often": 0.1}
GOAL = 0.02
TICKS = os.sysconf("SC_CLK_TCK")

# Some eight seconds each. Checkpoints are large with many environments, many states (Taxi's value), or many weights.
TASKS: dict[str, dict[str, Any]] = {
    "cartpole": {"env_name": "CartPole-v1", "total_timesteps": 400_000},
    "pendulum": {"env_name": "Pendulum-v1", "n_envs": 32, "total_timesteps": 500_000},
    "acrobot": {"env_name": "Acrobot-v1", "total_timesteps": 280_000},
    "taxi": {"env_name": "Taxi-v4", "total_timesteps": 140_000},
    "wide-cartpole": {"env_name": "CartPole-v1", "hidden_sizes": [256, 256], "total_timesteps": 70_000},
}


def cpu_seconds(server: Server) -> float:
    """Of the server and its workers so far."""
    ticks = 0
    for pid in (server.process.pid, *children(server.process.pid)):
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS


def checkpoints_of(server: Server, job: str) -> int:
    """How many were written of a job."""
    with closing(sqlite3.connect(f"file:{server.folder / 'grpo.db'}?mode=ro", uri=True)) as connection:
        query = "SELECT count(*) FROM events WHERE job_id = ? AND kind = 'checkpoint'"
        return int(connection.execute(query, [job]).fetchone()[0])


def measure(server: Server, fields: dict[str, Any]) -> dict[str, float]:
    """One job from the request to its end."""
    cpu, begun = cpu_seconds(server), time.perf_counter()
    job = server.train(**fields)
    if (status := server.wait(job))["status"] != "completed":
        raise RuntimeError(f"a job did not complete: {status}")
    wall = time.perf_counter() - begun
    return {"cpu_seconds": cpu_seconds(server) - cpu, "wall_seconds": wall, "checkpoints": checkpoints_of(server, job)}


def compare(fields: dict[str, Any], rounds: int) -> dict[str, Any]:
    """One task: medians of each interval, and what follows from them."""
    with ExitStack() as stack:
        servers = {
            name: stack.enter_context(Server(max_concurrent_jobs="1", checkpoint_seconds=str(seconds)))
            for name, seconds in INTERVALS.items()
        }
        for server in servers.values():
            server.wait(server.train(**fields | {"total_timesteps": 5_000, "seed": 0}))
        found: list[dict[str, dict[str, float]]] = []
        for number in range(rounds):
            names = [*servers][number % len(servers) :] + [*servers][: number % len(servers)]
            found.append({name: measure(servers[name], fields | {"seed": number}) for name in names})
    medians = {
        name: {key: statistics.median(each[name][key] for each in found) for key in found[0][name]} for name in INTERVALS
    }
    each_costs = statistics.median(
        (one["often"]["cpu_seconds"] - one["none"]["cpu_seconds"]) / one["often"]["checkpoints"] for one in found
    )
    cost = {
        f"{key}_at_the_default": statistics.median(one["default"][key] / one["none"][key] - 1 for one in found)
        for key in ("cpu_seconds", "wall_seconds")
    }
    return {
        "medians": medians,
        "cpu_ms_of_one": 1e3 * each_costs,
        "share": each_costs / DEFAULT_SECONDS,
        "paired": cost,
        "rounds": found,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--task", choices=TASKS, action="append")
    arguments = parser.parse_args()
    report = {}
    for name in arguments.task or TASKS:
        report[name] = compare(TASKS[name], arguments.rounds)
        one = report[name]
        print(
            f"{name:<15}{one['medians']['none']['cpu_seconds']:6.2f} s CPU without; "
            f"{one['medians']['often']['checkpoints']:.0f} of {one['cpu_ms_of_one']:.2f} ms each; "
            f"every {DEFAULT_SECONDS:g} s that is {100 * one['share']:.2f} %; "
            f"measured {100 * one['paired']['cpu_seconds_at_the_default']:+.1f} % CPU, "
            f"{100 * one['paired']['wall_seconds_at_the_default']:+.1f} % wall",
            flush=True,
        )
    worst = max(one["share"] for one in report.values())
    print(f"goal: less than {100 * GOAL:g} %; the dearest: {100 * worst:.2f} %")
    if not arguments.task:
        record.write("checkpoints", {"goal": GOAL, "worst_share": worst, "tasks": report})
    return 1 if worst >= GOAL else 0


if __name__ == "__main__":
    sys.exit(main())
