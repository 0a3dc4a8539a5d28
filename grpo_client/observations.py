"""Translates observations and actions between an environment and the API."""

import sys
from math import isfinite
from typing import Any


def written(observation: Any) -> list[Any]:
    """One observation as a list of numbers, several as a list of such lists.

    Arrays, tuples and numbers are taken, too. A single number is an observation of a Discrete space. Of nested lists the
    first level counts the observations, and what is below each is flattened in C order.
    Raises ValueError for a number that is not finite, which JSON cannot say.
    """
    plain = observation.tolist() if hasattr(observation, "tolist") else observation
    if not _nested(plain):
        return [_number(plain)]
    rows = [row.tolist() if hasattr(row, "tolist") else row for row in plain]
    if any(_nested(row) for row in rows):
        return [_flat(row) for row in rows]
    return [_number(value) for value in rows]


def playable(action: Any) -> Any:
    """An action as `env.step` takes it: an integer, or for a Box an array of float32.

    The array is one of numpy's if the program uses numpy, as every program with Gymnasium does; else the list stays.
    Several actions become an array, as a vector environment takes them.
    """
    numpy = sys.modules.get("numpy")
    if numpy is None or not isinstance(action, list):
        return action
    array = numpy.asarray(action)
    return array.astype(numpy.float32) if array.dtype.kind == "f" else array


def _nested(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _flat(value: Any) -> list[Any]:
    plain = value.tolist() if hasattr(value, "tolist") else value
    return [number for part in plain for number in _flat(part)] if _nested(plain) else [_number(plain)]


def _number(value: Any) -> Any:
    plain = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(plain, float) and not isfinite(plain):
        raise ValueError(f"An observation must hold finite numbers, got {plain}.")
    return plain
