"""A sweep: many training runs that differ in what is searched, and the best of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

import numpy as np

from domain.config import TrainingConfig
from domain.errors import FieldError, InvalidConfiguration
from domain.presets import ALIASES

FIXED = ("env_name", "model_name", "seed", "total_timesteps", "eval_freq", "n_eval_episodes")
"""What all trials share: otherwise their values could not be compared."""
MOST_TRIALS, MOST_PARALLEL, MOST_PARAMETERS, MOST_CHOICES = 1_000, 64, 20, 50
EVALUATIONS = 10
MOST_FAILURES = 5

Number = int | float
Parameters = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Dimension:
    """The values of one parameter.

    float, int: numbers from `low` to `high`, both included; with `log` evenly by their logarithms; integers in steps of `step`.
    categorical: one of the `choices`, in no order.
    """

    type: Literal["float", "int", "categorical"]
    low: Number | None = None
    high: Number | None = None
    log: bool = False
    step: int = 1
    choices: tuple[Any, ...] = ()

    @property
    def corners(self) -> tuple[Any, ...]:
        """All choices, or the two ends."""
        return self.choices if self.type == "categorical" else (self.low, self.high)


SearchSpace = Mapping[str, Dimension]


class SweepStatus(StrEnum):
    """The words that clients see. A sweep that is stopping waits for its last jobs."""

    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    COMPLETED = "completed"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        return self not in {SweepStatus.RUNNING, SweepStatus.STOPPING}


class TrialStatus(StrEnum):
    """A trial waits until its job is taken in. Exactly the last four are final; only a resumed sweep leads out of `stopped`."""

    WAITING = "waiting"
    RUNNING = "running"
    PRUNING = "pruning"
    COMPLETED = "completed"
    PRUNED = "pruned"
    FAILED = "failed"
    STOPPED = "stopped"

    @property
    def ended(self) -> bool:
        return self not in {TrialStatus.WAITING, TrialStatus.RUNNING, TrialStatus.PRUNING}


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One run of a sweep. `value`: the highest mean return of its evaluations."""

    sweep_id: str
    number: int
    parameters: dict[str, Any]
    status: TrialStatus = TrialStatus.WAITING
    job_id: str | None = None
    value: float | None = None
    message: str | None = None


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """What is searched, and how. `training`: the fields that all trials share, with everything that FIXED names but the seed.

    `limits`: of the client that sent it, as plain values.
    """

    id: str
    created_at: datetime
    training: dict[str, Any]
    search_space: dict[str, Dimension]
    n_trials: int
    max_parallel: int
    seed: int
    pruner: Literal["median", "none"] = "median"
    owner: str = ""
    limits: dict[str, int | None] = field(default_factory=dict)
    status: SweepStatus = SweepStatus.RUNNING
    end_time: datetime | None = None
    message: str | None = None

    def to(self, status: SweepStatus, now: datetime, message: str | None = None) -> "Sweep":
        """The sweep in another state."""
        return replace(self, status=status, end_time=now if status.ended else None, message=message)

    def fields_of(self, trial: Trial) -> dict[str, Any]:
        """The fields of POST /train for a trial: its own seed, unless all share one, and a model of its own."""
        seed = int(np.random.SeedSequence([self.seed, trial.number]).generate_state(1)[0])
        own = {"seed": seed, "model_name": f"{self.training['model_name']}_{trial.number}"}
        return {**own, **self.training, **trial.parameters, "model_name": own["model_name"]}


def check_search(space: SearchSpace, n_trials: int, max_parallel: int) -> None:
    """Raises InvalidConfiguration that names every wrong field."""
    if errors := [*_errors(space, n_trials, max_parallel)]:
        raise InvalidConfiguration(*errors)


def corners(space: SearchSpace) -> Iterator[dict[str, Any]]:
    """Some points of the space in which each parameter takes each of its extremes: those that are refused first, if any are."""
    lowest = {name: dimension.corners[0] for name, dimension in space.items()}
    yield lowest
    yield {name: dimension.corners[-1] for name, dimension in space.items()}
    for name, dimension in space.items():
        for value in dimension.corners[1:]:
            yield lowest | {name: value}


def best_of(trials: Sequence[Trial]) -> Trial | None:
    """The completed trial with the highest value; of equals the first."""
    completed = [trial for trial in trials if trial.status is TrialStatus.COMPLETED and trial.value is not None]
    return max(completed, key=lambda trial: (trial.value or 0.0, -trial.number), default=None)


def _errors(space: SearchSpace, n_trials: int, max_parallel: int) -> Iterator[FieldError]:
    for name, value, most in (("n_trials", n_trials, MOST_TRIALS), ("max_parallel", max_parallel, MOST_PARALLEL)):
        if not 1 <= value <= most:
            yield FieldError(name, f"{name} must be an integer from 1 to {most}, got {value}.")
    if not 1 <= len(space) <= MOST_PARAMETERS:
        yield FieldError("search_space", f"search_space must have 1 to {MOST_PARAMETERS} parameters, got {len(space)}.")
    searchable = {each.name for each in fields(TrainingConfig)} - {*FIXED}
    for name, dimension in space.items():
        place = f"search_space.{name}"
        if name not in searchable:
            hint = f"it is another name of {ALIASES[name]}" if name in ALIASES else f"allowed: {', '.join(sorted(searchable))}"
            yield FieldError(place, f"{place} is no field that can be searched; {hint}.")
        else:
            yield from (FieldError(place, f"{place}: {message}.") for message in _dimension_errors(dimension))


def _dimension_errors(dimension: Dimension) -> Iterator[str]:
    if dimension.type == "categorical":
        yield from _choices_errors(dimension)
    elif dimension.choices:
        yield f"choices are for categorical, not for {dimension.type}"
    elif dimension.low is None or dimension.high is None:
        yield f"{dimension.type} needs low and high, got {dimension.low} and {dimension.high}"
    else:
        yield from _range_errors(dimension, dimension.low, dimension.high)


def _choices_errors(dimension: Dimension) -> Iterator[str]:
    number = len(dimension.choices)
    if dimension.low is not None or dimension.high is not None or dimension.log or dimension.step != 1:
        yield "categorical has choices only, and no low, high, log or step"
    elif not 1 <= number <= MOST_CHOICES:
        yield f"choices must be 1 to {MOST_CHOICES} values, got {number}"
    elif len({repr(choice) for choice in dimension.choices}) < number:
        yield f"choices must be different values, got {[*dimension.choices]}"


def _range_errors(dimension: Dimension, low: Number, high: Number) -> Iterator[str]:
    if not low <= high:
        yield f"low must not be above high, got {low} and {high}"
    elif dimension.log and low <= 0:
        yield f"low must be above 0 where log is true, got {low}"
    elif dimension.type == "int" and not (isinstance(low, int) and isinstance(high, int)):
        yield f"low and high must be integers, got {low} and {high}"
    elif dimension.step != 1 and (dimension.step < 1 or dimension.log or dimension.type == "float"):
        yield f"step must be 1 or more, and is for int without log only, got {dimension.step}"
