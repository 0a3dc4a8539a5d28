"""A small learning curve of text."""

from collections.abc import Sequence
from itertools import pairwise

from adapters.cli.canvas import Canvas
from adapters.cli.output import number

Point = tuple[float, float]


def curve(points: Sequence[Point], width: int, height: int) -> list[str]:
    """Rows of a drawing of points over the steps from 0 to the last, with what they reach beside and below it."""
    low, high = min(y for _, y in points), max(y for _, y in points)
    labels = [number(high), *[""] * (height - 2), number(low)]
    margin = max(map(len, labels))
    canvas = Canvas(max(1, width - margin - 2), height)
    span = (high - low) or 1.0
    scaled = [
        (
            x / max(points[-1][0], 1) * (canvas.dots_across - 1),
            # One value alone lies in the middle: there is neither up nor down.
            (high - y) / span * (canvas.dots_down - 1) if high > low else canvas.dots_down / 2,
        )
        for x, y in points
    ]
    for (x0, y0), (x1, y1) in pairwise([scaled[0], *scaled]):
        canvas.line(x0, y0, x1, y1)
    rows = [f"{label:>{margin}} ┤{row}" for label, row in zip(labels, canvas.rows(), strict=True)]
    last = f"{number(points[-1][0])} steps"
    return [*rows, f"{'':{margin}} └0{last:>{canvas.dots_across // 2 - 1}}"]


def bars(values: Sequence[float], width: int) -> list[str]:
    """A bar for each value (≥ 0), the longest `width` cells."""
    longest = max(values, default=0.0) or 1.0
    return ["█" * max(1, round(value / longest * width)) if value else "" for value in values]
