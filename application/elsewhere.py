"""What other servers on the same storage do, brought to those who wait here."""

import logging
from collections.abc import Mapping

from application.feed import JobFeed
from application.inference import ModelCache
from application.job_runner import JobRunner
from domain.errors import StorageFailure
from domain.ports import JobRepository, OtherServers

logger = logging.getLogger("grpo.elsewhere")


class Elsewhere:
    """Passes on news of other servers: to the worker that a job has here, to those who watch it, to the models in memory.

    States and models are told by the other servers. How far a job is would be too much to tell everybody: `look`, called some
    times a second, asks for the jobs that somebody watches here.
    """

    def __init__(self, others: OtherServers, jobs: JobRepository, runner: JobRunner, feed: JobFeed, cache: ModelCache) -> None:
        self._others, self._jobs, self._runner, self._feed, self._cache = others, jobs, runner, feed, cache
        self._newest: Mapping[str, int] = {}

    def listen(self) -> None:
        """From now on. Once."""
        self._others.listen(self._job_changed, self._cache.forget, self._anything_changed)

    def look(self) -> None:
        """Wake those who watch a job of which something new was kept."""
        watched = self._feed.watched()
        try:
            newest = self._jobs.last_event_ids(watched) if watched else {}
        except StorageFailure as error:
            logger.warning("news of watched jobs come later: %s", error)
            return
        before, self._newest = self._newest, newest
        for job_id, event_id in newest.items():
            if before.get(job_id) != event_id:
                self._feed.publish(job_id)

    def _job_changed(self, job_id: str) -> None:
        self._feed.publish(job_id)
        self._runner.noticed(job_id)

    def _anything_changed(self) -> None:
        self._cache.forget_all()
        for job_id in self._feed.watched():
            self._feed.publish(job_id)
        self._runner.tend()
