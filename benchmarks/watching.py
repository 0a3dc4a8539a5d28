"""What watching costs the training, and how soon an event reaches a watcher, through the whole service.

python -m benchmarks.watching [--rounds N] [--watchers N]
The same job takes turns: nobody watches it, or some clients follow its events and ask for its curve once a second, as pages do.
The latency of a point of the curve is the time from the end of its update in the worker to its last byte here.
"""

import argparse
import json
import statistics
import sys
import threading
import time
import urllib.request
from datetime import datetime
from typing import Any

from benchmarks import record
from benchmarks.checkpoints import cpu_seconds
from benchmarks.server import Server

JOB: dict[str, Any] = {"env_name": "CartPole-v1", "total_timesteps": 400_000, "reward_function_type": "environment", "seed": 1}
GOAL = 0.03
LATENCY_GOAL_SECONDS = 0.3


class Watcher(threading.Thread):
    """Follows a job's events to their end, and notes how old each point of the curve is when it comes."""

    def __init__(self, url: str, job: str) -> None:
        super().__init__(daemon=True)
        self._url, self._job = url, job
        self.latencies: list[float] = []

    def run(self) -> None:
        asked, kind = time.monotonic(), b""
        with urllib.request.urlopen(f"{self._url}/training/{self._job}/events") as stream:
            for line in stream:
                if line.startswith(b"event: "):
                    kind = line[7:-1]
                elif line.startswith(b"data: ") and kind == b"metrics":
                    then = datetime.fromisoformat(json.loads(line[6:])["time"])
                    self.latencies.append(time.time() - then.timestamp())
                if time.monotonic() - asked >= 1:
                    asked = time.monotonic()
                    urllib.request.urlopen(f"{self._url}/training/{self._job}/metrics?max_points=400").read()


def measure(server: Server, watchers: int) -> dict[str, Any]:
    """One job, watched by so many."""
    cpu, begun = cpu_seconds(server), time.perf_counter()
    job = server.train(**JOB)
    watching = [Watcher(server.url, job) for _ in range(watchers)]
    for watcher in watching:
        watcher.start()
    status = server.wait(job)
    if status["status"] != "completed":
        raise RuntimeError(f"a job did not complete: {status}")
    cpu = cpu_seconds(server) - cpu
    for watcher in watching:
        watcher.join()
    # As the server writes them down, so that waiting for the next poll here does not count.
    ended, started = (datetime.fromisoformat(status[name]) for name in ("end_time", "start_time"))
    return {
        "training_seconds": (ended - started).total_seconds(),
        "wall_seconds": time.perf_counter() - begun,
        "cpu_seconds": cpu,
        "latencies": [seconds for watcher in watching for seconds in watcher.latencies],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--watchers", type=int, default=1, help="clients that follow the job at once")
    arguments = parser.parse_args()
    alone: list[dict[str, Any]] = []
    watched: list[dict[str, Any]] = []
    with Server() as server:
        measure(server, 0)  # the worker starts
        for number in range(arguments.rounds):
            pair = [(alone, 0), (watched, arguments.watchers)]
            for results, watchers in pair if number % 2 else reversed(pair):
                results.append(measure(server, watchers))
    ratios = [with_["training_seconds"] / without["training_seconds"] for with_, without in zip(watched, alone, strict=True)]
    latencies = sorted(seconds for result in watched for seconds in result.pop("latencies"))
    for result in alone:
        del result["latencies"]
    cost = statistics.median(ratios) - 1
    measured = {
        "job": JOB,
        "rounds": arguments.rounds,
        "watchers": arguments.watchers,
        "cost": cost,
        "goal": GOAL,
        "latency_seconds": {
            "median": statistics.median(latencies),
            "p99": latencies[int(0.99 * len(latencies))],
            "max": latencies[-1],
            "events": len(latencies),
            "goal": LATENCY_GOAL_SECONDS,
        },
        "alone": alone,
        "watched": watched,
        "ratios": ratios,
    }
    record.write("watching", measured)
    print(f"watching costs {cost:+.2%} (goal < {GOAL:.0%}); an event is {measured['latency_seconds']}")
    sys.exit(not (cost < GOAL and latencies[-1] < LATENCY_GOAL_SECONDS))


if __name__ == "__main__":
    main()
