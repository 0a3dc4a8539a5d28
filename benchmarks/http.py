"""Requests per second of POST /inference, idle and while a job trains. The load generator is wrk (Debian: apt install wrk).

python -m benchmarks.http [--seconds N]
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

from benchmarks import record
from benchmarks.server import Server

ORIGINAL = 1_500
BODY = {"model_name": "bench", "observation": [0.1, 0.0, 0.05, 0.0], "deterministic": True}
ROUNDS = 5


def requests_per_second(server: Server, connections: int, seconds: int) -> float:
    """One run of wrk; raises when any answer was no success."""
    script = 'wrk.method="POST"\nwrk.headers["Content-Type"]="application/json"\nwrk.body=' + json.dumps(json.dumps(BODY))
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=3)
    seconds = parser.parse_args().seconds
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed; Debian has it: apt install wrk")
    summary: dict[str, float] = {"original_requests_per_second": ORIGINAL}
    with Server() as server:
        server.wait(server.train(model_name="bench", total_timesteps=2_000, seed=0))
        requests_per_second(server, 1, 1)
        for connections in (1, 16):
            idle, training = [], []
            for _ in range(ROUNDS):
                idle.append(requests_per_second(server, connections, seconds))
                job = server.train(model_name="background", total_timesteps=1_000_000_000, seed=1)
                training.append(requests_per_second(server, connections, seconds))
                if server.get(f"/training/{job}/status")["status"] != "running":
                    raise RuntimeError("the job ended while its influence was measured")
                server.post(f"/training/{job}/stop", {})
            name = f"{connections}_connections"
            summary[f"idle_{name}"] = statistics.median(idle)
            summary[f"training_{name}"] = statistics.median(training)
            summary[f"ratio_training_to_idle_{name}"] = statistics.median(t / i for t, i in zip(training, idle, strict=True))
            summary[f"ratio_to_original_{name}"] = statistics.median(idle) / ORIGINAL
    for key, value in summary.items():
        print(f"{key}: {value:.2f}")
    record.write("http", {"summary": summary})


if __name__ == "__main__":
    main()
