"""Settings of the process: defaults < TOML file < environment < flags. No other file reads the environment."""

import argparse
import os
import re
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import msgspec
from msgspec import Meta, Struct

from bootstrap.lists import CHECKS
from bootstrap.processor import better_kernels

PREFIX = "GRPO_"
EXIT_CODE = 2
BLAS_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
SQLITE = "sqlite:///"
DATABASES = (SQLITE, "postgresql://", "postgres://")


class Settings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One frozen value, built once. Units stand in the names."""

    host: Annotated[str, Meta(min_length=1, description="address to listen on")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535, description="port to listen on; 0 = a free one")] = 8000
    data_dir: Annotated[str, Meta(min_length=1, description="folder of grpo.db, made when missing")] = "./data"
    database_url: Annotated[
        str, Meta(description="where jobs and models are kept: sqlite:///PATH or postgresql://…; none = grpo.db in data_dir")
    ] = ""
    max_concurrent_jobs: Annotated[int, Meta(ge=0, le=1_024, description="worker processes; 0 = the number of cores")] = 0
    max_queued_jobs: Annotated[int, Meta(ge=0, description="jobs that may wait for a worker")] = 1000
    model_cache_bytes: Annotated[int, Meta(ge=0, description="memory for models that are ready to answer")] = 268_435_456
    checkpoint_seconds: Annotated[
        float, Meta(ge=0, le=1_000_000, description="time between two checkpoints of a running job")
    ] = 2.0
    max_attempts: Annotated[int, Meta(ge=1, description="attempts in a row without a new checkpoint, then a job fails")] = 3
    lease_seconds: Annotated[
        float, Meta(ge=1, le=1_000_000, description="a running job that gives no sign of life for so long is taken back")
    ] = 60.0
    executor: Annotated[
        Literal["process", "inline", "ray"],
        Meta(description="process = worker processes; ray = a Ray cluster, needs the extra [ray]; inline = within the request"),
    ] = "process"
    ray_address: Annotated[str, Meta(description="the Ray cluster, host:port; none = a cluster of this machine alone")] = ""
    api_keys_file: Annotated[str, Meta(description="file of API keys; without one there are no keys")] = ""
    allowed_hosts: Annotated[str, Meta(description="comma list of further hosts that requests may name")] = ""
    cors_origins: Annotated[str, Meta(description="comma list of sites whose pages may use the API")] = ""
    env_allow: Annotated[
        str, Meta(description="comma list of environments that may be trained: ids, patterns, gymnasium = its own, * = all")
    ] = "gymnasium"
    env_modules: Annotated[str, Meta(description="comma list of Python modules that register environments of your own")] = ""
    plugins: Annotated[
        str,
        Meta(description="comma list of installed distributions whose rewards and environments are loaded; * = all"),
    ] = ""
    limit_requests_per_minute: Annotated[int, Meta(ge=0, description="requests per minute of a client; 0 = no limit")] = 0
    limit_total_timesteps: Annotated[int, Meta(ge=0, description="total_timesteps of a job; 0 = no limit")] = 0
    limit_jobs: Annotated[int, Meta(ge=0, description="unfinished jobs of a client; 0 = no limit")] = 0
    limit_parameters: Annotated[int, Meta(ge=0, description="weights and biases of a network; 0 = no limit")] = 10_000_000
    limit_n_envs: Annotated[int, Meta(ge=0, description="n_envs of a job; 0 = no limit")] = 0
    limit_max_episode_steps: Annotated[int, Meta(ge=0, description="max_episode_steps of a job; 0 = no limit")] = 0
    log_level: Annotated[Literal["debug", "info", "warning", "error"], Meta(description="what is logged to standard error")] = (
        "info"
    )
    log_format: Annotated[
        Literal["auto", "json", "text"], Meta(description="form of the log; auto = text on a terminal, else JSON lines")
    ] = "auto"
    tracing: Annotated[bool, Meta(description="send OpenTelemetry traces; needs the extra [otel]")] = False

    def __post_init__(self) -> None:
        for name, check in CHECKS.items():
            check(getattr(self, name))
        if self.database_url and not self.database_url.startswith(DATABASES):
            raise ValueError("it is no URL of a database; write sqlite:///PATH or postgresql://USER@HOST:PORT/DATABASE")
        if self.ray_address and not _is_address(self.ray_address):
            raise ValueError("it is no address of a cluster; write host:port")


class InvalidSettings(Exception):
    """A setting is wrong; the message says which, why, and where it came from."""


def load(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """The settings of this process. Raises InvalidSettings."""
    flags = vars(_parser().parse_args(arguments))
    file = flags.pop("config") or environment.get(f"{PREFIX}CONFIG")
    names = Settings.__struct_fields__
    merged: dict[str, Any] = _read_file(Path(file)) if file else {}
    merged = {name: _convert({name: value}, f"in {file}") for name, value in merged.items()}
    for name in names:
        variable = PREFIX + name.upper()
        if variable in environment:
            merged[name] = _convert({name: environment[variable]}, f"in the environment variable {variable}")
    for name, value in flags.items():
        if value is not None:
            merged[name] = _convert({name: value}, f"in the flag --{name.replace('_', '-')}")
    return Settings(**merged)


def of_this_process(arguments: Sequence[str]) -> Settings:
    """The settings with the environment of this process. Raises InvalidSettings."""
    return load(arguments, os.environ)


def load_or_exit(arguments: Sequence[str]) -> Settings:
    """The settings, or one sentence on standard error and exit code 2."""
    try:
        return of_this_process(arguments)
    except InvalidSettings as error:
        exit_with(str(error))


def exit_with(message: str) -> NoReturn:
    """End the process because it cannot start as it was told."""
    print(f"error: {message}", file=sys.stderr)
    raise SystemExit(EXIT_CODE)


def use_one_blas_thread() -> None:
    """Small matrices lose by threads and by narrow kernels. Takes effect before numpy is imported, and in worker processes."""
    for variable in BLAS_THREADS:
        os.environ.setdefault(variable, "1")
    if kernels := better_kernels():
        os.environ.setdefault("OPENBLAS_CORETYPE", kernels)


def worker_variables() -> dict[str, str]:
    """What decides of the last bit, for workers on other machines: they compute as those of this one."""
    return {name: os.environ[name] for name in (*BLAS_THREADS, "OPENBLAS_CORETYPE") if name in os.environ}


def set_ray_variables() -> None:
    """Nobody else is told that Ray is used here, and Ray does not warn of accelerators, which are not used."""
    os.environ.update({"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"})


def descriptions() -> dict[str, str]:
    """What each setting is for, by name."""
    fields = msgspec.inspect.type_info(Settings).fields  # type: ignore[attr-defined]
    return {field.name: field.type.extra_json_schema["description"] for field in fields}


def without_password(url: str) -> str:
    """A URL as it may be shown."""
    return re.sub(r"(//[^/@:]*):[^/@]*@", r"\1:…@", url).partition("?")[0]


def option_texts() -> dict[str, str]:
    """What the help of a command says of each setting, by name."""
    defaults = Settings()
    return {
        name: f"{description} ({PREFIX}{name.upper()}, default {getattr(defaults, name)})"
        for name, description in descriptions().items()
    }


def _is_address(text: str) -> bool:
    found = re.fullmatch(r"(?:[\w.-]+|\[[0-9a-fA-F:.]+\]):(\d{1,5})", text)
    return found is not None and 1 <= int(found[1]) <= 65_535


def _convert(one: dict[str, Any], origin: str) -> Any:
    [(name, value)] = one.items()
    try:
        return getattr(msgspec.convert(one, Settings, strict=not isinstance(value, str)), name)
    except msgspec.ValidationError as error:
        if "unknown field" in str(error):
            allowed = ", ".join(Settings.__struct_fields__)
            raise InvalidSettings(f"there is no setting {name!r} ({origin}); known: {allowed}.") from None
        reason = str(error).partition(" - at ")[0].replace("`", "")
        shown = without_password(value) if isinstance(value, str) else value
        raise InvalidSettings(f"the setting {name} is wrong {origin}: {reason}, got {shown!r}.") from None


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidSettings(f"the settings file {path} cannot be read: {error}.") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="run_api.py", description="Serve the GRPO API.", allow_abbrev=False)
    parser.add_argument("--config", metavar="FILE", help=f"TOML file with settings ({PREFIX}CONFIG)")
    for name, text in option_texts().items():
        parser.add_argument(f"--{name.replace('_', '-')}", metavar="VALUE", help=text)
    return parser
