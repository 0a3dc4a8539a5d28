"""Starts the server."""

import contextlib
import logging
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap.logs import configure
from bootstrap.settings import Settings, exit_with, load_or_exit, use_one_blas_thread

if TYPE_CHECKING:
    from adapters.tracing.tracing import Tracing

INSTALL_TRACING = "pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-http"
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
    log = configure(settings.log_level, settings.log_format)

    # Imported here, so that wrong settings are told at once and numpy sees the number of threads.
    import uvicorn

    from adapters.http.app import create_app
    from bootstrap.container import VERSION, build
    from domain.errors import StorageFailure

    tracing = _open_tracing() if settings.tracing else None
    listener = _listen(settings)
    try:
        Path(settings.data_dir).mkdir(parents=True, exist_ok=True)
        container = build(settings, tracing)
    except (OSError, StorageFailure) as error:
        exit_with(f"the data folder {settings.data_dir!r} cannot be used: {error}")
    app = create_app(
        container.use_cases,
        VERSION,
        on_startup=container.recover,
        on_shutdown=container.close,
        dropped_log_lines=lambda: log.dropped,
        traced=tracing.requests if tracing else lambda app: app,
    )
    config = uvicorn.Config(
        app,
        **STACK,
        timeout_graceful_shutdown=5,
    )
    host, port = listener.getsockname()[:2]
    logging.getLogger("grpo").info("serving on http://%s:%d, data in %s", host, port, settings.data_dir)
    # The server has shut down in order when it passes a signal on. Ending by that signal would lose the log's last lines.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with contextlib.suppress(KeyboardInterrupt):
        try:
            uvicorn.Server(config).run(sockets=[listener])
        finally:
            if tracing:
                tracing.close()


def _open_tracing() -> "Tracing":
    try:
        from adapters.tracing.tracing import open_tracing
    except ModuleNotFoundError:
        exit_with(f"the setting tracing needs the extra [otel]: {INSTALL_TRACING}.")
    return open_tracing()


def _listen(settings: Settings) -> socket.socket:
    """The address is taken first: a second server must not touch the jobs of the one that has it."""
    try:
        family = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((settings.host, settings.port), family=family)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (while")[0]
        exit_with(f"cannot listen on {settings.host}:{settings.port}: {reason}")
