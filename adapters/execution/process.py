"""Runs training tasks in a pool of worker processes."""

import logging
import multiprocessing
import os
import queue
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from adapters.execution.spawning import without_interrupts
from adapters.execution.worker_process import serve
from domain.errors import WorkerDied
from domain.ports import TrainingTask
from domain.reports import Ended, Failed, Report

STOP_GRACE_SECONDS = 1.5
CLOSE_GRACE_SECONDS = 1.0
IDLE_LOOK_SECONDS = 1.0
UNRESPONSIVE = "worker-unresponsive"

Listener = Callable[[Report], None]
logger = logging.getLogger("grpo.executor")


@dataclass(eq=False)
class _Worker:
    """A process, the pipe of its tasks and reports, and one for stops. `listener` is set while it has a job.

    Tasks are numbered, since a job that was stopped and resumed may come to the same process again.
    """

    process: SpawnProcess
    pipe: Connection
    control: Connection
    tasks: "queue.SimpleQueue[tuple[int, TrainingTask]]" = field(default_factory=queue.SimpleQueue)
    number: int = 0
    job_id: str = ""
    listener: Listener | None = None
    deadline: threading.Timer | None = None
    unresponsive: bool = False

    def kill(self) -> None:
        """End the process because it does not answer; its thread sees the end of the pipe."""
        self.unresponsive = True
        self.process.kill()


