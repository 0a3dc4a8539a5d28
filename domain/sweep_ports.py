"""What sweeps need from outside."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from domain.sweep import Sweep, SweepStatus, Trial

History = Sequence[tuple[int, float]]
"""The evaluations of a trial: steps, and the mean return, in the order of steps."""


class SweepRepository(Protocol):
    """Keeps sweeps and their trials. Thread-safe. Returned objects are copies. Any method raises StorageFailure.

    Several servers may advance the same sweep: what they write is conditional, so that each step is made once.
    """

    def add(self, sweep: Sweep) -> None:
        """A new sweep, whose id nobody has."""
        ...

    def get(self, sweep_id: str) -> Sweep:
        """Raises SweepNotFound, CorruptData."""
        ...

    def list(self, statuses: Collection[SweepStatus] = ()) -> Sequence[Sweep]:
        """Newest first; those in one of these states if given."""
        ...

    def replace(self, sweep: Sweep, was: SweepStatus) -> bool:
        """Keep the sweep in its new state, if it is in the state `was`; whether it was."""
        ...

    def add_trial(self, trial: Trial) -> bool:
        """Keep a new trial, unless there is one of that number; whether there was none."""
        ...

    def save_trial(self, trial: Trial) -> None:
        """Replace the trial of that number."""
        ...

    def trials(self, sweep_id: str) -> Sequence[Trial]:
        """By number; none where there is no such sweep."""
        ...


class Tuner(Protocol):
    """Chooses parameters by what is known of the trials so far. Thread-safe. Raises ExtraNotInstalled."""

    def propose(self, sweep: Sweep, trials: Sequence[Trial]) -> dict[str, Any]:
        """Parameters within the space for the next trial: a function of the sweep's seed and of the trials."""
        ...

    def should_prune(self, sweep: Sweep, histories: Mapping[int, History], number: int) -> bool:
        """Whether the trial of that number is so far behind the others, by number, that it is not worth going on."""
        ...

    def importances(self, sweep: Sweep, trials: Sequence[Trial]) -> Mapping[str, float]:
        """How much each parameter decides of the value, together 1; empty where too little is known."""
        ...
