"""docs/client.md: its Python blocks, unchanged but for the address, run one after another; its tables name what there is."""

import inspect
import re
from pathlib import Path

import pytest

import grpo_client
from grpo_client import Client, Job, Model, errors

TEXT = (Path(__file__).parent.parent.parent / "docs" / "client.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:8000"


def test_every_python_block_runs(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
    assert len(blocks) >= 10
    script = "\n".join(blocks).replace(ADDRESS, url).replace("20_000", "2_000")
    exec(compile(script, "docs/client.md", "exec"), {"__name__": "__main__"})
    said = capsys.readouterr().out
    for part in (
        "learning_rate →",
        "model-not-found →",
        "Training job stopped",
        "Pushed",
        "['completed', 'completed', 'completed']",
    ):
        assert part in said


@pytest.mark.parametrize("kind", [Client, Job, Model], ids=lambda kind: kind.__name__)
def test_every_method_is_in_the_reference(kind: type) -> None:
    reference = TEXT.partition("## Reference")[2]
    for name, method in inspect.getmembers(kind, inspect.isfunction):
        if not name.startswith("_"):
            row = re.search(rf"`{name}\(([^)]*)\)", reference)
            assert row, name
            said = {word.strip(" *") for word in row[1].split(",")} - {"", "path_or_bytes"}
            assert said <= {*inspect.signature(method).parameters}, name


def test_every_error_is_in_the_table() -> None:
    kinds = {name for name, kind in vars(errors).items() if inspect.isclass(kind) and issubclass(kind, errors.ClientError)}
    named = set(re.findall(r"`(\w+)`", TEXT.partition("## When something is wrong")[2].partition("**What is sent")[0]))
    assert kinds - {"ClientError"} <= named
    assert {name for name in kinds if not hasattr(grpo_client, name)} == set()


def test_every_example_is_in_the_table() -> None:
    examples = {path.stem for path in (Path(__file__).parent.parent.parent / "examples").glob("*.py")}
    assert set(re.findall(r"\.\./examples/(\w+)\.py", TEXT)) == examples
