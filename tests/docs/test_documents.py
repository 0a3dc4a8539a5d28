"""What the documents say, compared with the code: settings, fields, routes, errors, commands, links, and blocks that run."""

import json
import os
import re
import subprocess
import sys
from dataclasses import MISSING, asdict, fields
from pathlib import Path
from typing import Any

import pytest

from adapters.environments.factory import GymnasiumEnvironments
from adapters.http.problems import HTTP_CODES, STATUS
from adapters.http.scopes import needed_scope
from bootstrap.openapi import document
from bootstrap.settings import PREFIX, Settings
from domain import errors
from domain.config import (
    BOOLEANS,
    CHOICES,
    INTEGER_BOUNDS,
    MAX_HIDDEN_LAYERS,
    MAX_HIDDEN_UNITS,
    NUMBER_BOUNDS,
    OPTIONAL,
    Bounds,
    TrainingConfig,
)
from domain.errors import UnsupportedEnvironment
from domain.model_name import MAX_LENGTH
from domain.presets import DEFAULT_ENV_NAME, DEFAULT_MAX_EPISODE_STEPS, DEFAULT_TOTAL_TIMESTEPS, resolve
from domain.rewards import REWARD_FUNCTIONS
from domain.spaces import Box, EnvironmentSpec
from domain.trainer import Trainer

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
READMES = ("README.md", "README.ja.md")
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
MARKED = {
    "README.md": {"benchmarks"},
    "README.ja.md": {"benchmarks"},
    "docs/benchmarks.md": {"learning", "training", "http", "footprint"},
}
UNSCHEMED_ROUTES = {"GET /dashboard", "GET /docs", "GET /redoc", "GET /openapi.json"}


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def row_of(page: str, name: str) -> str:
    """The table row that begins with `name`; there is exactly one."""
    found = [line for line in text_of(page).splitlines() if line.startswith(f"| `{name}` |")]
    assert len(found) == 1, f"{page} must have one table row for `{name}`, has {len(found)}"
    return found[0]


def number(value: float) -> str:
    return f"{int(value):,}" if value == int(value) else f"{value:g}"


def interval(bounds: Bounds) -> str:
    return f"{'> ' if bounds.above else ''}{number(bounds.low)} … {number(bounds.high)}"


def allowed(field: str) -> list[str]:
    """What the row of a field must say about allowed values."""
    null = ["`null`"] if field in OPTIONAL else []
    choices = CHOICES | {"reward_function_type": tuple(REWARD_FUNCTIONS)}
    if field in choices:
        return [f'`"{choice}"`' for choice in choices[field]]
    if field in BOOLEANS:
        return ["`true`", "`false`"]
    if field == "hidden_sizes":
        return [f"1 … {MAX_HIDDEN_LAYERS} layers", f"1 … {number(MAX_HIDDEN_UNITS)} units"]
    if field == "model_name":
        return [f"1 … {MAX_LENGTH} characters"]
    if field == "env_name":
        return ["Box or Discrete"]
    return [interval(INTEGER_BOUNDS.get(field) or NUMBER_BOUNDS[field]), *null]


def defaults() -> dict[str, Any]:
    plain = {field.name: field.default for field in fields(TrainingConfig) if field.default is not MISSING}
    return plain | {
        "env_name": DEFAULT_ENV_NAME,
        "total_timesteps": DEFAULT_TOTAL_TIMESTEPS,
        "max_episode_steps": DEFAULT_MAX_EPISODE_STEPS,
    }


