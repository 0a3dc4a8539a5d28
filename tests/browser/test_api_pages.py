"""`/docs` and `/redoc` in Debian's Chromium: they render, say nothing on the console, and ask no other host for anything."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.e2e.server import ServerProcess

CHROMIUM = os.environ.get("GRPO_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path_factory.mktemp("data"), workers=1).start()
    yield server
    server.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class Watched:
    """A page and what it should not have done."""

    def __init__(self, page: Page, host: str) -> None:
        self.page, self.host = page, host
        self.foreign: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self._note(request.url))
        page.on("console", lambda said: self._hear(said) if said.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _hear(self, said: ConsoleMessage) -> None:
        self.complaints.append(f"{said.text} {said.location['url']}")

    def _note(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"data", "blob"} and parts.netloc != self.host:
            self.foreign.append(url)


@pytest.fixture
def watched(browser: Browser, server: ServerProcess) -> Iterator[Watched]:
    host = f"127.0.0.1:{server.port}"
    context = browser.new_context(base_url=f"http://{host}", viewport={"width": 1300, "height": 1000})
    watched = Watched(context.new_page(), host)
    yield watched
    context.close()


def keep_picture(page: Page, name: str) -> None:
    """For whoever wants to look: GRPO_SCREENSHOTS names a folder."""
    if folder := os.environ.get("GRPO_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png")


def test_swagger_ui_when_opened_shows_introduction_operations_and_examples(watched: Watched) -> None:
    page = watched.page
    page.goto("/docs")
    expect(page.get_by_text("In three requests").last).to_be_visible()
    page.get_by_text("Start a training job").click()
    expect(page.get_by_text("Pendulum: continuous actions, 100,000 steps").first).to_be_attached()
    expect(page.get_by_text('"model_name": "my_cartpole_model"').first).to_be_visible()
    keep_picture(page, "docs")
    assert watched.foreign == []
    assert watched.complaints == []


def test_swagger_ui_when_tried_out_sends_the_request_and_shows_the_answer(watched: Watched) -> None:
    page = watched.page
    page.goto("/docs")
    page.get_by_text("Health of the service", exact=True).click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    expect(page.locator(".live-responses-table").get_by_text('"healthy"')).to_be_visible()
    assert watched.foreign == []
    assert watched.complaints == []


def test_redoc_when_opened_shows_introduction_operations_and_examples(watched: Watched) -> None:
    page = watched.page
    page.goto("/redoc")
    expect(page.get_by_text("In three requests").last).to_be_visible()
    keep_picture(page, "redoc")
    page.get_by_text("training", exact=True).first.click()
    page.get_by_text("Start a training job").first.click()
    expect(page.get_by_role("heading", name="Start a training job")).to_be_visible()
    expect(page.get_by_text('"my_cartpole_model"').first).to_be_visible()
    keep_picture(page, "redoc-operation")
    assert watched.foreign == []
    assert watched.complaints == []


def test_redoc_when_searched_finds_an_operation(watched: Watched) -> None:
    page = watched.page
    page.goto("/redoc")
    page.get_by_text("Search").first.click()
    page.keyboard.type("stop")
    expect(page.get_by_text("Training ends within 2 seconds").first).to_be_visible()
    assert watched.foreign == []
    assert watched.complaints == []
