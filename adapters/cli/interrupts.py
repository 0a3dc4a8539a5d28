"""Ctrl-C while a job or a sweep is begun and followed."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from adapters.cli.output import note


class Interrupts:
    """Counts Ctrl-C. The first one is kept until there is something that can be stopped; the second leaves at once."""

    def __init__(self) -> None:
        self.count = 0
        self.interrupts = False  # whether the first one raises KeyboardInterrupt

    def handle(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - as the module signal calls it
        """Raises KeyboardInterrupt."""
        self.count += 1
        if self.interrupts or self.count > 1:
            raise KeyboardInterrupt
        note("stopping as soon as it has begun (Ctrl-C again leaves at once)")


@contextmanager
def interrupts() -> Iterator[Interrupts]:
    """Ctrl-C is counted until the block is left. For the main thread."""
    counted = Interrupts()
    before = signal.signal(signal.SIGINT, counted.handle)
    try:
        yield counted
    finally:
        signal.signal(signal.SIGINT, before)
