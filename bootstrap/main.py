"""Starts the server."""

import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from bootstrap.settings import exit_with, load_or_exit, use_one_blas_thread


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGINT or SIGTERM. Exit code 2 and one sentence when it cannot start as it was told."""
    settings = load_or_exit(sys.argv[1:] if arguments is None else arguments)
    use_one_blas_thread()
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s")

    # Imported here, so that wrong settings are told at once and numpy sees the number of threads.
    import uvicorn

    from adapters.http.app import create_app
    from bootstrap.container import VERSION, build
    from domain.errors import StorageFailure

    try:
        Path(settings.data_dir).mkdir(parents=True, exist_ok=True)
        container = build(settings)
    except (OSError, StorageFailure) as error:
        exit_with(f"the data folder {settings.data_dir!r} cannot be used: {error}")
    app = create_app(container.use_cases, VERSION, on_startup=container.recover, on_shutdown=container.close)
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=5,
    )
