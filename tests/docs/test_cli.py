"""docs/cli.md against the program: every command and option, every exit code, every block runs."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import rich_click as click

from adapters.cli.failures import ExitCode
from adapters.cli.root import program
from bootstrap.cli import ThisMachine
from tests.cli.conftest import Grpo, grpo, url  # noqa: F401 - fixtures

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^### `(grpo [\w ]+)`\n(.*?)(?=^##)", PAGE + "\n## end", re.DOTALL | re.MULTILINE))
COMMON = PAGE.partition("## Exit codes")[0]
# Each starts something that ends by a signal, or needs what only a server has.
ELSEWHERE = {
    "grpo serve": "tests/cli/test_serve.py",
    "grpo stop": "tests/cli/test_serve.py",
    "grpo resume": "tests/cli/test_serve.py",
    "grpo sweeps stop": "tests/cli/test_sweeps.py",
    "grpo keys revoke": "tests/unit/test_keys_command.py",
}


def commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


COMMANDS = dict(commands(program(ThisMachine()), "grpo"))


def section(path: str) -> str:
    """A listing that is done without a subcommand as well has its section under the group's name."""
    return SECTIONS.get(path) or SECTIONS[path.removesuffix(" list")]


@pytest.mark.parametrize("path", COMMANDS)
def test_command_and_its_options_are_documented(path: str) -> None:
    text = section(path)
    if path == "grpo serve":  # each setting is an option, and has a row in docs/configuration.md
        assert "configuration.md" in text
        return
    for parameter in COMMANDS[path].params:
        for option in parameter.opts if isinstance(parameter, click.Option) else []:
            assert f"`{option}" in text or f"`{option}" in COMMON, f"{path} {option}"


@pytest.mark.parametrize("path", COMMANDS)
def test_command_when_asked_for_help_says_what_it_does(path: str, grpo: Grpo) -> None:  # noqa: F811
    answer = grpo(*path.split()[1:], "--help")
    assert answer.code == 0
    assert f"Usage: {path}" in answer.out
    assert COMMANDS[path].help
    assert all(option.help for option in COMMANDS[path].params if isinstance(option, click.Option))


def test_section_of_a_command_that_does_not_exist_is_missing() -> None:
    assert {name for name in SECTIONS if name not in COMMANDS} <= {"grpo models", "grpo sweeps"}


def test_exit_codes_are_documented() -> None:
    rows = re.findall(r"^\| (\d+) \| ", PAGE, re.MULTILINE)
    assert [int(row) for row in rows] == [*ExitCode]


def test_every_command_has_a_block_or_a_test_of_its_own() -> None:
    shown = {path for path in COMMANDS if re.search(rf"^{path}\b", "\n".join(blocks()), re.MULTILINE)}
    assert COMMANDS.keys() - shown == ELSEWHERE.keys()
    for path, tests in ELSEWHERE.items():
        assert f'"{path.split()[-1]}"' in (ROOT / tests).read_text(encoding="utf-8"), path


def blocks() -> list[str]:
    return re.findall(r"^```bash\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def test_blocks_when_run_one_after_another_succeed(
    grpo: Grpo,  # noqa: F811
    url: str,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRPO_URL", url)
    (tmp_path / "observations.txt").write_text("0.1 0.0 0.05 0.0\n[0, 0, 0, 0]\n", encoding="utf-8")
    for line in "".join(blocks()).splitlines():
        command, _, given = line.partition(" < ")
        answer = grpo(*shlex.split(command)[1:], given=(tmp_path / given).read_text(encoding="utf-8") if given else None)
        assert answer.code == 0, f"{line}\n{answer.err}"
        assert answer.out, line