def slug(heading: str) -> str:
    """The anchor that GitHub makes of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def error_classes(root: type[errors.GrpoError]) -> list[type[errors.GrpoError]]:
    return [root, *(found for child in root.__subclasses__() for found in error_classes(child))]


@pytest.mark.parametrize("name", READMES)
def test_last_python_block_of_a_readme_when_run_prints_a_return(name: str) -> None:
    block = blocks(text_of(name), "python")[-1]
    assert block == blocks(text_of(READMES[0]), "python")[-1]
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": "", "PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [sys.executable, "-c", block], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    printed = re.search(r"mean return of 100 episodes: ([\d.]+)", done.stdout)
    assert printed is not None, done.stdout
    assert 300 <= float(printed[1]) <= 500


@pytest.mark.parametrize("name", Settings.__struct_fields__)
def test_setting_is_documented_with_variable_flag_and_default(name: str) -> None:
    row = row_of("docs/configuration.md", name)
    assert f"`{PREFIX}{name.upper()}`" in row
    assert f"`--{name.replace('_', '-')}`" in row
    default = getattr(Settings(), name)
    assert (f"| `{default}` |" if default != "" else "| none |") in row


@pytest.mark.parametrize("name", [field.name for field in fields(TrainingConfig)])
def test_field_of_a_training_run_is_documented_with_default_and_bounds(name: str) -> None:
    row = row_of("docs/configuration.md", name)
    for part in allowed(name):
        assert part in row
    if name in defaults():
        assert f"`{json.dumps(defaults()[name])}`" in row


def described(environments: GymnasiumEnvironments, env_name: str) -> EnvironmentSpec:
    """The environment, or one of its name where the extra that it needs is not installed."""
    try:
        return environments.describe(env_name)
    except UnsupportedEnvironment:
        return EnvironmentSpec(env_name, Box((1,), (-1.0,), (1.0,)), Box((1,), (-1.0,), (1.0,)), 1_000)


def test_table_of_presets_says_what_is_resolved() -> None:
    rows = re.findall(r"^\| `(\{.*?\})` \| `(\{.*\})` \|$", text_of("docs/configuration.md"), re.MULTILINE)
    assert len(rows) >= 5
    environments, plain = GymnasiumEnvironments(), defaults()
    for given, said in rows:
        request = json.loads(given)
        config = asdict(resolve(request, described(environments, request["env_name"]), seed=0, model_name="m"))
        skipped = {"env_name", "total_timesteps", "max_episode_steps"} | (
            {"segment_start"} if config["n_steps"] is None else set()
        )
        chosen = {
            name: value
            for name, value in config.items()
            if name in plain and name not in skipped | request.keys() and value != plain[name]
        }
        assert json.loads(said) == chosen, f"docs/configuration.md should say | `{given}` | `{json.dumps(chosen)}` |"


@pytest.mark.parametrize("block", blocks(text_of("docs/grpo.md"), "json"))
def test_configuration_of_the_paper_index_trains(block: str) -> None:
    environments = GymnasiumEnvironments()
    given = json.loads(block)
    config = resolve(given | {"total_timesteps": 300}, environments.describe("CartPole-v1"), seed=0, model_name="paper")
    assert config.segment_start == given.get("segment_start", "fresh")
    with Trainer(environments, config) as trainer:
        assert [*trainer.run()]
        assert trainer.timesteps == 300


def test_every_route_is_documented() -> None:
    page = text_of("docs/http-api.md")
    paths = json.loads(document())["paths"]
    routes = {f"{method.upper()} {path}" for path, operations in paths.items() for method in operations}
    assert {route for route in routes | UNSCHEMED_ROUTES if f"`{route}`" not in page} == set()
    assert {route for route in routes if f"## `{route}`" not in page} == set()


def test_every_route_that_is_documented_exists() -> None:
    schema = json.loads(document())["paths"]
    headings = re.findall(r"^## `([A-Z]+) (.*)`$", text_of("docs/http-api.md"), re.MULTILINE)
    assert headings
    unknown = {f"{method} {path}" for method, path in headings if method.lower() not in schema.get(path, {})}
    assert unknown <= UNSCHEMED_ROUTES


def test_scope_of_every_route_is_documented() -> None:
    rows = re.findall(r"^\| (`[A-Z]+ /.*`) \| (\w+) \|$", text_of("docs/security.md"), re.MULTILINE)
    said = {route: scope for routes, scope in rows for route in re.findall(r"`([^`]+)`", routes)}
    paths = json.loads(document())["paths"]
    routes = {f"{method.upper()} {path}" for path, operations in paths.items() for method in operations} | UNSCHEMED_ROUTES
    needed = {route: needed_scope(*route.split(" ")) for route in routes}
    assert said == {route: scope.value if scope else "none" for route, scope in needed.items()}


@pytest.mark.parametrize("name", re.findall(r"`(tests/[\w/]+\.py)`", text_of("docs/security.md")))
def test_test_that_is_said_to_hold_a_promise_exists(name: str) -> None:
    assert (ROOT / name).exists()


@pytest.mark.parametrize("error", error_classes(errors.GrpoError), ids=lambda error: error.__name__)
def test_error_is_documented_with_its_status(error: type[errors.GrpoError]) -> None:
    rows = [line for line in text_of("docs/http-api.md").splitlines() if line.startswith("|") and f"`{error.code}`" in line]
    assert rows, f"docs/http-api.md does not tell of {error.code}"
    status = next((status for kind, status in STATUS.items() if issubclass(error, kind)), None)
    if status is not None:
        assert any(f"| {status} |" in row for row in rows)


@pytest.mark.parametrize(("status", "code"), [*HTTP_CODES.items(), (500, "internal-error")])
def test_http_error_is_documented_with_its_status(status: int, code: str) -> None:
    rows = [line for line in text_of("docs/http-api.md").splitlines() if line.startswith(f"| `{code}` | {status} |")]
    assert len(rows) == 1


def test_every_command_of_make_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), re.MULTILINE))
    named = {
        (page.name, target)
        for page in PAGES
        for target in re.findall(r"(?:^|`)make ([a-z][a-z-]*)", page.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert {target for _, target in named} >= {"run", "test"}
    assert {(page, target) for page, target in named if target not in targets} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_link_when_relative_leads_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link}: there is no such file (docs/openapi.json is made by `make openapi`)"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {slug(heading) for heading in headings}, f"{link}: there is no such heading"


@pytest.mark.parametrize(("page", "names"), MARKED.items())
def test_place_of_a_benchmark_table_is_marked_once(page: str, names: set[str]) -> None:
    text = text_of(page)
    for name in names:
        assert [text.count(f"<!-- {name}:{side} -->") for side in ("start", "end")] == [1, 1]


def test_openapi_document_is_the_one_that_the_server_gives() -> None:
    path = DOCS / "openapi.json"
    assert path.exists(), "docs/openapi.json is missing: run `make openapi`"
    assert path.read_bytes() == document(), "docs/openapi.json is out of date: run `make openapi`"


def test_reference_within_the_openapi_document_leads_somewhere() -> None:
    schema = document().decode()
    names = set(re.findall(r'"#/components/schemas/([^"]+)"', schema))
    assert names
    assert names <= json.loads(schema)["components"]["schemas"].keys()
