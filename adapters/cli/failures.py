"""How a command ends when it cannot do what it was asked: an exit code, and one sentence for each thing that is wrong."""

from enum import IntEnum

import httpx
import rich_click as click

from grpo_client import ApiError, ClientError, ConnectionFailed


class ExitCode(IntEnum):
    """What `docs/cli.md` promises to scripts."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    NO_CONNECTION = 4
    REFUSED = 5
    INTERRUPTED = 130
    TERMINATED = 143


STATUS_CODES = {
    400: ExitCode.USAGE,
    413: ExitCode.USAGE,
    415: ExitCode.USAGE,
    422: ExitCode.USAGE,
    404: ExitCode.NOT_FOUND,
    401: ExitCode.REFUSED,
    403: ExitCode.REFUSED,
    429: ExitCode.REFUSED,
}


class CommandFailed(Exception):
    """A command cannot do what it was asked."""

    def __init__(self, code: ExitCode, *sentences: str) -> None:
        super().__init__(" ".join(sentences))
        self.code, self.sentences = code, sentences


def of_service(error: ClientError, command: click.Command) -> CommandFailed:
    """What the service said, with the options of the command that it concerns."""
    if not isinstance(error, ApiError):
        return CommandFailed(ExitCode.NO_CONNECTION if isinstance(error, ConnectionFailed) else ExitCode.FAILED, str(error))
    code = STATUS_CODES.get(error.status, ExitCode.FAILED)
    wrong = [f"{_option(wrong.field, command)}{wrong.message}" for wrong in error.errors]
    sentences = wrong or [error.detail]
    if error.status == httpx.codes.UNAUTHORIZED:
        sentences.append("--api-key (or GRPO_API_KEY) sends one.")
    return CommandFailed(code, *sentences)


def _option(field: str, command: click.Command) -> str:
    """The option or argument that carries a field of the API, as the beginning of a sentence about it."""
    named = {parameter.name: parameter for parameter in command.params}
    field = field.removeprefix("training.")
    if parameter := named.get(field.partition(".")[0]):
        name = parameter.opts[0] if isinstance(parameter, click.Option) else parameter.human_readable_name.upper()
        return f"{name}: "
    return f"--set {field}: " if "settings" in named else ""
