"""What the server answers about sweeps, typed. Fields that a newer server adds are ignored."""

from datetime import datetime
from typing import Any

from msgspec import Struct, field

from grpo_client.results import ENDED


class Trial(Struct, kw_only=True):
    """One run of a sweep. `value`: the highest mean return of its evaluations."""

    number: int
    status: str
    parameters: dict[str, Any]
    model_name: str
    value: float | None = None
    job_id: str | None = None
    message: str | None = None


class BestTrial(Struct, kw_only=True):
    """The best run of a sweep. `client.train(**config)` repeats it."""

    number: int
    value: float
    parameters: dict[str, Any]
    config: dict[str, Any]
    model_name: str
    job_id: str | None = None


class SweepSummary(Struct, kw_only=True):
    """A sweep in brief."""

    sweep_id: str
    status: str
    env_name: str
    n_trials: int
    max_parallel: int
    seed: int
    created_at: datetime
    message: str | None = None
    end_time: datetime | None = None

    @property
    def ended(self) -> bool:
        """Completed, failed or stopped: it will not change any more, unless it is resumed."""
        return self.status in ENDED


class Sweeps(Struct, kw_only=True):
    """All sweeps, the newest first."""

    sweeps: list[SweepSummary]


class SweepStatus(SweepSummary, kw_only=True):
    """A sweep. `importances`: how much each parameter decides of the value; empty before four trials are completed."""

    trials: list[Trial]
    best: BestTrial | None = None
    importances: dict[str, float] = field(default_factory=dict)
