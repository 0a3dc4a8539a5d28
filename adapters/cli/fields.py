"""Options of commands that become fields of a training run."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import rich_click as click

from adapters.cli.failures import CommandFailed, ExitCode

ENV = click.option("--env", "env_name", metavar="ID", help="The Gymnasium environment; default CartPole-v1.")
TIMESTEPS = click.option("--timesteps", "total_timesteps", type=int, help="Budget of environment steps; default 10,000.")
SET = click.option(
    "--set", "settings", multiple=True, metavar="FIELD=VALUE", help="Any field of POST /train, as often as needed."
)
NOT_FIELDS = {"idempotency_key"}  # arguments of the client beside the fields


def training_fields(options: Mapping[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    """The fields that were given: as options, of which those that are None were not, and as FIELD=VALUE."""
    fields = {name: value for name, value in options.items() if value is not None}
    for setting in settings:
        name, text = assignment("--set", setting, "gamma=0.98")
        if name in NOT_FIELDS:
            raise CommandFailed(ExitCode.USAGE, f"--set {name}: a training run has no such field.")
        if name in fields:
            raise CommandFailed(ExitCode.USAGE, f"--set {name}: the field is given twice.")
        fields[name] = json_or_text(text)
    return fields


def assignment(option: str, given: str, example: str) -> tuple[str, str]:
    """Both sides of FIELD=TEXT."""
    name, separator, text = given.partition("=")
    if not separator or not name:
        raise CommandFailed(ExitCode.USAGE, f"{option}: write FIELD=VALUE, such as {example}, got {given!r}.")
    return name, text


def json_or_text(text: str) -> Any:
    """The value that JSON writes so, or else the text as it stands."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):  # or JSON that is nested too deeply
        return text
