"""The learning curve of a job on its way into the storage."""

from domain.job import EventKind, JobEvent
from domain.ports import JobRepository


class JobCurve:
    """Events that wait to be kept. Points that the job has had already are left out.

    A run that is cut off goes on from its last checkpoint, so that its worker tells some points a second time. They are
    the same, as every bit of the run is, and whoever watches must not see them twice.
    """

    def __init__(self, jobs: JobRepository, job_id: str) -> None:
        """Raises StorageFailure."""
        self.waiting: list[JobEvent] = []
        self._newest = {kind: _timesteps(jobs.last_event(job_id, kind)) for kind in _POINTS}

    def add(self, event: JobEvent) -> None:
        """Take up an event, unless it is a point that is not beyond the newest of its kind."""
        if event.kind in _POINTS:
            if event.data["timesteps"] <= self._newest[event.kind]:
                return
            self._newest[event.kind] = event.data["timesteps"]
        self.waiting.append(event)


_POINTS: tuple[EventKind, ...] = ("metrics", "eval")


def _timesteps(event: JobEvent | None) -> int:
    return -1 if event is None else int(event.data["timesteps"])
