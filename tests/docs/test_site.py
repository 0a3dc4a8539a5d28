"""The built site, as `make docs` leaves it: whole in both languages, and with nothing from another host."""

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.docs.blocks import ROOT

SITE = ROOT / "site"
DOCS = ROOT / "docs"
WORDS = ("rail is long", "レールは長い")
LOADED = re.compile(
    r"""<(?:script|img|iframe|link(?=[^>]*rel="?(?:stylesheet|icon|preload|preconnect)))[^>]*?(?:src|href)="?([^"\s>]+)"""
)

pytestmark = pytest.mark.skipif(not (SITE / "index.html").exists(), reason="there is no site/: `make docs` builds it")


def pages() -> list[Path]:
    return sorted(SITE.rglob("*.html"))


def test_every_document_is_a_page_in_both_languages() -> None:
    names = [path.relative_to(DOCS).with_suffix("") for path in DOCS.rglob("*.md") if not path.name.endswith(".ja.md")]
    expected = [name.parent if name.name == "index" else name for name in names]
    assert {str(name) for name in expected if not (SITE / name / "index.html").exists()} == set()
    assert {str(name) for name in expected if not (SITE / "ja" / name / "index.html").exists()} == set()


def test_page_with_a_translation_is_in_japanese() -> None:
    for path in DOCS.rglob("*.ja.md"):
        title = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
        name = path.relative_to(DOCS).with_name(path.name.removesuffix(".ja.md"))
        page = SITE / "ja" / (name.parent if name.name == "index" else name) / "index.html"
        html = page.read_text(encoding="utf-8")
        assert '<html lang="ja"' in html or "<html lang=ja" in html
        assert title in html


def test_page_loads_nothing_from_another_host() -> None:
    loaded = {(str(page.relative_to(SITE)), address) for page in pages() for address in LOADED.findall(page.read_text("utf-8"))}
    assert len(loaded) > 100
    assert {(page, address) for page, address in loaded if urlsplit(address).netloc} == set()


def test_style_loads_nothing_from_another_host() -> None:
    for style in SITE.rglob("*.css"):
        assert re.findall(r"url\(\s*[\"']?(?:https?:)?//[^)]*\)", style.read_text(encoding="utf-8")) == []


def test_search_knows_both_languages() -> None:
    index = json.loads((SITE / "search" / "search_index.json").read_text(encoding="utf-8"))
    found = {word: {entry["location"][:3] == "ja/" for entry in index["docs"] if word in entry["text"]} for word in WORDS}
    assert found[WORDS[0]] == {False}
    assert found[WORDS[1]] == {True}
    assert {"en", "ja"} <= {*index["config"]["lang"]}
