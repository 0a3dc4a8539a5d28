"""The learning benchmark's results: statistics, store of runs, drawings, tables."""

import math
import threading
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import aggregates, curves, report, tables
from benchmarks.store import Store

scores = st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=12)


def one_run(seed: int, score: float = 100.0, commit: str = "a" * 40, **more: Any) -> dict[str, Any]:
    curve = [[0, 0.0, 0.0, -500.0], [50_000, 2.0, 1.9, score - 100], [100_000, 4.0, 3.8, score]]
    circumstances = {
        "commit": commit,
        "changed_since_commit": False,
        "time": f"2026-01-01T00:00:{seed:02}+00:00",
        "python": "3.11.7",
        "packages": {"numpy": "2.4.6", "torch": "not installed"},
    }
    figures = {"score": score, "stochastic_score": score - 1, "timesteps": 100_000, "cpu_seconds": 3.8}
    return {"seed": seed, **figures, "curve": curve, "configuration": {"gamma": 0.9}, "circumstances": circumstances, **more}


# Statistics.


@pytest.mark.parametrize(
    ("values", "expected"),
    [([3.0], 3.0), ([1.0, 2.0, 6.0], 3.0), ([-100.0, 1.0, 3.0, 900.0], 2.0), ([0, 0, 2, 3, 4, 5, 6, 7, 99, 99], 4.5)],
)
def test_interquartile_mean_when_a_quarter_is_cut_at_each_end_then_outliers_do_not_count(
    values: list[float], expected: float
) -> None:
    assert aggregates.interquartile_mean(values) == expected


@given(scores, st.randoms(use_true_random=False), st.floats(-1e3, 1e3))
def test_interquartile_mean_when_scores_are_shuffled_and_shifted_then_it_is_shifted(
    values: list[float], random: Any, shift: float
) -> None:
    middle = aggregates.interquartile_mean(values)
    shuffled = random.sample(values, len(values))
    assert min(values) - 1e-9 <= middle <= max(values) + 1e-9
    assert aggregates.interquartile_mean([value + shift for value in shuffled]) == pytest.approx(middle + shift, abs=1e-6)


def test_bootstrap_interval_when_scores_are_the_same_then_it_is_the_same_and_encloses_the_middle() -> None:
    values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
    low, high = aggregates.interval(values)
    assert aggregates.interval(values) == (low, high)
    assert 2.0 <= low < 4.5 < high <= 7.0


@given(st.floats(-1e4, 1e4), st.integers(1, 10))
def test_bootstrap_interval_when_all_seeds_agree_then_it_is_a_point(score: float, seeds: int) -> None:
    assert aggregates.interval([score] * seeds) == pytest.approx((score, score))


def test_bootstrap_interval_when_scores_are_normal_then_it_covers_the_mean_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    intervals = [aggregates.interval(rng.normal(size=20).tolist()) for _ in range(100)]
    assert 85 <= sum(low <= 0 <= high for low, high in intervals) <= 100


def test_difference_when_one_algorithm_is_better_by_far_then_its_interval_excludes_zero() -> None:
    middle, (low, high) = aggregates.difference([10.0, 11.0, 12.0, 13.0], [1.0, 2.0, 3.0, 4.0])
    assert middle == 9.0
    assert 0 < low <= middle <= high
    assert aggregates.difference([1.0, 2.0], [1.0, 2.0])[0] == 0


def test_solved_at_when_the_curve_passes_the_threshold_twice_then_the_first_time_counts() -> None:
    curve = [(0, 0.0, 0.0, 9.0), (10, 0.5, 0.4, 480.0), (20, 1.0, 0.8, 300.0), (30, 1.5, 1.2, 490.0)]
    run = {"score": 495.0, "curve": curve}
    assert aggregates.solved_at(run, 475) == (10, 0.5, 0.4)
    assert aggregates.solved_at(run, 494) == (30, 1.5, 1.2)
    assert aggregates.solved_at(run, None) == (math.inf,) * 3


def test_solved_at_when_only_a_point_of_the_curve_reached_the_threshold_then_the_run_is_not_solved() -> None:
    run = {"score": 470.0, "curve": [(0, 0.0, 0.0, 480.0)]}
    assert aggregates.solved_at(run, 475) == (math.inf,) * 3


def test_summary_when_most_seeds_are_unsolved_then_the_time_to_solve_is_infinite() -> None:
    one = aggregates.summarize([one_run(0, 500), one_run(1, 100), one_run(2, 100)], 475)
    assert (one.seeds, one.solved, one.worst, one.cpu_seconds) == (3, 1, 100, 3.8)
    assert one.mean == pytest.approx(233.333, abs=1e-3)
    assert one.steps_to_solve == one.seconds_to_solve == math.inf
    most = aggregates.summarize([one_run(0, 500), one_run(1, 500), one_run(2, 100)], 475)
    assert (most.steps_to_solve, most.seconds_to_solve, most.cpu_seconds_to_solve) == (100_000, 4.0, 3.8)


# Store.


def test_store_when_a_seed_is_run_again_then_its_new_run_takes_the_place_of_the_old(tmp_path: Path) -> None:
    store = Store(tmp_path / "learning")
    assert store.runs("acrobot", "ours") == []
    for seed, score in ((1, 5.0), (0, 6.0), (1, 7.0)):
        store.add("acrobot", "ours", one_run(seed, score))
    assert [(run["seed"], run["score"]) for run in store.runs("acrobot", "ours")] == [(0, 6.0), (1, 7.0)]
    assert store.runs("acrobot", "ppo") == []


