"""The state of a job as its events arrive, and how it is drawn."""

from dataclasses import dataclass, field
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from adapters.cli.curve import Point, curve
from adapters.cli.output import STATUS_STYLES, clean, duration, number
from grpo_client import Event

RETURN = "rollout/ep_rew_mean"
CURVE_ROWS, MOST_COLUMNS, MOST_POINTS = 7, 76, 1_000


@dataclass
class Picture:
    """The newest state of a job. Renders itself as a bar with the figures of the moment, above a curve that grows."""

    title: str
    total_timesteps: int
    status: str = "queued"
    timesteps: int = 0
    fps: float | None = None
    eta_seconds: float | None = None
    returns: list[Point] = field(default_factory=list)

    def take(self, event: Event) -> None:
        """Bring it up to date."""
        data = event.data
        self.status = data.get("status", self.status)
        if event.kind == "progress":
            self.timesteps, self.total_timesteps = data["current_timesteps"], data["total_timesteps"]
            self.fps, self.eta_seconds = data["fps"], data["eta_seconds"]
        elif event.kind == "metrics":
            self.timesteps = data["timesteps"]
            self._add(data["timesteps"], data["metrics"])

    def _add(self, timesteps: int, metrics: dict[str, Any]) -> None:
        """A job that is begun again comes by the same steps once more; then the later figure counts."""
        if metrics.get(RETURN) is None:
            return
        while self.returns and self.returns[-1][0] >= timesteps:
            self.returns.pop()
        self.returns.append((timesteps, metrics[RETURN]))
        if len(self.returns) > MOST_POINTS:  # more than there are dots
            del self.returns[1::2]

    @property
    def progress(self) -> float:
        """Share of the budget that is used, 0 … 1."""
        return min(1.0, self.timesteps / max(1, self.total_timesteps))

    @property
    def newest_return(self) -> float | None:
        """None until an episode has ended."""
        return self.returns[-1][1] if self.returns else None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = min(options.max_width, MOST_COLUMNS)
        lines: list[RenderableType] = [
            Text(clean(self.title), "bold", overflow="ellipsis", no_wrap=True),
            self._bar(width),
            self._figures(),
        ]
        if self.returns and not options.ascii_only:
            rows = curve(self.returns, width, CURVE_ROWS)
            lines += [Text("mean return", "dim"), *(Text(row, "cyan") for row in rows)]
        yield Group(*lines)

    def _bar(self, width: int) -> Table:
        steps = f" {number(self.timesteps)} / {number(self.total_timesteps)} steps"
        row = Table.grid()
        row.add_row(ProgressBar(1.0, self.progress, width=max(10, width - len(steps) - 6)), f"{self.progress:5.0%}", steps)
        return row

    def _figures(self) -> Text:
        parts = [(self.status, STATUS_STYLES.get(self.status, ""))]
        if self.newest_return is not None:
            best = max(y for _, y in self.returns)
            parts.append((f"return {number(self.newest_return)} (best {number(best)})", "bold"))
        if self.fps and self.status == "running":
            parts += [(f"{number(round(self.fps))} steps/s", ""), (f"{duration(self.eta_seconds)} left", "")]
        return Text("   ").join(Text(clean(text), style) for text, style in parts)
