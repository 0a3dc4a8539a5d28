"""The learning curve of a job on its way into the storage."""

from domain.job import EventKind, JobEvent
from domain.ports import JobRepository


class JobCurve:
    """Events that wait to be kept. What the job has told already is left out.

    A run that is cut off goes on from its last checkpoint, so that its worker tells some things a second time. They are
    the same, as every bit of the run is, and whoever watches must not see them twice.
    """

    def __init__(self, jobs: JobRepository, job_id: str) -> None:
        """Raises StorageFailure."""
        self.waiting: list[JobEvent] = []
        self._said = {event.data["message"] for event in jobs.events(job_id, kinds=["log"])}
        self._newest = {kind: _timesteps(jobs.last_event(job_id, kind)) for kind in _POINTS}

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
        self.waiting.append(event)


_POINTS: tuple[EventKind, ...] = ("metrics", "eval")


def _timesteps(event: JobEvent | None) -> int:
    return -1 if event is None else int(event.data["timesteps"])
