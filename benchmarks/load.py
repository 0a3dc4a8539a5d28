"""Mixed traffic at saturation while jobs train: answers by route and status, latency, the server's memory.

python -m benchmarks.load [--seconds N] [--clients N]
Fails where a request got no answer, an answer other than the expected ones (any 5xx among them), or memory grew.
"""

import argparse
import http.client
import json
import multiprocessing
import random
import statistics
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks import record
from benchmarks.server import Server

OBSERVATION = [0.1, 0.0, 0.05, 0.0]
MODEL = "load"
ENDLESS = 1_000_000_000
MOST_GROWTH = 1.1  # of memory, from the second to the last quarter
Request = tuple[str, str, Any]

# What each kind of request may be answered with: 429 where a queue can be full, 404 and 409 where another client was first.
EXPECTED: dict[str, set[int]] = {
    "inference": {200},
    "inference, batch of 100": {200},
    "inference, unknown model": {404},
    "inference, bad observation": {422},
    "train": {200, 429},
    "train, bad body": {422},
    "train, no JSON": {400},
    "status": {200},
    "stop": {200, 404, 409},
    "jobs, page": {200},
    "models": {200},
    "versions": {200, 404},
    "delete": {200, 404},
    "health": {200},
}
WEIGHTS = {"inference": 40, "inference, batch of 100": 10, "status": 15, "train": 4}


def make(kind: str, rng: random.Random, job: str, name: str) -> Request:
    """Method, path and body."""
    inference = {"model_name": MODEL, "observation": OBSERVATION}
    return {
        "inference": ("POST", "/inference", inference),
        "inference, batch of 100": ("POST", "/inference", inference | {"observation": [OBSERVATION] * 100}),
        "inference, unknown model": ("POST", "/inference", inference | {"model_name": "nobody"}),
        "inference, bad observation": ("POST", "/inference", inference | {"observation": [1, 2]}),
        "train": ("POST", "/train", {"total_timesteps": 500, "model_name": name, "seed": rng.randrange(100)}),
        "train, bad body": ("POST", "/train", {"total_timesteps": -1}),
        "train, no JSON": ("POST", "/train", "not json"),
        "status": ("GET", f"/training/{job}/status", None),
        "stop": ("POST", f"/training/{job}/stop", None),
        "jobs, page": ("GET", f"/training/jobs?limit=50&after={job}", None),
        "models": ("GET", "/models", None),
        "versions": ("GET", f"/models/{name}", None),
        "delete": ("DELETE", f"/models/{name}", None),
        "health": ("GET", "/health", None),
    }[kind]


def client(port: int, seed: int, seconds: float, first_job: str, results: Any) -> None:
    """One process: one request after another on one connection."""
    rng = random.Random(seed)  # noqa: S311 - which request comes next is no secret
    jobs = [first_job]
    answers: Counter[tuple[str, int]] = Counter()
    latencies: dict[str, list[float]] = defaultdict(list)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    kinds = [*EXPECTED]
    weights = [WEIGHTS.get(kind, 2) for kind in kinds]
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        kind = rng.choices(kinds, weights)[0]
        # The endless jobs, which hold the workers, are none of these clients'.
        job = rng.choice(jobs[1:] or jobs) if kind == "stop" else rng.choice(jobs)
        if kind == "stop" and job == first_job:
            continue
        method, path, body = make(kind, rng, job, f"short_{rng.randrange(20)}")
        data = body if isinstance(body, str) else json.dumps(body) if body is not None else None
        begun = time.perf_counter()
        try:
            connection.request(method, path, data, {"Content-Type": "application/json"})
            response = connection.getresponse()
            text, status = response.read(), response.status
        except (OSError, http.client.HTTPException):
            status, text = 0, b""
            connection.close()
        answers[kind, status] += 1
        latencies[kind].append(time.perf_counter() - begun)
        if kind == "train" and status == 200:
            jobs = [first_job, *jobs[1:][-20:], json.loads(text)["job_id"]]
    results.put((answers, dict(latencies)))


def resident_megabytes(pid: int) -> float:
    """Memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1])
    return pages * 4096 / 1e6


def sampled(sample: Callable[[], float], seconds: float, interval: float = 0.5) -> Iterator[float]:
    """Values at equal intervals."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield sample()
        time.sleep(interval)


def percentiles(values: list[float]) -> dict[str, float]:
    """In milliseconds."""
    ordered = sorted(values)
    return {f"p{p}_ms": round(1e3 * ordered[min(len(ordered) - 1, len(ordered) * p // 100)], 2) for p in (50, 95, 99)} | {
        "max_ms": round(1e3 * ordered[-1], 2)
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--clients", type=int, default=8, help="processes, each with one connection")
    arguments = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    with Server(max_concurrent_jobs="2", max_queued_jobs="20") as server:
        server.wait(server.train(model_name=MODEL, total_timesteps=2_000, seed=0))
        # One worker trains one job all the while, the other one short job after another.
        endless = server.train(model_name="endless", total_timesteps=ENDLESS, seed=0)
        clients = [
            context.Process(target=client, args=(server.port, seed, arguments.seconds, endless, results))
            for seed in range(arguments.clients)
        ]
        for process in clients:
            process.start()
        memory = [*sampled(lambda: resident_megabytes(server.process.pid), arguments.seconds)]
        found = [results.get(timeout=60) for _ in clients]
        for process in clients:
            process.join()
        still = server.get(f"/training/{endless}/status")["status"]
    answers: Counter[tuple[str, int]] = sum((each for each, _ in found), Counter())
    routes = {kind: [value for _, each in found for value in each.get(kind, [])] for kind in EXPECTED}
    quarter = len(memory) // 4
    before, after = statistics.mean(memory[quarter : 2 * quarter]), statistics.mean(memory[-quarter:])
    faults = [
        f"{number} × {status or 'no answer'} to {kind}"
        for (kind, status), number in sorted(answers.items())
        if status not in EXPECTED[kind]
    ]
    faults += [f"memory grew from {before:.0f} to {after:.0f} MB"] if after > MOST_GROWTH * before else []
    faults += [f"the endless job is {still}"] if still != "running" else []
    total = sum(answers.values())
    print(f"{total:,} requests, {total / arguments.seconds:,.0f} per second")
    report = {}
    for kind, values in routes.items():
        statuses = {str(status): number for (each, status), number in sorted(answers.items()) if each == kind}
        report[kind] = {"answers": statuses} | (percentiles(values) if values else {})
        print(f"{kind:<28}{statuses!s:<32}{percentiles(values) if values else ''}")
    print(f"memory: {before:.1f} MB in the second quarter, {after:.1f} MB in the last, {max(memory):.1f} MB at most")
    record.write(
        "load",
        {
            "seconds": arguments.seconds,
            "clients": arguments.clients,
            "requests": total,
            "requests_per_second": round(total / arguments.seconds),
            "routes": report,
            "memory_mb": [round(value, 1) for value in memory],
            "memory_second_quarter_mb": round(before, 1),
            "memory_last_quarter_mb": round(after, 1),
            "faults": faults,
        },
    )
    print("\n".join(f"FAULT: {fault}" for fault in faults) or "no error but 429")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
