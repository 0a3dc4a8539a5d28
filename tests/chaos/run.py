"""The same jobs twice: left alone, and under blows. What must hold afterwards."""

import random
import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.blows import plan, strike
from tests.chaos.jobs import Fields
from tests.e2e.server import FINAL, ServerProcess

OWN = {"env_modules": "tests.chaos.plain_cartpole", "env_allow": "gymnasium,PlainCartPole-*"}
KEPT_FILES = {"grpo.db", "grpo.lock", "server.log"}
PATIENCE_SECONDS = 600.0


@dataclass
class Outcome:
    """What became of the jobs in one data folder: by model name, the job's last state and the model's versions."""

    jobs: dict[str, dict[str, Any]]
    versions: dict[str, list[tuple[int, str]]]
    faults: list[str]
    blows: Counter[str] = field(default_factory=Counter)
    signals: Counter[str] = field(default_factory=Counter)


def run(folder: Path, bodies: Sequence[Fields], kills: int = 0, seed: int = 0, checkpoint_seconds: float = 0.2) -> Outcome:
    """Train all jobs on a server of its own."""
    rng = random.Random(seed)
    folder.mkdir(parents=True)
    server = ServerProcess(folder, checkpoint_seconds=checkpoint_seconds, **OWN)
    server.patience_seconds = PATIENCE_SECONDS
    signals: Counter[str] = Counter()
    blows: Counter[str] = Counter()
    try:
        server.start()
        ids = {server.train(**body): str(body["model_name"]) for body in bodies}
        for blow in plan(kills, rng) if kills else ():
            server.until(lambda at=blow.at: _share_done(server) >= at)
            if not _running(server):
                break
            signals += strike(server, blow, rng)
            blows[blow.kind] += 1
        server.until(lambda: all(job["status"] in FINAL for job in _jobs(server)))
        jobs = {ids[job["job_id"]]: job for job in _jobs(server)}
        completed = [name for name, job in jobs.items() if job["status"] == "completed"]
        versions = {name: server.versions(name) for name in completed}
        faults = [f"{len(_jobs(server))} jobs are listed, {len(ids)} were started"] if len(_jobs(server)) != len(ids) else []
        faults += _faults_after_the_end(server)
    finally:
        server.close()
    return Outcome(jobs, versions, faults, blows, signals)


def compare(undisturbed: Outcome, disturbed: Outcome) -> list[str]:
    """What does not hold, a sentence each."""
    faults = [*undisturbed.faults, *disturbed.faults]
    for name, job in disturbed.jobs.items():
        if job["status"] != "completed":
            faults.append(f"the job {name} is {job['status']}: {job['error_message']}")
        elif len(disturbed.versions[name]) != 1:
            faults.append(f"the model {name} has {len(disturbed.versions[name])} versions")
        elif disturbed.versions[name] != undisturbed.versions.get(name):
            faults.append(f"the model {name} is not that of the undisturbed run")
    return faults


def _faults_after_the_end(server: ServerProcess) -> list[str]:
    """What is wrong once the server has been stopped in order."""
    faults = []
    if code := server.stop():
        faults.append(f"the server ended with exit code {code}")
    server.until(lambda: not _processes(server.data_dir))
    if odd := {path.name for path in server.data_dir.iterdir()} - KEPT_FILES:
        faults.append(f"files are left in the data folder: {', '.join(sorted(odd))}")
    connection = sqlite3.connect(server.data_dir / "grpo.db")
    found = connection.execute("PRAGMA integrity_check").fetchall()
    connection.close()
    if found != [("ok",)]:
        faults.append(f"the database is damaged: {found[0][0]}")
    return faults


def _jobs(server: ServerProcess) -> list[dict[str, Any]]:
    return list(server.client.get("/training/jobs", params={"limit": 100}).json()["jobs"])


def _share_done(server: ServerProcess) -> float:
    jobs = _jobs(server)
    return sum(1.0 if job["status"] in FINAL else float(job["progress"]) for job in jobs) / len(jobs)


def _running(server: ServerProcess) -> bool:
    return any(job["status"] == "running" for job in _jobs(server))


def _processes(data_dir: Path) -> list[int]:
    """Processes that were started for this data folder, workers included: they have it in their environment."""
    marked = f"GRPO_DATA_DIR={data_dir}".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if marked in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
        except (OSError, ValueError):
            continue
    return found
