"""What has to be done now and then, whether or not a request or a report comes."""

import logging
import threading
from collections.abc import Callable

logger = logging.getLogger("grpo.housekeeping")


class Housekeeping:
    """Calls a function every so many seconds in a thread of its own, between `start` and `close`."""

    def __init__(self, work: Callable[[], None], period_seconds: float = 1.0) -> None:
        self._work, self._period_seconds = work, period_seconds
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)

    def start(self) -> None:
        """Once."""
        self._thread.start()

    def close(self) -> None:
        """Returns when no call is under way any more. Idempotent."""
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._closed.wait(self._period_seconds):
            try:
                self._work()
            except Exception:
                logger.exception("housekeeping goes on after an error")
