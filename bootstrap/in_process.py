"""The whole service within this process, for commands that need no server."""

import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import msgspec
import uvicorn

from adapters.cli.failures import CommandFailed, ExitCode
from adapters.http.app import create_app
from adapters.storage.folder_lock import FolderInUse
from bootstrap.access import access_rules
from bootstrap.container import Container, build
from bootstrap.draining import DRAIN_SECONDS, FINISH_SECONDS
from bootstrap.logs import configure
from bootstrap.main import STACK
from bootstrap.settings import InvalidSettings, Settings
from bootstrap.version import VERSION
from domain.errors import StorageFailure

LOOPBACK = "127.0.0.1"


@contextmanager
def service(settings: Settings, *, trains: bool) -> Iterator[Path]:
    """Serve on a Unix socket, whose path is given, until the block is left; the folder around it is its owner's alone.

    `trains`: jobs are taken up, and brought to a checkpoint at the end. Otherwise unfinished jobs are left as they are.
    """
    # Somebody who looks at an answer does not want to read that each job was taken in; the workers are told as well.
    level: Literal["debug", "warning", "error"] = "warning" if settings.log_level == "info" else settings.log_level
    settings = msgspec.structs.replace(settings, log_level=level, log_format="text")
    configure(settings.log_level, settings.log_format)
    container = _opened(settings)
    folder = Path(tempfile.mkdtemp(prefix="grpo-"))
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            path = folder / "socket"
            listener.bind(str(path))
            listener.listen()  # so that requests wait until the server answers, and nobody needs to ask whether it does
            if trains:
                container.start()
            with _serving(container, settings, listener):
                try:
                    yield path
                finally:
                    container.drain(DRAIN_SECONDS)
    finally:
        container.close()
        shutil.rmtree(folder)


def _opened(settings: Settings) -> Container:
    try:
        return build(settings)
    except FolderInUse as error:
        raise CommandFailed(
            ExitCode.NO_CONNECTION,
            f"A server is using the data folder {settings.data_dir!r}: reach it with --url, such as "
            f"--url http://{settings.host}:{settings.port}.",
        ) from error
    except InvalidSettings as error:
        raise CommandFailed(ExitCode.USAGE, str(error)) from error
    except ImportError as error:
        raise CommandFailed(
            ExitCode.USAGE, f"The setting env_modules names a module that cannot be imported: {error}."
        ) from error
    except (OSError, StorageFailure) as error:
        raise CommandFailed(ExitCode.FAILED, f"The data folder {settings.data_dir!r} cannot be used: {error}") from error


@contextmanager
def _serving(container: Container, settings: Settings, listener: socket.socket) -> Iterator[None]:
    """Answer requests in a thread. Whoever can open the folder needs no key; the limits of the settings hold."""
    access = access_rules(msgspec.structs.replace(settings, api_keys_file=""), LOOPBACK)
    app = create_app(container.use_cases, VERSION, access)
    server = uvicorn.Server(uvicorn.Config(app, **STACK, timeout_graceful_shutdown=FINISH_SECONDS))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="server")
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()
