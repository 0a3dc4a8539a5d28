"""Runs training tasks on a Ray cluster."""

import itertools
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from adapters.execution.ray_link import DriverLink
from adapters.execution.ray_messages import (
    Begun,
    ClusterUnavailable,
    Forget,
    News,
    Over,
    Refused,
    Seen,
    Start,
    Stop,
    Told,
)
from domain.errors import WorkerDied
from domain.ports import TrainingTask
from domain.reports import Ended, Failed, Logged, Report

STOP_GRACE_SECONDS = 1.5
RECONNECT_SECONDS = 5.0
CONNECT_SECONDS, CLOSE_SECONDS = 60.0, 4.0
SILENT_SECONDS = 10.0
LAG_SECONDS = 0.5  # until the cluster has counted what a worker has begun
UNRESPONSIVE = "worker-unresponsive"

Listener = Callable[[Report], None]
logger = logging.getLogger("grpo.executor")


@dataclass(eq=False)
class _Running:
    """A task that was given to Ray. `begun_at`: when its worker said so, by the monotonic clock."""

    job_id: str
    listener: Listener
    begun_at: float | None = None
    deadline: threading.Timer | None = None


class RayExecutor:
    """JobExecutor on a cluster, whose free CPUs are its capacity. Thread-safe.

    Each task is a Ray task of one CPU. Ray chooses the node, and begins it again on another where that one dies; it goes on
    from the newest checkpoint, which a mailbox beside this process has. The cluster is joined by a process of its own, the
    driver: where that dies with its cluster, the tasks are lost, and another driver joins as soon as there is a cluster. One
    thread hears the driver and calls the listeners; nobody who starts, stops or kills a task waits for anything.
    """

    def __init__(
        self,
        address: str,
        cpus: int,
        initialize: Callable[[], object] | None = None,
        variables: Mapping[str, str] | None = None,
        most: int = 0,
    ) -> None:
        """`address`: host:port, or "" for a cluster of this machine with `cpus`. `most`: tasks of this server at once, 0 = any.

        `initialize`, picklable: what each process does first. Raises ClusterUnavailable.
        """
        self._address, self._most = address, most
        self._arguments = (address, cpus, initialize, {**(variables or {})})
        self._running: dict[str, _Running] = {}
        self._lock = threading.RLock()
        self._numbers = itertools.count(1)
        self._seen = Seen(0.0, 0.0, 0.0)
        self._lost = True
        self._closed = threading.Event()
        self._answered, self._failure = threading.Event(), ""
        self._driver = DriverLink(self._arguments)
        self._thread = threading.Thread(target=self._run, name="ray", daemon=True)
        self._thread.start()
        if not self._answered.wait(CONNECT_SECONDS):
            self._failure = f"{self._cluster} does not answer as a Ray cluster does."
        if self._failure:
            self.close()
            raise ClusterUnavailable(self._failure)

    @property
    def capacity(self) -> int:
        """The tasks that run, and those for which the cluster has a free CPU."""
        with self._lock:
            uncounted = sum(not self._counted(running) for running in self._running.values())
            free = 0 if self._silent else max(0, int(self._seen.free) - uncounted)
            return min(len(self._running) + free, self._most or int(self._seen.total))

    @property
    def waiting_reason(self) -> str:
        with self._lock:
            if self._silent:
                return f"{self._cluster} does not answer."
            if self._most and len(self._running) >= self._most:
                return f"All {self._most} jobs that this server may run at once are running."
            if not self._seen.total:
                return "The Ray cluster has no CPU."
            if self.capacity <= len(self._running):
                used = max(self._seen.total - self._seen.free, len(self._running))
                return f"The Ray cluster has no free CPU: {used:g} of {self._seen.total:g} are in use."
            return ""

    @property
    def alive(self) -> bool:
        return not self._closed.is_set() and not self._silent

    def start(self, task: TrainingTask, listener: Listener) -> None:
        """Give the task to Ray. Raises RuntimeError where the cluster does not answer."""
        with self._lock:
            if self._closed.is_set():
                return
            if self._silent:
                raise RuntimeError(self.waiting_reason)
            key = f"{task.job.id} {next(self._numbers)}"
            self._running[key] = _Running(task.job.id, listener)
            self._driver.commands.put(Start(key, task))

    def stop(self, job_id: str) -> None:
        """Ask the job's worker to end it; give it up when it has not within 1.5 s."""
        with self._lock:
            key, running = self._find(job_id)
            if running is None or running.deadline is not None:
                return
            running.deadline = threading.Timer(STOP_GRACE_SECONDS, self._give_up, (key,))
            running.deadline.daemon = True
            running.deadline.start()
            self._driver.commands.put(Stop(key))

    def kill(self, job_id: str) -> None:
        """Give the job's worker up now; its report comes from another thread."""
        with self._lock:
            key, running = self._find(job_id)
        if running is not None:
            threading.Thread(target=self._give_up, args=(key,), name="kill", daemon=True).start()

    def close(self) -> None:
        """End all tasks and leave the cluster. What they have not reported is in their last checkpoint."""
        with self._lock:
            self._closed.set()
            running, self._running = [*self._running.values()], {}
        for each in running:
            _free_from_deadline(each)
        self._driver.end()
        if self._thread is not threading.current_thread():
            self._thread.join(CLOSE_SECONDS)

    @property
    def _cluster(self) -> str:
        return f"The Ray cluster at {self._address}" if self._address else "The Ray cluster of this machine"

    @property
    def _silent(self) -> bool:
        """There is no driver, or nothing was heard of it for so long that it waits in vain for the cluster itself."""
        return self._lost or time.monotonic() - self._seen.at > SILENT_SECONDS

    def _counted(self, running: _Running) -> bool:
        """Whether the cluster knew of the task when it said what is free."""
        return running.begun_at is not None and running.begun_at <= self._seen.at - LAG_SECONDS

    def _find(self, job_id: str) -> tuple[str, _Running | None]:
        found = ((key, running) for key, running in self._running.items() if running.job_id == job_id)
        return next(found, ("", None))

    def _give_up(self, key: str) -> None:
        running = self._take(key)
        if running is not None:
            message = "The worker on the Ray cluster did not answer and was given up."
            _tell(running, Failed(running.job_id, UNRESPONSIVE, message, lost=True))

    def _run(self) -> None:
        """Hear one driver after another, as long as somebody wants to use the cluster."""
        while True:
            try:
                while True:
                    self._take_in(self._driver.pipe.recv())
            except (EOFError, OSError):
                pass
            except Exception:
                logger.exception("the Ray driver said what nobody understands, and is ended")
            self._driver.end()
            if self._closed.is_set():
                return
            self._answer(self._driver.refusal or f"{self._cluster} is lost.")
            self._lose_everything()
            if self._closed.wait(RECONNECT_SECONDS):
                return
            self._drive_again()

    def _drive_again(self) -> None:
        with self._lock:
            if self._closed.is_set():
                return
            try:
                self._driver = DriverLink(self._arguments)
            except OSError as error:
                logger.warning("%s is joined later: %s", self._cluster, error)

    def _answer(self, failure: str) -> None:
        """The first one decides whether the cluster can be used at all; those behind it are news."""
        if not self._answered.is_set():
            self._failure = failure
            self._answered.set()
        elif failure:
            logger.warning("%s", failure)

    def _take_in(self, news: News) -> None:
        match news:
            case Refused(reason):
                self._driver.refusal = reason
            case Seen():
                with self._lock:
                    self._seen = news
                    self._lost = False
                self._answer("")
            case Told(reports):
                for key, report in reports:
                    self._pass_on(key, report)
            case Over(key, outcome):
                self._end(key, outcome)

    def _pass_on(self, key: str, report: Report | Begun) -> None:
        with self._lock:
            running = self._running.get(key)
        if running is None:
            return
        if not isinstance(report, Begun):
            _tell(running, report)
            return
        running.begun_at = time.monotonic()
        if report.tries > 1:
            message = f"The worker was lost (try {report.tries}); another one goes on from step {report.timesteps}."
            _tell(running, Logged(running.job_id, "warning", message))

    def _end(self, key: str, outcome: Ended | Failed | str) -> None:
        running = self._take(key)
        if running is None:
            return
        if isinstance(outcome, str):
            message = f"The worker on the Ray cluster ended unexpectedly ({outcome})."
            outcome = Failed(running.job_id, WorkerDied.code, message, lost=True)
        with self._lock:
            if self._counted(running):  # what is told now may begin the next one
                self._seen = Seen(self._seen.total, min(self._seen.total, self._seen.free + 1), self._seen.at)
        _tell(running, outcome)

    def _take(self, key: str) -> _Running | None:
        """Whoever takes a task reports its end."""
        with self._lock:
            running = self._running.pop(key, None)
            if running is not None:
                self._driver.commands.put(Forget(key))
        if running is not None:
            _free_from_deadline(running)
        return running

    def _lose_everything(self) -> None:
        """The tasks wait again in the queue, and go on from their stored checkpoints."""
        with self._lock:
            if self._lost:
                return
            self._lost = True
            lost = [running for key in [*self._running] if (running := self._take(key)) is not None]
        for running in lost:
            _tell(running, Failed(running.job_id, WorkerDied.code, "The Ray cluster was lost.", lost=True))


def _free_from_deadline(running: _Running) -> None:
    if running.deadline is not None:
        running.deadline.cancel()


def _tell(running: _Running, report: Report) -> None:
    """A listener that raises must not end the thread that all report through."""
    try:
        running.listener(report)
    except Exception:
        logger.exception("a report of job %s could not be written down", report.job_id, extra={"job_id": report.job_id})
