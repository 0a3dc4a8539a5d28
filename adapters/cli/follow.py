"""Shows a job from its events until it ends: live on a terminal, as lines elsewhere, as JSON lines for programs."""

from types import TracebackType
from typing import Any, Protocol, Self

from rich.live import Live

from adapters.cli.interrupts import Interrupts
from adapters.cli.output import duration, note, number, say, terminal, write_json
from adapters.cli.picture import Picture
from grpo_client import ApiError, Conflict, Event, Job

LINES_PER_JOB = 10
REFRESH_PER_SECOND = 8


class View(Protocol):
    """Shows the events of a job. A context manager."""

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...

    def show(self, event: Event) -> None:
        """Show what has happened."""

    def say(self, sentence: str) -> None:
        """Show a sentence beside the events."""


class LiveView:
    """A bar and a curve that are drawn in place; evaluations and log lines stay above them."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._live = Live(picture, console=terminal(), refresh_per_second=REFRESH_PER_SECOND)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._live.__exit__(kind, error, trace)

    def show(self, event: Event) -> None:
        self._picture.take(event)
        if line := event_line(event, brief=True):
            self.say(line)

    def say(self, sentence: str) -> None:
        say((sentence, "dim"), to=self._live.console)


class LineView:
    """A line for each tenth of the budget, each evaluation and each log message."""

    def __init__(self, picture: Picture) -> None:
        self._picture, self._told = picture, 0

    def __enter__(self) -> Self:
        say(self._picture.title)
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def show(self, event: Event) -> None:
        self._picture.take(event)
        if line := event_line(event, brief=True):
            say(line)
        tenth = int(self._picture.progress * LINES_PER_JOB)
        if tenth > self._told and event.kind in {"progress", "metrics"}:
            self._told = tenth
            picture = self._picture
            speed = f"  {number(round(picture.fps))} steps/s" if picture.fps else ""
            left = f"  {duration(picture.eta_seconds)} left" if picture.eta_seconds is not None else ""
            steps = f"{number(picture.timesteps)} of {number(picture.total_timesteps)} steps"
            say(f"{picture.progress:4.0%}  {steps}  return {number(picture.newest_return)}{speed}{left}")

    def say(self, sentence: str) -> None:
        note(sentence)


class JsonView:
    """Every event as a JSON line."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def show(self, event: Event) -> None:
        write_json(event_json(event))

    def say(self, sentence: str) -> None:
        note(sentence)


def event_json(event: Event) -> dict[str, Any]:
    """An event as one document."""
    return {"event": event.kind, "id": event.id, "data": event.data}


def event_line(event: Event, *, brief: bool = False) -> str | None:
    """An event as a line of text; None if it has none. `brief`: only what the bar does not show."""
    data = event.data
    steps = f"at {number(data['timesteps'])} steps" if data.get("timesteps") is not None else ""
    match event.kind:
        case "eval":
            best = ", the best so far" if data.get("best") else ""
            spread = f"{number(data['mean_reward'])} ± {number(data['std_reward'])}"
            return f"evaluation {steps}: return {spread} over {data['episodes']} episodes{best}"
        case "log":
            return f"{data['level']}: {data['message']}"
        case "status" if not brief:
            model = f" (model {data['model_name']}, version {data['model_version']})" if data.get("model_version") else ""
            return f"{data['status']} {steps}: {data.get('reason', '')}{model}"
        case "checkpoint" if not brief:
            return f"checkpoint {steps}"
        case "metrics" if not brief:
            shown = "  ".join(f"{name} {number(value)}" for name, value in data["metrics"].items())
            return f"metrics {steps}: {shown}"
        case _:
            return None


class Follower:
    """Follows one job. The first interrupt stops the job, whose model is kept; the second leaves at once."""

    def __init__(self, job: Job, view: View, interrupts: Interrupts) -> None:
        """`interrupts`: one that came before there was a job stops it now."""
        self._job, self._view, self._interrupts = job, view, interrupts
        self.interrupted = False

    def __call__(self) -> dict[str, Any]:
        """The job's last status, as `done` has it. Raises KeyboardInterrupt at the second one, and the client's errors."""
        after: str | None = None
        while True:
            try:
                self._interrupts.interrupts = True
                if self._interrupts.count and not self.interrupted:
                    raise KeyboardInterrupt  # noqa: TRY301 - it is the one that was kept
                for event in self._job.events(after=after):
                    after = event.id or after
                    self._view.show(event)
                    if event.kind == "done":
                        return event.data
            except KeyboardInterrupt:
                if self.interrupted:
                    raise
                self.interrupted = True
                self._view.say("stopping; what was learned so far is kept as the model (Ctrl-C again leaves at once)")
                self._stop()

    def _stop(self) -> None:
        try:
            self._job.stop()
        except Conflict:
            pass  # it has come to its end meanwhile, which the events tell
        except ApiError as error:
            self._view.say(f"it cannot be stopped: {error.detail}")
