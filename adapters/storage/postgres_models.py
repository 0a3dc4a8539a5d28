"""The ModelRepository in PostgreSQL, which several servers may share."""

from collections.abc import Sequence
from typing import Any, LiteralString

from psycopg import Connection, sql
from psycopg.rows import DictRow

from adapters.storage.codec import decode_model, encode_model
from adapters.storage.model_rows import SUMMARY, to_summary, version_row
from adapters.storage.postgres import PostgresDatabase
from adapters.storage.rows import Row, checked, readable, sha256
from domain.checkpoint import Model
from domain.errors import ModelNotFound
from domain.ports import ModelSummary

_SAME = """
    select version from model_versions
    where name = %s and job_id = %s and sha256 = %s and (imported_at is null) = %s and version > %s order by version
"""
_NEWEST = "version = (select max(version) from model_versions as others where others.name = model_versions.name)"


class PostgresModelRepository:
    """ModelRepository over the tables `model_names` and `model_versions`. The row of a name is locked by who changes it."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    def save(self, model: Model, behind: int = 0) -> int:
        data = encode_model(model)
        with self._database.transaction() as db:
            db.execute("insert into model_names values (%s, 0) on conflict do nothing", [model.name])
            last = _locked(db, model.name)
            arguments = [model.name, model.job_id, sha256(data), model.imported_at is None, behind]
            if same := db.execute(_SAME, arguments).fetchall():
                return int(same[0]["version"])
            row = version_row(model, last + 1, data)
            insert = sql.SQL("insert into model_versions ({}) values ({})").format(
                sql.SQL(", ").join(map(sql.Identifier, row)), sql.SQL(", ").join([sql.Placeholder()] * len(row))
            )
            db.execute(insert, [*row.values()])
            db.execute("update model_names set last_version = %s where name = %s", [last + 1, model.name])
            self._database.notify(db, "model", model.name)
            return last + 1

    def get(self, name: str, version: int | None = None) -> Model:
        condition: LiteralString = f"name = %s and {_NEWEST}" if version is None else "name = %s and version = %s"
        rows = self._rows("*", condition, [name] if version is None else [name, version])
        if not rows:
            raise ModelNotFound(name, version)
        data = checked(rows[0], f"model {name!r}")
        return decode_model(data, to_summary(rows[0]))

    def list(self) -> Sequence[ModelSummary]:
        return [*readable(self._rows(SUMMARY, _NEWEST, []), to_summary)]

    def versions(self, name: str) -> Sequence[ModelSummary]:
        rows = self._rows(SUMMARY, "name = %s", [name])
        if not rows:
            raise ModelNotFound(name)
        return [*readable(rows, to_summary)]

    def delete(self, name: str, version: int | None = None) -> None:
        with self._database.transaction() as db:
            _locked(db, name)
            condition = "name = %s and (%s::integer is null or version = %s)"
            if not db.execute(f"delete from model_versions where {condition}", [name, version, version]).rowcount:
                raise ModelNotFound(name, version)
            if not db.execute("select 1 from model_versions where name = %s limit 1", [name]).fetchall():
                db.execute("delete from model_names where name = %s", [name])
            self._database.notify(db, "model", name)

    def _rows(self, columns: LiteralString, condition: LiteralString, arguments: Sequence[Any]) -> Sequence[Row]:
        query: LiteralString = f"select {columns} from model_versions where {condition} order by name, version"
        with self._database.transaction() as db:
            return db.execute(query, arguments).fetchall()


def _locked(db: "Connection[DictRow]", name: str) -> int:
    """Lock the row of a name; its last version."""
    rows = db.execute("select last_version from model_names where name = %s for update", [name]).fetchall()
    return int(rows[0]["last_version"]) if rows else 0
