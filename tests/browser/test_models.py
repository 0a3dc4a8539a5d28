"""Models on the page: at play with pushes, by sliders, evaluated, taken away and brought back, deleted."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Opener
from tests.browser.watched import until
from tests.e2e.server import ServerProcess

pytestmark = pytest.mark.usefixtures("cartpole")
PUSHED = "Math.sign(Number(document.querySelector('.play').dataset.pushed ?? 0))"
COLOURS = """(canvas) => {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return new Set(new Uint32Array(data.buffer)).size;
}"""
STEPS = "Number(document.querySelector('.play')?.dataset.steps ?? 0)"


def picture(page: Page) -> str:
    return str(page.evaluate("document.querySelector('canvas.stage').toDataURL()"))


def test_model_when_played_moves_and_takes_pushes_by_mouse_keys_and_buttons(open_page: Opener) -> None:
    page = open_page("models/cartpole/play")
    until(page, f"{STEPS} > 5")
    before = picture(page)
    until(page, f"{STEPS} > 20")
    assert picture(page) != before
    box = page.locator("canvas.stage").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + box["width"] / 5, y, steps=3)
    page.mouse.up()
    until(page, f"{PUSHED} === 1")
    page.locator("canvas.stage").focus()
    page.keyboard.press("ArrowLeft")
    until(page, f"{PUSHED} === -1")
    page.get_by_role("button", name="Push →").click()
    until(page, f"{PUSHED} === 1")
    expect(page.get_by_role("list", name="What the policy does").get_by_role("listitem")).to_have_count(2)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()


def test_model_of_any_environment_when_played_is_drawn(open_page: Opener, server: ServerProcess) -> None:
    names = ["Acrobot-v1", "Pendulum-v1", "MountainCarContinuous-v0", "FrozenLake-v1"]
    for job in [server.train(env_name=name, total_timesteps=64, model_name=f"of_{name}", seed=0) for name in names]:
        server.wait(job)
    page = open_page("models")
    for name in names:
        page.get_by_role("link", name=f"of_{name}").click()
        expect(page.get_by_role("heading", name=f"of_{name}", level=1)).to_be_visible()
        until(page, f"{STEPS} > 3")
        assert page.locator("canvas.stage").evaluate(COLOURS) > 4, name


def test_observation_when_a_slider_moves_is_answered_as_inference_answers(open_page: Opener, server: ServerProcess) -> None:
    page = open_page("models/cartpole/try")
    until(page, "Number(document.querySelector('.play')?.dataset.answers ?? 0) > 0")
    page.get_by_role("slider", name="Pole angle").fill("0.2")
    shown = float(page.get_by_role("slider", name="Pole angle").input_value())
    answer = server.client.post("/inference", json={"model_name": "cartpole", "observation": [0, 0, shown, 0]}).json()
    rows = page.get_by_role("list", name="What the policy does").get_by_role("listitem")
    for row, probability in zip(rows.all(), answer["action_probs"], strict=True):
        expect(row.locator("b")).to_have_text(f"{100 * probability:.1f}%")
    expect(rows.nth(answer["action"])).to_have_class("chosen")


def test_model_when_evaluated_shows_mean_interval_and_histogram(open_page: Opener, server: ServerProcess) -> None:
    page = open_page("models/cartpole/evaluate")
    page.get_by_label("Episodes").fill("20")
    page.get_by_role("button", name="Evaluate").click()
    answer = server.client.post("/models/cartpole/evaluate", json={"episodes": 20, "seed": 0}).json()
    expect(page.get_by_role("img", name="How often which return came")).to_be_visible()
    expect(page.locator(".histogram .bar")).to_have_count(len(answer["histogram"]["counts"]))
    expect(page.locator(".evaluation .facts")).to_contain_text(f"{answer['mean_reward']:.4g}")


def test_model_when_exported_and_imported_is_the_same_and_can_be_deleted(
    open_page: Opener, server: ServerProcess, downloads: Path
) -> None:
    page = open_page("models/cartpole/versions")
    with page.expect_download() as exported:
        page.get_by_role("button", name="Export safetensors").first.click()
    file = downloads / "copy.safetensors"
    exported.value.save_as(file)
    page.locator("input[type=file]").set_input_files(file)
    expect(page.get_by_role("heading", name="copy", level=1)).to_be_visible()
    expect(page.locator(".version .badge")).to_have_text("imported from a file")
    [newest] = server.client.get("/models/cartpole").json()["versions"][-1:]
    assert server.versions("copy") == [(1, newest["sha256"])]

    page.get_by_role("button", name="Delete the model …").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    assert len(server.versions("copy")) == 1
    page.get_by_role("button", name="Delete the model …").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Choose a model")).to_be_visible()
    assert server.client.get("/models/copy").status_code == 404


def test_versions_when_listed_lead_to_their_job(open_page: Opener, cartpole: str) -> None:
    page = open_page("models/cartpole/versions")
    page.get_by_role("link", name=cartpole[:8]).first.click()
    expect(page).to_have_url(f"{page.url.partition('#')[0]}#/jobs/{cartpole}")
