"""A look at a database that changes nothing, also while a server uses it."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlite_utils import Database

from adapters.storage.database import translated
from adapters.storage.migrations import refuse_newer
from domain.errors import StorageFailure

BUSY_SECONDS = 5.0


@dataclass(frozen=True)
class Contents:
    """What a database holds. `newest`: when its newest job was taken in."""

    jobs: int
    models: int
    newest: datetime | None


def inspect_database(path: Path) -> Contents:
    """Read the whole file. Raises StorageFailure: it is no database, it is damaged, a newer version wrote it."""
    with (
        translated(f"The database {path.name}"),
        closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS)) as connection,
    ):
        [found] = connection.execute("PRAGMA integrity_check(1)").fetchone()
        if found != "ok":
            raise StorageFailure(f"The database {path.name} is damaged: {' '.join(str(found).split())}.")
        database = Database(connection)
        refuse_newer(database)
        tables = set(database.table_names())
        models = "model_names" if "model_names" in tables else "models"  # as an older version had them
        if not {"jobs", models} <= tables:
            return Contents(0, 0, None)
        [jobs], [names] = (connection.execute(f"select count(*) from {name}").fetchone() for name in ("jobs", models))  # noqa: S608
        [newest] = connection.execute("select max(created_at) from jobs").fetchone()
        return Contents(jobs, names, datetime.fromisoformat(newest) if newest else None)
