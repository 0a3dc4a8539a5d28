"""What is kept of a training run: the model that is served, and the checkpoint that training goes on from."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.arrays import FloatArray
from domain.config import TrainingConfig
from domain.policy import Policy

FORMAT_VERSION = 2


@dataclass(frozen=True)
class EvaluationSummary:
    """Native returns of the deterministic policy over fresh episodes: what is kept beside a model."""

    mean_reward: float
    std_reward: float
    mean_length: float
    episodes: int
    seed: int


@dataclass(frozen=True)
class Best:
    """The policy with the highest mean return of all that were evaluated so far; of equal ones the latest."""

    policy: Policy
    timesteps: int
    evaluation: EvaluationSummary


@dataclass(frozen=True)
class Model:
    """A policy under a name, with the configuration and the job that it came from.

    `version` counts from 1 under each name; 0 is a model that is not kept yet. `imported_at`: when it came here from a file,
    None = it was trained here. `job_id` and `created_at` are those of its training, wherever that was.
    """

    name: str
    policy: Policy
    config: TrainingConfig
    job_id: str
    created_at: datetime
    timesteps: int
    evaluation: EvaluationSummary | None = None
    version: int = 0
    imported_at: datetime | None = None


@dataclass(frozen=True)
class Checkpoint:
    """The whole state of a run between two updates; from it training goes on to the same bits.

    `policy` is what would be served if training ended here (with `ema_decay`, the averaged parameters).
    `arrays`: parameters, Adam's moments, normaliser sums, running returns, and the environment's state where a rollout
    carries it over; names as `domain.trainer` gives them.
    `counters`: JSON values: time steps, updates, Adam's step count, and the random generator's state.
    `best`, `evaluated_timesteps`: the outcome of periodic evaluation, and how far training was at the last one.
    """

    config: TrainingConfig
    policy: Policy
    arrays: dict[str, FloatArray]
    counters: dict[str, Any]
    timesteps: int
    best: Best | None = None
    evaluated_timesteps: int = 0
