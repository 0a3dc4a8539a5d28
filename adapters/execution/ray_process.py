"""What every process of ours on a Ray cluster does first."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from adapters.execution.worker_process import NICENESS, OOM_SCORE

_prepared = False


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
