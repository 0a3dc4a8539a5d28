"""The checks of `grpo doctor`, each with advice if something is wrong."""

import importlib.metadata
import multiprocessing
import re
import shutil
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from adapters.cli.failures import CommandFailed
from adapters.cli.machine import Check
from adapters.environments.factory import GymnasiumEnvironments
from adapters.storage.folder_lock import FolderInUse, FolderLock, Holder
from adapters.storage.inspection import inspect_database
from bootstrap.settings import InvalidSettings, Settings
from bootstrap.storage import database_file, open_storage, place
from domain.errors import GrpoError, StorageFailure

DISTRIBUTION = "grpo-service"
OLDEST_PYTHON = (3, 11)
EXTRAS = {
    "onnx": ("onnx", "export of models as ONNX"),
    "otel": ("opentelemetry-sdk", "traces"),
    "postgres": ("psycopg", "several servers on one PostgreSQL database"),
    "ray": ("ray", "training on a Ray cluster"),
    "tune": ("optuna", "sweeps"),
    "box2d": ("box2d", "LunarLander, BipedalWalker, CarRacing"),
    "mujoco": ("mujoco", "HalfCheetah, Hopper, Humanoid and their like"),
}
OF_GYMNASIUM = {"box2d", "mujoco"}
LITTLE_DISK_BYTES = 500 * 1024 * 1024
RELEASED = datetime(2026, 11, 1, tzinfo=UTC)  # no true clock is before that
WORKER_SECONDS = 60
ENVIRONMENTS = ("CartPole-v1", "Pendulum-v1", "FrozenLake-v1", "LunarLander-v3", "HalfCheetah-v5")
_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)(?P<bounds>[^;]*)(?P<marker>;.*)?")
_BOUND = re.compile(r"(>=|<)\s*([\d.]+)")


def examine(load: Callable[[], Settings]) -> Iterator[Check]:
    """One check after another, so that each is seen when it is done. `load` raises CommandFailed for wrong settings."""
    yield _python()
    yield _packages()
    yield from _extras()
    yield _blas()
    try:
        settings = load()
    except CommandFailed as failure:
        yield Check("settings", "failed", str(failure), "Set it right, or remove it; docs/configuration.md lists the settings.")
        return
    yield Check("settings", "ok", "valid")
    held, newest = False, None
    file = database_file(settings)
    if file is None:
        yield _shared_database(settings)
    else:
        held, folder = _folder(file.parent)
        yield folder
        newest, database = _database(file)
        yield database
        yield _disk(file.parent)
    yield _clock(newest)
    yield _port(settings, held=held)
    yield _worker()
    for env_name in ENVIRONMENTS:
        yield _environment(env_name)


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < OLDEST_PYTHON:
        return Check("python", "failed", version, "Install Python 3.11 or newer.")
    return Check("python", "ok", version)


