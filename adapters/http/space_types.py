"""Observation and action spaces as clients get them."""

import math
from typing import Annotated

from msgspec import Meta, Struct

from domain.spaces import Discrete, Space

_Bounds = Annotated[list[float | None], Meta(description="Flattened in C order; null where there is no bound.")]


class BoxSpace(Struct, tag="box", tag_field="type"):
    """Arrays of real numbers."""

    shape: list[int]
    low: _Bounds
    high: _Bounds


class DiscreteSpace(Struct, tag="discrete", tag_field="type"):
    """The integers start … start + n - 1."""

    n: int
    start: int


def space_response(space: Space) -> BoxSpace | DiscreteSpace:
    """A space as clients see it."""
    if isinstance(space, Discrete):
        return DiscreteSpace(space.n, space.start)
    low, high = ([bound if math.isfinite(bound) else None for bound in bounds] for bounds in (space.low, space.high))
    return BoxSpace([*space.shape], low, high)
