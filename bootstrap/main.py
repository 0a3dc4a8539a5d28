"""Starts the server."""

import logging
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bootstrap.listener import listen, own_url
from bootstrap.logs import configure
from bootstrap.settings import InvalidSettings, exit_with, load_or_exit, use_one_blas_thread

if TYPE_CHECKING:
    from adapters.tracing.tracing import Tracing

INSTALL_TRACING = "pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-http"
# uvicorn's settings on which the speed of a request depends; the bare route of the benchmarks has the same.
STACK: dict[str, Any] = {
    "loop": "uvloop",
    "http": "bootstrap.protocol:BoundedHeadProtocol",
    "ws": "none",
    "access_log": False,
    "log_config": None,
    "server_header": False,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGINT or SIGTERM. Exit code 2 and one sentence when it cannot start as it was told."""
    settings = load_or_exit(sys.argv[1:] if arguments is None else arguments)
    use_one_blas_thread()
    log = configure(settings.log_level, settings.log_format)

    # Imported here, so that wrong settings are told at once and numpy sees the number of threads.
    import uvicorn

    from adapters.http.app import create_app
    from adapters.storage.folder_lock import Holder
    from bootstrap.access import access_rules
    from bootstrap.container import VERSION, build
    from bootstrap.draining import FINISH_SECONDS, DrainingServer
    from bootstrap.storage import place
    from domain.errors import StorageFailure

    tracing = _open_tracing() if settings.tracing else None
    listener = listen(settings)
    host, port = listener.getsockname()[:2]
    try:
        access = access_rules(settings, host)
    except StorageFailure as error:
        exit_with(str(error))
    try:
        container = build(settings, tracing, Holder(os.getpid(), url=own_url(listener), trains=True))
        container.start()
    except InvalidSettings as error:
        exit_with(str(error))
    except ImportError as error:
        exit_with(f"the setting env_modules names a module that cannot be imported: {error}")
    except (OSError, StorageFailure) as error:
        exit_with(f"{place(settings)} cannot be used: {error}")
    app = create_app(
        container.use_cases,
        VERSION,
        access,
        on_shutdown=container.close,
        dropped_log_lines=lambda: log.dropped,
        traced=tracing.requests if tracing else lambda app: app,
    )
    config = uvicorn.Config(app, **STACK, timeout_graceful_shutdown=FINISH_SECONDS)
    logging.getLogger("grpo").info("serving on http://%s:%d, data in %s", host, port, place(settings))
    try:
        DrainingServer(config, container.drain).run(sockets=[listener])
    finally:
        container.close()
        if tracing:
            tracing.close()


def _open_tracing() -> "Tracing":
    try:
        from adapters.tracing.tracing import open_tracing
    except ModuleNotFoundError:
        exit_with(f"the setting tracing needs the extra [otel]: {INSTALL_TRACING}.")
    return open_tracing()
