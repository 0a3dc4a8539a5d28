"""Makes a data file as an older version of the service writes it; see README.md in this folder.

python tests/data/make_old_format.py SOURCE TARGET
SOURCE: a checkout of the old version. TARGET: the database file; beside it, as .json, what the old server said about it.
Run it with a Python that has the old version's requirements.
"""

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

TINY = {"env_name": "CartPole-v1", "hidden_sizes": [8], "n_steps": 64, "segment_start": "carried", "n_envs": 4}
ENDLESS = 1_000_000_000
OBSERVATIONS = [[0.1, 0.0, 0.05, 0.0], [-0.5, 0.3, -0.1, 0.2], [0.0, 0.0, 0.0, 0.0]]


def main(source: Path, target: Path) -> None:
    # Nothing but the interval is changed, so that a short job has a checkpoint to be cut off at; today it is a setting.
    worker = source / "application" / "worker.py"
    text = worker.read_text(encoding="utf-8")
    worker.write_text(text.replace("CHECKPOINT_SECONDS = 2.0", "CHECKPOINT_SECONDS = 0.1"), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        settings = {"GRPO_PORT": str(port), "GRPO_DATA_DIR": folder, "GRPO_MAX_CONCURRENT_JOBS": "1"}
        settings["GRPO_CHECKPOINT_SECONDS"] = "0.1"
        process = subprocess.Popen([sys.executable, "run_api.py"], cwd=source, env=os.environ | settings)
        try:
            said = fill(f"http://127.0.0.1:{port}", Path(folder) / "grpo.db")
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        connection = sqlite3.connect(Path(folder) / "grpo.db")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("VACUUM")
        connection.close()
        shutil.copyfile(Path(folder) / "grpo.db", target)
    target.with_suffix(".json").write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")


def fill(url: str, database: Path) -> dict[str, Any]:
    """A completed, a stopped, a running and a queued job; what the server says of jobs, models and predictions."""

    def ask(path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url + path, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def train(name: str, budget: int) -> str:
        return str(ask("/train", TINY | {"model_name": name, "total_timesteps": budget, "seed": 1})["job_id"])

    def status(job: str) -> str:
        return str(ask(f"/training/{job}/status")["status"])

    def answers() -> bool:
        try:
            return bool(ask("/health"))
        except OSError:
            return False

    until(answers)
    completed = train("completed", 4_000)
    until(lambda: status(completed) == "completed")
    stopped = train("stopped", ENDLESS)
    until(lambda: has_checkpoint(database, stopped))
    ask(f"/training/{stopped}/stop", {})
    running = train("running", 40_000)
    queued = train("queued", 4_000)
    names = [model["name"] for model in ask("/models")["models"]]
    predictions = [
        {"request": request, "answer": ask("/inference", request)}
        for request in ({"model_name": name, "observation": observation} for name in names for observation in OBSERVATIONS)
    ]
    until(lambda: has_checkpoint(database, running))
    jobs = {job: status(job) for job in (completed, stopped, running, queued)}
    assert [*jobs.values()] == ["completed", "stopped", "running", "queued"], jobs
    return {"jobs": jobs, "models": names, "predictions": predictions}


def has_checkpoint(database: Path, job_id: str) -> bool:
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        return bool(connection.execute("SELECT count(*) FROM checkpoints WHERE job_id = ?", [job_id]).fetchone()[0])
    finally:
        connection.close()


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
