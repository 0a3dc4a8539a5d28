"""Runs training tasks in a pool of worker processes."""

import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from adapters.execution.worker_process import serve
from domain.ports import Ended, Failed, Report, TrainingTask

STOP_GRACE_SECONDS = 1.5
CLOSE_GRACE_SECONDS = 1.0

logger = logging.getLogger("grpo.executor")


@dataclass
class _Worker:
    """A process and its pipe; `listener` is set while it has a job."""

    process: SpawnProcess
    pipe: Connection
    job_id: str = ""
    listener: Callable[[Report], None] | None = None
    kill_at: float | None = field(default=None)


class ProcessExecutor:
    """JobExecutor over `capacity` processes, started when first needed and used again. Thread-safe.

    One thread receives all reports and calls the listeners. A process that dies is reported as Failed with code
    `worker-died`; one that does not obey a stop, or is to be killed, is killed and reported as `worker-unresponsive`.
    """

    def __init__(self, capacity: int, initialize: Callable[[], object] | None = None) -> None:
        """`initialize`: what each process does first, for instance where its log goes. Picklable."""
        self._capacity, self._initialize = capacity, initialize
        self._context = multiprocessing.get_context("spawn")
        self._workers: list[_Worker] = []
        self._lock = threading.RLock()
        self._wake_receiver, self._wake_sender = self._context.Pipe(duplex=False)
        self._closed = False
        self._thread = threading.Thread(target=self._monitor, name="executor", daemon=True)
        self._thread.start()

    @property
    def capacity(self) -> int:
        """The number of processes."""
        return self._capacity

    @property
    def alive(self) -> bool:
        return not self._closed and self._thread.is_alive()

    def start(self, task: TrainingTask, listener: Callable[[Report], None]) -> None:
        """Give the task to an idle process, or to a new one. Raises RuntimeError when all are busy."""
        with self._lock:
            if self._closed:
                return
            alive = [worker for worker in self._workers if worker.process.is_alive()]
            worker = next((worker for worker in alive if worker.listener is None), None)
            if worker is None:
                if len(alive) >= self._capacity:
                    raise RuntimeError(f"all {self._capacity} workers are busy")
                worker = self._spawn()
            worker.job_id, worker.listener = task.job.id, listener
            try:
                worker.pipe.send(task)
            except OSError:
                # It died while it idled; the monitor sees that and reports it.
                logger.warning("the worker for job %s was gone", task.job.id, extra={"job_id": task.job.id})
            self._wake()

    def stop(self, job_id: str) -> None:
        """Ask the job's process to end it; kill the process when it has not within 1.5 s."""
        with self._lock:
            worker = self._worker_of(job_id)
            if worker is None:
                return
            worker.kill_at = time.monotonic() + STOP_GRACE_SECONDS
            try:
                worker.pipe.send(job_id)
            except OSError:
                logger.warning("the worker for job %s was gone", job_id, extra={"job_id": job_id})
            self._wake()

    def kill(self, job_id: str) -> None:
        """Kill the job's process now."""
        with self._lock:
            worker = self._worker_of(job_id)
            if worker is not None:
                worker.kill_at = time.monotonic()
                self._wake()

    def close(self) -> None:
        """End all processes."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._wake()
        if threading.current_thread() is not self._thread:
            self._thread.join()
        for worker in self._workers:
            worker.pipe.close()  # which a worker takes as the end
        for worker in self._workers:
            worker.process.join(CLOSE_GRACE_SECONDS)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            worker.process.close()
        self._wake_sender.close()
        self._wake_receiver.close()

    def _worker_of(self, job_id: str) -> _Worker | None:
        return next((worker for worker in self._workers if worker.listener and worker.job_id == job_id), None)

    def _spawn(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=serve, args=(theirs, self._initialize), name="grpo-worker", daemon=True)
        process.start()
        theirs.close()
        worker = _Worker(process, ours)
        self._workers.append(worker)
        return worker

    def _wake(self) -> None:
        self._wake_sender.send(None)

    def _monitor(self) -> None:
        while True:
            with self._lock:
                if self._closed:
                    return
                workers = {worker.pipe: worker for worker in self._workers}
                deadlines = [worker.kill_at for worker in self._workers if worker.kill_at is not None]
            timeout = max(0.0, min(deadlines) - time.monotonic()) if deadlines else None
            for ready in wait([self._wake_receiver, *workers], timeout):
                if ready is self._wake_receiver:
                    self._wake_receiver.recv()
                elif isinstance(ready, Connection):
                    self._receive(workers[ready])
            self._kill_unresponsive()

    def _receive(self, worker: _Worker) -> None:
        try:
            report: Report = worker.pipe.recv()
        except (EOFError, OSError):
            self._bury(worker, "worker-died", "The worker process ended unexpectedly ({how}).")
            return
        with self._lock:
            listener = worker.listener
            if isinstance(report, Ended | Failed):
                worker.listener = worker.kill_at = None
        if listener is not None:
            self._tell(listener, report)

    def _kill_unresponsive(self) -> None:
        now = time.monotonic()
        with self._lock:
            late = [worker for worker in self._workers if worker.kill_at is not None and worker.kill_at <= now]
        for worker in late:
            worker.process.kill()
            self._bury(worker, "worker-unresponsive", "The worker did not answer and was killed ({how}).")

    def _bury(self, worker: _Worker, code: str, message: str) -> None:
        worker.process.join()
        exit_code = worker.process.exitcode or 0
        how = f"exit code {exit_code}"
        if exit_code < 0:
            how = f"signal {signal.Signals(-exit_code).name}"
        if how == "signal SIGKILL" and code == "worker-died":
            how += ", which the kernel sends where memory runs out"
        with self._lock:
            self._workers.remove(worker)
            listener, worker.listener = worker.listener, None
        worker.pipe.close()
        worker.process.close()
        if listener is not None:
            self._tell(listener, Failed(worker.job_id, code, message.format(how=how), lost=True))

    def _tell(self, listener: Callable[[Report], None], report: Report) -> None:
        """A listener that raises must not end the thread that all jobs report through."""
        try:
            listener(report)
        except Exception:
            logger.exception("a report of job %s could not be written down", report.job_id, extra={"job_id": report.job_id})


def default_capacity() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
