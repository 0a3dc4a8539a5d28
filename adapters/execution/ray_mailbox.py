"""What lies between a server and the workers of its jobs on a Ray cluster: an actor beside the server."""

import asyncio
from collections import deque
from dataclasses import dataclass, field

from adapters.execution.ray_messages import Begun
from domain.checkpoint import Checkpoint
from domain.reports import Checkpointed, Report

MOST_REMEMBERED = 1_000


@dataclass
class _Task:
    """`tries`: how often a worker has begun it; only the last one is heard. `checkpoint`: the newest that was reported."""

    tries: int = 0
    checkpoint: Checkpoint | None = None
    stopped: asyncio.Event = field(default_factory=asyncio.Event)


class Mailbox:
    """Keeps reports until the server fetches them, and the newest checkpoint of each task for a worker that begins it again.

    An asynchronous actor: its methods take turns, and change only where they await.
    """

    def __init__(self) -> None:
        self._tasks: dict[str, _Task] = {}
        self._over: deque[str] = deque(maxlen=MOST_REMEMBERED)
        self._reports: list[tuple[str, Report | Begun]] = []
        self._news = asyncio.Event()

    async def begin(self, key: str, timesteps: int) -> tuple[int, Checkpoint | None]:
        """A worker has the task now, to go on from `timesteps`: which try this is, and a newer checkpoint if there is one."""
        task = self._task(key)
        task.tries += 1
        self._put(key, Begun(task.tries, task.checkpoint.timesteps if task.checkpoint else timesteps))
        return task.tries, task.checkpoint

    async def report(self, key: str, tries: int, report: Report) -> None:
        """Keep a report of that try for the server. One of an earlier try, or of a task that is over, is dropped."""
        task = self._tasks.get(key)
        if task is None or task.tries != tries:
            return
        if isinstance(report, Checkpointed):
            task.checkpoint = report.checkpoint
        self._put(key, report)

    async def fetch(self, timeout_seconds: float) -> list[tuple[str, Report | Begun]]:
        """All reports that are here; where there is none, those that come within the time."""
        if not self._reports:
            try:
                await asyncio.wait_for(self._news.wait(), timeout_seconds)
            except TimeoutError:
                return []
        fetched, self._reports = self._reports, []
        self._news.clear()
        return fetched

    async def stop(self, key: str) -> None:
        """The task is to end."""
        if key not in self._over:
            self._task(key).stopped.set()

    async def wait_for_stop(self, key: str) -> None:
        """Returns when the task is to end, or is over."""
        if key not in self._over:
            await self._task(key).stopped.wait()

    async def forget(self, key: str) -> None:
        """The task is over."""
        self._over.append(key)
        task = self._tasks.pop(key, None)
        if task is not None:
            task.stopped.set()

    def _task(self, key: str) -> _Task:
        return self._tasks.setdefault(key, _Task())

    def _put(self, key: str, report: Report | Begun) -> None:
        self._reports.append((key, report))
        self._news.set()
