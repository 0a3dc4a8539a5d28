"""Starts the server."""

import logging
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from bootstrap.listener import listen
from bootstrap.settings import exit_with, load_or_exit, use_one_blas_thread

FINISH_SECONDS = 1  # for requests under way, when the jobs have come to a checkpoint

# uvicorn's settings on which the speed of a request depends; the bare route of the benchmarks has the same.
STACK: dict[str, Any] = {
    "loop": "uvloop",
    "http": "httptools",
    "ws": "none",
    "access_log": False,
    "log_config": None,
    "server_header": False,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGINT or SIGTERM. Exit code 2 and one sentence when it cannot start as it was told."""
    settings = load_or_exit(sys.argv[1:] if arguments is None else arguments)
    use_one_blas_thread()
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s")

    # Imported here, so that wrong settings are told at once and numpy sees the number of threads.
    import uvicorn

    from adapters.http.app import create_app
    from bootstrap.access import access_rules
    from bootstrap.container import VERSION, build
    from domain.errors import StorageFailure

    listener = listen(settings)
    host, port = listener.getsockname()[:2]
    try:
        access = access_rules(settings, host)
    except StorageFailure as error:
        exit_with(str(error))
    try:
        Path(settings.data_dir).mkdir(parents=True, exist_ok=True)
        container = build(settings)
        container.start()
    except (OSError, StorageFailure) as error:
        exit_with(f"the data folder {settings.data_dir!r} cannot be used: {error}")
    app = create_app(container.use_cases, VERSION, access, on_shutdown=container.close)
    config = uvicorn.Config(app, **STACK, timeout_graceful_shutdown=FINISH_SECONDS)

    class DrainingServer(uvicorn.Server):
        """At the first signal jobs come to a checkpoint while requests are still answered; at the second all ends at once."""

        draining = False

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 (as its base has it)
            if self.draining:
                self.force_exit = sig == signal.SIGINT
                self.should_exit = True
                return
            self.draining = True
            # A handler may interrupt a holder of any lock: what takes locks is done in a thread.
            threading.Thread(target=self._drain, name="drain", daemon=True).start()

        def _drain(self) -> None:
            try:
                container.drain()
            finally:
                self.should_exit = True

    logging.getLogger("grpo").info("serving on http://%s:%d, data in %s", host, port, settings.data_dir)
    DrainingServer(config).run(sockets=[listener])
