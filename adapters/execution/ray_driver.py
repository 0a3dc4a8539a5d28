"""The process beside a server that has joined a Ray cluster.

Ray's core ends a process whose cluster is lost or begun anew: here that is this process, and not the server.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from typing import Any

import ray

from adapters.execution.ray_connection import connect
from adapters.execution.ray_mailbox import Mailbox
from adapters.execution.ray_messages import ClusterUnavailable, Forget, Leave, Over, Refused, Seen, Start, Stop, Told
from adapters.execution.ray_worker import train
from domain.reports import Ended, Failed

MOST_RETRIES = 3  # by Ray itself, in a row without the server's knowledge; then the queue decides
FETCH_SECONDS = 0.5
LEAVE_SECONDS = 3.0

logger = logging.getLogger("grpo.executor")


def drive(
    pipe: Connection, address: str, cpus: int, initialize: Callable[[], object] | None, variables: Mapping[str, str]
) -> None:
    """Join the cluster and obey the server until it says or is over. A Refused, or else a Seen, is the first answer."""
    if initialize is not None:
        initialize()
    try:
        connect(address, cpus, variables)
    except ClusterUnavailable as error:
        pipe.send(Refused(str(error)))
        return
    for number in (signal.SIGINT, signal.SIGTERM):  # the server says when it is over; Ray has handlers of its own
        signal.signal(number, signal.SIG_IGN)
    try:
        _Driver(pipe, initialize).run()
    except (BrokenPipeError, EOFError):
        pass
    except ray.exceptions.RayError as error:
        logger.warning("the Ray cluster is lost: %s", str(error).strip().partition("\n")[0])
    except Exception:
        logger.exception("the Ray cluster is lost")


class _Driver:
    """One thread passes on what workers tell and how tasks end, another one does what the server asks for."""

    def __init__(self, pipe: Connection, initialize: Callable[[], object] | None) -> None:
        self._pipe, self._initialize = pipe, initialize
        self._results: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._looked_at = 0.0
        here = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(
            ray.get_runtime_context().get_node_id(), soft=False
        )
        self._mailbox: Any = ray.remote(Mailbox).options(num_cpus=0, scheduling_strategy=here, max_concurrency=10_000).remote()
        self._train: Any = ray.remote(train).options(num_cpus=1, max_retries=MOST_RETRIES)

    def run(self) -> None:
        """Until the server is gone or wants no more. What its tasks have not reported is in their last checkpoints."""
        threading.Thread(target=self._obey, name="commands", daemon=True).start()
        fetch: Any = None
        while not self._over.is_set():
            self._look()
            fetch = fetch or self._mailbox.fetch.remote(FETCH_SECONDS)
            fetch = self._hear(fetch)
        ray.shutdown()

    def _obey(self) -> None:
        try:
            while True:
                match self._pipe.recv():
                    case Start(key, task):
                        result = self._train.remote(key, task, self._mailbox, self._initialize)
                        with self._lock:
                            self._results[key] = result
                    case Stop(key):
                        self._mailbox.stop.remote(key)
                    case Forget(key):
                        with self._lock:
                            result = self._results.pop(key, None)
                        if result is not None:
                            ray.cancel(result, force=True)
                        self._mailbox.forget.remote(key)
                    case Leave():
                        break
        except (EOFError, OSError):  # the server is gone
            pass
        except Exception:
            logger.exception("the Ray cluster does not do what it is asked")
        self._over.set()
        time.sleep(LEAVE_SECONDS)
        os._exit(1)  # it could not be left in time

    def _look(self) -> None:
        """Tell what is free, some times a second."""
        at = time.monotonic()
        if at - self._looked_at < FETCH_SECONDS:
            return
        self._looked_at = at
        total = ray.cluster_resources().get("CPU", 0.0)  # type: ignore[no-untyped-call]
        free = ray.available_resources().get("CPU", 0.0)  # type: ignore[no-untyped-call]
        self._pipe.send(Seen(total, free, at))

    def _hear(self, fetch: Any) -> Any:
        """Wait a moment for reports and results; the request for reports, None where it was answered."""
        with self._lock:
            results = {result: key for key, result in self._results.items()}
        ready, _ = ray.wait([fetch, *results], timeout=FETCH_SECONDS)
        if fetch in ready:
            self._tell(ray.get(fetch))
            fetch = None
        for result in ready:
            if result in results:
                # Whatever the worker has reported before is in the mailbox, or on its way here already.
                self._tell(ray.get(fetch) if fetch else ())
                self._tell(ray.get(self._mailbox.fetch.remote(0)))
                self._end(results[result], result)
                fetch = None
        return fetch

    def _tell(self, reports: Any) -> None:
        if reports:
            self._pipe.send(Told(reports))

    def _end(self, key: str, result: Any) -> None:
        with self._lock:
            self._results.pop(key, None)
        outcome: Ended | Failed | str
        try:
            outcome = ray.get(result)
        except Exception as error:  # noqa: BLE001 - of Ray, or whatever came out of the worker
            outcome = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
        self._pipe.send(Over(key, outcome))
