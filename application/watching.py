"""Use cases of whoever watches a job: its learning curve as a whole, and what is new since the last look."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from application.feed import JobFeed
from domain.diagnosis import Advice, diagnose
from domain.errors import GrpoError
from domain.job import EventKind, Job, JobEvent
from domain.ports import EnvironmentFactory, JobRepository

PAGE = 1_000


@dataclass(frozen=True)
class History:
    """A job, the points of its learning curve, its evaluations, and what its metrics warn of."""

    job: Job
    points: Sequence[JobEvent]
    evaluations: Sequence[JobEvent]
    diagnosis: Sequence[Advice]


class GetHistory:
    """The learning curve of a job."""

    def __init__(self, jobs: JobRepository, environments: EnvironmentFactory) -> None:
        self._jobs, self._environments = jobs, environments

    def __call__(self, job_id: str, max_points: int | None = None) -> History:
        """With `max_points` the points are thinned evenly; the first and the last one stay. Raises JobNotFound."""
        job = self._jobs.get(job_id)
        points = [*self._all(job_id, "metrics")]
        diagnosis = diagnose((point.data["metrics"] for point in points), self._reward_threshold(job))
        return History(job, thinned(points, max_points), [*self._all(job_id, "eval")], diagnosis)

    def _all(self, job_id: str, kind: EventKind) -> Iterator[JobEvent]:
        after = 0
        while page := self._jobs.events(job_id, after, PAGE, [kind]):
            yield from page
            after = page[-1].id

    def _reward_threshold(self, job: Job) -> float | None:
        try:
            return self._environments.describe(job.config.env_name).reward_threshold
        except GrpoError:  # it may have been there when the job was started
            return None


def thinned(points: Sequence[JobEvent], most: int | None) -> Sequence[JobEvent]:
    """At most `most` (2 or more) of the points, evenly spread, the first and the last among them."""
    if most is None or len(points) <= most:
        return points
    last = len(points) - 1
    return [points[round(index * last / (most - 1))] for index in range(most)]


@dataclass(frozen=True)
class News:
    """What happened to a job, and how it is now.

    `more`: further events are there already. `over`: it has ended, and nothing came after these events.
    """

    events: Sequence[JobEvent]
    job: Job
    more: bool
    over: bool


class FollowJob:
    """What happens to a job, as it happens."""

    def __init__(self, jobs: JobRepository, feed: JobFeed) -> None:
        self._jobs, self._feed = jobs, feed

    @property
    def closed(self) -> bool:
        """The service shuts down: what is new will be told after its next start."""
        return self._feed.closed

    def check_room(self) -> None:
        """Raises TooManyStreams where no further one can follow."""
        self._feed.check_room()

    def subscribe(self, job_id: str, wake: Callable[[], None]) -> Callable[[], None]:
        """`wake` is called, from any thread, whenever there may be news; returns what ends that."""
        return self._feed.subscribe(job_id, wake)

    def __call__(self, job_id: str, after: int) -> News:
        """The events with an id above `after`, oldest first. Raises JobNotFound, StorageFailure."""
        # In this order: a job that has ended here had all its events before.
        job = self._jobs.get(job_id)
        events = self._jobs.events(job_id, after, PAGE)
        more = len(events) == PAGE
        return News(events, job, more, job.status.ended and not more)
