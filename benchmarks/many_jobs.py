"""How long GET /training/jobs takes with ten jobs in the table and with ten thousand, in one run.

python -m benchmarks.many_jobs
"""

import statistics
import tempfile
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from adapters.environments.factory import GymnasiumEnvironments
from adapters.storage.database import open_database
from adapters.storage.sqlite_jobs import SqliteJobRepository
from benchmarks import record
from benchmarks.server import Server
from domain.job import Job, JobStatus
from domain.presets import resolve

SIZES = (10, 10_000)
REPETITIONS = 15
METRICS = {f"train/figure_{index}": 0.123456789 * index for index in range(12)}


def fill(folder: Path, number: int) -> None:
    """So many jobs that have ended, as the service writes them."""
    database = open_database(folder / "grpo.db")
    jobs, now = SqliteJobRepository(database), datetime.now(UTC)
    config = resolve({}, GymnasiumEnvironments().describe("CartPole-v1"), seed=0, model_name="model")
    job = Job(id="", config=config, created_at=now, status=JobStatus.COMPLETED, metrics=METRICS, current_timesteps=10_000)
    for _ in range(number):
        jobs.add(replace(job, id=str(uuid.uuid4())))
    database.close()


def milliseconds(call: Callable[[], object]) -> float:
    """Median of some calls, after one that does not count."""
    taken = []
    call()
    for _ in range(REPETITIONS):
        begun = time.perf_counter()
        call()
        taken.append(1e3 * (time.perf_counter() - begun))
    return statistics.median(taken)


def measure(number: int) -> dict[str, float]:
    """Milliseconds of each kind of request."""
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder), number)
        with Server(data_dir=folder) as server:
            oldest = server.get("/training/jobs")["jobs"][-1]["job_id"]
            return {
                "start": 1e3 * server.seconds_to_answer,
                "default": milliseconds(lambda: server.get("/training/jobs")),
                "page of 20": milliseconds(lambda: server.get("/training/jobs?limit=20")),
                "page of 20 further back": milliseconds(lambda: server.get(f"/training/jobs?limit=20&after={oldest}")),
                "running ones": milliseconds(lambda: server.get("/training/jobs?status=running")),
                "one status": milliseconds(lambda: server.get(f"/training/{oldest}/status")),
                "train": milliseconds(lambda: server.train(total_timesteps=1)),
            }


def main() -> None:
    measured = {str(number): measure(number) for number in SIZES}
    few, many = (measured[str(number)] for number in SIZES)
    for name, value in many.items():
        print(f"{name:>24}: {few[name]:8.2f} ms with {SIZES[0]} jobs, {value:8.2f} ms with {SIZES[1]:,}")
    record.write("many_jobs", {"milliseconds_by_number_of_jobs": measured, "repetitions": REPETITIONS})


if __name__ == "__main__":
    main()
