"""The dashboard as felt: how soon it can be used, how soon it shows an event, how evenly it draws.

python -m benchmarks.dashboard [--rounds N]
Chromium without a window and a real server on the same machine; nothing else may run. All times are taken within the page: from
the start of navigation; from the end of an update in the worker to the frame that shows its point; between two drawn frames.
"""

import argparse
import itertools
import statistics
import sys
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks import record
from benchmarks.browser import launch
from benchmarks.server import Server

INTERACTIVE_GOAL_MILLISECONDS = 1_000
EVENT_GOAL_MILLISECONDS = 300
FRAMES_GOAL = 60
PLAYED_MILLISECONDS = 10_000

# Runs before the page's own scripts. A point counts as seen in the second frame after its attribute, when its curve is drawn.
OBSERVER = """
window.seen = { row: null, ages: [], draws: [] };
new MutationObserver((changes) => {
  if (seen.row === null && document.querySelector('.job-row')) seen.row = performance.now();
  for (const { attributeName, target } of changes) {
    if (attributeName !== 'data-newest' || !target.dataset.newest) continue;
    const made = Date.parse(target.dataset.newest);
    const opened = performance.timeOrigin + Number(document.documentElement.dataset.ready);
    if (made < opened) continue; // it happened before anybody looked
    requestAnimationFrame(() => requestAnimationFrame(() => seen.ages.push(Date.now() - made)));
  }
}).observe(document, { childList: true, subtree: true, attributes: true, attributeFilter: ['data-newest'] });
const clear = CanvasRenderingContext2D.prototype.clearRect;
CanvasRenderingContext2D.prototype.clearRect = function (...all) {
  seen.draws.push(performance.now());
  return clear.apply(this, all);
};
"""


def open_page(browser: Browser, server: Server, view: str) -> Page:
    """A page of a visitor who was never here: nothing is cached."""
    page = browser.new_context(viewport={"width": 1280, "height": 860}).new_page()
    page.add_init_script(OBSERVER)
    page.goto(f"{server.url}/dashboard#/{view}")
    page.locator("html[data-ready]").wait_for()
    return page


def interactive(browser: Browser, server: Server, rounds: int) -> dict[str, Any]:
    """Milliseconds until the page takes input, and until it shows the jobs."""
    ready, listed = [], []
    for _ in range(rounds):
        page = open_page(browser, server, "jobs")
        page.locator(".job-row").first.wait_for()
        ready.append(float(page.evaluate("Number(document.documentElement.dataset.ready)")))
        listed.append(float(page.evaluate("seen.row")))
        page.context.close()
    return {"ready_milliseconds": spread(ready), "jobs_shown_milliseconds": spread(listed)}


def event_ages(browser: Browser, server: Server) -> dict[str, float]:
    """Milliseconds from the end of an update in the worker to the frame that shows its point."""
    job = server.train(env_name="CartPole-v1", total_timesteps=40_000, seed=1)
    page = open_page(browser, server, f"jobs/{job}")
    server.wait(job)
    page.locator(".badge.completed").first.wait_for()
    ages = [float(age) for age in page.evaluate("seen.ages")]
    page.context.close()
    return spread(ages)


def frames(browser: Browser, server: Server, env_name: str) -> dict[str, Any]:
    """Drawn frames per second of the stage while it plays, and milliseconds between two of them."""
    server.wait(server.train(env_name=env_name, total_timesteps=2_000, model_name=env_name, seed=0))
    page = open_page(browser, server, f"models/{env_name}/play")
    page.locator(".play[data-steps]").wait_for()
    page.evaluate("seen.draws.length = 0")
    page.wait_for_timeout(PLAYED_MILLISECONDS)
    times = page.evaluate("seen.draws")
    page.context.close()
    gaps = [after - before for before, after in itertools.pairwise(times)]
    return {"frames_per_second": 1_000 * len(gaps) / (times[-1] - times[0]), "gap_milliseconds": spread(gaps)}


def spread(values: list[float]) -> dict[str, float]:
    """Median, 99th percentile and worst of the values."""
    ordered = sorted(values)
    return {
        "count": len(ordered),
        "median": round(statistics.median(ordered), 1),
        "p99": round(ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))], 1),
        "worst": round(ordered[-1], 1),
    }


def main() -> int:
    """Measure, write, and say whether the goals were met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    with Server() as server, sync_playwright() as playwright:
        browser = launch(playwright)
        server.wait(server.train(total_timesteps=2_000, model_name="first"))
        measured: dict[str, Any] = {
            "browser": browser.version,
            "interactive": interactive(browser, server, rounds),
            "event_age_milliseconds": event_ages(browser, server),
            "playing": {
                name: frames(browser, server, name) for name in ("CartPole-v1", "Acrobot-v1", "Pendulum-v1", "MountainCar-v0")
            },
        }
        browser.close()
    slowest = min(one["frames_per_second"] for one in measured["playing"].values())
    measured["goals"] = {
        "interactive": measured["interactive"]["ready_milliseconds"]["worst"] < INTERACTIVE_GOAL_MILLISECONDS,
        "event": measured["event_age_milliseconds"]["p99"] < EVENT_GOAL_MILLISECONDS,
        "frames": slowest > FRAMES_GOAL - 1,
    }
    record.write("dashboard", measured)
    print(measured["interactive"], measured["event_age_milliseconds"], f"{slowest:.1f} frames/s")
    return 0 if all(measured["goals"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
