"""Every block of every document: what can run is run as a reader would, in order; the rest is checked as far as it can be.

Pages that others run: the tutorial (tests/e2e/test_guide.py), JSON of grpo.md (test_documents.py), the client's
(tests/examples/test_client_document.py), the command line (tests/cli/) and that of plug-ins (test_plugins_page.py).
"""

import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from bootstrap.settings import Settings, load
from tests.docs.blocks import PAGES, ROOT, Block, all_blocks, blocks_of, without_comments
from tests.docs.reader import Reader, server_command
from tests.e2e.server import ServerProcess

BLOCKS = all_blocks()
RUN_ELSEWHERE = {
    ("docs/cli.md", "bash"),
    ("docs/client.md", "python"),
    ("docs/how-to/plugins.md", "bash"),
    ("docs/how-to/plugins.md", "python"),
    ("docs/tutorial.md", "python"),
}
# Grows only with a reason: blocks that nobody runs are blocks that nobody knows to be right.
NOT_RUN = 20
LANGUAGES = {"", "bash", "caddy", "docker", "json", "nginx", "python", "text", "toml", "yaml"}
TRANSLATED = [page for page in PAGES if page.name.endswith(".ja.md")]


def of(*languages: str) -> list[Block]:
    return [block for block in BLOCKS if block.language in languages]


def place(block: Block) -> str:
    return block.place


def steps_of(page: str) -> list[Block]:
    """What a reader does on the page, in order."""
    return [
        block
        for block in BLOCKS
        if block.page == page
        and (block.mark == "file" or block.language in {"bash", "python"})
        and block.mark != "not run"
        and (page, block.language) not in RUN_ELSEWHERE
        and (block.mark in {"file", "server"} or "run_api.py" not in block.code)
    ]


WALKED = [page for page in sorted({block.page for block in BLOCKS}) if not page.endswith(".ja.md") and steps_of(page)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One for all pages that do not start their own."""
    server = ServerProcess(tmp_path_factory.mktemp("data"), workers=2).start()
    yield server
    server.close()


@pytest.mark.parametrize("page", WALKED)
def test_page_when_followed_step_by_step_does_what_it_says(page: str, server: ServerProcess, tmp_path: Path) -> None:
    reader = Reader(tmp_path, server)
    try:
        for block in steps_of(page):
            reader.does(block)
    finally:
        reader.close()


@pytest.mark.parametrize("block", of("json"), ids=place)
def test_json_block_is_json(block: Block) -> None:
    json.loads(block.code)


@pytest.mark.parametrize("block", [block for block in of("toml") if "[project" not in block.code], ids=place)
def test_toml_block_is_a_file_of_settings(block: Block, tmp_path: Path) -> None:
    assert tomllib.loads(block.code)
    file = tmp_path / "grpo.toml"
    file.write_text(block.code, encoding="utf-8")
    assert isinstance(load(["--config", str(file)], {}), Settings)


@pytest.mark.parametrize("block", of("yaml"), ids=place)
def test_yaml_block_is_yaml(block: Block) -> None:
    assert isinstance(yaml.safe_load(block.code), dict)


@pytest.mark.parametrize("block", of("python"), ids=place)
def test_python_block_can_be_compiled(block: Block) -> None:
    compile(block.code, block.place, "exec")


@pytest.mark.parametrize("block", of("bash"), ids=place)
def test_bash_block_can_be_parsed(block: Block) -> None:
    bash = shutil.which("bash")
    assert bash is not None
    assert subprocess.run([bash, "-n", "-c", block.code], check=False).returncode == 0


SERVER_LINES = [line for block in of("bash") for line in block.code.splitlines() if re.search(r"\bpython run_api\.py\b", line)]


@pytest.mark.parametrize("line", sorted({line.split("&&")[-1].strip() for line in SERVER_LINES}))
def test_command_that_starts_the_server_has_settings_that_exist(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("grpo.toml").write_text("port = 9000\n", encoding="utf-8")
    variables, flags = server_command(line)
    load(flags, variables)
    known = {f"GRPO_{name.upper()}" for name in Settings.__struct_fields__} | {"GRPO_CONFIG"}
    assert {name for name in variables if name.startswith("GRPO_")} <= known


@pytest.mark.parametrize("block", of("nginx", "caddy"), ids=place)
def test_configuration_of_a_proxy_has_its_braces_and_ends(block: Block) -> None:
    depth = 0
    for line in block.code.splitlines():
        words = line.split("#")[0].strip()
        depth += words.count("{") - words.count("}")
        assert depth >= 0
        if block.language == "nginx":
            assert not words or words[-1] in "{};", line
    assert depth == 0
    assert re.search(r"\b[\d.]+:8000\b", block.code)


def test_block_has_a_language_that_is_checked() -> None:
    assert {block.place for block in BLOCKS if block.language not in LANGUAGES} == set()


def test_block_that_is_not_run_has_a_reason_and_they_are_few() -> None:
    left_out = [block for block in BLOCKS if block.mark == "not run" and not block.page.endswith(".ja.md")]
    assert [block.place for block in left_out if len(block.said) < 10] == []
    assert len(left_out) == NOT_RUN, [block.place for block in left_out]


@pytest.mark.parametrize("page", TRANSLATED, ids=lambda page: str(page.relative_to(ROOT)))
def test_translation_has_the_code_of_its_original(page: Path) -> None:
    original = page.with_name(page.name.replace(".ja.md", ".md"))
    code = [(block.language, block.mark, without_comments(block.code)) for block in blocks_of(page)]
    expected = [(block.language, block.mark, without_comments(block.code)) for block in blocks_of(original)]
    for mine, theirs in zip(code, expected, strict=True):
        assert mine == theirs
