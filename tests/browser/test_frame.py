"""What every view has: two languages, two themes, room on a phone, the keyboard, and no barrier that axe-core finds."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Opener
from tests.browser.watched import accessibility_problems, until

VIEWS = [
    "jobs",
    "jobs/{job}",
    "new",
    "models",
    "models/cartpole/play",
    "models/cartpole/try",
    "models/cartpole/evaluate",
    "models/cartpole/versions",
    "sweeps",
    "sweeps/new",
    "sweeps/{sweep}",
]
SETTLED = {
    "jobs/{job}": ".series",
    "jobs": ".job-row",
    "new": "#env_name",
    "models": ".job-row",
    "models/cartpole/play": ".play[data-steps]",
    "models/cartpole/try": ".play[data-answers]",
    "models/cartpole/evaluate": ".evaluation",
    "models/cartpole/versions": ".version",
    "sweeps": ".job-row",
    "sweeps/new": ".search-row",
    "sweeps/{sweep}": ".scatter .best",
}


@pytest.mark.parametrize(("theme", "locale"), [("light", "en-GB"), ("dark", "ja-JP")])
def test_view_in_any_theme_and_language_has_no_barrier(
    open_page: Opener, cartpole: str, swept: str, theme: str, locale: str
) -> None:
    page = open_page("jobs", color_scheme=theme, locale=locale)
    for view in VIEWS:
        page.evaluate("view => { location.hash = `#/${view}` }", view.format(job=cartpole, sweep=swept))
        page.locator(SETTLED[view]).first.wait_for()
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
        assert accessibility_problems(page) == [], view
    page.keyboard.press("?")
    page.get_by_role("dialog").wait_for()
    assert accessibility_problems(page) == [], "help"


def test_view_on_a_phone_needs_no_sideways_scrolling(open_page: Opener, cartpole: str, swept: str) -> None:
    phone = {"width": 360, "height": 740}
    page = open_page("jobs", viewport=phone, is_mobile=True, has_touch=True)
    for view in VIEWS:
        page.evaluate("view => { location.hash = `#/${view}` }", view.format(job=cartpole, sweep=swept))
        page.locator(SETTLED[view]).first.wait_for(state="attached")
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
        assert page.evaluate("document.documentElement.scrollWidth") == phone["width"], view


def test_language_when_switched_changes_every_word_and_is_remembered(open_page: Opener) -> None:
    page = open_page("new")
    expect(page.get_by_role("heading", level=1)).to_have_text("New job")
    page.locator("#model_name").fill("kept")
    page.get_by_role("button", name="日本語").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("新しいジョブ")
    expect(page.locator("html")).to_have_attribute("lang", "ja")
    expect(page.locator("#model_name")).to_have_value("kept")
    expect(page.get_by_role("button", name="日本語")).to_be_focused()
    words = page.locator("label > span, .hint, button, summary, h2").all_inner_texts()
    names = {"EN", "?", "☾", "CartPole-v1"}
    english = [one for one in words if one.strip() and one.strip() not in names and one.isascii()]
    assert english == []
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("新しいジョブ")


def test_dictionaries_have_the_same_sentences_with_the_same_values(open_page: Opener) -> None:
    page = open_page()
    script = """async () => {
        const { LANGUAGES: { en, ja } } = await import(new URL('dashboard/lib/language.js', location.href).href);
        const values = (sentence) => (sentence.match(/\\{\\w+\\}/g) ?? []).sort().join();
        return Object.keys(en).filter((name) => !(name in ja) || values(en[name]) !== values(ja[name]));
    }"""
    assert page.evaluate(script) == []


def test_theme_when_switched_changes_the_colours_and_is_remembered(open_page: Opener) -> None:
    page = open_page(color_scheme="light")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.get_by_role("button", name="Switch to dark").click()
    dark = page.evaluate(ground)
    assert dark != light
    page.reload()
    until(page, "document.documentElement.dataset.ready")
    assert page.evaluate(ground) == dark


def test_page_when_only_the_keyboard_is_used_starts_a_job_and_reaches_a_model(open_page: Opener, cartpole: str) -> None:
    page = open_page("jobs")
    page.locator(".job-row").first.wait_for()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    page.keyboard.press("n")
    expect(page.get_by_role("heading", name="New job")).to_be_focused()
    page.locator("#env_name").wait_for()
    page.keyboard.press("Tab")
    expect(page.locator("#env_name")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("300")
    page.keyboard.press("Tab")
    page.keyboard.type("by_keys")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="by_keys")).to_be_visible()
    page.keyboard.press("m")
    page.get_by_role("link", name=re.compile("^cartpole")).focus()
    page.keyboard.press("Enter")
    page.get_by_role("tab", name="Play").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Try")).to_be_focused()
    expect(page.get_by_role("tabpanel", name="Try")).to_contain_text("Pole angle")


def test_motion_when_the_user_wants_less_is_off(open_page: Opener) -> None:
    page = open_page(reduced_motion="reduce")
    durations = page.evaluate("[...document.querySelectorAll('*')].map((one) => getComputedStyle(one).transitionDuration)")
    assert set(durations) == {"0s"}
