"""SqliteModelRepository over rows that are damaged; the port's promises are in test_repositories.py."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.storage.sqlite import SqliteDatabase, SqliteModelRepository, open_database
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
    with database.use() as db:
        db.execute(f"update models set {change}")
    with pytest.raises(CorruptData, match="model 'a' is damaged"):
        models.get("a")
    assert [summary.name for summary in models.list()] == ["a"]


@pytest.mark.parametrize("change", ["created_at = 'yesterday'", "created_at = 5", "size_bytes = 'large'"])
def test_models_when_a_row_is_damaged_give_corrupt_data(database: SqliteDatabase, change: str) -> None:
    models = SqliteModelRepository(database)
    models.save(make_model("a"))
    with database.use() as db:
        db.execute(f"update models set {change}")
    with pytest.raises(CorruptData, match="model 'a' cannot be listed"):
        models.list()
