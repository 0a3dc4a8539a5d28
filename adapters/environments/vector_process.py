"""What runs in a process of ProcessVector: a GymnasiumVector whose methods are called over a pipe."""

import os
import signal
import threading
from multiprocessing.connection import Connection

import gymnasium

from adapters.environments.gymnasium_vector import GymnasiumVector
from domain.errors import EnvironmentFailed

LONGEST_MESSAGE = 500


def serve(handle: int) -> None:
    """Answer each call (method, arguments) with (refusal, failure, value) until `close` or the end of the pipe.

    The first message is the registration of the environment, the first call is `start`, with GymnasiumVector's arguments.
    """
    # An interrupt in a terminal reaches the whole process group, and a service manager ends a whole control group;
    # whoever owns the vector decides what becomes of it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_owner, name="lifeline", daemon=True).start()
    vector: GymnasiumVector | None = None
    with Connection(handle) as pipe:
        unpacked = _register(pipe)
        method = ""
        while method != "close":
            try:
                method, arguments = pipe.recv()
            except EOFError:
                return
            refused, failed, value = None, unpacked, None
            try:
                if failed is None and vector is None:
                    vector = GymnasiumVector(*arguments)
                elif failed is None:
                    value = getattr(vector, method)(*arguments)
            except EnvironmentFailed as error:
                failed = str(error)
            except ValueError as error:
                refused = str(error)
            pipe.send((refused, failed, value))


def _register(pipe: Connection) -> str | None:
    """Register the environment here as it is registered there; the failure, if that is one."""
    try:
        registered = pipe.recv().fn
    except Exception as error:  # noqa: BLE001 (it imports the environment's module, which may do anything)
        return f"An environment is unknown to another process: {type(error).__name__}: {error}"[:LONGEST_MESSAGE]
    gymnasium.registry[registered.id] = registered
    return None


def _end_with_the_owner() -> None:
    """Standard input ends when the owner closes it or dies, even while an environment hangs."""
    while os.read(0, 1):
        pass
    os._exit(0)
