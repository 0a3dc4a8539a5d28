"""The learning curve of a job on its way into the storage."""

from collections.abc import Iterable, Sequence

from domain.job import EventKind, JobEvent
from domain.ports import JobRepository


class JobCurve:
    """Events that wait to be kept. What the job has told already is left out.

    A run that is cut off goes on from its last checkpoint, so that its worker tells some things a second time. They are
    the same, as every bit of the run is, and whoever watches must not see them twice.
    """

    def __init__(self, jobs: JobRepository, job_id: str) -> None:
        """Raises StorageFailure."""
        self._jobs, self._job_id = jobs, job_id
        self._waiting: list[JobEvent] = []
        self._unsure: list[JobEvent] = []
        self._look()

    def add(self, event: JobEvent) -> None:
        """Take up a point beyond the newest of its kind, or a sentence that was not said yet; no other event."""
        if event.kind in _POINTS:
            if event.data["timesteps"] <= self._newest[event.kind]:
                return
            self._newest[event.kind] = event.data["timesteps"]
        elif event.data["message"] in self._said:
            return
        else:
            self._said.add(event.data["message"])
        self._waiting.append(event)

    def take(self) -> Sequence[JobEvent]:
        """What waits, to be kept now. Raises StorageFailure."""
        if self._unsure:
            again = [*self._unsure, *self._waiting]
            self._look()
            self._unsure, self._waiting = [], []
            for event in again:
                self.add(event)
        taken, self._waiting = self._waiting, []
        return taken

    def put_back(self, events: Iterable[JobEvent]) -> None:
        """These were taken, and whether they are kept is not known."""
        self._unsure += events

    def _look(self) -> None:
        self._said = {event.data["message"] for event in self._jobs.events(self._job_id, kinds=["log"])}
        self._newest = {kind: _timesteps(self._jobs.last_event(self._job_id, kind)) for kind in _POINTS}


_POINTS: tuple[EventKind, ...] = ("metrics", "eval")


def _timesteps(event: JobEvent | None) -> int:
    return -1 if event is None else int(event.data["timesteps"])
