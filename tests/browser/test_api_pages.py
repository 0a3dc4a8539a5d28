"""`/docs` and `/redoc` in Debian's Chromium: they render, say nothing on the console, and ask no other host for anything."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.watched import WatchedPage
from tests.e2e.server import ServerProcess


@pytest.fixture
def page(browser: Browser, server: ServerProcess) -> Iterator[Page]:
    """A page of the server, which did nothing behind one's back when the test is over."""
    origin = f"http://127.0.0.1:{server.port}"
    context = browser.new_context(base_url=origin, viewport={"width": 1300, "height": 1000})
    page = context.new_page()
    watched = WatchedPage(page, origin, ())
    yield page
    watched.check()
    context.close()


def test_swagger_ui_when_opened_shows_introduction_operations_and_examples(page: Page) -> None:
    page.goto("/docs")
    expect(page.get_by_text("In three requests").last).to_be_visible()
    page.get_by_text("Start a training job").click()
    expect(page.get_by_text("Pendulum: continuous actions, 100,000 steps").first).to_be_attached()
    expect(page.get_by_text('"model_name": "my_cartpole_model"').first).to_be_visible()


def test_swagger_ui_when_tried_out_sends_the_request_and_shows_the_answer(page: Page) -> None:
    page.goto("/docs")
    page.get_by_text("Health of the service", exact=True).click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    expect(page.locator(".live-responses-table").get_by_text('"healthy"')).to_be_visible()


def test_redoc_when_opened_shows_introduction_operations_and_examples(page: Page) -> None:
    page.goto("/redoc")
    expect(page.get_by_text("In three requests").last).to_be_visible()
    page.get_by_text("training", exact=True).first.click()
    page.get_by_text("Start a training job").first.click()
    expect(page.get_by_role("heading", name="Start a training job")).to_be_visible()
    expect(page.get_by_text('"my_cartpole_model"').first).to_be_visible()


def test_redoc_when_searched_finds_an_operation(page: Page) -> None:
    page.goto("/redoc")
    page.get_by_text("Search").first.click()
    page.keyboard.type("stop")
    expect(page.get_by_text("Training ends within 2 seconds").first).to_be_visible()
