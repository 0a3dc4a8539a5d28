"""Speed of training: through the API against Stable-Baselines3's PPO, two jobs against one, and the engine by itself.

python -m benchmarks.training [--rounds N] [--runs N] [--ppo-python FILE] [--profile]
"""

# BLAS is set up as the server does it, before anything imports numpy.
# ruff: noqa: E402

from bootstrap.settings import use_one_blas_thread

use_one_blas_thread()

import argparse
import cProfile
import pstats
import statistics
import subprocess
import time
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from adapters.environments.factory import GymnasiumEnvironments
from benchmarks import record, training_parts
from benchmarks.server import ROOT, Server
from domain.presets import resolve
from domain.trainer import Trainer

CARTPOLE: dict[str, Any] = {
    "env_name": "CartPole-v1",
    "reward_function_type": "optimized_cartpole",
    "learning_rate": 3e-4,
    "n_steps": 32,
}
QUICK_START = CARTPOLE | {"total_timesteps": 5_000, "batch_size": 64, "n_epochs": 10}
PPO_PYTHON = ROOT / ".venv-bench" / "bin" / "python"
NO_PPO = "Stable-Baselines3 is not installed, so nothing is compared with it: make .venv-bench/installed installs it."


class Size(NamedTuple):
    """What both train with, and for how many steps, so that either takes some seconds."""

    n_envs: int
    batch_size: int
    n_epochs: int
    ours: int
    ppo: int

    @property
    def fields(self) -> dict[str, Any]:
        return CARTPOLE | {"n_envs": self.n_envs, "batch_size": self.batch_size, "n_epochs": self.n_epochs}


SIZES = {"8x32": Size(8, 64, 10, 300_000, 12_800), "64x32": Size(64, 256, 4, 1_500_000, 81_920)}


def quick_start(seed: int) -> tuple[float, float]:
    """CPU and wall seconds of one quick start, from the making of the trainer to its last checkpoint; imports are not in it."""
    environments = GymnasiumEnvironments()
    config = resolve(QUICK_START, environments.describe(QUICK_START["env_name"]), seed=seed, model_name="benchmark")
    cpu, wall = time.process_time(), time.perf_counter()
    with Trainer(environments, config) as trainer:
        for _ in trainer.run():
            pass
        trainer.checkpoint()
    return time.process_time() - cpu, time.perf_counter() - wall


def engine(runs: int) -> dict[str, float]:
    quick_start(0)
    times = [quick_start(seed) for seed in range(runs)]
    milliseconds = [cpu * 1000 for cpu, _ in times]
    return {
        "median_cpu_milliseconds": statistics.median(milliseconds),
        "min_cpu_milliseconds": min(milliseconds),
        "max_cpu_milliseconds": max(milliseconds),
        "median_wall_milliseconds": statistics.median(wall * 1000 for _, wall in times),
        "timesteps_per_second": QUICK_START["total_timesteps"] / statistics.median(wall for _, wall in times),
    }


def train_jobs(server: Server, size: Size, count: int) -> tuple[float, float]:
    """Steps per second of `count` jobs at once: by the clock of the client, and by the jobs' own start and end times."""
    begun = time.perf_counter()
    ids = [server.train(**size.fields, total_timesteps=size.ours, seed=i, model_name=f"bench-{i}") for i in range(count)]
    jobs = [server.wait(job_id) for job_id in ids]
    seconds = time.perf_counter() - begun
    if any(job["status"] != "completed" for job in jobs):
        raise RuntimeError(f"a job has not been completed: {jobs}")
    starts, ends = ([datetime.fromisoformat(job[name]) for job in jobs] for name in ("start_time", "end_time"))
    total = sum(job["current_timesteps"] for job in jobs)
    return total / seconds, total / (max(ends) - min(starts)).total_seconds()


def ppo(python: Path, size: Size) -> float:
    """Steps per second of PPO in a process of its own."""
    numbers = [size.n_envs, CARTPOLE["n_steps"], size.batch_size, size.n_epochs, size.ppo]
    command = [str(python), "-m", "benchmarks.ppo_speed", *map(str, numbers)]
    return float(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()[-1])


def has_ppo(python: Path) -> bool:
    """Whether that Python has Stable-Baselines3."""
    command = [str(python), "-c", "import importlib.util as u; raise SystemExit(u.find_spec('stable_baselines3') is None)"]
    return python.exists() and subprocess.run(command, check=False).returncode == 0


def measure_round(server: Server, python: Path | None) -> dict[str, float]:
    """Every contender once, one after the other."""
    found: dict[str, float] = {}
    for name, size in SIZES.items():
        found[f"api_{name}"], found[f"job_{name}"] = train_jobs(server, size, 1)
        if python is not None:
            found[f"ppo_{name}"] = ppo(python, size)
            found[f"ratio_to_ppo_{name}"] = found[f"api_{name}"] / found[f"ppo_{name}"]
    found["two_jobs"], _ = train_jobs(server, SIZES["8x32"], 2)
    found["ratio_two_jobs_to_one"] = found["two_jobs"] / found["api_8x32"]
    return found


def through_the_api(rounds: int, python: Path | None) -> list[dict[str, float]]:
    """Rounds after one that only warms up: two jobs at once, so that both workers have been started."""
    with Server(max_concurrent_jobs="2") as server:
        train_jobs(server, SIZES["8x32"]._replace(ours=2_000), 2)
        measured = []
        for number in range(rounds):
            measured.append(measure_round(server, python))
            print(f"round {number + 1} of {rounds}", flush=True)
    return measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="of all contenders in turn; medians are kept")
    parser.add_argument("--runs", type=int, default=20, help="of the quick start in this process")
    parser.add_argument("--ppo-python", type=Path, default=PPO_PYTHON, help="Python that has Stable-Baselines3")
    parser.add_argument("--profile", action="store_true", help="print where the quick start's time goes instead")
    arguments = parser.parse_args()
    if arguments.profile:
        quick_start(0)
        profile = cProfile.Profile()
        profile.runcall(quick_start, 0)
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)
        return
    python = arguments.ppo_python if has_ppo(arguments.ppo_python) else None
    if python is None:
        print(NO_PPO)
    summary = engine(arguments.runs)
    rounds = through_the_api(arguments.rounds, python)
    summary |= {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}
    for name, value in summary.items():
        print(f"{name}: {value:,.2f}")
    parts = {name: training_parts.measure(size.n_envs, size.batch_size, size.n_epochs) for name, size in SIZES.items()}
    for name, found in parts.items():
        print(f"µs at {name}:", ", ".join(f"{part} {microseconds:.1f}" for part, microseconds in found.items()))
    record.write("training", {"summary": summary, "parts": parts, "rounds": rounds})


if __name__ == "__main__":
    main()
