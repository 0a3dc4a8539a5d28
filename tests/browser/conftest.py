"""A real browser before a real server. Every page is watched: it may log no error and ask no other host for anything."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from benchmarks.browser import MISSING, find_chromium, launch
from tests.browser.watched import PATIENCE_SECONDS, WatchedPage, until
from tests.e2e.server import ServerProcess

expect.set_options(timeout=1_000 * PATIENCE_SECONDS)

Opener = Callable[..., Page]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Of the package and not of the session: while Playwright runs, no other test of this thread could use asyncio."""
    if find_chromium() is None:
        pytest.skip(MISSING)
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One for all tests that need no other: each uses names of its own."""
    server = ServerProcess(tmp_path_factory.mktemp("server")).start()
    yield server
    server.close()


@pytest.fixture
def open_page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Opener]:
    """Open a view: `open_page("jobs", locale="ja-JP", expects=("422",))`; `expects`: what the console may complain of.

    Pages close before the servers of fixtures that a test names in front of this one.
    """
    watched: list[WatchedPage] = []

    def open_view(view: str = "jobs", *, origin: str | None = None, expects: tuple[str, ...] = (), **options: Any) -> Page:
        origin = origin or f"http://127.0.0.1:{request.getfixturevalue('server').port}"
        context = browser.new_context(**{"locale": "en-GB", "viewport": {"width": 1280, "height": 800}} | options)
        context.set_default_timeout(1_000 * PATIENCE_SECONDS)
        page = context.new_page()
        watched.append(WatchedPage(page, origin, expects))
        page.goto(f"{origin}/dashboard#/{view}")
        until(page, "document.documentElement.dataset.ready")
        return page

    yield open_view
    for one in watched:
        one.page.context.close()
        one.check()


@pytest.fixture(scope="package")
def cartpole(server: ServerProcess) -> str:
    """A model of CartPole, whose job has evaluations."""
    job_id = server.train(total_timesteps=4_000, model_name="cartpole", seed=1, eval_freq=1_000, n_eval_episodes=3)
    assert server.wait(job_id)["status"] == "completed"
    return job_id


@pytest.fixture(scope="package")
def flat(server: ServerProcess) -> str:
    """A job that cannot learn: in 16 steps of MountainCar nobody comes near the flag, so all members do equally badly."""
    job_id = server.train(env_name="MountainCar-v0", n_steps=16, total_timesteps=2_000, model_name="flat", seed=0)
    assert server.wait(job_id)["status"] == "completed"
    return job_id


@pytest.fixture(scope="package")
def swept(server: ServerProcess) -> str:
    """A sweep that is completed."""
    space = {"learning_rate": {"type": "float", "low": 1e-4, "high": 1e-2, "log": True}}
    body = {"search_space": space, "training": {"total_timesteps": 300, "n_eval_episodes": 1}, "n_trials": 2, "seed": 1}
    sweep = str(server.client.post("/sweeps", json=body).json()["sweep_id"])
    server.until(lambda: server.client.get(f"/sweeps/{sweep}").json()["status"] == "completed")
    return sweep


@pytest.fixture(scope="session")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("downloads")
