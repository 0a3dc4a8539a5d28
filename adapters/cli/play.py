"""`grpo play`: a policy at play, drawn in the terminal, with pushes by the arrow keys."""

import webbrowser
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import rich_click as click
from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.text import Text

from adapters.cli.drawing import drawing
from adapters.cli.failures import CommandFailed, ExitCode
from adapters.cli.follow import event_json
from adapters.cli.inference import SAMPLE
from adapters.cli.keyboard import Keyboard, keyboard
from adapters.cli.lookup import MODEL
from adapters.cli.models import VERSION
from adapters.cli.output import clean, number, say, terminal, write_json
from adapters.cli.session import Session, connected
from grpo_client import Client, Event

FRAMES_PER_SECOND = 30
PUSHES = {"left": -1.0, "right": 1.0}
BAR_CELLS = 30
STEPS_SEEN = 12


@dataclass
class Scene:
    """The newest step of a play. Renders itself."""

    start: dict[str, Any] = field(default_factory=dict)
    step: dict[str, Any] = field(default_factory=dict)
    push: str = ""
    push_steps: int = 0
    reason: str = ""

    def take(self, event: Event) -> None:
        """Bring it up to date."""
        if event.kind == "start":
            self.start = event.data
        elif event.kind == "step":
            self.step = event.data
            self.push_steps = max(0, self.push_steps - 1)
        elif event.kind == "end":
            self.reason = event.data["reason"]

    def pushed(self, key: str) -> None:
        """Tell of a push for so long that it is seen."""
        self.push, self.push_steps = ("◀ push" if key == "left" else "push ▶"), STEPS_SEEN

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if not self.start:
            return
        name, version = self.start["model_name"], self.start["model_version"]
        yield Text(clean(f"{self.start['env_name']}   {name}, version {version}   seed {self.start['seed']}"), "bold")
        if self.step:
            yield Text("\n".join(drawing(self.start["env_name"], self.step["observation"])), "cyan")
            yield Text("\n").join(Text(clean(line)) for line in self._figures())
        yield Text(self._keys(), "dim")

    def _figures(self) -> list[str]:
        step = self.step
        figures = [f"step {step['t']}", f"return {number(step['return'])}", f"value {number(step['value'])}"]
        lines = ["   ".join([f"episode {step['episode'] + 1}", *figures])]
        if step["action_probs"] is None:
            shown = step["action"] if isinstance(step["action"], list) else [step["action"]]
            lines.append("action  " + "  ".join(f"{part:+.3f}" for part in shown))
        else:
            start = self.start["action_space"].get("start") or 0
            for action, share in enumerate(step["action_probs"], start):
                mark = "▶" if action == step["action"] else " "
                lines.append(f"{mark} {action} {'█' * round(share * BAR_CELLS):<{BAR_CELLS}} {share:.3f}")
        lines[0] += f"   {self.push}" if self.push_steps else ""
        return lines

    def _keys(self) -> str:
        return "← → push   q leave" if self.start.get("pushable") else "q leave"


@click.command()
@connected
@MODEL
@click.option("--seed", type=int, default=0, show_default=True, help="Of the first episode; the next has the next.")
@click.option("--episodes", type=int, help="Leave after so many; default: on a terminal never, elsewhere 1.")
@click.option("--speed", type=float, default=1.0, show_default=True, help="Times real time, 0.1 to 10.")
@VERSION
@SAMPLE
@click.option("--open", "in_browser", is_flag=True, help="With --url: open the page that shows it instead.")
def play(
    session: Session,
    model_name: str,
    seed: int,
    episodes: int | None,
    speed: float,
    model_version: int | None,
    sample: bool,
    in_browser: bool,
) -> None:
    """Watch a model play in real time.

    The arrow keys push where the system can be pushed, q leaves. With --json every step is a JSON line.
    """
    if episodes is not None and episodes < 1:
        raise CommandFailed(ExitCode.USAGE, f"--episodes: at least one is played, got {episodes}.")
    if in_browser:
        _open_page(session, model_name)
        return
    most = episodes if episodes is not None or session.for_people else 1
    with session.client() as client:
        events = client.model(model_name, model_version).play(seed=seed, deterministic=not sample, speed=speed)
        if session.for_people:
            _show_live(client, events, most)
        else:
            _show_lines(events, most, as_json=session.json)


def _open_page(session: Session, model_name: str) -> None:
    if session.url is None:
        raise CommandFailed(
            ExitCode.USAGE, "--open needs a server that shows the page: name one with --url (`grpo serve` starts one)."
        )
    page = f"{session.url.rstrip('/')}/dashboard#/models/{quote(model_name, safe='')}/play"
    if not webbrowser.open(page):
        raise CommandFailed(ExitCode.FAILED, f"There is no browser to open {page} with.")
    say(page)


def _show_live(client: Client, events: Any, most: int | None) -> None:
    scene = Scene()
    view = Live(scene, console=terminal(), refresh_per_second=FRAMES_PER_SECOND, transient=True)
    with keyboard() as keys, view:
        for event in events:
            scene.take(event)
            if _left(client, keys, scene) or _enough(event, most):
                break
    if scene.reason:
        say((f"The server ended it: {scene.reason}", "yellow"))
    if scene.step:
        say(_episode(scene.step))


def _left(client: Client, keys: Keyboard, scene: Scene) -> bool:
    """Do what the keys say; whether one of them says to leave."""
    for key in keys.pressed():
        if key == "quit":
            return True
        if scene.start.get("pushable"):
            client.push(scene.start["play_id"], PUSHES[key])
            scene.pushed(key)
    return False


def _show_lines(events: Any, most: int | None, *, as_json: bool) -> None:
    """Every event as JSON, or a line for each episode."""
    for event in events:
        if as_json:
            write_json(event_json(event))
        elif event.kind == "step" and (event.data["terminated"] or event.data["truncated"]):
            say(_episode(event.data))
        if _enough(event, most):
            return


def _episode(step: dict[str, Any]) -> str:
    """How an episode went until this step. People count from 1."""
    return f"episode {step['episode'] + 1}: return {number(step['return'])} after {number(step['t'] + 1)} steps"


def _enough(event: Event, most: int | None) -> bool:
    """The last episode that was asked for has ended. Episodes count from 0."""
    over = event.kind == "step" and (event.data["terminated"] or event.data["truncated"])
    return over and most is not None and event.data["episode"] + 1 >= most
