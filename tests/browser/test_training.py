"""Jobs from the page: started, watched, stopped, gone on with, compared; what the service refuses stands at its field."""

import json
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import Opener
from tests.browser.watched import until
from tests.e2e.server import ServerProcess

BUDGET = 2_000_000
POINTS = "Number(document.querySelector('.series')?.dataset.points ?? 0)"


def points(page: Page) -> int:
    return int(page.evaluate(POINTS))


def fill(page: Page, **fields: object) -> None:
    for name, value in fields.items():
        control = page.locator(f"#{name}")
        control.wait_for(state="attached")
        if not control.is_visible():
            page.locator("details", has=control).locator("summary").click()
        control.fill(str(value))


def test_job_when_started_from_the_page_is_watched_stopped_and_resumed(open_page: Opener, server: ServerProcess) -> None:
    page = open_page("new", expects=("422",))
    fill(page, total_timesteps=BUDGET, model_name="mine", seed=3, eval_freq=1_000, n_eval_episodes=2)
    page.get_by_role("button", name="Start training").click()

    expect(page.get_by_role("heading", name="mine", level=1)).to_be_visible()
    expect(page.locator(".heading-line .badge")).to_have_text("running")
    until(page, f"{POINTS} > 2")
    before = points(page)
    until(page, f"{POINTS} > {before}")
    expect(page.locator(".mark").first).to_be_visible()
    expect(page.locator(".log .line.eval").first).to_contain_text("over 2 episodes")

    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.locator(".heading-line .badge")).to_have_text("stopped")
    expect(page.locator(".log")).to_contain_text("kept as mine v")
    job_id = page.url.rpartition("/")[2]
    done = server.status(job_id)["current_timesteps"]
    assert points(page) > before

    page.get_by_role("button", name="Resume").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Budget in steps").fill("5")
    dialog.get_by_role("button", name="Resume").click()
    expect(dialog.get_by_role("alert")).to_contain_text("total_timesteps")
    dialog.get_by_label("Budget in steps").fill(str(BUDGET + 1_000))
    dialog.get_by_role("button", name="Resume").click()
    expect(page.locator(".heading-line .badge")).to_have_text("running")
    expect(page.locator(".facts").first).to_contain_text(f"/ {BUDGET + 1_000:,}")
    server.until(lambda: server.status(job_id)["current_timesteps"] > done)
    until(page, f"{POINTS} > {points(page)}")
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.locator(".heading-line .badge")).to_have_text("stopped")


