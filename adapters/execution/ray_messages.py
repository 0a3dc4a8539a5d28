"""What a server and its driver, the process beside it that has joined a Ray cluster, say to one another.

A task is named by a key of its own, since a job that was stopped and resumed makes several.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.ports import TrainingTask
from domain.reports import Ended, Failed, Report


class ClusterUnavailable(Exception):
    """The cluster cannot be used; the message says why."""


@dataclass(frozen=True)
class Start:
    """To the driver: give the task to Ray."""

    key: str
    task: TrainingTask


@dataclass(frozen=True)
class Stop:
    """To the driver: ask the task's worker to end it."""

    key: str


@dataclass(frozen=True)
class Forget:
    """To the driver: the task is nobody's any more; a worker that still has it is to end."""

    key: str


@dataclass(frozen=True)
class Leave:
    """To the driver: leave the cluster, and end."""


Command = Start | Stop | Forget | Leave


@dataclass(frozen=True)
class Refused:
    """From the driver, which ends: the cluster cannot be joined."""

    reason: str


@dataclass(frozen=True)
class Seen:
    """From the driver: the CPUs of the cluster, and those that are free, at a time of the monotonic clock."""

    total: float
    free: float
    at: float


@dataclass(frozen=True)
class Begun:
    """From a worker: it has the task, for the first time, or since the one before was lost. `timesteps`: from where."""

    tries: int
    timesteps: int


@dataclass(frozen=True)
class Told:
    """From the driver: what workers have reported, by the keys of their tasks."""

    reports: Sequence[tuple[str, Report | Begun]]


@dataclass(frozen=True)
class Over:
    """From the driver: how a task ended, or why nobody can say."""

    key: str
    outcome: Ended | Failed | str


News = Refused | Seen | Told | Over
