"""The SweepRepository in memory, for tests and scripts. What is kept are copies."""

import threading
from collections.abc import Collection, Sequence
from copy import deepcopy

from domain.sweep import Sweep, SweepStatus, Trial
from domain.sweep_errors import SweepNotFound


class MemorySweepRepository:
    """SweepRepository that ends with the process."""

    def __init__(self) -> None:
        self._sweeps: dict[str, Sweep] = {}
        self._trials: dict[tuple[str, int], Trial] = {}
        self._lock = threading.Lock()

    def add(self, sweep: Sweep) -> None:
        with self._lock:
            self._sweeps[sweep.id] = deepcopy(sweep)

    def get(self, sweep_id: str) -> Sweep:
        with self._lock:
            if sweep_id not in self._sweeps:
                raise SweepNotFound(sweep_id)
            return deepcopy(self._sweeps[sweep_id])

    def list(self, statuses: Collection[SweepStatus] = ()) -> Sequence[Sweep]:
        with self._lock:
            return [deepcopy(each) for each in reversed(self._sweeps.values()) if not statuses or each.status in statuses]

    def replace(self, sweep: Sweep, was: SweepStatus) -> bool:
        with self._lock:
            if sweep.id not in self._sweeps or self._sweeps[sweep.id].status is not was:
                return False
            self._sweeps[sweep.id] = deepcopy(sweep)
            return True

    def add_trial(self, trial: Trial) -> bool:
        with self._lock:
            return self._trials.setdefault((trial.sweep_id, trial.number), kept := deepcopy(trial)) is kept

    def save_trial(self, trial: Trial) -> None:
        with self._lock:
            self._trials[trial.sweep_id, trial.number] = deepcopy(trial)

    def trials(self, sweep_id: str) -> Sequence[Trial]:
        with self._lock:
            return [deepcopy(self._trials[key]) for key in sorted(self._trials) if key[0] == sweep_id]
