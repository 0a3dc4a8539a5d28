"""What goes wrong for people: the server is away, no key at hand, an address that was cut short, a wrong value."""

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Opener
from tests.browser.test_access import LOST, made_key, offer_key
from tests.browser.test_training import fill
from tests.e2e.server import ServerProcess

PATIENT = 3_000  # milliseconds in which the page would have asked the server again


@pytest.fixture
def own(tmp_path: Path) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path).start()
    yield server
    server.close()


def origin(server: ServerProcess) -> str:
    return f"http://127.0.0.1:{server.port}"


def test_page_before_the_first_job_says_what_to_do(own: ServerProcess, open_page: Opener) -> None:
    page = open_page("jobs", origin=origin(own))
    expect(page.get_by_role("heading", name="Train a first policy")).to_be_visible()
    page.get_by_role("link", name="Models", exact=True).click()
    expect(page.get_by_text("A job leaves a model when it ends or is stopped")).to_be_visible()
    page.get_by_role("link", name="Jobs", exact=True).click()
    page.get_by_role("link", name="Start the first job").click()
    fill(page, total_timesteps=300, model_name="first")
    page.get_by_role("button", name="Start training").click()
    expect(page.get_by_role("heading", name="first", level=1)).to_be_visible()
    expect(page).to_have_title("first · GRPO")


def test_views_when_opened_while_the_server_is_away_come_with_it(own: ServerProcess, open_page: Opener) -> None:
    own.wait(own.train(total_timesteps=300, model_name="there"))
    pages = [open_page("jobs", origin=origin(own), expects=LOST) for _ in range(3)]
    for page in pages:
        page.locator(".job-row").first.wait_for()
    own.stop(signal.SIGKILL)
    pages[0].get_by_role("link", name=re.compile("there")).click()
    pages[1].get_by_role("link", name="Models", exact=True).click()
    pages[2].get_by_role("link", name="New job").click()
    for page in pages:
        expect(page.locator(".banner")).to_be_visible()
        expect(page.get_by_role("button", name="Stop", exact=True)).to_have_count(0)
    own.start()
    expect(pages[0].get_by_role("heading", name="there", level=1)).to_be_visible()
    expect(pages[1].get_by_role("link", name=re.compile("there"))).to_be_visible()
    expect(pages[2].locator("#env_name")).to_be_visible()


def test_key_when_it_is_not_at_hand_is_asked_for_once_and_can_be_given_later(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], open_page: Opener
) -> None:
    key = made_key(tmp_path, capfd, "read")
    server = ServerProcess(tmp_path, api_keys_file=tmp_path / "keys.json").start()
    try:
        page = open_page("jobs", origin=origin(server), expects=("401", "403"))
        page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
        page.wait_for_timeout(PATIENT)
        expect(page.get_by_role("dialog")).to_have_count(0)
        page.get_by_role("button", name="Enter the key").click()
        offer_key(page, "grpo_wrong")
        expect(page.get_by_role("dialog").get_by_role("alert")).to_have_text("The server does not know this key.")
        offer_key(page, key)
        expect(page.locator(".banner")).to_be_hidden()
        page.get_by_role("link", name="Start the first job").click()
        page.get_by_role("button", name="Start training").click()
        expect(page.locator(".form-problem")).to_contain_text("This needs the scope train")
        page.context.close()
    finally:
        server.close()


def test_list_after_a_switch_of_the_language_goes_on(open_page: Opener, server: ServerProcess, cartpole: str) -> None:
    page = open_page("jobs")
    page.locator(".job-row").first.wait_for()
    page.get_by_role("button", name="日本語").click()
    server.train(total_timesteps=300, model_name="after_the_switch")
    expect(page.get_by_role("link", name=re.compile("after_the_switch"))).to_be_visible()


@pytest.mark.parametrize("address", ["%E0%A4%A", "constructor", "models/../x", "jobs/%"])
def test_address_when_it_is_none_of_the_page_still_gives_a_page(open_page: Opener, cartpole: str, address: str) -> None:
    page = open_page(address, expects=("404",))
    expect(page.locator(".job-row").first).to_be_visible()


def test_seed_beyond_the_exact_numbers_of_a_browser_is_sent_as_typed(open_page: Opener, server: ServerProcess) -> None:
    seed = 2**53 + 1
    page = open_page("new")
    fill(page, seed=seed, total_timesteps=300, model_name="big_seed")
    page.get_by_role("button", name="Start training").click()
    expect(page.locator(".heading-line .badge")).to_have_text("completed")
    assert json.loads(server.client.get("/models/big_seed").text)["versions"][0]["seed"] == seed


def test_list_of_numbers_when_one_is_wrong_says_so_at_its_field(open_page: Opener) -> None:
    page = open_page("new", expects=("422",))
    fill(page, hidden_sizes="64, foo")
    page.get_by_role("button", name="Start training").click()
    expect(page.locator("#hidden_sizes-problem")).to_contain_text("hidden_sizes[1]")


def test_evaluation_and_play_when_a_value_is_wrong_say_so_and_can_begin_again(open_page: Opener, cartpole: str) -> None:
    page = open_page("models/cartpole/evaluate", expects=("422",))
    episodes = page.get_by_label("Episodes")
    episodes.fill("0")
    page.get_by_role("button", name="Evaluate").click()
    expect(page.locator(".checked", has=episodes).get_by_role("alert")).to_contain_text("episodes must be an integer")
    expect(episodes).to_be_focused()
    page.get_by_role("tab", name="Play").click()
    page.get_by_label("Seed").fill("-1")
    page.keyboard.press("Tab")
    expect(page.locator(".verdict")).to_contain_text("seed is wrong")
    expect(page.get_by_role("button", name="Push →")).to_be_disabled()
    page.get_by_label("Seed").fill("1")
    page.get_by_role("button", name="Play", exact=True).click()
    expect(page.get_by_role("button", name="Stop", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Push →")).to_be_enabled()


def test_sliders_reach_their_bounds(open_page: Opener, server: ServerProcess) -> None:
    server.wait(server.train(env_name="Acrobot-v1", total_timesteps=64, model_name="bounds", seed=0))
    page = open_page("models/bounds/try")
    slider = page.get_by_role("slider", name="First angular velocity")
    slider.press("End")
    expect(page.locator(".slider", has=slider).locator("output")).to_have_text("12.6 rad/s")
    slider.press("Home")
    expect(page.locator(".slider", has=slider).locator("output")).to_have_text("-12.6 rad/s")
