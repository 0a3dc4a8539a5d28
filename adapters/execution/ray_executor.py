"""Runs training tasks on a Ray cluster."""

import itertools
import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import ray

from adapters.execution.ray_connection import ClusterUnavailable, connect
from adapters.execution.ray_mailbox import Begun, Mailbox
from adapters.execution.ray_worker import train
from domain.errors import WorkerDied
from domain.ports import TrainingTask
from domain.reports import Ended, Failed, Logged, Report

MOST_RETRIES = 3  # by Ray itself, in a row without the server's knowledge; then the queue decides
STOP_GRACE_SECONDS = 1.5
FETCH_SECONDS = 0.5
RECONNECT_SECONDS = 5.0
CONNECT_SECONDS, CLOSE_SECONDS = 30.0, 5.0
LAG_SECONDS = 0.5  # until the cluster has counted what a worker has begun
UNRESPONSIVE = "worker-unresponsive"

Listener = Callable[[Report], None]
logger = logging.getLogger("grpo.executor")


@dataclass(eq=False)
class _Running:
    """A task that was given to Ray. `begun_at`: when its worker said so, by the monotonic clock."""

    job_id: str
    listener: Listener
    result: Any
    begun_at: float | None = None
    deadline: threading.Timer | None = None


class RayExecutor:
    """JobExecutor on a cluster, whose free CPUs are its capacity. Thread-safe.

    Each task is a Ray task of one CPU. Ray chooses the node, and begins it again on another where that one dies; it goes on
    from the newest checkpoint, which a mailbox beside this process has. One thread fetches reports and results and calls the
    listeners; nobody who starts, stops or kills a task waits for the cluster.
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
        self._address, self._cpus, self._most = address, cpus, most
        self._initialize, self._variables = initialize, variables or {}
        self._running: dict[str, _Running] = {}
        self._lock = threading.RLock()
        self._numbers = itertools.count(1)
        self._closed, self._lost = False, False
        self._total, self._free, self._read_at = 0.0, 0.0, 0.0
        # Ray is used from other threads only while the one that has joined the cluster is there.
        self._thread = threading.Thread(target=self._run, name="ray", daemon=True)
        self._joined: queue.SimpleQueue[ClusterUnavailable | None] = queue.SimpleQueue()
        self._thread.start()
        try:
            failure = self._joined.get(timeout=CONNECT_SECONDS)
        except queue.Empty:
            failure = ClusterUnavailable(f"The Ray cluster at {address} does not answer as a Ray cluster does.")
        if failure is not None:
            raise failure

    @property
    def capacity(self) -> int:
        """The tasks that run, and those for which the cluster has a free CPU."""
        with self._lock:
            uncounted = sum(not self._counted(running) for running in self._running.values())
            free = 0 if self._lost else max(0, int(self._free) - uncounted)
            most = self._most or len(self._running) + free
            return min(most, len(self._running) + free)

    @property
    def waiting_reason(self) -> str:
        with self._lock:
            if self._lost:
                return f"The Ray cluster{f' at {self._address}' if self._address else ''} does not answer."
            if self._most and len(self._running) >= self._most:
                return f"All {self._most} jobs that this server may run at once are running."
            if not self._total:
                return "The Ray cluster has no CPU."
            if self.capacity <= len(self._running):
                used = max(self._total - self._free, len(self._running))
                return f"The Ray cluster has no free CPU: {used:g} of {self._total:g} are in use."
            return ""

    @property
    def alive(self) -> bool:
        return not self._closed and not self._lost

    def start(self, task: TrainingTask, listener: Listener) -> None:
        """Give the task to Ray. Raises RuntimeError where the cluster is lost."""
        with self._lock:
            if self._closed:
                return
            if self._lost:
                raise RuntimeError(self.waiting_reason)
            key = f"{task.job.id} {next(self._numbers)}"
            result = self._train.remote(key, task, self._mailbox, self._initialize)
            self._running[key] = _Running(task.job.id, listener, result)

    def stop(self, job_id: str) -> None:
        """Ask the job's worker to end it; give it up when it has not within 1.5 s."""
        with self._lock:
            key, running = self._find(job_id)
            if running is None or running.deadline is not None:
                return
            running.deadline = threading.Timer(STOP_GRACE_SECONDS, self._give_up, (key,))
            running.deadline.daemon = True
            running.deadline.start()
            self._mailbox.stop.remote(key)

    def kill(self, job_id: str) -> None:
        """Give the job's worker up now; its report comes from another thread."""
        with self._lock:
            key, running = self._find(job_id)
        if running is not None:
            threading.Thread(target=self._give_up, args=(key,), name="kill", daemon=True).start()

    def close(self) -> None:
        """End all tasks and leave the cluster. What they have not reported is in their last checkpoint."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            running, self._running = [*self._running.values()], {}
        for each in running:
            self._free_from_deadline(each)
            _cancel(each.result)
        self._thread.join(CLOSE_SECONDS)

    def _counted(self, running: _Running) -> bool:
        """Whether the cluster knew of the task when it said what is free."""
        return running.begun_at is not None and running.begun_at <= self._read_at - LAG_SECONDS

    def _find(self, job_id: str) -> tuple[str, _Running | None]:
        found = ((key, running) for key, running in self._running.items() if running.job_id == job_id)
        return next(found, ("", None))

    def _give_up(self, key: str) -> None:
        running = self._take(key)
        if running is not None:
            _cancel(running.result)
            message = "The worker on the Ray cluster did not answer and was given up."
            self._tell(running, Failed(running.job_id, UNRESPONSIVE, message, lost=True))

    def _connect(self) -> None:
        connect(self._address, self._cpus, self._variables)
        here = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(
            ray.get_runtime_context().get_node_id(), soft=False
        )
        self._mailbox: Any = ray.remote(Mailbox).options(num_cpus=0, scheduling_strategy=here, max_concurrency=10_000).remote()
        self._train: Any = ray.remote(train).options(num_cpus=1, max_retries=MOST_RETRIES)
        self._lost = False

    def _run(self) -> None:
        try:
            self._connect()
            self._look()
        except ClusterUnavailable as error:
            self._joined.put(error)
            return
        self._joined.put(None)
        self._attend()
        _ignoring_the_cluster(lambda: ray.kill(self._mailbox))
        _ignoring_the_cluster(ray.shutdown)

    def _attend(self) -> None:
        fetch: Any = None
        while not self._closed:
            try:
                if self._lost:
                    self._connect()
                self._look()
                fetch = fetch or self._mailbox.fetch.remote(FETCH_SECONDS)
                fetch = self._hear(fetch)
            except ClusterUnavailable as error:
                logger.warning("%s", error)
                time.sleep(RECONNECT_SECONDS)
            except Exception:
                if not self._closed:
                    logger.exception("the Ray cluster is lost")
                    fetch = None
                    self._lose_everything()

    def _hear(self, fetch: Any) -> Any:
        """Wait a moment for reports and results; the request for reports, None where it was answered."""
        with self._lock:
            results = {running.result: key for key, running in self._running.items()}
        ready, _ = ray.wait([fetch, *results], timeout=FETCH_SECONDS)
        if fetch in ready:
            self._pass_on(ray.get(fetch))
            fetch = None
        for result in ready:
            if result in results:
                # Whatever the worker has reported before is in the mailbox, or on its way here already.
                self._pass_on(ray.get(fetch) if fetch else ())
                self._pass_on(ray.get(self._mailbox.fetch.remote(0)))
                self._end(results[result], result)
                fetch = None
        return fetch

    def _pass_on(self, reports: Any) -> None:
        for key, report in reports:
            with self._lock:
                running = self._running.get(key)
            if running is None:
                continue
            if not isinstance(report, Begun):
                self._tell(running, report)
                continue
            running.begun_at = time.monotonic()
            if report.tries > 1:
                message = f"The worker was lost (try {report.tries}); another one goes on from step {report.timesteps}."
                self._tell(running, Logged(running.job_id, "warning", message))

    def _end(self, key: str, result: Any) -> None:
        running = self._take(key)
        if running is None:
            return
        report: Ended | Failed
        try:
            report = ray.get(result)
        except Exception as error:  # noqa: BLE001 - of Ray, or whatever came out of the worker
            reason = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
            message = f"The worker on the Ray cluster ended unexpectedly ({reason})."
            report = Failed(running.job_id, WorkerDied.code, message, lost=True)
        with self._lock:
            if self._counted(running):  # what is told now may begin the next one
                self._free = min(self._total, self._free + 1)
        self._tell(running, report)

    def _take(self, key: str) -> _Running | None:
        """Whoever takes a task reports its end."""
        with self._lock:
            running = self._running.pop(key, None)
        if running is not None:
            self._free_from_deadline(running)
            _ignoring_the_cluster(lambda: self._mailbox.forget.remote(key))
        return running

    def _lose_everything(self) -> None:
        """The tasks wait again in the queue, and go on from their stored checkpoints."""
        with self._lock:
            self._lost = True
            keys = [*self._running]
        _ignoring_the_cluster(ray.shutdown)
        for key in keys:
            running = self._take(key)
            if running is not None:
                self._tell(running, Failed(running.job_id, WorkerDied.code, "The Ray cluster was lost.", lost=True))

    def _look(self) -> None:
        """See what is free."""
        now = time.monotonic()
        if now - self._read_at < FETCH_SECONDS:
            return
        total = ray.cluster_resources().get("CPU", 0.0)  # type: ignore[no-untyped-call]
        free = ray.available_resources().get("CPU", 0.0)  # type: ignore[no-untyped-call]
        with self._lock:
            self._total, self._free, self._read_at = total, free, now

    def _free_from_deadline(self, running: _Running) -> None:
        if running.deadline is not None:
            running.deadline.cancel()

    def _tell(self, running: _Running, report: Report) -> None:
        """A listener that raises must not end the thread that all report through."""
        try:
            running.listener(report)
        except Exception:
            logger.exception("a report of job %s could not be written down", report.job_id, extra={"job_id": report.job_id})


def _cancel(result: Any) -> None:
    _ignoring_the_cluster(lambda: ray.cancel(result, force=True))


def _ignoring_the_cluster(act: Callable[[], object]) -> None:
    """Where the cluster is lost, there is nothing left to be done."""
    try:
        act()
    except Exception as error:  # noqa: BLE001 - Ray has no common base for them
        logger.debug("the cluster did not do what it was asked: %s", error)
