"""Plug-ins: reward functions and environments that installed distributions bring by entry points.

Installing a package is one decision, running its code in this service another, since a package may come as the dependency of
one: only distributions that the setting `plugins` names are loaded, and no request can load any. The server and each of its
workers do so at their start.
"""

import re
from collections.abc import Callable, Iterable
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from bootstrap.settings import InvalidSettings
from domain.rewards import RewardFunction, register

REWARDS, ENVIRONMENTS = "grpo.reward_functions", "grpo.environments"
ALL = "*"


def load_plugins(names: Iterable[str]) -> None:
    """Load the plug-ins of these distributions; `*` = of all that are installed. Again: no effect.

    Raises InvalidSettings: there is no such distribution, or what it brings cannot be used.
    """
    wanted = {name if name == ALL else _normalized(name) for name in names}
    if not wanted:
        return
    points = sorted(
        (*entry_points(group=ENVIRONMENTS), *entry_points(group=REWARDS)), key=lambda point: (_source(point), point)
    )
    installed = {_source(point) for point in points}
    if unknown := sorted(wanted - installed - {ALL}):
        raise InvalidSettings(
            f"the setting plugins names {unknown[0]!r}, and no distribution of that name is installed here that brings "
            f"{REWARDS} or {ENVIRONMENTS}; installed are: {', '.join(sorted(installed)) or 'none'}."
        )
    for point in points:
        if ALL in wanted or _source(point) in wanted:
            try:
                _load(point)
            except Exception as error:
                raise InvalidSettings(
                    f"the plug-in {_source(point)}, which the setting plugins allows, cannot be used: {point.group} "
                    f"{point.name!r} ({point.value}): {type(error).__name__}: {error}."
                ) from error


def _load(point: EntryPoint) -> None:
    if point.group == REWARDS:
        register(_reward(point, point.load()))
    else:
        _register_environments(point)


@cache
def _register_environments(point: EntryPoint) -> None:
    """Once in a process: Gymnasium warns of an environment that is registered twice."""
    loaded = point.load()
    if callable(loaded):
        loaded()  # a module has registered its environments when it was imported


def _reward(point: EntryPoint, function: Callable[..., Any]) -> RewardFunction:
    """What the function says of itself by attributes. Raises TypeError, ValueError."""
    if not callable(function):
        raise TypeError(f"it must be a function of (state, action, next_state), not {type(function).__name__}")
    return RewardFunction(
        name=point.name,
        function=function,
        description=_text(function, "description") or (function.__doc__ or "").strip().partition("\n")[0],
        formula=_text(function, "formula"),
        env_names=_env_names(getattr(function, "env_names", None)),
        bounds=_bounds(getattr(function, "bounds", None)),
        source=_source(point),
    )


def _text(function: Callable[..., Any], name: str) -> str:
    value = getattr(function, name, "")
    if not isinstance(value, str):
        raise TypeError(f"its attribute {name} must be text, got {value!r}")
    return value


def _env_names(value: Any) -> tuple[str, ...] | None:
    if value is None:
        return None
    names = () if isinstance(value, str) else tuple(value)
    if not names or not all(isinstance(name, str) for name in names):
        raise TypeError(f"its attribute env_names must be a list of ids of environments, got {value!r}")
    return names


def _bounds(value: Any) -> tuple[float, float] | None:
    if value is None:
        return None
    low, high = (float(bound) for bound in value)
    if not low <= high:
        raise ValueError(f"its attribute bounds must be (lowest, highest), got {value!r}")
    return low, high


def _source(point: EntryPoint) -> str:
    return _normalized(point.dist.name) if point.dist else "unknown"


def _normalized(name: str) -> str:
    """Names of distributions are equal whatever their case and separators are (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
