"""`grpo serve`, `grpo doctor`, `grpo completion`: commands that need no running service."""

import sys
from typing import Any

import rich_click as click
from click.shell_completion import get_completion_class

from adapters.cli.failures import CommandFailed, ExitCode
from adapters.cli.machine import Check, Machine
from adapters.cli.output import say, write_json
from adapters.cli.session import folder, local

_MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "failed": ("✗", "red")}


def serve_command(machine: Machine) -> click.Command:
    """The command with an option for each setting of the server."""

    def run(**given: str | None) -> None:
        machine.serve([f"--{name.replace('_', '-')}={value}" for name, value in given.items() if value is not None])

    options: list[click.Parameter] = [
        click.RichOption([f"--{name.replace('_', '-')}"], metavar="VALUE", help=text) for name, text in machine.settings.items()
    ]
    config = click.RichOption(["--config"], metavar="FILE", help="TOML file with settings (GRPO_CONFIG)")
    summary = "Serve the API and the dashboard until Ctrl-C."
    return click.RichCommand(name="serve", callback=run, params=[config, *options], help=summary)


@click.command()
@local
@folder
def doctor(machine: Machine, data_dir: str | None, config: str | None, as_json: bool) -> None:
    """Check the installation and say what is wrong.

    And what to do about it. The exit code is 1 where something is wrong.
    """
    checks: list[Check] = []
    for check in machine.examine(data_dir, config):
        checks.append(check)
        if not as_json:
            mark, style = _MARKS[check.state]
            say((mark, style), f" {check.name:<16} {check.found}")
            if check.advice:
                say((f"  → {check.advice}", style))
    wrong = [check.name for check in checks if check.state == "failed"]
    if as_json:
        write_json({"ok": not wrong, "checks": checks})
    if wrong:
        raise CommandFailed(ExitCode.FAILED, f"Something is wrong with: {', '.join(wrong)}.")
    if not as_json:
        say("Everything that is needed is well.")


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print a completion script for a shell.

    For bash and zsh: eval "$(grpo completion bash)"; for fish: grpo completion fish | source.
    """
    kind: Any = get_completion_class(shell)
    program = context.find_root().command
    sys.stdout.write(kind(program, {}, "grpo", "_GRPO_COMPLETE").source())
