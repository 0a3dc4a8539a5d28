"""How well policies learn: native return of the deterministic policy, mean of 100 fresh episodes, over training seeds.

python -m benchmarks.learning [--task NAME] [--seeds N] [--first-seed K]
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import multiprocessing
import statistics
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from adapters.environments.factory import GymnasiumEnvironments
from benchmarks import record
from domain.evaluation import evaluate
from domain.presets import resolve
from domain.trainer import Trainer

EPISODES = 100
EVALUATION_SEED = 20_251


@dataclass(frozen=True)
class Task:
    """What is trained; `goal` is the native return that counts as solved."""

    given: dict[str, Any]
    seeds: int
    goal: float


QUICK_START = {"learning_rate": 3e-4, "n_steps": 32, "batch_size": 64, "n_epochs": 10}
TASKS = {
    "quick-start": Task(
        {
            "env_name": "CartPole-v1",
            "total_timesteps": 5_000,
            "reward_function_type": "optimized_cartpole",
            **QUICK_START,
        },
        40,
        475,
    ),
    "simple-cartpole": Task(
        {"env_name": "CartPole-v1", "total_timesteps": 3_000, "reward_function_type": "simple_cartpole"}, 40, 475
    ),
    "native-cartpole": Task(
        {"env_name": "CartPole-v1", "total_timesteps": 10_000, "reward_function_type": "environment"}, 40, 475
    ),
    "acrobot": Task({"env_name": "Acrobot-v1", "total_timesteps": 100_000}, 10, -95),
    "pendulum": Task({"env_name": "Pendulum-v1", "total_timesteps": 100_000}, 10, -200),
    "mountain-car-continuous": Task({"env_name": "MountainCarContinuous-v0", "total_timesteps": 60_000}, 10, 90),
    "frozen-lake": Task({"env_name": "FrozenLake-v1", "total_timesteps": 50_000}, 10, 0.7),
}


def train_and_judge(work: tuple[str, int]) -> dict[str, float]:
    """One run: scores before and after, steps simulated, CPU seconds of training."""
    name, seed = work
    task = TASKS[name]
    environments = GymnasiumEnvironments()
    config = resolve(task.given, environments.describe(task.given["env_name"]), seed=seed, model_name="benchmark")
    with Trainer(environments, config) as trainer:
        before = evaluate(trainer.policy, environments, EPISODES, EVALUATION_SEED).mean_reward
        start = time.process_time()
        for _ in trainer.run():
            pass
        seconds = time.process_time() - start
        after = evaluate(trainer.policy, environments, EPISODES, EVALUATION_SEED).mean_reward
        return {
            "seed": seed,
            "untrained": before,
            "trained": after,
            "timesteps": trainer.timesteps,
            "cpu_seconds": seconds,
        }


def measure(name: str, seeds: Iterable[int]) -> None:
    """Train all seeds, two at a time, and write results/learning-<name>.json."""
    task, work = TASKS[name], [(name, seed) for seed in seeds]
    runs: list[dict[str, float]] = []
    with multiprocessing.get_context("spawn").Pool() as pool:
        for run in pool.imap(train_and_judge, work):
            runs.append(run)
            print(f"\r{name}: {len(runs)}/{len(work)} seeds, last {run['trained']:.1f}   ", end="", flush=True)
    trained = [run["trained"] for run in runs]
    summary = {
        "median": statistics.median(trained),
        "mean": statistics.mean(trained),
        "min": min(trained),
        "max": max(trained),
        "goal": task.goal,
        "seeds": len(runs),
        "seeds_at_goal": sum(score >= task.goal for score in trained),
        "untrained_median": statistics.median(run["untrained"] for run in runs),
        "untrained_mean": statistics.mean(run["untrained"] for run in runs),
        "most_timesteps": max(run["timesteps"] for run in runs),
        "median_cpu_seconds": statistics.median(run["cpu_seconds"] for run in runs),
    }
    print("\n  " + ", ".join(f"{key} {value:.4g}" for key, value in summary.items()))
    record.write(f"learning-{name}", {"given": task.given, "summary": summary, "runs": runs})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", choices=TASKS, action="append", help="only this task; may be repeated")
    parser.add_argument("--seeds", type=int, help="how many training seeds")
    parser.add_argument("--first-seed", type=int, default=0)
    arguments = parser.parse_args()
    for name in arguments.task or TASKS:
        count = arguments.seeds or TASKS[name].seeds
        measure(name, range(arguments.first_seed, arguments.first_seed + count))


if __name__ == "__main__":
    main()
