"""How processes of ours are begun."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker


@contextmanager
def without_interrupts() -> Iterator[None]:
    """A process that is begun here is deaf to Ctrl-C from its first moment, and not only once it has said so itself.

    Python would end it in the middle of its imports, with a traceback in the terminal.
    """
    if sys.platform == "win32":
        yield
        return
    resource_tracker.ensure_running()  # which would lift the block when it is begun by the process
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
