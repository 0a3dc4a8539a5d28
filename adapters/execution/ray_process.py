"""What every process of ours on a Ray cluster does first, and how it waits."""

import contextlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import ray

from adapters.execution.worker_process import NICENESS, OOM_SCORE

T = TypeVar("T")

_prepared = False
_beside = ThreadPoolExecutor(1, thread_name_prefix="ray")


def prepare(initialize: Callable[[], object] | None) -> None:
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


def got(reference: Any) -> Any:
    """The value of a reference. Raises what `ray.get` does."""
    return beside(lambda: ray.get(reference))


def beside(wait: Callable[[], T]) -> T:
    """Wait for the cluster in another thread: while the one of a task waits, Ray lends its CPU to further tasks."""
    return _beside.submit(wait).result()
