"""Chromium of this machine, driven by Playwright: for measurements, pictures and tests of the dashboard."""

import os
import shutil

from playwright.sync_api import Browser, Playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
MISSING = "needs Chromium: apt-get install chromium, or name one in GRPO_TEST_CHROMIUM"


def find_chromium() -> str | None:
    """The path in GRPO_TEST_CHROMIUM, or what is on the PATH."""
    return os.environ.get("GRPO_TEST_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


def launch(playwright: Playwright) -> Browser:
    """Raises SystemExit with the command that installs what is missing."""
    path = find_chromium()
    if path is None:
        raise SystemExit(MISSING)
    # As root, as in a container, Chromium starts only without its sandbox; it loads nothing but this server's pages.
    return playwright.chromium.launch(executable_path=path, args=["--no-sandbox"] if os.geteuid() == 0 else [])
