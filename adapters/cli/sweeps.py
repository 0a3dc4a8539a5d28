"""`grpo sweep` and `grpo sweeps`: search the training fields with the best policy."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import rich_click as click
from click.exceptions import Exit

from adapters.cli.failures import CommandFailed, ExitCode
from adapters.cli.fields import ENV, SET, TIMESTEPS, training_fields
from adapters.cli.interrupts import Interrupts, interrupts
from adapters.cli.listing import ListByDefault
from adapters.cli.lookup import SHOWN, SWEEP, find_sweep
from adapters.cli.output import clean, moment, note, print_table, say, write_json
from adapters.cli.search import EXAMPLE, parse_search
from adapters.cli.session import Session, connected
from adapters.cli.sweep_follow import SweepFollower
from adapters.cli.sweep_text import best_sentence, print_end, print_sweep
from grpo_client import Client, Sweep

STOP_SECONDS = 10.0  # within which its jobs come to their end
DETACH = click.option("--detach", is_flag=True, help="With --url: print the sweep's id and leave; the server goes on.")


@click.command()
@connected
@click.option(
    "--search",
    "search_space",
    multiple=True,
    required=True,
    metavar="FIELD=VALUES",
    help=f"What is searched, as often as needed: LOW..HIGH, LOW..HIGH:log, or a JSON list of choices; {EXAMPLE}.",
)
@click.option("--trials", "n_trials", type=int, default=20, show_default=True, help="Runs.")
@click.option(
    "--parallel", "max_parallel", type=int, default=2, show_default=True, help="Runs beside one another, if there are workers."
)
@click.option("--seed", type=int, help="With --parallel 1 the same seed gives the same trials; drawn when absent.")
@click.option(
    "--pruner",
    type=click.Choice(["median", "none"]),
    default="median",
    show_default=True,
    help="median: a run whose evaluation lies below the median of the others is stopped early.",
)
@ENV
@TIMESTEPS
@click.option("--name", "model_name", help="Beginning of the models' names.")
@SET
@DETACH
def sweep(
    session: Session, search_space: tuple[str, ...], settings: tuple[str, ...], detach: bool, seed: int | None, **options: Any
) -> None:
    """Search the training fields with the best policy.

    Each trial is a job. Ctrl-C stops the sweep and keeps what was found.
    """
    plan = {name: options.pop(name) for name in ("n_trials", "max_parallel", "pruner")}
    training, space = training_fields(options, settings), parse_search(search_space)
    _run(
        session,
        lambda client: client.start_sweep(space, training, seed=seed, **plan),  # type: ignore[arg-type]
        detach=detach,
    )


@click.group(cls=ListByDefault)
def sweeps() -> None:
    """List the sweeps, show one, stop it, or go on with it.

    Without a subcommand they are listed.
    """


@sweeps.command("list")
@connected
def list_(session: Session) -> None:
    """List the sweeps, the newest first."""
    with session.client() as client:
        found = client.sweeps()
    if session.json:
        write_json({"sweeps": found})
        return
    if not found:
        note("There is no sweep yet; `grpo sweep` makes one.")
        return
    people = session.for_people
    print_table(
        ["SWEEP", "STATUS", "TRIALS", "ENVIRONMENT", "CREATED"],
        [
            [
                each.sweep_id[:SHOWN] if people else each.sweep_id,
                each.status,
                str(each.n_trials),
                each.env_name,
                moment(each.created_at),
            ]
            for each in found
        ],
        numbers=["TRIALS"],
    )


@sweeps.command("show")
@connected
@SWEEP
def show(session: Session, sweep_id: str | None) -> None:
    """Show a sweep with its trials, the best first."""
    with session.client() as client:
        found = find_sweep(client, sweep_id).status()
    if session.json:
        write_json(found)
        return
    print_sweep(found)
    if not found.ended and session.untrained:
        note("Nothing trains here: the sweep waits for `grpo sweeps resume` or `grpo serve`.")


@sweeps.command("stop")
@connected
@SWEEP
def stop(session: Session, sweep_id: str | None) -> None:
    """Begin no further trial and stop those that run; what they have learned is kept."""
    with session.client(trains=True) as client:
        stopped = find_sweep(client, sweep_id)
        stopped.stop()
        with suppress(TimeoutError):
            stopped.wait(STOP_SECONDS)
        found = stopped.status()
    if session.json:
        write_json(found)
    else:
        say(f"The sweep {found.sweep_id} is {found.status}; {best_sentence(found)}.")


@sweeps.command("resume")
@connected
@SWEEP
@click.option("--trials", "n_trials", type=int, help="More runs than the sweep had.")
@DETACH
def resume(session: Session, sweep_id: str | None, n_trials: int | None, detach: bool) -> None:
    """Go on with a stopped, failed or cut off sweep, or with more trials."""

    def begin(client: Client) -> Sweep:
        found = find_sweep(client, sweep_id)
        if session.url is not None or found.status().ended:
            found.resume(n_trials)
        elif n_trials is not None:
            raise CommandFailed(
                ExitCode.USAGE, "--trials: the sweep was cut off and goes on; once it has ended it can get more trials."
            )
        return found  # one that was cut off goes on since this process has opened the folder

    _run(session, begin, detach=detach)


def _run(session: Session, begin: Callable[[Client], Sweep], *, detach: bool) -> None:
    """Begin a sweep and follow it, unless it is to go on alone."""
    if detach:
        session.check_goes_on()
    # The service of another command would end with that command, in the middle of this sweep.
    with session.client(trains=True, joins=False) as client:
        if detach:
            begun = begin(client)
            if session.json:
                write_json({"sweep_id": begun.id})
            else:
                note(f"The sweep goes on without us; `grpo sweeps show {begun.id[:SHOWN]}` shows how.")
                click.echo(clean(begun.id))
            return
        with interrupts() as counted:
            _follow(session, begin(client), counted)


def _follow(session: Session, begun: Sweep, counted: Interrupts) -> None:
    """Tell of each trial that ends, until the sweep has."""
    follower = SweepFollower(session, begun, counted)
    found = follower()
    if session.json:
        write_json({"event": "done", "id": None, "data": found})
    else:
        print_end(found)
    if follower.interrupted and found.status == "stopped":
        raise Exit(ExitCode.INTERRUPTED)
    if found.status != "completed":
        raise CommandFailed(ExitCode.FAILED, f"The sweep {begun.id} {found.status}: {found.message or 'somebody stopped it.'}")
