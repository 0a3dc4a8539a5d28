"""How the server ends: jobs first, then requests, all within five seconds."""

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType

import uvicorn

DRAIN_SECONDS = 2.2  # for the jobs
FINISH_SECONDS = 2  # for requests under way, when the jobs have come to a checkpoint
LAST_SECONDS = 4.8  # whatever hangs then goes on at the next start, as after any other death
HARD_EXIT_CODE = 1


class DrainingServer(uvicorn.Server):
    """At the first signal jobs come to a checkpoint while requests are still answered; at the second it does not wait for them.

    The process then ends with exit code 0; with 1 where something did not end in time.
    """

    def __init__(self, config: uvicorn.Config, drain: Callable[[float], None]) -> None:
        super().__init__(config)
        self._drain = drain
        self._draining = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 (as its base has it)
        """The handler of SIGINT and SIGTERM."""
        if self._draining:
            self.force_exit = sig == signal.SIGINT
            self.should_exit = True
            return
        self._draining = True
        # A handler may interrupt the holder of any lock: what takes locks is done in threads, and none is waited for in vain.
        workers = [
            threading.Thread(target=self._drain_and_exit),
            threading.Timer(DRAIN_SECONDS + 0.2, self._stop_serving),
            threading.Timer(LAST_SECONDS, os._exit, (HARD_EXIT_CODE,)),
        ]
        for thread in workers:
            thread.daemon = True
            thread.start()

    def _drain_and_exit(self) -> None:
        try:
            self._drain(DRAIN_SECONDS)
        finally:
            self._stop_serving()

    def _stop_serving(self) -> None:
        self.should_exit = True
