"""How well is learned: this service's engine and Stable-Baselines3's PPO, task by task, before the same judge.

python -m benchmarks.learning [--task NAME] [--env ID] [--algorithm ours|ppo] [--seeds N] [--first-seed K] [--jobs N] [--fresh]

Each run is written into results/learning as soon as it has ended; what is there already for the same configuration is not run
again.
"""

# BLAS is set up as the server does it, before anything imports numpy.
# ruff: noqa: E402

from bootstrap.settings import use_one_blas_thread

use_one_blas_thread()

import argparse
import multiprocessing
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import gymnasium
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from adapters.environments.factory import GymnasiumEnvironments
from benchmarks import judge, ours, ppo, record, tables
from benchmarks.store import Run, Store
from benchmarks.tasks import ALGORITHMS, TASKS, Algorithm, Task
from domain.errors import GrpoError

__all__ = ["TASKS"]


@dataclass(frozen=True)
class Work:
    """One training that is to be done."""

    task: str
    algorithm: Algorithm
    seed: int

    def __str__(self) -> str:
        return f"{self.task}, {self.algorithm}, seed {self.seed}"


def configuration(task: Task, algorithm: Algorithm) -> dict[str, Any]:
    """All that decides about the figures of a run, its seed and the code apart."""
    settings = ours.configuration(task) if algorithm == "ours" else ppo.configuration(task)
    return settings | {"judge": judge.RULES | {"curve_episodes": task.curve_episodes}}


def silence_simulator(task: Task) -> None:
    """MuJoCo tells of a deprecated word in Gymnasium's own models at every start, on the screen and in a file of its own."""
    registered = gymnasium.registry.get(task.env_name)
    simulated = registered is not None and str(registered.entry_point).startswith("gymnasium.envs.mujoco")
    if simulated and find_spec("mujoco") is not None:
        import_module("mujoco").set_mju_user_warning(lambda _: None)


def run(work: Work) -> Run:
    """Train once and judge: one line of the store."""
    task = TASKS[work.task]
    silence_simulator(task)
    settings = configuration(task, work.algorithm)
    figures = ours.train(task, work.seed) if work.algorithm == "ours" else ppo.train(task, work.seed)
    return {"seed": work.seed, **figures, "configuration": settings}


def chosen_tasks(names: Sequence[str] | None, environments: Sequence[str] | None) -> list[str]:
    """The tasks of these names and of these environments; all where neither is given."""
    if not names and not environments:
        return list(TASKS)
    return [name for name, task in TASKS.items() if name in (names or ()) or task.env_name in (environments or ())]


def installed(names: Sequence[str]) -> list[str]:
    """The tasks whose environment can be made here; of the others it is said what they need."""
    kept = []
    for name in names:
        silence_simulator(TASKS[name])
        try:
            GymnasiumEnvironments().describe(TASKS[name].env_name)
            kept.append(name)
        except GrpoError as problem:
            print(f"{name} is left out: {problem}", file=sys.stderr)
    return kept


def planned(names: Sequence[str], algorithms: Sequence[Algorithm], arguments: argparse.Namespace, store: Store) -> list[Work]:
    """What is to be run, seed by seed, so that every task has some seeds early."""
    plan: list[Work] = []
    for name in names:
        task = TASKS[name]
        seeds = range(arguments.first_seed, arguments.first_seed + (arguments.seeds or task.seeds))
        for algorithm in (one for one in task.algorithms if one in algorithms):
            missing = store.missing(name, algorithm, configuration(task, algorithm), seeds)
            plan.extend(Work(name, algorithm, seed) for seed in (seeds if arguments.fresh else missing))
    return sorted(plan, key=lambda work: work.seed)


def perform(plan: Sequence[Work], jobs: int, store: Store) -> int:
    """Run the plan in processes, each run written when it ends; returns how many failed."""
    circumstances = record.circumstances(record.LEARNING_PACKAGES) | {"jobs": jobs}
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    failed = 0
    with (
        Progress(*columns, console=console) as progress,
        ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool,
    ):
        bar = progress.add_task("training", total=len(plan))
        futures = {pool.submit(run, work): work for work in plan}
        try:
            for future in as_completed(futures):
                work = futures[future]
                if (error := future.exception()) is not None:
                    failed += 1
                    line = f"{work}: {type(error).__name__}: {error}"
                else:
                    result = future.result()
                    store.add(work.task, work.algorithm, result | {"circumstances": circumstances | {"time": record.now()}})
                    line = f"{work}: {result['score']:.2f} after {result['wall_seconds']:.1f} s"
                progress.console.print(line, markup=False, highlight=False)
                progress.advance(bar)
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return failed


def positive(text: str) -> int:
    """An argument that counts something."""
    if (value := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, is {value}")
    return value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=TASKS, action="append", help="only this task; may be repeated")
    parser.add_argument(
        "--env",
        choices=sorted({task.env_name for task in TASKS.values()}),
        action="append",
        metavar="ID",
        help="only tasks of this environment; may be repeated",
    )
    parser.add_argument("--algorithm", choices=ALGORITHMS, action="append", help="only this algorithm")
    parser.add_argument("--seeds", type=positive, help="how many training seeds; 10 (CartPole 40, MuJoCo 3) unless named")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument(
        "--jobs", type=positive, default=1, help="how many trainings at once; more than one makes seconds less comparable"
    )
    parser.add_argument("--fresh", action="store_true", help="run again what is there already")
    arguments = parser.parse_args()
    names, store = installed(chosen_tasks(arguments.task, arguments.env)), Store()
    plan = planned(names, arguments.algorithm or list(ALGORITHMS), arguments, store)
    try:
        if any(work.algorithm == "ppo" for work in plan):
            ppo.check_installed()
        failed = perform(plan, arguments.jobs, store) if plan else 0
    except ppo.MissingRequirement as missing:
        sys.exit(str(missing))
    except KeyboardInterrupt:
        sys.exit("interrupted; the same command goes on with the next run")
    if not plan:
        print("nothing to run: every run is there already for this configuration; --fresh runs it again")
    for table in (tables.learning, tables.learning_details, tables.provenance):
        print(f"{table(store, names)}\n")
    for path in tables.draw_curves(store, names):
        print(f"drawn: docs/curves/{path.name}")
    sys.exit(f"{failed} of {len(plan)} runs failed" if failed else 0)


if __name__ == "__main__":
    main()
