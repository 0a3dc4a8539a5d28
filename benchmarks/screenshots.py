"""Pictures of the dashboard for the documents: jobs that train, and a policy that is pushed, on a server of their own.

python -m benchmarks.screenshots
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.browser import launch
from benchmarks.server import ROOT, Server

FOLDER = ROOT / "docs" / "screenshots"
DESKTOP = {"width": 1280, "height": 860}
SWEEP = {
    "search_space": {
        "learning_rate": {"type": "float", "low": 1e-4, "high": 1e-2, "log": True},
        "n_epochs": {"type": "int", "low": 2, "high": 20},
        "hidden_sizes": {"type": "categorical", "choices": [[16], [64, 64]]},
    },
    "training": {"total_timesteps": 4_000, "model_name": "searched"},
    "n_trials": 30,
    "seed": 1,
}
JOB = {"env_name": "CartPole-v1", "reward_function_type": "environment", "eval_freq": 6_000, "n_eval_episodes": 10}


@contextmanager
def view(browser: Browser, server: Server, where: str, **options: Any) -> Iterator[Page]:
    """A page of the dashboard, as a visitor with these options has it."""
    context = browser.new_context(**{"viewport": DESKTOP, "locale": "en-GB"} | options)
    page = context.new_page()
    page.goto(f"{server.url}/dashboard#/{where}")
    yield page
    context.close()


def shoot(page: Page, name: str) -> None:
    """Write docs/screenshots/<name>.png."""
    page.screenshot(path=FOLDER / f"{name}.png")
    print(f"written: docs/screenshots/{name}.png, {(FOLDER / f'{name}.png').stat().st_size / 1e3:.0f} kB")


def wait_for_share(server: Server, job: str, share: float) -> None:
    """Wait until so much of the budget is used."""
    while server.get(f"/training/{job}/status")["progress"] < share:
        pass


def main() -> None:
    """Train, look, and write the pictures."""
    FOLDER.mkdir(exist_ok=True)
    with Server() as server, sync_playwright() as playwright:
        browser = launch(playwright)
        others = [
            server.train(model_name="cartpole_small_steps", total_timesteps=60_000, learning_rate=2e-5, seed=2, **JOB),
            server.train(
                model_name="cartpole_large_groups", total_timesteps=60_000, num_generations=8, n_envs=8, seed=3, **JOB
            ),
        ]
        for job in others:
            server.wait(job)
        server.wait(
            server.train(model_name="mountain_car", env_name="MountainCar-v0", n_steps=16, total_timesteps=3_000, seed=1)
        )
        pendulum = server.train(
            model_name="pendulum", env_name="Pendulum-v1", total_timesteps=100_000, eval_freq=10_000, seed=0
        )
        job = server.train(model_name="cartpole", total_timesteps=60_000, seed=1, **JOB)
        wait_for_share(server, job, 0.7)
        with view(browser, server, f"jobs/{job}", color_scheme="light") as page:
            for name in ("cartpole_small_steps", "cartpole_large_groups"):
                page.get_by_role("checkbox", name=f"Compare {name}").check()
            page.locator(".series").nth(2).wait_for()
            shoot(page, "dashboard-light")
        with view(browser, server, f"jobs/{pendulum}", color_scheme="dark", locale="ja-JP") as page:
            page.locator(".mark").first.wait_for()
            shoot(page, "dashboard-dark-ja")
        server.wait(job)
        phone = {"width": 360, "height": 740}
        with view(
            browser, server, f"jobs/{job}", viewport=phone, is_mobile=True, has_touch=True, device_scale_factor=2
        ) as page:
            page.locator(".mark").first.wait_for()
            shoot(page, "dashboard-phone")
        with view(browser, server, "models/cartpole/play", viewport={"width": 1280, "height": 760}) as page:
            page.locator(".play[data-steps]").wait_for()
            stage = page.locator("canvas.stage")
            stage.hover()
            page.mouse.down()
            stage.hover(position={"x": 0.8 * DESKTOP["width"] / 2, "y": 120}, force=True)
            shoot(page, "dashboard-play")
        sweep = server.post("/sweeps", SWEEP)["sweep_id"]
        while server.get(f"/sweeps/{sweep}")["status"] != "completed":
            time.sleep(0.5)
        for name, options in {"sweep-light": {}, "sweep-dark-ja": {"color_scheme": "dark", "locale": "ja-JP"}}.items():
            with view(browser, server, f"sweeps/{sweep}", viewport={"width": 1280, "height": 1060}, **options) as page:
                page.locator(".scatter .best").wait_for()
                shoot(page, name)
        browser.close()


if __name__ == "__main__":
    main()
