"""SqliteModelRepository over rows that are damaged; the port's promises are in test_repositories.py."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.storage.database import SqliteDatabase, open_database
from adapters.storage.sqlite_models import SqliteModelRepository
from domain.errors import CorruptData
from tests.factories import make_model


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqliteDatabase]:
    opened = open_database(tmp_path / "grpo.db")
    yield opened
    opened.close()


@pytest.mark.parametrize("change", ["data = 'text'", "data = 1000000000000", "data = zeroblob(3)", "sha256 = ''"])
def test_model_when_its_bytes_are_damaged_is_corrupt_and_still_listed(database: SqliteDatabase, change: str) -> None:
    models = SqliteModelRepository(database)
    models.save(make_model("a"))
    with database.write() as db:
        db.execute(f"update model_versions set {change}")
    with pytest.raises(CorruptData, match="model 'a' is damaged"):
        models.get("a")
    assert [summary.name for summary in models.list()] == ["a"]


@pytest.mark.parametrize("change", ["created_at = 'yesterday'", "created_at = 5", "size_bytes = 'large'"])
def test_version_when_its_row_is_damaged_is_corrupt_and_left_out_of_lists(database: SqliteDatabase, change: str) -> None:
    models = SqliteModelRepository(database)
    models.save(make_model("a"))
    with database.write() as db:
        db.execute(f"update model_versions set {change}")
    with pytest.raises(CorruptData, match="version 1 of model 'a' cannot be read"):
        models.get("a")
    models.save(make_model("b"))
    assert [summary.name for summary in models.list()] == ["b"]
    assert models.versions("a") == []
