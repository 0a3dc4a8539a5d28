"""The learning curve of a job as an SVG, drawn by pygal."""

import sys
from functools import cache
from typing import Any

from application.watching import History

RETURN, TRAINING_REWARD = "rollout/ep_rew_mean", "rollout/reward_mean"
WIDTH, HEIGHT = 820, 420
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Noto Sans JP', sans-serif"
_STYLE: dict[str, Any] = {
    "background": "#ffffff",
    "plot_background": "#ffffff",
    "foreground": "#4b5563",
    "foreground_strong": "#111827",
    "foreground_subtle": "#e5e7eb",
    "colors": ("#2563eb", "#ea580c"),
    "font_family": _FONT,
    "title_font_size": 17,
    "label_font_size": 12,
    "major_label_font_size": 12,
    "title_font_family": _FONT,
    "legend_font_size": 13,
    "no_data_font_size": 16,
    "opacity": "1",
    "guide_stroke_color": "#e5e7eb",
    "major_guide_stroke_color": "#e5e7eb",
    "guide_stroke_dasharray": "1,0",
    "major_guide_stroke_dasharray": "1,0",
}


def draw(history: History) -> bytes:
    """Native returns over the steps, and the evaluations as dots; the reward per step where no episode ended in training."""
    name = _shown_metric(history)
    config = history.job.config
    pygal = _pygal()
    chart = pygal.XY(
        style=pygal.style.Style(**_STYLE),
        width=WIDTH,
        height=HEIGHT,
        title=f"{config.env_name}, {config.model_name}",
        x_title="environment steps",
        js=[],
        show_dots=False,
        legend_at_bottom=True,
        legend_at_bottom_columns=2,
        truncate_legend=-1,
        show_x_guides=False,
        x_label_rotation=0,
        x_value_formatter=_count,
        value_formatter=_number,
        no_data_text="nothing was learned yet",
        disable_xml_declaration=True,
        explicit_size=False,
    )
    chart.uuid = history.job.id  # several in one page must not share their styles
    chart.add_xml_filter(_without_scripts)
    legend = "mean return of the last episodes" if name == RETURN else "mean reward per step"
    rows = [point.data for point in history.points if name in point.data["metrics"]]
    chart.add(legend, [(row["timesteps"], row["metrics"][name]) for row in rows], stroke_style={"width": 2.5})
    if history.evaluations:
        evaluations = [(found.data["timesteps"], found.data["mean_reward"]) for found in history.evaluations]
        chart.add("evaluation", evaluations, show_dots=True, dots_size=4, stroke_style={"width": 1.2, "dasharray": "4, 4"})
    drawn: bytes = chart.render()
    return drawn


@cache
def _pygal() -> Any:
    """The library, imported when first needed, without the import hook that it leaves behind for plug-ins of its own."""
    import pygal.style  # noqa: PLC0415

    sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__module__ != "pygal"]
    return pygal


def _shown_metric(history: History) -> str:
    episodes_ended = any(RETURN in point.data["metrics"] for point in history.points)
    return RETURN if episodes_ended or not history.points else TRAINING_REWARD


def _count(steps: float) -> str:
    return f"{steps:,.0f}"


def _number(value: float) -> str:
    return f"{value:,.4g}"


def _without_scripts(root: Any) -> Any:
    """A picture runs nothing."""
    for parent in [*root.iter()]:
        for child in [*parent]:
            if str(child.tag).rpartition("}")[2] == "script":
                parent.remove(child)
    return root
