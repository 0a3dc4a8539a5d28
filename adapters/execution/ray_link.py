"""The server's end of its driver: the process that joins a Ray cluster."""

import multiprocessing
import queue
import threading
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from adapters.execution.ray_messages import Command, Leave
from adapters.execution.spawning import without_interrupts

LEAVE_SECONDS = 4.0


class DriverLink:
    """A process that joins the cluster, the pipe of its news, and the commands that a thread sends it.

    `refusal`: what it said where it could not.
    """

    def __init__(self, arguments: tuple[object, ...]) -> None:
        context = multiprocessing.get_context("spawn")
        self.refusal = ""
        self.pipe, theirs = context.Pipe()
        self.commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self.process: SpawnProcess = context.Process(
            target=_drive, args=(theirs, *arguments), name="grpo-ray-driver", daemon=True
        )
        try:
            with without_interrupts():
                self.process.start()
        finally:
            theirs.close()
        threading.Thread(target=self._send, name="ray-commands", daemon=True).start()

    def end(self) -> None:
        """Let it leave the cluster; end it when it has not within some seconds. Idempotent."""
        self.commands.put(Leave())
        self.process.join(LEAVE_SECONDS)
        self.process.kill()

    def _send(self) -> None:
        """A driver that is frozen in the middle of a message holds up this thread alone."""
        try:
            while not isinstance(command := self.commands.get(), Leave):
                self.pipe.send(command)
            self.pipe.send(command)
        except OSError:  # it has ended
            pass


def _drive(pipe: Connection, *arguments: object) -> None:
    """Runs in the driver: Ray is imported there alone."""
    from adapters.execution.ray_driver import drive  # noqa: PLC0415

    drive(pipe, *arguments)  # type: ignore[arg-type]
