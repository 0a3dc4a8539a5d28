"""CPU time of the engine: the guide's quick start, whole, and where it goes.

python -m benchmarks.training [--runs N] [--profile]
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import cProfile
import pstats
import statistics
import time

from adapters.environments.factory import GymnasiumEnvironments
from benchmarks import record
from benchmarks.learning import TASKS
from domain.presets import resolve
from domain.trainer import Trainer


def train(seed: int) -> tuple[float, float]:
    """CPU and wall seconds of one quick start, environments and network included, imports not."""
    environments = GymnasiumEnvironments()
    given = TASKS["quick-start"].given
    environment = environments.describe(given["env_name"])
    config = resolve(given, environment, seed=seed, model_name="benchmark")
    cpu, wall = time.process_time(), time.perf_counter()
    with Trainer(environments, config) as trainer:
        for _ in trainer.run():
            pass
    return time.process_time() - cpu, time.perf_counter() - wall


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--profile", action="store_true", help="print where the time goes instead")
    arguments = parser.parse_args()
    train(0)
    if arguments.profile:
        profile = cProfile.Profile()
        profile.runcall(train, 0)
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)
        return
    times = [train(seed) for seed in range(arguments.runs)]
    milliseconds = [cpu * 1000 for cpu, _ in times]
    summary = {
        "goal_cpu_milliseconds": 150,
        "median_cpu_milliseconds": statistics.median(milliseconds),
        "min_cpu_milliseconds": min(milliseconds),
        "max_cpu_milliseconds": max(milliseconds),
        "median_wall_milliseconds": statistics.median(wall * 1000 for _, wall in times),
        "timesteps_per_second": 5_000 / statistics.median(wall for _, wall in times),
    }
    print(", ".join(f"{key} {value:.1f}" for key, value in summary.items()))
    record.write("training", {"summary": summary, "cpu_milliseconds": milliseconds})


if __name__ == "__main__":
    main()