def test_store_when_the_configuration_has_changed_then_the_seed_is_missing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.add("acrobot", "ours", one_run(0, configuration={"hidden_sizes": [64, 64]}))
    assert store.missing("acrobot", "ours", {"hidden_sizes": (64, 64)}, range(2)) == [1]
    assert store.missing("acrobot", "ours", {"hidden_sizes": (32, 32)}, range(2)) == [0, 1]


def test_store_when_configurations_are_mixed_then_the_newest_runs_are_current(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for seed, gamma in ((0, 0.9), (1, 0.9), (2, 0.99)):
        store.add("acrobot", "ours", one_run(seed, configuration={"gamma": gamma}))
    assert [run["seed"] for run in store.current("acrobot", "ours")] == [2]


def test_store_when_several_write_at_once_then_no_run_is_lost(tmp_path: Path) -> None:
    threads = [threading.Thread(target=Store(tmp_path).add, args=("acrobot", "ours", one_run(seed))) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [run["seed"] for run in Store(tmp_path).runs("acrobot", "ours")] == list(range(8))


# Drawings and tables.


def drawing(runs: list[dict[str, Any]], goal: float | None = -80.0) -> str:
    bands: curves.Bands = {"ours": curves.band(runs, 100_000), "ppo": curves.band(runs[:1], 100_000)}
    return curves.draw("Acrobot-v1 & <more>", bands, 100_000, goal, floor=-300)


def test_band_when_curves_have_different_points_then_they_are_interpolated() -> None:
    runs = [{"curve": [[0, 0, 0, 0.0], [100, 1, 1, 10.0]]}, {"curve": [[0, 0, 0, 0.0], [50, 1, 1, 20.0], [100, 1, 1, 20.0]]}]
    found = curves.band(runs, 100)
    assert (found.steps[0], found.steps[-1], found.median[0], found.median[-1]) == (0, 100, 0, 15)
    assert found.median[len(found.steps) // 2] == 12.5


@given(st.lists(st.floats(-1e5, 1e5), min_size=1, max_size=4))
def test_drawing_when_runs_are_the_same_then_it_is_small_well_formed_and_the_same(values: list[float]) -> None:
    text = drawing([one_run(seed, score) for seed, score in enumerate(values)])
    assert text == drawing([one_run(seed, score) for seed, score in enumerate(values)])
    assert len(text.encode()) < 60_000
    root = ET.fromstring(text)
    assert root.attrib["aria-label"] == "Acrobot-v1 & <more>"
    kinds = [element.attrib.get("class", "") for element in root]
    assert {"band ours", "band ppo", "line ours", "line ppo", "goal"} <= set(kinds)
    assert "prefers-color-scheme: dark" in text


def test_drawing_when_the_curve_is_flat_and_has_no_goal_then_it_is_drawn() -> None:
    run = one_run(0) | {"curve": [[0, 0, 0, 5.0], [100_000, 1, 1, 5.0]]}
    assert "nan" not in drawing([run], goal=None)


@given(st.floats(-1e5, 1e5), st.floats(1e-3, 1e5))
def test_ticks_when_a_range_is_given_then_they_are_few_and_within(low: float, width: float) -> None:
    found = curves.ticks(low, low + width)
    assert 1 <= len(found) <= 7
    assert all(low - 1e-6 * width - 1e-6 <= tick <= low + width * 1.000001 + 1e-6 for tick in found)


def test_tables_when_both_algorithms_ran_then_they_stand_side_by_side(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert tables.learning(store) == tables.NOTHING
    for seed in range(4):
        store.add("acrobot", "ours", one_run(seed, -78.0 - seed))
        store.add("acrobot", "ppo", one_run(seed, -84.0))
    [row] = tables.learning(store).splitlines()[2:]
    assert row == ("| Acrobot-v1, acrobot | 100,000 | ≥ −80.0 | – | −79.5 | −84.0 | 4.50 [3.00, 6.00] | 3 of 4 | 0 of 4 |")
    first, second = tables.learning_details(store).splitlines()[2:]
    assert first.startswith("| acrobot | ours | 4 | −79.5 | −79.5 [−81.0, −78.0] | −81.0 | 3 of 4 | 100,000 | 4 | 3.8 | 3.8 |")
    assert second.startswith("| acrobot | PPO | 4 | −84.0 |")


def test_provenance_when_commits_are_mixed_then_each_is_named_with_its_runs(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for seed, commit in enumerate("aab"):
        store.add("acrobot", "ours", one_run(seed, commit=commit * 40))
    assert tables.provenance(store) == "* ours: commit aaaaaaa (2 runs), commit bbbbbbb (1 runs); python 3.11.7 numpy 2.4.6."


def test_report_when_filled_then_text_between_the_markers_is_replaced(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- one:start -->\nold\n<!-- one:end -->\nafter\n", encoding="utf-8")
    report.fill(page, {"one": "new", "two": "nowhere"})
    assert page.read_text(encoding="utf-8") == "before\n<!-- one:start -->\nnew\n<!-- one:end -->\nafter\n"


def test_curves_when_drawn_then_only_tasks_with_runs_have_a_file_and_a_place_in_the_gallery(tmp_path: Path) -> None:
    store = Store(tmp_path / "runs")
    store.add("acrobot", "ours", one_run(0))
    assert tables.draw_curves(store, folder=tmp_path / "curves") == [tmp_path / "curves" / "acrobot.svg"]
    assert tables.gallery(store).count("](curves/") == 1
