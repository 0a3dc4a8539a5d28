"""What a worker tells of the job that it trains."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from domain.checkpoint import Checkpoint, EvaluationSummary

Metrics = dict[str, float]
LogLevel = Literal["info", "warning"]


@dataclass(frozen=True)
class MetricsPoint:
    """A point of the learning curve: the metrics of the update that ended after so many steps, at that time."""

    timesteps: int
    metrics: Metrics
    time: datetime


@dataclass(frozen=True)
class Progressed:
    """A running job's newest figures, and the points of its curve since the last such report."""

    job_id: str
    timesteps: int
    metrics: Metrics
    points: tuple[MetricsPoint, ...] = ()


@dataclass(frozen=True)
class Evaluated:
    """The policy after so many steps played some episodes. `best`: no earlier evaluation of the job has a higher mean."""

    job_id: str
    timesteps: int
    evaluation: EvaluationSummary
    best: bool


@dataclass(frozen=True)
class Logged:
    """A sentence for whoever watches the job."""

    job_id: str
    level: LogLevel
    message: str


@dataclass(frozen=True)
class Checkpointed:
    """A state from which the job can go on, with the figures that belong to it."""

    job_id: str
    checkpoint: Checkpoint
    metrics: Metrics


@dataclass(frozen=True)
class Ended:
    """The job's training is over: its budget is used up, or it obeyed a stop. `checkpoint` is the final state."""

    job_id: str
    checkpoint: Checkpoint
    metrics: Metrics
    stopped: bool
    evaluation: EvaluationSummary | None = None


@dataclass(frozen=True)
class Failed:
    """The job's training could not go on. `lost`: its worker is gone, so that another attempt may succeed."""

    job_id: str
    code: str
    message: str
    lost: bool = False


Report = Progressed | Evaluated | Logged | Checkpointed | Ended | Failed
