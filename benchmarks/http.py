"""Requests per second of POST /inference: against a bare Litestar route, idle and while a job trains, single and in batches.

python -m benchmarks.http [--seconds N] [--rounds N]
The load generator is wrk (Debian: apt install wrk).
"""

import argparse
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import record, request_parts
from benchmarks.server import Server

OBSERVATION = [0.1, 0.0, 0.05, 0.0]
BATCH_SIZE = 1_000
CONNECTIONS = (1, 16)
ORIGINAL = 1_500  # requests/s of the first implementation of this API, on one connection


def requests_per_second(server: Server, connections: int, seconds: float, observation: list[Any]) -> float:
    """One run of wrk; raises when any answer was no success."""
    body = {"model_name": "bench", "observation": observation, "deterministic": True}
    script = 'wrk.method="POST"\nwrk.headers["Content-Type"]="application/json"\nwrk.body=' + json.dumps(json.dumps(body))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "inference.lua"
        path.write_text(script, encoding="utf-8")
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(path), f"{server.url}/inference"]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in output or "Socket errors" in output:
        raise RuntimeError(output)
    found = re.search(r"Requests/sec:\s+([\d.]+)", output)
    if found is None:
        raise RuntimeError(output)
    return float(found[1])


def while_training(server: Server, connections: int, seconds: float) -> float:
    """The same while one job with an endless budget trains in a worker."""
    job = server.train(model_name="background", total_timesteps=1_000_000_000, seed=1)
    found = requests_per_second(server, connections, seconds, OBSERVATION)
    if server.get(f"/training/{job}/status")["status"] != "running":
        raise RuntimeError("the job ended while its influence was measured")
    server.post(f"/training/{job}/stop", {})
    return found


def measure_round(service: Server, bare: Server, seconds: int) -> dict[str, float]:
    """Every figure once, one after the other, and their ratios."""
    found: dict[str, float] = {}
    for c in CONNECTIONS:
        found[f"bare_{c}_connections"] = requests_per_second(bare, c, seconds, OBSERVATION)
        found[f"idle_{c}_connections"] = requests_per_second(service, c, seconds, OBSERVATION)
        found[f"training_{c}_connections"] = while_training(service, c, seconds)
        found[f"ratio_to_bare_{c}_connections"] = found[f"idle_{c}_connections"] / found[f"bare_{c}_connections"]
        found[f"ratio_training_to_idle_{c}_connections"] = found[f"training_{c}_connections"] / found[f"idle_{c}_connections"]
    found["batch_requests"] = requests_per_second(service, 1, seconds, [OBSERVATION] * BATCH_SIZE)
    found["batch_observations"] = found["batch_requests"] * BATCH_SIZE
    found["ratio_batch_to_single"] = found["batch_observations"] / found["idle_1_connections"]
    found["ratio_to_original_1_connections"] = found["idle_1_connections"] / ORIGINAL
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=3, help="of each run of wrk")
    parser.add_argument("--rounds", type=int, default=7, help="all figures are measured in turn, this often; medians are kept")
    arguments = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed; Debian has it: apt install wrk")
    with Server() as service, Server(arguments=("-m", "benchmarks.bare_server")) as bare:
        service.wait(service.train(model_name="bench", total_timesteps=2_000, seed=0))
        for server in (service, bare):
            requests_per_second(server, 1, 1, OBSERVATION)
        rounds = []
        for number in range(arguments.rounds):
            rounds.append(measure_round(service, bare, arguments.seconds))
            print(f"round {number + 1} of {arguments.rounds}", flush=True)
    summary = {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}
    for name, value in summary.items():
        print(f"{name}: {value:,.2f}")
    parts = request_parts.measure()
    outside = 1e6 / summary[f"idle_{CONNECTIONS[-1]}_connections"] - parts["application"]
    parts["outside"] = outside
    print("µs of a request:", ", ".join(f"{name} {value:.1f}" for name, value in parts.items()))
    record.write("http", {"summary": summary | {f"us_{name}": value for name, value in parts.items()}, "rounds": rounds})


if __name__ == "__main__":
    main()
