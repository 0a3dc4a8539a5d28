"""Sweeps on the page: begun from the form, watched, stopped, gone on with, and the best trial taken up."""

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import Opener
from tests.browser.watched import accessibility_problems
from tests.e2e.server import ServerProcess

SPACE = {
    "learning_rate": {"type": "float", "low": 1e-4, "high": 1e-2, "log": True},
    "hidden_sizes": {"type": "categorical", "choices": [[8], [16, 16]]},
}
QUICK = {"total_timesteps": 300, "n_eval_episodes": 1}


def begin(server: ServerProcess, **plan: object) -> str:
    answer = server.client.post("/sweeps", json={"search_space": SPACE, "training": QUICK, "pruner": "none"} | plan)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["sweep_id"])


def has_ended(server: ServerProcess, sweep: str) -> bool:
    return server.client.get(f"/sweeps/{sweep}").json()["status"] in {"completed", "stopped", "failed"}


def values_of(page: Page, name: str) -> str:
    return page.get_by_role("textbox", name=f"Values of {name}").input_value()


def test_sweep_from_the_form_to_the_best_trial_and_a_job_like_it(open_page: Opener, server: ServerProcess) -> None:
    page = open_page("sweeps", expects=("422",))
    page.get_by_role("main").get_by_role("link", name="New sweep").last.click()
    expect(page.get_by_role("heading", name="New sweep", level=1)).to_be_focused()
    assert values_of(page, "learning_rate") == "0.0001..0.01:log"
    page.get_by_role("button", name="Add a field").click()
    page.get_by_role("combobox", name="Searched field").last.select_option("hidden_sizes")
    assert values_of(page, "hidden_sizes") == "[[32], [64, 64]]"
    page.get_by_role("textbox", name="Values of hidden_sizes").fill("[[8], [16]]")
    page.get_by_label("Budget in steps").fill("300")
    page.get_by_label("Trials").fill("4")
    page.get_by_label("Model name").fill("swept")
    page.get_by_label("Seed").fill("1")
    start = page.get_by_role("button", name="Start the sweep")

    rates = page.get_by_role("textbox", name="Values of learning_rate")
    rates.fill("quick")
    start.click()
    expect(rates).to_have_accessible_description(re.compile(r"write 0\.1\.\.0\.4"))
    rates.fill("0.5..0.1")
    start.click()
    expect(rates).to_have_accessible_description(re.compile("low must not be above high, got 0.5 and 0.1"))
    rates.fill("0.001..0.01:log")
    page.get_by_label("Trials").fill("0")
    start.click()
    expect(page.get_by_label("Trials")).to_have_accessible_description(re.compile("must be an integer from 1 to 1000, got 0"))
    page.get_by_label("Trials").fill("4")
    assert accessibility_problems(page) == []
    start.click()

    expect(page.get_by_role("heading", name="Sweep", exact=True, level=1)).to_be_visible()
    expect(page.get_by_text("4 of 4 trials done, 0 under way")).to_be_visible()
    expect(page.get_by_role("region", name="The best trial")).to_contain_text("learning_rate")
    expect(page.locator(".scatter .dot")).to_have_count(4)
    expect(page.locator(".shares dt")).to_have_count(2)
    page.get_by_role("combobox", name="Parameter in the picture").select_option("hidden_sizes")
    expect(page.get_by_role("img", name=re.compile("over hidden_sizes"))).to_be_visible()
    assert accessibility_problems(page) == []

    sweep = server.client.get("/sweeps").json()["sweeps"][0]["sweep_id"]
    best = server.client.get(f"/sweeps/{sweep}").json()["best"]
    expect(page.get_by_role("link", name="Watch it play")).to_have_attribute("href", f"#/models/{best['model_name']}/play")
    page.get_by_role("button", name="New job like this").click()
    expect(page.locator("#learning_rate")).to_have_value(str(best["config"]["learning_rate"]))
    page.go_back()
    page.get_by_role("link", name="swept_0").click()
    expect(page.get_by_role("heading", name="swept_0", level=1)).to_be_visible()


def test_sweep_when_stopped_and_resumed_goes_on_in_both_languages(open_page: Opener, server: ServerProcess) -> None:
    sweep = begin(server, n_trials=500, max_parallel=1)
    page = open_page(f"sweeps/{sweep}")
    expect(page.locator(".scatter .dot").first).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("article .badge.stopped").first).to_be_visible()
    assert has_ended(server, sweep)
    page.get_by_role("button", name="Resume").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Trials in all").fill("501")
    dialog.get_by_role("button", name="Resume").click()
    expect(page.get_by_text(re.compile("of 501 trials done"))).to_be_visible()
    page.get_by_role("button", name="日本語").click()
    expect(page.get_by_text(re.compile("501 回のうち"))).to_be_visible()
    page.get_by_role("button", name="停止").click()
    server.until(lambda: has_ended(server, sweep))


def test_sweep_that_does_not_exist_is_told_in_the_servers_words(open_page: Opener) -> None:
    page = open_page("sweeps/nobody", expects=("404",))
    expect(page.locator("article .callout.error")).to_have_text("There is no sweep 'nobody'.")


def test_values_are_read_as_the_command_line_reads_them(open_page: Opener) -> None:
    read = {
        "1e-4..1e-2:log": '{"type":"float","low":0.0001,"high":0.01,"log":true}',
        "2..20": '{"type":"int","low":2,"high":20,"log":false}',
        "0..1.5": '{"type":"float","low":0,"high":1.5,"log":false}',
        '["tanh"]': '{"type":"categorical","choices":["tanh"]}',
        "a..b": "null",
        "1..2..3": "null",
        "": "null",
    }
    page = open_page("sweeps")
    script = "async (typed) => JSON.stringify((await import('./dashboard/sweeps/space.js')).dimension(typed))"
    assert {typed: page.evaluate(script, typed) for typed in read} == read