def test_form_when_fields_are_wrong_shows_the_sentence_of_the_service_at_each(open_page: Opener, server: ServerProcess) -> None:
    page = open_page("new", expects=("422",))
    fill(page, total_timesteps=-5, batch_size=0, model_name="/")
    page.get_by_role("button", name="Start training").click()
    refused = server.client.post("/train", json={"total_timesteps": -5, "batch_size": 0, "model_name": "/"}).json()
    assert {error["field"] for error in refused["errors"]} == {"total_timesteps", "batch_size", "model_name"}
    for error in refused["errors"]:
        expect(page.locator(f"#{error['field']}-problem")).to_have_text(error["message"])
        expect(page.locator(f"#{error['field']}")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#total_timesteps")).to_be_focused()
    page.locator("#total_timesteps").fill("100")
    expect(page.locator("#total_timesteps-problem")).to_be_empty()


def test_form_when_an_environment_is_chosen_shows_its_defaults_and_sends_only_what_was_changed(
    open_page: Opener, server: ServerProcess
) -> None:
    page = open_page("new")
    known = {one["env_name"]: one for one in server.client.get("/environments").json()["environments"]}
    fill(page, env_name="Pendulum-v1", learning_rate=0.002)
    defaults = known["Pendulum-v1"]["defaults"]
    for name in ("n_envs", "gamma", "max_episode_steps"):
        expect(page.locator(f"#{name}")).to_have_attribute("placeholder", str(defaults[name]))
    expect(page.locator("#reward_function_type option")).to_have_count(1 + len(known["Pendulum-v1"]["reward_functions"]))
    body = json.loads(page.get_by_label("Request").inner_text())
    assert body == {"env_name": "Pendulum-v1", "learning_rate": 0.002}


def test_field_of_the_schema_when_not_an_alias_is_in_the_form(open_page: Opener, server: ServerProcess) -> None:
    page = open_page("new")
    expect(page.locator("#env_name")).to_be_visible()
    properties = server.client.get("/openapi.json").json()["components"]["schemas"]["TrainRequest"]["properties"]
    shown = set(page.locator(".job-form .field [name]").evaluate_all("all => all.map(one => one.name)"))
    assert shown == set(properties) - {"group_size", "clip_range"}


def test_job_when_flat_says_why_in_the_language_of_the_page(open_page: Opener, server: ServerProcess, flat: str) -> None:
    [first, *_] = server.client.get(f"/training/{flat}/metrics").json()["diagnosis"]
    page = open_page(f"jobs/{flat}")
    expect(page.locator(f".callout[data-code={first['code']}]")).to_have_text(first["message"])
    page.get_by_role("button", name="日本語").click()
    expect(page.locator(f".callout[data-code={first['code']}]")).to_contain_text("グループ")


def test_jobs_when_ticked_are_compared_in_one_plot_with_a_legend(
    open_page: Opener, cartpole: str, flat: str, server: ServerProcess
) -> None:
    page = open_page("jobs")
    for name in ("cartpole", "flat"):
        page.get_by_role("checkbox", name=f"Compare {name}").check()
    expect(page.locator(".series .line")).to_have_count(2)
    legend = page.get_by_role("list", name="Jobs in the plot")
    legend.get_by_role("checkbox", name="flat").uncheck()
    expect(page.locator(".series .line")).to_have_count(1)
    legend.get_by_role("checkbox", name="flat").check()
    page.get_by_role("checkbox", name="Compare cartpole").uncheck()
    expect(legend.get_by_role("listitem")).to_have_count(1)
    page.get_by_role("radio", name="Entropy").check()
    expect(page.locator(".chart-head h2")).to_have_text("Entropy")


def test_chart_when_arrow_keys_are_pressed_reads_out_values_of_the_history(
    open_page: Opener, cartpole: str, server: ServerProcess
) -> None:
    history = server.client.get(f"/training/{cartpole}/metrics").json()
    page = open_page(f"jobs/{cartpole}")
    until(page, f"{POINTS} === {len(history['timesteps'])}")
    chart = page.get_by_role("slider", name="Return")
    chart.focus()
    page.keyboard.press("Home")
    expect(chart).to_have_attribute("aria-valuenow", str(history["timesteps"][0]))
    page.keyboard.press("End")
    expect(chart).to_have_attribute("aria-valuenow", str(history["timesteps"][-1]))
    last = history["metrics"]["rollout/ep_rew_mean"][-1]
    expect(page.locator(".readout b")).to_contain_text(f"{last:.4g}")
    page.get_by_label("Smoothing").last.fill("0.9")
    expect(page.locator(".series .raw")).to_have_count(1)


def test_job_when_its_buttons_are_pressed_gives_plot_and_configuration(
    open_page: Opener, cartpole: str, server: ServerProcess, downloads: Path
) -> None:
    page = open_page(f"jobs/{cartpole}", permissions=["clipboard-read", "clipboard-write"])
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Plot (SVG)").click()
    expect(opened.value.locator("svg").first).to_be_visible()
    page.get_by_role("button", name="Copy JSON").click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    copied = json.loads(page.evaluate("navigator.clipboard.readText()"))
    [version] = [one for one in server.client.get("/models/cartpole").json()["versions"] if one["job_id"] == cartpole][-1:]
    assert copied == version["config"]
    page.get_by_role("button", name="New job like this").click()
    expect(page.locator("#total_timesteps")).to_have_value(str(copied["total_timesteps"]))
    expect(page.locator("#model_name")).to_have_value("")
