"""How the server ends: jobs first, then requests, all within five seconds."""

import signal
import threading
from collections.abc import Callable
from types import FrameType

import uvicorn

FINISH_SECONDS = 1  # for requests under way, when the jobs have come to a checkpoint


class DrainingServer(uvicorn.Server):
    """At the first signal jobs come to a checkpoint while requests are still answered; at the second it does not wait for them.

    The process then ends with exit code 0.
    """

    def __init__(self, config: uvicorn.Config, drain: Callable[[], None]) -> None:
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
        # A handler may interrupt the holder of any lock: what takes locks is done in a thread.
        threading.Thread(target=self._drain_and_exit, name="drain", daemon=True).start()

    def _drain_and_exit(self) -> None:
        try:
            self._drain()
        finally:
            self.should_exit = True
