"""Who waits for news of a job, and wakes when there are some."""

import threading
from collections import defaultdict
from collections.abc import Callable

from domain.access_errors import TooManyStreams

MOST_SUBSCRIBERS = 200

Wake = Callable[[], None]


class JobFeed:
    """Tells subscribers that something new was kept of a job; what it is they read from the storage. Thread-safe.

    News of many reports may reach a subscriber that is busy as one.
    """

    def __init__(self) -> None:
        self._subscribers: dict[str, dict[object, Wake]] = defaultdict(dict)
        self._lock = threading.Lock()
        self._closed = False

    @property
    def closed(self) -> bool:
        """No news will come any more."""
        return self._closed

    def subscribe(self, job_id: str, wake: Wake) -> Callable[[], None]:
        """`wake` is called from other threads and must return at once. Returns what ends it. Raises TooManyStreams."""
        token = object()
        with self._lock:
            if sum(map(len, self._subscribers.values())) >= MOST_SUBSCRIBERS:
                raise TooManyStreams(MOST_SUBSCRIBERS)
            self._subscribers[job_id][token] = wake
        return lambda: self._unsubscribe(job_id, token)

    def publish(self, job_id: str) -> None:
        """Something new was kept of this job."""
        for wake in self._of(job_id):
            wake()

    def watched(self) -> list[str]:
        """The jobs that somebody waits for news of."""
        with self._lock:
            return [*self._subscribers]

    def close(self) -> None:
        """Wake everybody for the last time. Idempotent."""
        self._closed = True
        for job_id in self.watched():
            self.publish(job_id)

    def _of(self, job_id: str) -> list[Wake]:
        with self._lock:
            return [*self._subscribers[job_id].values()] if job_id in self._subscribers else []

    def _unsubscribe(self, job_id: str, token: object) -> None:
        with self._lock:
            subscribers = self._subscribers.get(job_id, {})
            subscribers.pop(token, None)
            if not subscribers:
                self._subscribers.pop(job_id, None)
