"""The ModelRepository in one SQLite file, through sqlite-utils."""

from collections.abc import Sequence

from adapters.storage.codec import decode_model, encode_model
from adapters.storage.database import SqliteDatabase
from adapters.storage.model_rows import SUMMARY, to_summary, version_row
from adapters.storage.rows import Row, checked, readable, sha256
from domain.checkpoint import Model
from domain.errors import ModelNotFound
from domain.ports import ModelSummary

_SAME = "name = ? and job_id = ? and sha256 = ? and (imported_at is null) = ? and version > ?"
_NEWEST = "version = (select max(version) from model_versions as others where others.name = model_versions.name)"


class SqliteModelRepository:
    """ModelRepository over the tables `model_names` and `model_versions`."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    def save(self, model: Model, behind: int = 0) -> int:
        data = encode_model(model)
        digest = sha256(data)
        with self._database.write() as db:
            names, versions = db.table("model_names"), db.table("model_versions")
            same = [*versions.rows_where(_SAME, [model.name, model.job_id, digest, model.imported_at is None, behind])]
            if same:
                return int(same[0]["version"])
            last = [*names.rows_where("name = ?", [model.name])]
            version = int(last[0]["last_version"]) + 1 if last else 1
            names.upsert({"name": model.name, "last_version": version}, pk="name")
            versions.insert(version_row(model, version, data))
            return version

    def get(self, name: str, version: int | None = None) -> Model:
        if version is None:
            rows = self._rows("*", f"name = ? and {_NEWEST}", [name])
        else:
            rows = self._rows("*", "name = ? and version = ?", [name, version])
        if not rows:
            raise ModelNotFound(name, version)
        data = checked(rows[0], f"model {name!r}")
        return decode_model(data, to_summary(rows[0]))

    def list(self) -> Sequence[ModelSummary]:
        return [*readable(self._rows(SUMMARY, _NEWEST, []), to_summary)]

    def versions(self, name: str) -> Sequence[ModelSummary]:
        rows = self._rows(SUMMARY, "name = ?", [name])
        if not rows:
            raise ModelNotFound(name)
        return [*readable(rows, to_summary)]

    def delete(self, name: str, version: int | None = None) -> None:
        with self._database.write() as db:
            versions = db.table("model_versions")
            condition, arguments = ("name = ?", [name]) if version is None else ("name = ? and version = ?", [name, version])
            if not versions.count_where(condition, arguments):
                raise ModelNotFound(name, version)
            versions.delete_where(condition, arguments)
            if not versions.count_where("name = ?", [name]):
                db.table("model_names").delete_where("name = ?", [name])

    def _rows(self, columns: str, condition: str, arguments: Sequence[str | int]) -> Sequence[Row]:
        with self._database.read() as db:
            return [*db.table("model_versions").rows_where(condition, arguments, select=columns, order_by="name, version")]
