"""The value read-out of the newest policy, fitted when somebody asks for it: training itself never does."""

from collections.abc import Callable
from functools import cached_property

from domain.arrays import FloatArray


class ValueReadOut:
    """Weights [H + 1] that are worked out once, at the first use."""

    def __init__(self, fit: Callable[[], FloatArray]) -> None:
        self._fit = fit

    @cached_property
    def weights(self) -> FloatArray:
        """Of the last hidden layer, bias last."""
        return self._fit()
