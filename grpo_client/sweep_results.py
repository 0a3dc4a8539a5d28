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


class SweepStatus(Struct, kw_only=True):
    """A sweep. `importances`: how much each parameter decides of the value; empty before four trials are completed."""

    sweep_id: str
    status: str
    n_trials: int
    seed: int
    created_at: datetime
    trials: list[Trial]
    best: BestTrial | None = None
    importances: dict[str, float] = field(default_factory=dict)
    message: str | None = None
    end_time: datetime | None = None

    @property
    def ended(self) -> bool:
        """Completed, failed or stopped: it will not change any more, unless it is resumed."""
        return self.status in ENDED
