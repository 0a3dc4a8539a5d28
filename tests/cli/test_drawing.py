"""What is drawn of dots: curves, and the environments that are known by sight."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.cli.canvas import Canvas
from adapters.cli.curve import bars, curve
from adapters.cli.drawing import DRAWINGS, HEIGHT, WIDTH, drawing
from adapters.cli.output import duration, number, size

BLANK = "⠀"
UPRIGHT = {
    "CartPole-v0": [0, 0, 0, 0],
    "CartPole-v1": [0, 0, 0, 0],
    "Pendulum-v1": [1, 0, 0],
    "Acrobot-v1": [1, 0, 1, 0, 0, 0],
    "MountainCar-v0": [-0.5, 0],
    "MountainCarContinuous-v0": [-0.5, 0],
}
finite = st.floats(-1e6, 1e6)


def columns_drawn(rows: list[str]) -> list[int]:
    return sorted({column for row in rows for column, cell in enumerate(row) if cell != BLANK})


def test_curve_when_it_rises_goes_from_the_lower_left_to_the_upper_right() -> None:
    rows = curve([(0, 10.0), (100, 60.0)], width=30, height=4)
    assert rows[0].startswith(" 60 ┤") or rows[0].startswith("60 ┤")
    assert rows[3].startswith("10 ┤")
    assert rows[0].rstrip(BLANK)[-1] != BLANK
    assert len(rows[0].rstrip(BLANK)) > len(rows[3].rstrip(BLANK))
    assert rows[4].endswith("100 steps")


@given(st.lists(finite, min_size=1, max_size=50))
def test_curve_of_any_values_has_its_size_and_draws_every_column_between_the_points(values: list[float]) -> None:
    rows = curve([(float(at), value) for at, value in enumerate(values)], width=60, height=6)
    assert len(rows) == 7
    assert len({len(row) for row in rows[:-1]}) == 1
    body = [row.partition("┤")[2] for row in rows[:-1]]
    drawn = columns_drawn(body)
    assert drawn == list(range(len(body[0]))) if len(values) > 1 else len(drawn) == 1


@given(finite, finite, finite, finite)
def test_line_wherever_it_runs_stays_on_the_canvas(x0: float, y0: float, x1: float, y1: float) -> None:
    canvas = Canvas(4, 2)
    canvas.line(x0 / 1e4, y0 / 1e4, x1 / 1e4, y1 / 1e4, thickness=2)
    assert [len(row) for row in canvas.rows()] == [4, 4]


@pytest.mark.parametrize("env_name", DRAWINGS)
def test_environment_is_drawn_within_its_size_and_moves_when_its_state_does(env_name: str) -> None:
    still = UPRIGHT[env_name]
    moved = [math.cos(1.0), math.sin(1.0), *still[2:]] if still[0] == 1 else [still[0] + 0.4, *still[1:]]
    rows = drawing(env_name, still)
    assert (len(rows), {len(row) for row in rows}) == (HEIGHT, {WIDTH})
    assert drawing(env_name, moved) != rows


def test_pole_when_it_leans_right_ends_right_of_the_cart() -> None:
    top = next(row for row in drawing("CartPole-v1", [0, 0, 0.2, 0]) if row.strip(BLANK))
    assert columns_drawn([top])[0] > WIDTH // 2


def test_pendulum_when_it_hangs_is_drawn_below_its_joint() -> None:
    up, down = drawing("Pendulum-v1", [1, 0, 0]), drawing("Pendulum-v1", [-1, 0, 0])
    assert up[1].strip(BLANK)
    assert not up[-2].strip(BLANK)
    assert down[-2].strip(BLANK)
    assert not down[1].strip(BLANK)


def test_unknown_environment_is_shown_as_bars_to_the_side_of_the_sign() -> None:
    left, right = drawing("LunarLander-v3", [-3.0, 0.5])
    assert left.index("█") < left.index("│")
    assert right.index("█") > right.index("│")
    assert drawing("Ant-v5", [1.0] * 100)[-1] == f"… and {100 - HEIGHT + 1} more"


def test_bars_are_as_long_as_their_share_and_never_vanish() -> None:
    assert bars([0, 1, 1_000, 500], 10) == ["", "█", "█" * 10, "█" * 5]


@pytest.mark.parametrize(
    ("value", "text"), [(None, "-"), (12_400, "12,400"), (187.25, "187.2"), (0.03125, "0.0312"), (-0.5, "-0.5"), (5.0, "5")]
)
def test_number_is_written_as_people_read_it(value: float | None, text: str) -> None:
    assert number(value) == text


def test_times_and_sizes_are_written_as_people_read_them() -> None:
    assert [duration(None), duration(3.4), duration(61), duration(3_725)] == ["-:--", "0:03", "1:01", "1:02:05"]
    assert [size(512), size(3 * 1024 * 1024)] == ["0.5 KiB", "3.0 MiB"]