class ProcessExecutor:
    """JobExecutor over `capacity` processes, started when first needed and used again. Thread-safe.

    Each process has a thread that sends its tasks, receives its reports and calls the listener: one that is frozen in the
    middle of a message holds up nobody else, and no caller waits for a pipe. A process that dies is reported as Failed
    with code `worker-died`; one that does not obey a stop, or is to be killed, as `worker-unresponsive`.
    """

    def __init__(self, capacity: int, initialize: Callable[[], object] | None = None) -> None:
        """`initialize`, picklable: what each process does first."""
        self._capacity, self._initialize = capacity, initialize
        self._context = multiprocessing.get_context("spawn")
        self._workers: dict[_Worker, threading.Thread] = {}
        self._lock = threading.RLock()
        self._closed = False

    @property
    def capacity(self) -> int:
        """The number of processes."""
        return self._capacity

    @property
    def waiting_reason(self) -> str:
        with self._lock:
            busy = sum(worker.listener is not None for worker in self._workers)
        if busy < self._capacity:
            return ""
        return "The only worker is busy." if self._capacity == 1 else f"All {self._capacity} workers are busy."

    @property
    def alive(self) -> bool:
        return not self._closed

    def start(self, task: TrainingTask, listener: Listener) -> None:
        """Give the task to an idle process, or to a new one. Raises RuntimeError when all are busy, OSError for no process."""
        with self._lock:
            if self._closed:
                return
            idle = (worker for worker in self._workers if worker.listener is None and worker.process.is_alive())
            worker = next(idle, None)
            if worker is None:
                if sum(worker.listener is not None for worker in self._workers) >= self._capacity:
                    raise RuntimeError(f"all {self._capacity} workers are busy")
                worker = self._spawn()
            worker.job_id, worker.listener, worker.number = task.job.id, listener, worker.number + 1
            worker.tasks.put((worker.number, task))

    def stop(self, job_id: str) -> None:
        """Ask the job's process to end it; kill the process when it has not within 1.5 s."""
        with self._lock:
            worker = self._worker_of(job_id)
            if worker is None or worker.deadline is not None:
                return
            worker.deadline = threading.Timer(STOP_GRACE_SECONDS, self._kill_if_still, (worker, worker.number))
            worker.deadline.daemon = True
            worker.deadline.start()
            try:
                worker.control.send(worker.number)
            except OSError:
                logger.warning("the worker for job %s was gone", job_id, extra={"job_id": job_id})

    def kill(self, job_id: str) -> None:
        """Kill the job's process now."""
        with self._lock:
            worker = self._worker_of(job_id)
            if worker is not None:
                worker.kill()

    def close(self) -> None:
        """End all processes. What they have not reported is in their last checkpoint."""
        with self._lock:
            self._closed = True
            workers = [*self._workers.items()]
            for worker, _ in workers:
                worker.listener = None
                worker.process.kill()
        for _, thread in workers:
            if thread is not threading.current_thread():
                thread.join(CLOSE_GRACE_SECONDS)

    def _worker_of(self, job_id: str) -> _Worker | None:
        return next((worker for worker in self._workers if worker.listener and worker.job_id == job_id), None)

    def _kill_if_still(self, worker: _Worker, number: int) -> None:
        with self._lock:
            if worker.listener is not None and worker.number == number:
                worker.kill()

    def _spawn(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        control_theirs, control_ours = self._context.Pipe(duplex=False)
        arguments = (theirs, control_theirs, self._initialize)
        process = self._context.Process(target=serve, args=arguments, name="grpo-worker", daemon=True)
        try:
            with without_interrupts():
                process.start()
        except BaseException:
            ours.close()
            control_ours.close()
            raise
        finally:
            theirs.close()
            control_theirs.close()
        worker = _Worker(process, ours, control_ours)
        thread = threading.Thread(target=self._attend, args=(worker,), name="worker", daemon=True)
        self._workers[worker] = thread
        thread.start()
        return worker

    def _attend(self, worker: _Worker) -> None:
        """One task after another, until the process ends, however that comes about."""
        try:
            while True:
                worker.pipe.send(self._next_task(worker))
                while not self._pass_on(worker, worker.pipe.recv()):
                    pass
        except (EOFError, OSError):
            pass
        except Exception:
            logger.exception("a worker said what nobody understands, and is ended")
        self._bury(worker)

    def _next_task(self, worker: _Worker) -> tuple[int, TrainingTask]:
        """Raises EOFError when the process has ended while it had nothing to do."""
        while True:
            try:
                return worker.tasks.get(timeout=IDLE_LOOK_SECONDS)
            except queue.Empty:
                if not worker.process.is_alive():
                    raise EOFError from None

    def _pass_on(self, worker: _Worker, report: Report) -> bool:
        """Tell the listener; whether the task is over."""
        final = isinstance(report, Ended | Failed)
        with self._lock:
            listener = worker.listener
            if final:
                self._free(worker)
        if listener is not None:
            self._tell(listener, report)
        return final

    def _free(self, worker: _Worker) -> None:
        worker.listener = None
        if worker.deadline is not None:
            worker.deadline.cancel()
            worker.deadline = None

    def _bury(self, worker: _Worker) -> None:
        """The process has ended, or will: its task, if it had one, is lost."""
        worker.process.kill()
        worker.process.join()
        how = _how_it_ended(worker.process.exitcode or 0)
        with self._lock:
            del self._workers[worker]
            listener = worker.listener
            self._free(worker)
        worker.pipe.close()
        worker.control.close()
        worker.process.close()
        if listener is None:
            return
        if worker.unresponsive:
            report = Failed(worker.job_id, UNRESPONSIVE, f"The worker did not answer and was killed ({how}).", lost=True)
        else:
            hint = ", which the kernel sends where memory runs out" if how == "signal SIGKILL" else ""
            message = f"The worker process ended unexpectedly ({how}{hint})."
            report = Failed(worker.job_id, WorkerDied.code, message, lost=True)
        self._tell(listener, report)

    def _tell(self, listener: Listener, report: Report) -> None:
        """A listener that raises must not end the thread that the process reports through."""
        try:
            listener(report)
        except Exception:
            logger.exception("a report of job %s could not be written down", report.job_id, extra={"job_id": report.job_id})


def default_capacity() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _how_it_ended(exit_code: int) -> str:
    if exit_code >= 0:
        return f"exit code {exit_code}"
    try:
        return f"signal {signal.Signals(-exit_code).name}"
    except ValueError:  # a real-time signal has no name
        return f"signal {-exit_code}"
