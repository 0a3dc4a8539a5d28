"""The dependency rule, as far as import-linter cannot say it, and the rules that a grep can hold."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
DOMAIN = sorted((ROOT / "domain").rglob("*.py"))
FOLDERS = ("domain", "application", "adapters", "bootstrap", "grpo_client")
SOURCES = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
CLIENT = sorted((ROOT / "grpo_client").rglob("*.py"))
ALLOWED = {"numpy", "domain"}
ALLOWED_IN_CLIENT = {"httpx", "msgspec", "grpo_client"}
NO_IO = {"os", "io", "pathlib", "socket", "sqlite3", "subprocess", "logging", "asyncio", "multiprocessing", "threading"}
LONGEST_FILE = 320
EXECUTING = {"eval", "exec", "compile", "__import__", "import_module", "run_path", "run_module", "unpack_archive"}
EXECUTING_MODULES = {
    "pickle",
    "marshal",
    "shelve",
    "cloudpickle",
    "dill",
    "joblib",
    "torch",
    "zipfile",
    "tarfile",
    "yaml",
    "runpy",
}
OPERATORS_CODE = {"env_modules.py", "plugins.py"}  # what the operator names is imported there, and nobody else's
READERS = {"json", "tomllib"}


def imported(path: Path) -> set[str]:
    """Names of the top-level packages that a file imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    plain = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    origins = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return {name.partition(".")[0] for name in plain | origins}


@pytest.mark.parametrize("path", DOMAIN, ids=lambda path: path.name)
def test_domain_file_imports_numpy_and_the_standard_library_only(path: Path) -> None:
    foreign = imported(path) - ALLOWED - sys.stdlib_module_names
    assert not foreign
    assert not imported(path) & NO_IO


@pytest.mark.parametrize("path", CLIENT, ids=lambda path: path.name)
def test_client_file_imports_httpx_msgspec_and_the_standard_library_only(path: Path) -> None:
    assert not imported(path) - ALLOWED_IN_CLIENT - sys.stdlib_module_names


def test_imports_when_linted_point_inwards() -> None:
    linter = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([linter], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "Contracts: 7 kept, 0 broken." in done.stdout


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_source_file_stays_short_and_never_unpickles(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST_FILE
    assert not imported(path) & EXECUTING_MODULES
    assert "allow_pickle" not in text


def called(path: Path) -> set[str]:
    """Calls by their last two names, such as `json.loads`; `re.compile` compiles no code."""
    calls = [node.func for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    return {ast.unparse(call).rpartition("(")[2] for call in calls} - {"re.compile"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_source_file_calls_nothing_that_runs_or_unpacks_what_it_reads(path: Path) -> None:
    for call in called(path):
        owner, _, name = call.rpartition(".")
        if path.name in OPERATORS_CODE:
            continue
        assert name not in EXECUTING, call
        assert name not in {"load", "loads", "fromfile", "memmap"} or owner in READERS or not owner, call


def test_environment_of_the_process_is_read_in_the_settings_only() -> None:
    readers = [path.name for path in SOURCES if "os.environ" in path.read_text(encoding="utf-8")]
    assert readers == ["settings.py"]
