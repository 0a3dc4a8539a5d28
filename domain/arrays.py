"""Array aliases and the checks that open a mathematical function.

Axes are fixed letters everywhere: `B` samples or trajectories, `T` steps, `N` environments, `G` group size,
`D` observation features, `A` actions, `H` hidden units, `P` parameters.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]
IntArray = NDArray[np.integer[Any]]
BoolArray = NDArray[np.bool_]
ActionArray = NDArray[Any]
"""int for a Discrete action space, floating for a Box."""


def check_shape(name: str, array: NDArray[Any], expected: tuple[int | None, ...]) -> None:
    """Raise ValueError unless `array.shape` equals `expected`, where None stands for any length."""
    fits = array.ndim == len(expected) and all(e is None or e == n for e, n in zip(expected, array.shape, strict=True))
    if not fits:
        wanted = "(" + ", ".join("any" if e is None else str(e) for e in expected) + ")"
        raise ValueError(f"{name} has shape {array.shape}, expected {wanted}")


def check_same_shape(**arrays: NDArray[Any]) -> None:
    """Raise ValueError unless all named arrays have one shape."""
    if len({array.shape for array in arrays.values()}) > 1:
        raise ValueError("shapes differ: " + ", ".join(f"{name} {array.shape}" for name, array in arrays.items()))
