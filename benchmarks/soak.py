"""Many short jobs through one server: processes, threads, file handles and files are afterwards what they were before.

python -m benchmarks.soak [--jobs N]
"""

import argparse
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks import record
from benchmarks.load import resident_megabytes
from benchmarks.server import Server

WARM_UP = 10
ENVIRONMENTS = ("CartPole-v1", "Pendulum-v1", "FrozenLake-v1")
PATIENCE_SECONDS = 10.0


@dataclass(frozen=True)
class Holdings:
    """What a server holds: its processes (itself and its workers), and of all of them threads and open files; its files."""

    processes: int
    threads: int
    open_files: int
    data_files: int
    temporary_files: int


def holdings(server: Server) -> Holdings:
    """Counted now."""
    processes = [server.process.pid, *children(server.process.pid)]
    return Holdings(
        processes=len(processes),
        threads=sum(len([*Path(f"/proc/{pid}/task").iterdir()]) for pid in processes),
        open_files=sum(len([*Path(f"/proc/{pid}/fd").iterdir()]) for pid in processes),
        data_files=len([*server.folder.iterdir()]),
        temporary_files=len([*server.temporary.iterdir()]),
    )


def children(pid: int) -> list[int]:
    """Processes below a process, at any depth."""
    own = [int(child) for path in Path(f"/proc/{pid}/task").glob("*/children") for child in path.read_text("utf-8").split()]
    return own + [below for child in own for below in children(child)]


def settled(server: Server, expected: Holdings | None = None) -> Holdings:
    """The same twice in a row, or `expected`: a connection that was just closed, for instance, is held for a moment."""
    end = time.monotonic() + PATIENCE_SECONDS
    last = holdings(server)
    while time.monotonic() < end:
        time.sleep(0.2)
        now = holdings(server)
        if now == (expected or last):
            return now
        last = now
    return last


def soak(server: Server, jobs: int) -> tuple[Holdings, Holdings]:
    """What is held after a warm-up, and after so many jobs more."""
    _train(server, range(WARM_UP))
    before = settled(server)
    _train(server, range(WARM_UP, WARM_UP + jobs))
    return before, settled(server, before)


def _train(server: Server, numbers: range) -> None:
    ids = [
        server.train(
            env_name=ENVIRONMENTS[number % len(ENVIRONMENTS)],
            total_timesteps=300,
            model_name=f"soak_{number}",
            seed=number,
            n_envs=4,
            num_generations=4,
            hidden_sizes=[8],
        )
        for number in numbers
    ]
    for job in ids:
        if (status := server.wait(job))["status"] != "completed":
            raise RuntimeError(f"a job did not complete: {status}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=200)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary, Server(temporary=temporary, max_concurrent_jobs="2") as server:
        begun, memory = time.monotonic(), resident_megabytes(server.process.pid)
        before, after = soak(server, arguments.jobs)
        seconds, memory_after = time.monotonic() - begun, resident_megabytes(server.process.pid)
    print(f"{arguments.jobs} jobs in {seconds:.1f} s")
    for name, value in asdict(before).items():
        print(f"{name:<18}{value:>6} → {getattr(after, name)}")
    print(f"memory            {memory:.1f} MB at the start, {memory_after:.1f} MB at the end")
    measured = {"jobs": arguments.jobs, "seconds": round(seconds, 1), "before": asdict(before), "after": asdict(after)}
    record.write("soak", measured | {"memory_mb": [round(memory, 1), round(memory_after, 1)], "left_behind": before != after})
    return 1 if before != after else 0


if __name__ == "__main__":
    sys.exit(main())
