"""What hypothesis draws: groups of trajectories, networks, random generators."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from hypothesis.strategies import DrawFn, SearchStrategy
from numpy.typing import NDArray

from domain.arrays import BoolArray, FloatArray
from domain.network import MLP

generators: SearchStrategy[np.random.Generator] = st.integers(0, 2**32 - 1).map(np.random.default_rng)


def numbers(limit: float) -> SearchStrategy[float]:
    """Floats of a size that matters, and those next to 0."""
    return st.floats(-limit, limit, allow_subnormal=False)


def arrays(shape: tuple[int, ...], limit: float = 100.0) -> SearchStrategy[NDArray[np.float64]]:
    return npst.arrays(np.float64, shape, elements=numbers(limit))


@dataclass(frozen=True)
class Groups:
    """Returns (or rewards) [T, N] of members side by side; each is valid up to its own end."""

    values: FloatArray
    valid: BoolArray
    group_size: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """(T, groups, G)."""
        steps, members = self.values.shape
        return steps, members // self.group_size, self.group_size


@st.composite
def groups(draw: DrawFn, whole: bool = False) -> Groups:
    """Up to three groups of up to five members and six steps; `whole` = nobody ends before the last step."""
    size, count, steps = draw(st.integers(2, 5)), draw(st.integers(1, 3)), draw(st.integers(1, 6))
    members = size * count
    shortest = steps if whole else 0
    lengths = np.array(draw(st.lists(st.integers(shortest, steps), min_size=members, max_size=members)))
    return Groups(draw(arrays((steps, members))), np.arange(steps)[:, None] < lengths, size)


@st.composite
def networks(draw: DrawFn) -> MLP:
    hidden = draw(st.lists(st.integers(1, 6), min_size=1, max_size=3))
    return MLP((draw(st.integers(1, 5)), *hidden, draw(st.integers(1, 4))), draw(st.sampled_from(["tanh", "relu"])))


def logits(limit: float, dtype: Any = np.float64) -> SearchStrategy[FloatArray]:
    """Logits [A, B]."""
    width = np.dtype(dtype).itemsize * 8
    elements = st.floats(-limit, limit, width=width, allow_subnormal=False)
    return npst.arrays(dtype, st.tuples(st.integers(1, 6), st.integers(1, 4)), elements=elements)
