"""docs/scaling.md shows what was measured last."""

from pathlib import Path

import pytest

from benchmarks.scaling_tables import tables

DOCS = Path(__file__).parent.parent.parent / "docs"


@pytest.mark.parametrize("page", ["scaling.md", "scaling.ja.md"])
@pytest.mark.parametrize("name", ["workers", "inference", "jobs", "reports", "nodes"])
def test_table_of_the_page_has_the_rows_of_the_results(page: str, name: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    assert "\n".join(tables()[name]) in text, "python -m benchmarks.scaling_tables prints them"
