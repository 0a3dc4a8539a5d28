"""The whole service within this process, for commands that need no server; or that of another such command."""

import os
import shutil
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal

import msgspec
import uvicorn

from adapters.cli.failures import CommandFailed, ExitCode
from adapters.cli.machine import Reached
from adapters.http.app import create_app
from adapters.storage.folder_lock import POLL_SECONDS, FolderInUse, Holder, holder_of
from bootstrap.access import access_rules
from bootstrap.container import Container, build
from bootstrap.draining import DRAIN_SECONDS, FINISH_SECONDS
from bootstrap.logs import configure
from bootstrap.main import STACK
from bootstrap.settings import InvalidSettings, Settings
from bootstrap.storage import database_file, place
from bootstrap.version import VERSION
from domain.errors import StorageFailure

LOOPBACK = "127.0.0.1"
OTHERS_SECONDS = 2.0
LONGEST_FOLDER = 90  # bytes; the path of a Unix socket may have 107, on macOS 103
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SHORT_FOLDER = "/tmp"  # noqa: S108 - mkdtemp makes a folder that only its owner can open


@contextmanager
def service(settings: Settings, *, trains: bool, joins: bool) -> Iterator[Reached]:
    """Serve on a Unix socket until the block is left; the folder around it is its owner's alone.

    `joins`: if another command serves the data folder already, that service is used; it ends with that command.
    `trains`: jobs are taken up, and brought to a checkpoint at the end. Otherwise unfinished jobs are left as they are.
    """
    # Log lines of each job would only disturb the output; the workers get this level, too.
    level: Literal["debug", "warning", "error"] = "warning" if settings.log_level == "info" else settings.log_level
    settings = msgspec.structs.replace(settings, log_level=level, log_format="text")
    configure(settings.log_level, settings.log_format)
    with ExitStack() as opened:
        reached = _of_another(settings, trains=trains) if joins else None
        try:
            reached = reached or opened.enter_context(_own(settings, trains=trains))
        except FolderInUse as error:  # perhaps by a command that has begun a moment ago
            reached = _of_another(settings, trains=trains) if joins else None
            if reached is None:
                raise _in_use(settings, error.holder) from error
        yield reached


@contextmanager
def _own(settings: Settings, *, trains: bool) -> Iterator[Reached]:
    """The service within this process. Raises FolderInUse, CommandFailed."""
    with ExitStack() as end, _private_folder() as folder, socket.socket(socket.AF_UNIX) as listener:
        path = folder / "socket"
        try:
            listener.bind(str(path))
        except OSError as error:
            raise CommandFailed(ExitCode.FAILED, f"The Unix socket {str(path)!r} cannot be made: {error}.") from error
        listener.listen()  # so that requests wait until the server answers
        container = _opened(settings, Holder(os.getpid(), socket=str(path), trains=trains))
        try:
            if trains:
                with _workers_deaf_to_hang_up():
                    container.start()
            with _serving(container, settings, listener) as server:
                try:
                    yield Reached(path, trains)
                finally:
                    end.enter_context(_undisturbed())
                    path.unlink()  # no further command can connect
                    _wait_for_others(server)
                    container.drain(DRAIN_SECONDS)
        finally:
            container.close()


@contextmanager
def _private_folder() -> Iterator[Path]:
    """A temporary folder, whose path is short enough for a Unix socket in it."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="grpo-"))
        if len(os.fsencode(folder)) > LONGEST_FOLDER:
            folder.rmdir()
            folder = Path(tempfile.mkdtemp(prefix="grpo-", dir=SHORT_FOLDER))
    except OSError as error:
        raise CommandFailed(ExitCode.FAILED, f"A temporary folder cannot be made: {error}. TMPDIR names another.") from error
    try:
        yield folder
    finally:
        with _undisturbed():
            shutil.rmtree(folder)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Ignore signals that would cut an orderly end short, which takes a few seconds at most. For the main thread."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in ENDING_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _workers_deaf_to_hang_up() -> Iterator[None]:
    """Threads and processes that are started here, and theirs in turn, are not told of a closed terminal.

    The system tells the whole group of processes; but workers are to come to a checkpoint, and the command ends them.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _of_another(settings: Settings, *, trains: bool) -> Reached | None:
    """The service of another command on the data folder, if one answers."""
    file = database_file(settings)
    holder = None if file is None else holder_of(file.parent)
    if holder is None or holder.socket is None or (trains and not holder.trains):
        return None
    path = Path(holder.socket)
    try:
        # Other users may write into the data folder and name a socket of theirs there; such a socket is not trusted.
        if path.lstat().st_uid != os.getuid():
            return None
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(path))
    except (OSError, ValueError):  # it has ended, or the text is no path
        return None
    return Reached(path, holder.trains)


def _in_use(settings: Settings, holder: Holder | None) -> CommandFailed:
    folder = place(settings)
    if holder is not None and holder.url is not None:
        return CommandFailed(ExitCode.NO_CONNECTION, f"A server is using {folder}: reach it with --url {holder.url}.")
    who = "Another process" if holder is None else f"Another grpo command (process {holder.pid})"
    return CommandFailed(
        ExitCode.NO_CONNECTION,
        f"{who} is using {folder}: wait until it ends, or let `grpo serve` have the folder and reach it with --url.",
    )


def _opened(settings: Settings, holder: Holder) -> Container:
    try:
        return build(settings, holder=holder)
    except FolderInUse:
        raise
    except InvalidSettings as error:
        raise CommandFailed(ExitCode.USAGE, str(error)) from error
    except ImportError as error:
        raise CommandFailed(
            ExitCode.USAGE, f"The setting env_modules names a module that cannot be imported: {error}."
        ) from error
    except (OSError, StorageFailure) as error:
        raise CommandFailed(ExitCode.FAILED, f"{place(settings).replace('the', 'The', 1)} cannot be used: {error}") from error


@contextmanager
def _serving(container: Container, settings: Settings, listener: socket.socket) -> Iterator[uvicorn.Server]:
    """Answer requests in a thread. Only this user can open the socket, so no key is needed; the limits of the settings hold."""
    access = access_rules(msgspec.structs.replace(settings, api_keys_file=""), LOOPBACK)
    app = create_app(container.use_cases, VERSION, access)
    server = uvicorn.Server(uvicorn.Config(app, **STACK, timeout_graceful_shutdown=FINISH_SECONDS))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="server")
    with _workers_deaf_to_hang_up():
        thread.start()
    try:
        yield server
    finally:
        server.should_exit = True
        thread.join()


def _wait_for_others(server: uvicorn.Server) -> None:
    """Let other commands finish for a moment: one that has stopped the job here goes on to ask what became of it."""
    end = time.monotonic() + OTHERS_SECONDS
    while server.server_state.connections and time.monotonic() < end:
        time.sleep(POLL_SECONDS)
