"""Where jobs and models are kept: in a file of SQLite, or in PostgreSQL."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from adapters.storage.database import open_database
from adapters.storage.folder_lock import FolderLock, Holder
from adapters.storage.sqlite_jobs import SqliteJobRepository
from adapters.storage.sqlite_models import SqliteModelRepository
from adapters.storage.sqlite_sweeps import SqliteSweepRepository
from bootstrap.settings import SQLITE, InvalidSettings, Settings, without_password
from domain.ports import JobRepository, ModelRepository, OtherServers
from domain.sweep_ports import SweepRepository

LOCK_SECONDS = 2.0  # in which a command that only looks into the folder is done


@dataclass(frozen=True)
class Storage:
    """The repositories of one storage. `others`: where other servers may share it."""

    jobs: JobRepository
    models: ModelRepository
    sweeps: SweepRepository
    close: Callable[[], None]
    others: OtherServers | None = None


def database_file(settings: Settings) -> Path | None:
    """The file of SQLite; None where there is none."""
    url = settings.database_url
    if not url:
        return Path(settings.data_dir) / "grpo.db"
    return Path(url.removeprefix(SQLITE)) if url.startswith(SQLITE) else None


def place(settings: Settings) -> str:
    """What to call the storage in a sentence; without a password."""
    file = database_file(settings)
    if file is None:
        return f"the database {without_password(settings.database_url)!r}"
    return f"the data folder {str(file.parent) if settings.database_url else settings.data_dir!r}"


def open_storage(settings: Settings, holder: Holder | None = None) -> Storage:
    """Open it and bring its tables up to date. `holder`: what this process says of itself where it is alone.

    Raises StorageFailure, OSError, InvalidSettings (the extra is missing).
    """
    file = database_file(settings)
    return _postgres(settings.database_url) if file is None else _sqlite(file, holder)


def _sqlite(file: Path, holder: Holder | None) -> Storage:
    file.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as opened:
        opened.callback(FolderLock(file.parent, holder, LOCK_SECONDS).close)
        database = open_database(file)
        opened.callback(database.close)
        return Storage(
            SqliteJobRepository(database),
            SqliteModelRepository(database),
            SqliteSweepRepository(database),
            opened.pop_all().close,
        )


def _postgres(url: str) -> Storage:
    try:
        from adapters.storage.postgres import open_postgres  # noqa: PLC0415 - an optional extra
        from adapters.storage.postgres_jobs import PostgresJobRepository  # noqa: PLC0415
        from adapters.storage.postgres_models import PostgresModelRepository  # noqa: PLC0415
        from adapters.storage.postgres_news import PostgresNews  # noqa: PLC0415
        from adapters.storage.postgres_sweeps import PostgresSweepRepository  # noqa: PLC0415
    except ImportError as error:
        install = "pip install 'psycopg[binary,pool]'"
        raise InvalidSettings(f"a database_url of PostgreSQL needs the extra [postgres]: {install} ({error}).") from error
    database = open_postgres(url)
    return Storage(
        PostgresJobRepository(database),
        PostgresModelRepository(database),
        PostgresSweepRepository(database),
        database.close,
        PostgresNews(url, database),
    )
