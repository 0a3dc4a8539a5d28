"""One job over 1, 2 and 4 workers of a Ray cluster of this machine: environment steps per second, by the time of a step.

python -m benchmarks.workers [--rounds N]
All environments together are as many for each number of workers, so that an iteration has the same steps. What a step waits for
takes no processor, so that more workers than cores can be told apart; where it computes, cores are the bound.
"""

import argparse
import queue
import statistics
from datetime import UTC, datetime
from typing import Any

import benchmarks.slow_environment
from adapters.environments.factory import GymnasiumEnvironments
from adapters.execution.ray_executor import RayExecutor
from benchmarks import record
from bootstrap.settings import set_ray_variables, worker_variables
from domain.job import Job
from domain.ports import TrainingTask
from domain.presets import resolve
from domain.reports import Ended, Failed, Report

WORKERS = (1, 2, 4)
COMMON: dict[str, Any] = {"n_envs": 16, "num_generations": 4, "n_steps": 64, "segment_start": "fresh", "eval_freq": 0}
TASKS: dict[str, dict[str, Any]] = {
    "1 ms": {"env_name": "Slow1ms-v0", "total_timesteps": 12_000},
    "0.1 ms": {"env_name": "Slow0p1ms-v0", "total_timesteps": 40_000},
    "plain CartPole": {"env_name": "PlainCartPole-v0", "total_timesteps": 60_000},
    "CartPole": {"env_name": "CartPole-v1", "total_timesteps": 300_000},
}
ENVIRONMENTS = GymnasiumEnvironments(["*"], foreign_apart=False)


def steps_per_second(executor: RayExecutor, fields: dict[str, Any], workers: int, seed: int) -> float:
    """Of one job, as it reports them at its end."""
    given = COMMON | fields | {"num_workers": workers}
    config = resolve(given, ENVIRONMENTS.describe(fields["env_name"]), seed=seed, model_name="m")
    reports: queue.Queue[Report] = queue.Queue()
    job = Job(id=f"{workers}-{seed}", config=config, created_at=datetime.now(UTC))
    executor.start(TrainingTask(job, ENVIRONMENTS, checkpoint_seconds=3_600), reports.put)
    while not isinstance(report := reports.get(timeout=300), Ended | Failed):
        pass
    if isinstance(report, Failed):
        raise RuntimeError(report.message)  # noqa: TRY004 - no wrong type, but a job that failed
    return report.metrics["time/fps"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    set_ray_variables()
    executor = RayExecutor("", 4, benchmarks.slow_environment.register, worker_variables())
    try:
        found = {
            task: {workers: [steps_per_second(executor, fields, workers, n) for n in range(rounds)] for workers in WORKERS}
            for task, fields in TASKS.items()
        }
    finally:
        executor.close()
    rows = []
    for task, by_workers in found.items():
        medians = {workers: statistics.median(each) for workers, each in by_workers.items()}
        rows.append(
            {
                "step": task,
                "steps_per_second": {str(workers): round(median) for workers, median in medians.items()},
                "ratio_to_one": {str(workers): round(median / medians[1], 2) for workers, median in medians.items()},
                "rounds": {str(workers): [round(one) for one in each] for workers, each in by_workers.items()},
            }
        )
        print(f"{task:<16}" + "".join(f"{workers} workers {medians[workers]:>9,.0f} steps/s   " for workers in WORKERS))
    record.write("workers", {"seeds": [*range(rounds)], "fields": COMMON, "tasks": rows})


if __name__ == "__main__":
    main()
