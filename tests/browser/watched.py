"""What a page did that nobody sees: errors in its console, requests to other hosts."""

import time
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

AXE = Axe()
PATIENCE_SECONDS = 15.0


class WatchedPage:
    """Takes down what goes wrong from the first request on. `expects`: parts of messages that the test brings about."""

    def __init__(self, page: Page, origin: str, expects: tuple[str, ...]) -> None:
        self.page, self.origin, self.expects = page, origin, expects
        self.wrong: list[str] = []
        self.foreign: list[str] = []
        page.on("console", lambda message: self._note(message.text) if message.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: self._note(str(error)))
        page.on("request", lambda request: self._look(request.url))

    def check(self) -> None:
        assert not self.wrong, self.wrong
        assert not self.foreign, self.foreign

    def _note(self, message: str) -> None:
        if not any(part in message for part in self.expects):
            self.wrong.append(message)

    def _look(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"data", "blob"} and f"{parts.scheme}://{parts.netloc}" != self.origin:
            self.foreign.append(url)


def accessibility_problems(page: Page) -> list[str]:
    """What axe-core finds: rule, place, and why."""
    found = AXE.run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [f"{one['id']}: {node['html'][:120]} ({node['failureSummary']})" for one in found for node in one["nodes"]]


def until(page: Page, expression: str) -> None:
    """Wait until the expression holds. Playwright's own wait evaluates strings within the page, which its policy forbids."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"waited in vain for {expression}"
        page.wait_for_timeout(20)
