"""What runs in a worker process: receives tasks over a pipe, sends reports back, listens for stop."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

from application.worker import run_training
from domain.ports import TrainingTask

NICENESS = 10
OOM_SCORE = "500"


def serve(pipe: Connection, initialize: Callable[[], object] | None = None) -> None:
    """Train one task after another until the pipe closes: a TrainingTask begins one, the id of its job stops it."""
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
    inbox = _Inbox(pipe)
    while True:
        task = inbox.next_task()
        run_training(task, pipe.send, inbox.stop_requested)


class _Inbox:
    """Reads the pipe in a thread of its own, so that training asks a flag and not the operating system."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._task: TrainingTask | None = None
        self._has_task = threading.Event()
        self._stop = threading.Event()
        self.stop_requested = self._stop.is_set
        threading.Thread(target=self._read, name="inbox", daemon=True).start()

    def next_task(self) -> TrainingTask:
        """Wait for a task."""
        self._has_task.wait()
        self._has_task.clear()
        if self._task is None:
            raise RuntimeError("the inbox woke without a task")
        return self._task

    def _read(self) -> None:
        while True:
            try:
                message = self._pipe.recv()
            except (EOFError, OSError):
                # The server is gone: nobody hears the rest of this job, and its last checkpoint is stored.
                sys.stdout.flush()
                os._exit(0)
            if isinstance(message, TrainingTask):
                self._stop.clear()
                self._task = message
                self._has_task.set()
            elif self._task is not None and message == self._task.job.id:
                self._stop.set()
