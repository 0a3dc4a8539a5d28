"""The built site in Chromium: search works in both languages, and nothing is asked of another host."""

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.watched import WatchedPage
from tests.docs.blocks import ROOT

SITE = ROOT / "site"

pytestmark = pytest.mark.skipif(not (SITE / "index.html").exists(), reason="there is no site/: `make docs` builds it")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=SITE)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("path", "word", "found"), [("/", "shuttle", "Your own environment"), ("/ja/", "シャトル", "自作の環境")]
)
def test_site_when_searched_finds_a_page_and_asks_no_other_host(
    browser: Browser, host: str, path: str, word: str, found: str
) -> None:
    context = browser.new_context(base_url=f"http://{host}", viewport={"width": 1300, "height": 1000})
    page = context.new_page()
    # The theme looks for a sitemap of each language, which is for sites with one known address, and does without.
    watched = WatchedPage(page, f"http://{host}", expects=("404 (File not found)",))
    page.goto(path)
    page.locator("input.md-search__input").click()
    page.locator("input.md-search__input").press_sequentially(word)
    expect(page.locator(".md-search-result__item").filter(has_text=found).first).to_be_visible()
    watched.check()
    context.close()
