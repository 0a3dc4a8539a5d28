"""Shows a sweep until it ends: each trial as a line, and on a terminal how far it is."""

import time
from collections.abc import Callable
from contextlib import suppress

from adapters.cli.interrupts import Interrupts
from adapters.cli.output import clean, note, number, say, terminal, write_json
from adapters.cli.session import Session
from adapters.cli.sweep_text import ENDED, summary, words
from grpo_client import Conflict, Sweep, SweepStatus
from grpo_client.sweep_results import Trial

LOOK_SECONDS = 0.5


class SweepFollower:
    """Follows one sweep. The first interrupt stops it; the second leaves at once."""

    def __init__(self, session: Session, followed: Sweep, counted: Interrupts) -> None:
        self._session, self._sweep, self._counted = session, followed, counted
        self._told: set[int] = set()
        self._console = terminal()
        self.interrupted = False

    def __call__(self) -> SweepStatus:
        """The sweep as it ended. Raises KeyboardInterrupt at the second interrupt, and the client's errors."""
        if self._session.json:
            write_json({"event": "sweep", "id": None, "data": {"sweep_id": self._sweep.id}})
        else:
            say(f"sweep {self._sweep.id}")
        while True:
            try:
                self._counted.interrupts = True
                if self._counted.count and not self.interrupted:
                    raise KeyboardInterrupt  # noqa: TRY301 - it is the one that was kept
                return self._until_it_has_ended()
            except KeyboardInterrupt:
                if self.interrupted:
                    raise
                self.interrupted = True
                note("stopping; what was found so far is kept (Ctrl-C again leaves at once)")
                self._stop()

    def _until_it_has_ended(self) -> SweepStatus:
        if not self._session.for_people:
            return self._look(lambda _: None)
        with self._console.status("") as shown:
            return self._look(lambda found: shown.update(clean(summary(found))))

    def _look(self, show_summary: Callable[[SweepStatus], None]) -> SweepStatus:
        while True:
            found = self._sweep.status()
            for trial in found.trials:
                if trial.status in ENDED and trial.number not in self._told:
                    self._told.add(trial.number)
                    self._tell(trial, found)
            if found.ended:
                return found
            show_summary(found)
            time.sleep(LOOK_SECONDS)

    def _tell(self, trial: Trial, found: SweepStatus) -> None:
        if self._session.json:
            write_json({"event": "trial", "id": None, "data": trial})
            return
        best = "  the best so far" if found.best is not None and found.best.number == trial.number else ""
        value = f"  return {number(trial.value)}" if trial.value is not None else ""
        why = f"  {trial.message}" if trial.message else ""
        say(f"trial {trial.number} {trial.status}{value}  {words(trial.parameters)}{why}{best}", to=self._console)

    def _stop(self) -> None:
        with suppress(Conflict):  # it has come to its end meanwhile
            self._sweep.stop()
