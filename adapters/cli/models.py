"""`grpo models`, `export`, `import`: the stored models."""

import sys
from pathlib import Path

import rich_click as click
from click.exceptions import Exit

from adapters.cli.failures import CommandFailed, ExitCode
from adapters.cli.listing import ListByDefault
from adapters.cli.lookup import MODEL, SHOWN
from adapters.cli.output import moment, note, number, print_table, say, size, write_json
from adapters.cli.session import Session, connected

VERSION = click.option("--version", "model_version", type=int, help="A version of the model; default the newest.")
STANDARD_OUTPUT = "-"


@click.group(cls=ListByDefault)
def models() -> None:
    """List the models, show one, or delete it.

    Without a subcommand they are listed.
    """


@models.command("list")
@connected
def list_(session: Session) -> None:
    """List the models, each in its newest version."""
    with session.client() as client:
        found = client.models()
    if session.json:
        write_json({"models": found})
        return
    if not found:
        note("There is no model yet; `grpo train` makes one.")
        return
    print_table(
        ["MODEL", "VERSION", "ENVIRONMENT", "SIZE", "CREATED"],
        [[model.name, str(model.version), model.env_name, size(model.size_bytes), moment(model.created_at)] for model in found],
        numbers=["VERSION", "SIZE"],
    )


@models.command("show")
@connected
@MODEL
def show(session: Session, model_name: str) -> None:
    """Show every version of a model and where it comes from."""
    with session.client() as client:
        found = client.model(model_name).info()
    if session.json:
        write_json(found)
        return
    rows = []
    for version in found.versions:
        evaluation = version.evaluation
        rows.append(
            [
                str(version.version),
                version.env_name,
                number(version.timesteps),
                f"{number(evaluation.mean_reward)} ± {number(evaluation.std_reward)}" if evaluation else "-",
                str(version.seed),
                (version.job_id or "-")[:SHOWN] if session.for_people else version.job_id or "-",
                moment(version.created_at),
                version.sha256[:SHOWN] if session.for_people else version.sha256,
            ]
        )
    headers = ["VERSION", "ENVIRONMENT", "STEPS", "RETURN", "SEED", "JOB", "CREATED", "SHA256"]
    print_table(headers, rows, numbers=["VERSION", "STEPS", "RETURN", "SEED"])


@models.command("delete")
@connected
@MODEL
@VERSION
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def delete(session: Session, model_name: str, model_version: int | None, yes: bool) -> None:
    """Remove a model with all its versions, or one of them."""
    what = f"version {model_version} of the model {model_name}" if model_version else f"the model {model_name}"
    if not yes:
        if not sys.stdin.isatty():
            raise CommandFailed(ExitCode.USAGE, "Nobody can be asked here: --yes deletes without a question.")
        if not click.confirm(f"Delete {what}?", err=True):
            raise Exit(ExitCode.INTERRUPTED)
    with session.client() as client:
        message = client.model(model_name, model_version).delete()
    if session.json:
        write_json({"message": message})
    else:
        say(message)


@click.command()
@connected
@MODEL
@VERSION
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["safetensors", "onnx"]),
    default="safetensors",
    show_default=True,
    help="The form of the file.",
)
@click.option("-o", "--output", metavar="FILE", help="Where to write; default MODEL.FORMAT, - = standard output.")
@click.option("--force", is_flag=True, help="Overwrite the file.")
def export(
    session: Session, model_name: str, model_version: int | None, file_format: str, output: str | None, force: bool
) -> None:
    """Write a model to one file.

    safetensors to keep it or to import it elsewhere, onnx to run it without this service.
    """
    target = output or f"{model_name}.{file_format}"
    try:
        exists = target != STANDARD_OUTPUT and Path(target).exists()
    except OSError as error:  # the name is too long, or its folder is closed to this user
        raise CommandFailed(ExitCode.USAGE, f"--output: {target!r} cannot be written: {error.strerror}.") from error
    if exists and not force:
        raise CommandFailed(ExitCode.USAGE, f"--output: {target!r} exists already; --force overwrites it.")
    if target == STANDARD_OUTPUT and session.json:
        raise CommandFailed(ExitCode.USAGE, "--json: the file itself goes to standard output.")
    with session.client() as client:
        file = client.model(model_name, model_version).export(format=file_format)  # type: ignore[arg-type]
    if target == STANDARD_OUTPUT:
        sys.stdout.buffer.write(file)
        return
    try:
        Path(target).write_bytes(file)
    except OSError as error:
        raise CommandFailed(ExitCode.FAILED, f"--output: {target!r} cannot be written: {error.strerror}.") from error
    if session.json:
        write_json(
            {"file": target, "format": file_format, "size_bytes": len(file), "sha256": file.sha256, "parity": file.parity}
        )
        return
    say(f"{target}: {size(len(file))}")
    if file.parity is not None:
        say((f"checked against the policy: {_parity(file.parity)}", "dim"))


def _parity(report: dict[str, object]) -> str:
    return ", ".join(
        f"{name.replace('_', ' ')} {value}" for name, value in report.items() if not isinstance(value, dict | list)
    )


@click.command("import")
@connected
@click.argument("file", metavar="FILE", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--name", "model_name", help="Name of the model; default the one in the file.")
def import_(session: Session, file: str, model_name: str | None) -> None:
    """Take in a file that `grpo export` made.

    It becomes the next version of its model. FILE - is standard input.
    """
    try:
        content = sys.stdin.buffer.read() if file == STANDARD_OUTPUT else Path(file).read_bytes()
    except OSError as error:
        raise CommandFailed(ExitCode.USAGE, f"FILE: {file!r} cannot be read: {error.strerror}.") from error
    with session.client() as client:
        found = client.import_model(content, model_name)
    if session.json:
        write_json(found)
    else:
        say(f"The model is {found.name}, version {found.version}, for {found.env_name}.")
