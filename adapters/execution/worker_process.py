"""What runs in a worker process: receives tasks over a pipe, sends reports back, listens for stop."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from pathlib import Path

from application.worker import run_training
from domain.ports import TrainingTask

NICENESS = 10
OOM_SCORE = "500"


def serve(pipe: Connection, stops: Connection, initialize: Callable[[], object] | None = None) -> None:
    """Train one numbered task after another until a pipe closes; a number that comes over `stops` ends that task."""
    # An interrupt in a terminal reaches the whole process group, and a service manager ends a whole control group; the
    # server decides what becomes of its workers, and they end when it does.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # Whoever asks for a prediction waits; training does not.
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    # Where memory runs out the kernel should end a worker, whose job goes on, and not the server.
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(OOM_SCORE, encoding="ascii")
    if initialize is not None:
        initialize()
    inbox = _Inbox(pipe, stops)
    while True:
        task = inbox.next_task()
        run_training(task, pipe.send, inbox.stop_requested)


class _Inbox:
    """Reads the pipes in a thread of its own, so that training asks a number and not the operating system."""

    def __init__(self, tasks: Connection, stops: Connection) -> None:
        self._tasks, self._stops = tasks, stops
        self._task: TrainingTask | None = None
        self._number = self._stopped = 0
        self._has_task = threading.Event()
        threading.Thread(target=self._read, name="inbox", daemon=True).start()

    def next_task(self) -> TrainingTask:
        """Wait for a task."""
        self._has_task.wait()
        self._has_task.clear()
        if self._task is None:
            raise RuntimeError("the inbox woke without a task")
        return self._task

    def stop_requested(self) -> bool:
        """The task at hand is to end. A stop may be here before its task."""
        return self._stopped >= self._number

    def _read(self) -> None:
        try:
            while True:
                ready = wait([self._tasks, self._stops])
                if self._stops in ready:
                    self._stopped = self._stops.recv()
                if self._tasks in ready:
                    self._number, self._task = self._tasks.recv()
                    self._has_task.set()
        except (EOFError, OSError):
            # The server is gone: nobody hears the rest of this job, and its last checkpoint is stored.
            sys.stdout.flush()
            os._exit(0)
