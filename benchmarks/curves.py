"""Learning curves as SVG: median over the seeds as a line, quartiles as a band. Readable on light and dark, the
same bytes for the same runs, and without a drawing library."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.tasks import Algorithm

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 72, 16, 44, 48
POINTS = 41
NAMES: dict[Algorithm, str] = {"ours": "GRPO, this service", "ppo": "PPO, Stable-Baselines3"}
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-size: 15px; font-weight: 600 }
.grid { stroke: #8c959f; stroke-opacity: .35 }
.goal { stroke: #1f2328; stroke-dasharray: 6 4 }
.line { fill: none; stroke: currentColor; stroke-width: 2.2; stroke-linejoin: round }
.band { fill: currentColor; fill-opacity: .18 }
.ours { color: #0550ae }
.ppo { color: #bc4c00 }
.line.ppo { stroke-dasharray: 9 3 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 }
.goal { stroke: #e6edf3 }
.ours { color: #6cb6ff }
.ppo { color: #f69d50 }
}
"""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Band:
    """Median and quartiles over the seeds at `steps`."""

    steps: Floats
    low: Floats
    median: Floats
    high: Floats


Bands = Mapping[Algorithm, Band]


def band(runs: Sequence[Mapping[str, Any]], budget: int) -> Band:
    """The runs' curves, interpolated linearly onto common steps from 0 to the budget."""
    steps = np.linspace(0, budget, POINTS)
    scores = []
    for run in runs:
        points = np.asarray(run["curve"], dtype=np.float64)
        scores.append(np.interp(steps, points[:, 0], points[:, -1]))
    low, median, high = np.quantile(np.asarray(scores), (0.25, 0.5, 0.75), axis=0)
    return Band(steps, low, median, high)


def draw(title: str, bands: Bands, budget: int, goal: float | None, floor: float | None = None) -> str:
    """One drawing; `bands` by algorithm; what lies below `floor` is cut off."""
    frame = _frame(bands, budget, goal, floor)
    parts = [_text(LEFT, 20, title, "title"), *_axes(frame)]
    if goal is not None:
        y = _number(frame.y(goal))
        parts.append(f'<line class="goal" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>')
    for name, one in bands.items():
        there = list(zip(one.steps, one.high, strict=True))
        back = list(zip(one.steps[::-1], one.low[::-1], strict=True))
        parts.append(f'<polygon class="band {name}" clip-path="url(#plot)" points="{frame.points([*there, *back])}"/>')
    for name, one in bands.items():
        points = frame.points(list(zip(one.steps, one.median, strict=True)))
        parts.append(f'<polyline class="line {name}" clip-path="url(#plot)" points="{points}"/>')
    parts.extend(_legend(list(bands), goal))
    inner = "\n".join(parts)
    size = f'x="{LEFT}" y="{TOP}" width="{WIDTH - LEFT - RIGHT}" height="{HEIGHT - TOP - BOTTOM}"'
    clip = f'<clipPath id="plot"><rect {size}/></clipPath>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{_escaped(title)}">\n'
        f"<style>{STYLE}</style>\n{clip}\n{inner}\n</svg>\n"
    )


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers from low to high, about as many as asked for."""
    rough = (high - low) / about
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * magnitude for factor in (1, 2, 2.5, 5, 10) if factor * magnitude >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(step * index, 10) for index in range(first, math.floor(high / step + 1e-9) + 1)]


@dataclass(frozen=True)
class _Frame:
    budget: float
    low: float
    high: float

    def x(self, steps: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * steps / self.budget

    def y(self, score: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (self.high - score) / (self.high - self.low)

    def points(self, pairs: Sequence[tuple[float, float]]) -> str:
        return " ".join(f"{_number(self.x(steps))},{_number(self.y(score))}" for steps, score in pairs)


def _frame(bands: Bands, budget: int, goal: float | None, floor: float | None) -> _Frame:
    lowest = [float(one.low.min()) for one in bands.values()]
    highest = [float(one.high.max()) for one in bands.values()]
    if goal is not None:
        lowest.append(goal)
        highest.append(goal)
    low, high = min(lowest), max(highest)
    if floor is not None:
        low, high = max(low, floor), max(high, floor)
    margin = (high - low) * 0.04 or 1.0
    return _Frame(budget, low - margin, high + margin)


def _axes(frame: _Frame) -> list[str]:
    parts = []
    for score in ticks(frame.low, frame.high):
        y = _number(frame.y(score))
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>')
        parts.append(_text(LEFT - 8, frame.y(score) + 4, _label(score), anchor="end"))
    for steps in ticks(0, frame.budget, 4):
        anchor = "end" if steps >= 0.97 * frame.budget else "middle"
        parts.append(_text(frame.x(steps), HEIGHT - BOTTOM + 18, _label(steps), anchor=anchor))
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, "environment steps", anchor="middle"))
    return parts


def _legend(names: Sequence[Algorithm], goal: float | None) -> list[str]:
    parts, x = [], float(LEFT)
    entries = [(f"line {name}", NAMES[name]) for name in names] + (
        [("goal", f"goal {_label(goal)}")] if goal is not None else []
    )
    for kind, label in entries:
        parts.append(f'<line class="{kind}" x1="{_number(x)}" x2="{_number(x + 26)}" y1="33" y2="33"/>')
        parts.append(_text(x + 32, 37, label))
        x += 62 + 7 * len(label)
    return parts


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    attributes = (f' class="{kind}"' if kind else "") + (f' text-anchor="{anchor}"' if anchor != "start" else "")
    return f'<text x="{_number(x)}" y="{_number(y)}"{attributes}>{_escaped(text)}</text>'


def _number(value: float) -> str:
    """One decimal at most; far outside the drawing is far enough."""
    return f"{min(max(value, -9_999), 9_999):.1f}".removesuffix(".0")


def _label(value: float) -> str:
    text = f"{value:,.0f}" if value == round(value) else f"{value:g}"
    return text.replace("-", "−")


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
