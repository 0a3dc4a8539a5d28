"""A server that asks for a key, and one that goes away for a while."""

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from bootstrap.keys import main as keys
from tests.browser.conftest import Opener
from tests.browser.watched import until
from tests.e2e.server import ServerProcess

LOST = ("ERR_CONNECTION", "ERR_INCOMPLETE", "ERR_EMPTY")
POINTS = "Number(document.querySelector('.series')?.dataset.points ?? 0)"
PLACES = "document.querySelector('.series .line').getAttribute('d').split(/[ML]/).slice(1).map((one) => parseFloat(one))"


def made_key(folder: Path, capfd: pytest.CaptureFixture[str], scopes: str) -> str:
    with pytest.raises(SystemExit, match="0"):
        keys(["create", "dash", "--scopes", scopes, "--file", str(folder / "keys.json")])
    return capfd.readouterr().out.strip()


@pytest.fixture
def key(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> str:
    return made_key(tmp_path, capfd, "read,infer,train")


@pytest.fixture
def guarded(tmp_path: Path, key: str) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path, api_keys_file=tmp_path / "keys.json")
    server.client.headers["Authorization"] = f"Bearer {key}"
    yield server.start()
    server.close()


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path).start()
    yield server
    server.close()


def offer_key(page: Page, key: str) -> None:
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Key").fill(key)
    dialog.get_by_role("button", name="Use key").click()


def test_page_when_the_server_has_keys_asks_for_one_and_streams_with_it(
    guarded: ServerProcess, key: str, open_page: Opener
) -> None:
    page = open_page("jobs", origin=f"http://127.0.0.1:{guarded.port}", expects=("401",))
    offer_key(page, "grpo_wrong")
    expect(page.get_by_role("dialog").get_by_role("alert")).to_have_text("The server does not know this key.")
    offer_key(page, key)
    expect(page.get_by_role("dialog")).to_have_count(0)
    job_id = guarded.train(total_timesteps=2_000, model_name="guarded")
    page.get_by_role("link", name=re.compile("guarded")).click()
    expect(page.locator(".heading-line .badge")).to_have_text("completed")
    expect(page.locator(".log")).to_contain_text("kept as guarded v1")
    with page.expect_download() as plot:
        page.get_by_role("link", name="Plot (SVG)").click()
    assert plot.value.suggested_filename == "guarded.svg"
    assert page.url.endswith(f"#/jobs/{job_id}")
    assert key not in page.evaluate("JSON.stringify(localStorage)")


def test_connection_when_lost_is_shown_and_heals_by_itself(mortal: ServerProcess, open_page: Opener) -> None:
    job_id = mortal.train(total_timesteps=1_000_000, model_name="outlives", seed=0)
    page = open_page(f"jobs/{job_id}", origin=f"http://127.0.0.1:{mortal.port}", expects=LOST)
    until(page, f"{POINTS} > 1")
    mortal.stop(signal.SIGKILL)
    banner = page.locator(".banner")
    expect(banner).to_contain_text("The server does not answer")
    mortal.start()
    expect(banner).to_be_hidden()
    expect(page.locator(".heading-line .badge")).to_have_text("running")
    # The job went back to its checkpoint: what it does again is drawn once, and it goes on.
    until(page, f"{POINTS} > {page.evaluate(POINTS)}")
    places = page.evaluate(PLACES)
    assert places == sorted(set(places))
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.locator(".heading-line .badge")).to_have_text("stopped")
