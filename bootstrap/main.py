"""Starts the server."""

import contextlib
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bootstrap.listener import listen
from bootstrap.settings import exit_with, load_or_exit, use_one_blas_thread

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
    except (OSError, StorageFailure) as error:
        exit_with(f"the data folder {settings.data_dir!r} cannot be used: {error}")
    app = create_app(container.use_cases, VERSION, access, on_startup=container.recover, on_shutdown=container.close)
    config = uvicorn.Config(
        app,
        **STACK,
        timeout_graceful_shutdown=5,
    )
    logging.getLogger("grpo").info("serving on http://%s:%d, data in %s", host, port, settings.data_dir)
    # The server has shut down in order when it passes an interrupt on.
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listener])
