"""`grpo predict` and `grpo evaluate`: what a model does, and how well."""

import sys
from collections.abc import Iterator
from io import BufferedReader
from math import isfinite
from typing import Any, cast

import msgspec
import rich_click as click

from adapters.cli.curve import bars
from adapters.cli.failures import CommandFailed, ExitCode
from adapters.cli.lookup import MODEL
from adapters.cli.models import VERSION
from adapters.cli.output import number, print_fields, say, write_json
from adapters.cli.session import Session, connected
from grpo_client import Prediction

MOST_BYTES = 65_536
BAR_CELLS = 40
SAMPLE = click.option("--sample", is_flag=True, help="Sample actions from the policy instead of taking the most likely.")


# An observation may begin with a minus sign, which is no option.
@click.command(context_settings={"ignore_unknown_options": True})
@connected
@MODEL
@click.argument("observation", nargs=-1, type=click.UNPROCESSED)
@VERSION
@SAMPLE
def predict(session: Session, model_name: str, observation: tuple[str, ...], model_version: int | None, sample: bool) -> None:
    """Ask a model for the action that it takes on an observation.

    OBSERVATION: numbers, or a JSON list. - or nothing reads one observation from each line of standard input and answers
    each with a line.
    """
    from_input = observation in {(), ("-",)}
    given = iter([" ".join(observation)]) if not from_input else None
    with session.client() as client:
        model = client.model(model_name, model_version)
        for lines in [[*given]] if given else _lines_as_they_come():
            observations = [_observation(line) for line in lines]
            if from_input:
                _print_many(session, model.predict(observations, deterministic=not sample))
            else:
                _print_one(session, model.predict(observations[0], deterministic=not sample))


def _lines_as_they_come() -> Iterator[list[str]]:
    """The whole lines that are there: a file in a few pieces, and each line at once where somebody writes one at a time."""
    if sys.stdin.isatty():
        raise CommandFailed(ExitCode.USAGE, "OBSERVATION: write the numbers of one, or send lines of such to standard input.")
    rest = b""
    stream = cast("BufferedReader", sys.stdin.buffer)
    while piece := stream.read1(MOST_BYTES):
        *whole, rest = (rest + piece).split(b"\n")
        if lines := [line.decode(errors="replace") for line in whole if line.strip()]:
            yield lines
    if rest.strip():
        yield [rest.decode(errors="replace")]


def _observation(text: str) -> list[Any]:
    """A JSON list, or numbers between blanks or commas."""
    try:
        return msgspec.json.decode(text, type=list[Any])
    except (msgspec.DecodeError, RecursionError):  # or JSON that is nested too deeply
        pass
    numbers = []
    for part in text.replace(",", " ").split():
        try:
            value = float(part)
        except ValueError:
            raise CommandFailed(ExitCode.USAGE, f"OBSERVATION: {part!r} is neither a number nor an option.") from None
        if not isfinite(value):
            raise CommandFailed(ExitCode.USAGE, f"OBSERVATION: {part!r} is not a finite number.")
        numbers.append(value)
    return numbers


def _print_one(session: Session, found: Prediction) -> None:
    if session.json:
        write_json(found)
        return
    probabilities = None if found.action_probs is None else "  ".join(f"{share:.3f}" for share in found.action_probs)
    print_fields([("action", found.action), ("probabilities", probabilities), ("value", number(found.value))])


def _print_many(session: Session, found: Prediction) -> None:
    probabilities = found.action_probs or [None] * len(found.action)
    for action, shares, value in zip(found.action, probabilities, found.value, strict=True):
        if session.json:
            write_json(Prediction(action, shares, value))
        else:
            say(str(action) if not isinstance(action, list) else " ".join(map(str, action)))


@click.command()
@connected
@MODEL
@click.option("--episodes", type=int, default=100, show_default=True, help="So many are played.")
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed gives the same answer.")
@VERSION
@SAMPLE
def evaluate(session: Session, model_name: str, episodes: int, seed: int, model_version: int | None, sample: bool) -> None:
    """Play fresh episodes with a model and tell what it reaches."""
    with session.client() as client:
        found = client.model(model_name, model_version).evaluate(episodes, seed, deterministic=not sample)
    if session.json:
        write_json(found)
        return
    confidence = f" (95 % confidence: {number(found.ci95[0])} … {number(found.ci95[1])})" if found.ci95 else ""
    print_fields(
        [
            ("model", f"{found.model_name}, version {found.model_version}"),
            ("environment", found.env_name),
            ("episodes", f"{number(found.episodes)} from seed {found.seed}"),
            ("mean return", number(found.mean_reward) + confidence),
            ("spread", f"{number(found.std_reward)} ({number(found.min_reward)} … {number(found.max_reward)})"),
            ("mean length", number(found.mean_length)),
        ]
    )
    edges, counts = found.histogram.edges, found.histogram.counts
    say("")
    for edge, count, bar in zip(edges, counts, bars(counts, BAR_CELLS), strict=False):
        say((f"{number(edge):>10} ", "dim"), (bar, "cyan"), f" {count}" if count else "")
