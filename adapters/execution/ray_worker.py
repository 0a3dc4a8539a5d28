"""What runs in a worker of a Ray cluster: one training task."""

import contextlib
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import ray

from adapters.execution.worker_process import NICENESS, OOM_SCORE
from application.worker import run_training
from domain.ports import TrainingTask
from domain.reports import Ended, Failed, Report

_prepared = False


def train(key: str, task: TrainingTask, mailbox: Any, initialize: Callable[[], object] | None) -> Ended | Failed:
    """Train to the end and return the last report; the others go to the mailbox.

    Where Ray calls this again, since the node of the first call was lost, it goes on from the newest checkpoint.
    """
    _prepare(initialize)
    first = task.checkpoint
    tries, newer = ray.get(mailbox.begin.remote(key, first.timesteps if first else 0))
    last: list[Ended | Failed] = []
    stopped = threading.Event()

    def wait_for_stop() -> None:
        with contextlib.suppress(ray.exceptions.RayError):  # whoever could stop it is gone
            ray.get(mailbox.wait_for_stop.remote(key))
        stopped.set()

    def report(report: Report) -> None:
        if isinstance(report, Ended | Failed):
            last.append(report)
        else:
            ray.get(mailbox.report.remote(key, tries, report))

    threading.Thread(target=wait_for_stop, name="stop", daemon=True).start()
    run_training(replace(task, checkpoint=newer or first), report, stopped.is_set)
    return last[0]


def _prepare(initialize: Callable[[], object] | None) -> None:
    """Once in each process: give way to those that answer requests, as a worker process of a server does."""
    global _prepared  # noqa: PLW0603 - the state of this process
    if _prepared:
        return
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(OOM_SCORE, encoding="ascii")
    if initialize is not None:
        initialize()
    _prepared = True
