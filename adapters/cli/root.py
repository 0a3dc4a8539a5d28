"""The program: its commands, and the one place where an error becomes an exit code and a sentence."""

import sys
from collections.abc import Sequence

import rich_click as click
from click.exceptions import Abort
from rich.console import Console
from rich_click.utils import CommandGroupDict

from adapters.cli.failures import CommandFailed, ExitCode
from adapters.cli.inference import evaluate, predict
from adapters.cli.jobs import jobs, logs, status, stop
from adapters.cli.keys import keys
from adapters.cli.machine import Machine
from adapters.cli.models import export, import_, models
from adapters.cli.output import say
from adapters.cli.play import play
from adapters.cli.server import completion, doctor, serve_command
from adapters.cli.streams import OutputFailed, discard_output
from adapters.cli.sweeps import sweep, sweeps
from adapters.cli.training import resume, train

PARTS = {
    "Training": [train, jobs, status, logs, stop, resume, sweep, sweeps],
    "Models": [models, predict, evaluate, play, export, import_],
    "Server": [keys, doctor, completion],
}
EXIT_CODES = (
    "Exit codes: 0 done · 1 the work failed · 2 wrong usage or input · 3 not found · 4 no connection · "
    "5 refused (key, limit) · 130 interrupted · 143 terminated"
)


def program(machine: Machine) -> click.RichGroup:
    """`grpo` with all its commands."""
    serve = serve_command(machine)
    parts = PARTS | {"Server": [serve, *PARTS["Server"]]}
    named = {part: [str(command.name) for command in commands] for part, commands in parts.items()}
    panels: list[CommandGroupDict] = [{"name": part, "commands": names} for part, names in named.items()]
    group = click.RichGroup(
        name="grpo",
        help="Train policies with GRPO on Gymnasium environments, watch them learn, and use them.\n\n"
        "Commands reach a server with --url (GRPO_URL); without one they open the data folder right here.",
        epilog=EXIT_CODES,
        context_settings={
            "help_option_names": ["-h", "--help"],
            "rich_help_config": click.RichHelpConfiguration(command_groups={"grpo": panels}),
        },
    )
    for commands in parts.values():
        for command in commands:
            group.add_command(command)
    return click.version_option(machine.version, prog_name="grpo", message="%(prog)s %(version)s")(group)


def run(machine: Machine, arguments: Sequence[str]) -> int:
    """Carry out one command, or show the help; the exit code. Raises SystemExit if the command is `serve`."""
    try:
        # click returns the code of --help and --version, and what a command returns, which is None.
        given = program(machine).main([*arguments] or ["--help"], prog_name="grpo", standalone_mode=False, obj=machine)
        sys.stdout.flush()  # so that what cannot be written is found here
        return given if isinstance(given, int) else ExitCode.OK
    except CommandFailed as failure:
        return _fail(failure.code, *failure.sentences)
    except click.ClickException as error:
        return _wrong_usage(error)
    except (Abort, KeyboardInterrupt):
        return _fail(ExitCode.INTERRUPTED, "interrupted.")
    except UnicodeEncodeError as error:  # an argument that is not UTF-8
        return _fail(ExitCode.USAGE, f"{error.object[error.start : error.end]!a} cannot be written as {error.encoding}.")
    except OutputFailed as failure:
        return _without_output(failure)


def _wrong_usage(error: click.ClickException) -> int:
    """What click found, in one sentence."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    sentence = error.format_message()
    sentence += " " if sentence.endswith("?") else f"{'' if sentence.endswith('.') else '.'} "
    return _fail(ExitCode.USAGE, f"{sentence}`{context.command_path if context else 'grpo'} --help` says more.")


def _without_output(failure: OutputFailed) -> int:
    discard_output()
    if failure.reader_left:  # as `head` does when it has enough
        return ExitCode.OK
    return _fail(ExitCode.FAILED, f"Standard output cannot be written: {failure.reason}.")


def _fail(code: ExitCode, *sentences: str) -> int:
    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    for sentence in sentences:
        say(("error:", "bold red"), f" {sentence}", to=console)
    return code
