"""What runs in a worker of a Ray cluster: one training task."""

import contextlib
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import ray

from adapters.execution.ray_process import got, prepare
from adapters.execution.ray_samplers import RaySamplers
from application.worker import run_training
from domain.ports import TrainingTask
from domain.reports import Ended, Failed, Report
from domain.samplers import SamplersHere


def train(key: str, task: TrainingTask, mailbox: Any, initialize: Callable[[], object] | None) -> Ended | Failed:
    """Train to the end and return the last report; the others go to the mailbox.

    Where Ray calls this again, since the node of the first call was lost, it goes on from the newest checkpoint.
    """
    prepare(initialize)
    first = task.checkpoint
    tries, newer = got(mailbox.begin.remote(key, first.timesteps if first else 0))
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
            got(mailbox.report.remote(key, tries, report))

    threading.Thread(target=wait_for_stop, name="stop", daemon=True).start()
    make_samplers = partial(RaySamplers, initialize) if task.job.config.num_workers > 1 else SamplersHere
    run_training(replace(task, checkpoint=newer or first), report, stopped.is_set, make_samplers)
    return last[0]
