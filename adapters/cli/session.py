"""The options that every command has, and the way from them to a client of the service."""

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import rich_click as click
from click import get_current_context
from click.core import ParameterSource

from adapters.cli import failures
from adapters.cli.failures import CommandFailed, ExitCode
from adapters.cli.machine import Machine
from grpo_client import Client, ClientError
from grpo_client.connection import checked_key, checked_url

LOCAL_URL = "http://localhost"  # what a request through the socket names as its host


def _checked(check: Callable[[str], str]) -> Callable[[click.Context, click.Parameter, str | None], str | None]:
    """Refuse a malformed URL or key before anything is done."""

    def callback(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
        try:
            return None if value is None else check(value)
        except ValueError as error:
            raise click.BadParameter(str(error), context, parameter) from error

    return callback


_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs instead of text for people.")
_FOLDER = (
    click.option(
        "--data-dir", metavar="FOLDER", help="Without --url: the data folder to open; default: that of the settings, ./data."
    ),
    click.option("--config", metavar="FILE", help="Without --url: the TOML file with the settings (GRPO_CONFIG)."),
)
_SERVER = (
    click.option(
        "--url",
        envvar="GRPO_URL",
        metavar="URL",
        callback=_checked(checked_url),
        help="A running server; without one the data folder is opened right here.",
    ),
    click.option(
        "--api-key",
        envvar="GRPO_API_KEY",
        metavar="KEY",
        callback=_checked(checked_key),
        help="The key, where the server has keys.",
    ),
)


@dataclass
class Session:
    """How one command reaches the service and in which form it answers.

    `untrained`: the service that was reached takes up no jobs.
    """

    machine: Machine
    command: click.Command
    url: str | None
    api_key: str | None
    data_dir: str | None
    config: str | None
    json: bool
    untrained: bool = False

    @contextmanager
    def client(self, *, trains: bool = False, joins: bool = True) -> Iterator[Client]:
        """A client until the block is left, in which the service's errors are told as CommandFailed.

        `trains`: the command needs a service that takes up jobs. `joins`: without a server it may use that of another command.
        Nothing is sent again: a person sees the error at once and decides.
        """
        try:
            if self.url is not None:
                with _client_of_server(self.url, self.api_key) as client:
                    yield client
            else:
                with self.machine.open(self.data_dir, self.config, trains=trains, joins=joins) as reached:
                    self.untrained = not reached.trains
                    with Client(LOCAL_URL, transport=_SocketTransport(reached.socket), retries=0) as client:
                        yield client
        except ClientError as error:
            raise failures.of_service(error, self.command) from error
        except httpx.InvalidURL as error:
            raise CommandFailed(ExitCode.USAGE, f"This cannot be asked for: {error}.") from error

    def check_goes_on(self) -> None:
        """For `--detach`. Raises CommandFailed where the service would end with this command."""
        if self.url is None:
            raise CommandFailed(
                ExitCode.USAGE, "--detach needs a server that goes on: name one with --url (`grpo serve` starts one)."
            )

    @property
    def for_people(self) -> bool:
        """Somebody looks at a terminal."""
        return not self.json and sys.stdout.isatty()


def _client_of_server(url: str, api_key: str | None) -> Client:
    try:
        return Client(url, api_key=api_key, retries=0)
    except (ValueError, OSError, ImportError) as error:  # url and key are checked: it is what httpx takes from the environment
        raise CommandFailed(
            ExitCode.USAGE, f"The proxy or the certificates that the environment names cannot be used: {error}."
        ) from error


class _SocketTransport(httpx.HTTPTransport):
    """To a service on this machine."""

    def __init__(self, socket: Path) -> None:
        super().__init__(uds=str(socket), verify=False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Raises CommandFailed if the service has ended; none will ever listen on this socket again."""
        try:
            return super().handle_request(request)
        except httpx.ConnectError as error:
            ended = "The other grpo command, whose service this command used, has ended: try again."
            raise CommandFailed(ExitCode.NO_CONNECTION, ended) from error


def connected(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that all have, and a Session made of them as its first argument."""

    @functools.wraps(function)
    def command(**given: Any) -> None:
        context = get_current_context()
        common = {name: given.pop(name) for name in ("url", "api_key", "data_dir", "config")}
        local = [name for name in ("data_dir", "config") if common[name] is not None]
        if local and common["url"] is not None:
            if context.get_parameter_source("url") is not ParameterSource.ENVIRONMENT:
                option = f"--{local[0].replace('_', '-')}"
                raise CommandFailed(
                    ExitCode.USAGE, f"{option} opens a folder right here and --url reaches a server: give one of them."
                )
            common["url"] = None  # an option wins over the environment
        function(Session(context.obj, context.command, json=given.pop("as_json"), **common), **given)

    for option in reversed((*_SERVER, *_FOLDER, _JSON)):
        command = option(command)
    return command


def local(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command that needs no service the option --json, and the Machine as its first argument."""

    @functools.wraps(function)
    def command(**given: Any) -> None:
        function(get_current_context().obj, **given)

    return _JSON(command)


def folder(function: Callable[..., None]) -> Callable[..., None]:
    """The options that name a data folder, for commands that never reach a server."""
    for option in reversed(_FOLDER):
        function = option(function)
    return function