def _packages() -> Check:
    """Compare the requirements of the installed project with the installed packages."""
    try:
        required = importlib.metadata.requires(DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        advice = "Install it from its folder: pip install --no-deps -e ."
        return Check("packages", "warning", f"{DISTRIBUTION} itself is not installed, so nothing says what it needs", advice)
    found = [_requirement(text) for text in required if "extra ==" not in text]
    if wrong := [sentence for sentence, fits in found if not fits]:
        return Check("packages", "failed", ", ".join(wrong), "pip install -r requirements.txt")
    return Check("packages", "ok", ", ".join(sentence for sentence, _ in found))


def _requirement(text: str) -> tuple[str, bool]:
    """The package with its version, and whether it is one that is allowed."""
    parts = _REQUIREMENT.match(text)
    name, bounds = (parts["name"], parts["bounds"]) if parts else (text, "")
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return f"{name} is missing", False
    has = _numbers(version)
    fits = all((has >= _numbers(bound)) if sign == ">=" else (has < _numbers(bound)) for sign, bound in _BOUND.findall(bounds))
    return (f"{name} {version}", True) if fits else (f"{name} {version} is not {bounds.strip()}", False)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def _extras() -> Iterator[Check]:
    """Optional packages; a missing one is no fault."""
    for extra, (package, use) in EXTRAS.items():
        try:
            version = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            install = f"gymnasium[{extra}]" if extra in OF_GYMNASIUM else package
            yield Check(f"extra {extra}", "warning", f"not installed; for {use}", f"If you need it: pip install '{install}'")
        else:
            yield Check(f"extra {extra}", "ok", f"{package} {version}")


def _blas() -> Check:
    """Threads of a matrix product, if the system shows them. With small networks more than one make training slower."""
    threads = Path("/proc/self/task")
    if not threads.exists():
        return Check("blas threads", "ok", "not shown by this system")
    square = np.ones((256, 256), dtype=np.float32)
    np.dot(square, square)
    used = 1 + len([*threads.iterdir()]) - threading.active_count()  # Python does not know of those that BLAS made
    if used > 1:
        return Check("blas threads", "warning", str(used), "Set OPENBLAS_NUM_THREADS and OMP_NUM_THREADS to 1, or unset both.")
    return Check("blas threads", "ok", "1")


def _folder(folder: Path) -> tuple[bool, Check]:
    """Whether another process has the folder; and how it is."""
    name = "data folder"
    if not folder.exists():
        return False, Check(name, "ok", f"{folder} does not exist yet and is made when needed")
    try:
        FolderLock(folder).close()
    except FolderInUse as error:
        return True, Check(name, "ok", f"{folder}, in use by {_user(error.holder)}")
    except StorageFailure as error:
        return False, Check(
            name, "failed", f"{folder}: {error}", "Give yourself the right to write there, or choose another --data-dir."
        )
    return False, Check(name, "ok", f"{folder}, free and may be written to")


def _user(holder: Holder | None) -> str:
    if holder is None:
        return "another process"
    return f"the server at {holder.url}" if holder.url else f"another grpo command (process {holder.pid})"


def _database(path: Path) -> tuple[datetime | None, Check]:
    """When the newest job was taken in, if that can be read; and how the database is."""
    name = "database"
    if not path.exists():
        return None, Check(name, "ok", "none yet")
    try:
        found = inspect_database(path)
    except StorageFailure as error:
        return None, Check(name, "failed", str(error), "docs/operations.md says how a backup is restored.")
    size = f"{path.stat().st_size / 1024 / 1024:,.1f} MiB"
    return found.newest, Check(name, "ok", f"whole; {found.jobs} jobs, {found.models} models, {size}")


def _shared_database(settings: Settings) -> Check:
    """Open it as a server does, which also brings its tables up to date."""
    try:
        open_storage(settings).close()
    except (InvalidSettings, StorageFailure) as error:
        return Check("database", "failed", f"{place(settings)}: {error}", "docs/scaling.md says what it needs.")
    return Check("database", "ok", place(settings))


def _disk(folder: Path) -> Check:
    while not folder.exists():
        folder = folder.absolute().parent
    free = shutil.disk_usage(folder).free
    text = f"{free / 1024**3:,.1f} GiB free"
    if free < LITTLE_DISK_BYTES:
        return Check("disk", "warning", text, "Make room: jobs keep a checkpoint each, models stay until they are deleted.")
    return Check("disk", "ok", text)


def _clock(newest: datetime | None) -> Check:
    now = datetime.now(UTC)
    text = f"{now:%Y-%m-%d %H:%M:%S} UTC"
    if now < RELEASED or (newest is not None and newest > now):
        return Check(
            "clock", "failed", f"{text}, which is before what has happened already", "Set the clock; ntp keeps it right."
        )
    return Check("clock", "ok", text)


def _port(settings: Settings, *, held: bool) -> Check:
    address = f"{settings.host}:{settings.port}"
    try:
        family, *_, where = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
        socket.create_server((str(where[0]), settings.port), family=family).close()
    except OSError as error:
        if held:
            return Check("port", "ok", f"{address} is taken, as it seems by the running server")
        return Check(
            "port", "failed", f"{address}: {error.strerror or error}", "End the program that has it, or choose another --port."
        )
    return Check("port", "ok", f"{address} is free")


def _worker() -> Check:
    """Start a process as training does."""
    begun = time.perf_counter()
    process = multiprocessing.get_context("spawn").Process(target=_nothing, daemon=True)
    try:
        process.start()
        process.join(WORKER_SECONDS)
    except OSError as error:
        return Check(
            "worker process", "failed", f"cannot be started: {error}", "Raise the limits of processes and memory (ulimit -a)."
        )
    if process.exitcode != 0:
        process.kill()
        return Check("worker process", "failed", f"ended with {process.exitcode}", "Look at what it said above.")
    return Check("worker process", "ok", f"starts in {time.perf_counter() - begun:.1f} s")


def _nothing() -> None:
    """All that the process is to do."""


def _environment(env_name: str) -> Check:
    try:
        vector = GymnasiumEnvironments().make(env_name, 2, 10)
        try:
            vector.reset([0, 1])
        finally:
            vector.close()
    except GrpoError as error:
        return Check(env_name, "warning", "cannot be made", str(error))
    return Check(env_name, "ok", "can be trained")
