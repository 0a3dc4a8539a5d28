"""Drawings of the environments that are known by sight, from one raw observation; bars for all others."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

from adapters.cli.canvas import Canvas

WIDTH, HEIGHT = 60, 14
Observation = Sequence[float]


def drawing(env_name: str, observation: Observation) -> list[str]:
    """Rows of text."""
    draw = DRAWINGS.get(env_name)
    if draw is None:
        return _bars(observation)
    canvas = Canvas(WIDTH, HEIGHT)
    draw(canvas, observation)
    return canvas.rows()


def _cartpole(canvas: Canvas, observation: Observation) -> None:
    """The cart may be 2.4 m to either side; the pole, 1 m long, falls at 12°, so its tilt is drawn as it is."""
    x, _, theta, _ = observation
    across, down = canvas.dots_across, canvas.dots_down
    middle, track = across / 2 + x / 2.4 * (across / 2 - 8), down - 5
    canvas.line(0, track + 3, across, track + 3)
    canvas.box(middle - 8, track - 4, middle + 8, track + 2)
    length = down * 0.7
    canvas.line(middle, track - 4, middle + length * math.sin(theta), track - 4 - length * math.cos(theta), thickness=2)


def _pendulum(canvas: Canvas, observation: Observation) -> None:
    """Upright is up; cos and sin are of the angle from there."""
    cosine, sine, _ = observation
    x, y, length = canvas.dots_across / 2, canvas.dots_down / 2, canvas.dots_down / 2 - 4
    end_x, end_y = x - length * sine, y - length * cosine
    canvas.line(x, y, end_x, end_y, thickness=2)
    canvas.disc(end_x, end_y, 3)
    canvas.disc(x, y, 1.5)


def _acrobot(canvas: Canvas, observation: Observation) -> None:
    """Two links of equal length that hang down at angle 0; the goal is the height of one link above the joint."""
    cos1, sin1, cos2, sin2, *_ = observation
    first, second = math.atan2(sin1, cos1), math.atan2(sin2, cos2)
    length = canvas.dots_down / 4 - 1
    x, y = canvas.dots_across / 2, canvas.dots_down / 2
    canvas.line(x - 40, y - length, x + 40, y - length)
    elbow_x, elbow_y = x + length * math.sin(first), y + length * math.cos(first)
    canvas.line(x, y, elbow_x, elbow_y, thickness=2)
    canvas.line(
        elbow_x, elbow_y, elbow_x + length * math.sin(first + second), elbow_y + length * math.cos(first + second), thickness=2
    )
    canvas.disc(x, y, 2)


def _mountain_car(canvas: Canvas, observation: Observation) -> None:
    """The valley is sin 3x between −1.2 and 0.6; the flag stands at 0.5 (0.45 for the continuous one)."""
    position = observation[0]
    across, down = canvas.dots_across, canvas.dots_down

    def place(at: float) -> tuple[float, float]:
        return (at + 1.2) / 1.8 * (across - 1), down - 4 - (math.sin(3 * at) + 1) / 2 * (down - 18)

    ground = [place(-1.2 + 1.8 * step / (across - 1)) for step in range(across)]
    for (x0, y0), (x1, y1) in pairwise(ground):
        canvas.line(x0, y0 + 2, x1, y1 + 2)
    x, y = place(0.5)
    canvas.line(x, y, x, y - 10)
    canvas.box(x, y - 10, x + 5, y - 7)
    x, y = place(position)
    canvas.disc(x, y - 2, 3)


def _bars(observation: Observation) -> list[str]:
    """Each number as a bar from the middle, squeezed so that any number has its place."""
    half = WIDTH // 2 - 8
    rows = []
    for value in list(observation)[:HEIGHT]:
        cells = round(value / (1 + abs(value)) * half)
        left, right = "█" * max(0, -cells), "█" * max(0, cells)
        rows.append(f"{left:>{half}}│{right:<{half}} {value:+.3g}")
    if len(observation) > HEIGHT:
        rows[-1] = f"… and {len(observation) - HEIGHT + 1} more"
    return rows


DRAWINGS: dict[str, Callable[[Canvas, Observation], None]] = {
    "CartPole-v0": _cartpole,
    "CartPole-v1": _cartpole,
    "Pendulum-v1": _pendulum,
    "Acrobot-v1": _acrobot,
    "MountainCar-v0": _mountain_car,
    "MountainCarContinuous-v0": _mountain_car,
}
