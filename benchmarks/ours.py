"""One training by this service's engine, as a user gets it who gives no more than the task names."""

from dataclasses import asdict
from typing import Any

from adapters.environments.factory import GymnasiumEnvironments
from benchmarks.judge import Clock, Course, final_scores
from benchmarks.tasks import Task
from domain.presets import resolve
from domain.trainer import Trainer


def configuration(task: Task) -> dict[str, Any]:
    """The resolved configuration without what differs from run to run."""
    environment = GymnasiumEnvironments().describe(task.env_name)
    resolved = asdict(resolve(task.given, environment, seed=0, model_name="benchmark"))
    return {name: value for name, value in resolved.items() if name not in {"seed", "model_name"}}


def train(task: Task, seed: int) -> dict[str, Any]:
    """Train and judge; the figures of one run."""
    environments = GymnasiumEnvironments()
    environment = environments.describe(task.env_name)
    clock = Clock()
    config = resolve(task.given, environment, seed=seed, model_name="benchmark")
    course = Course(task.budget, task.curve_episodes, environments, clock)
    with Trainer(environments, config) as trainer:
        course.visit(0, lambda: trainer.policy)
        for _ in trainer.run():
            course.visit(trainer.timesteps, lambda: trainer.policy)
        wall, timesteps, policy = clock.wall, trainer.timesteps, trainer.policy
    cpu = clock.cpu
    scores = final_scores(policy, environments)
    return {
        **scores,
        "timesteps": timesteps,
        "wall_seconds": round(wall, 4),
        "cpu_seconds": round(cpu, 4),
        "curve": course.points,
    }
