"""The read-out that is fitted when it is asked for."""

import numpy as np

from domain.arrays import FloatArray
from domain.value_readout import ValueReadOut


def test_weights_then_are_fitted_at_the_first_use_and_only_then() -> None:
    fits = []

    def fit() -> FloatArray:
        fits.append(1)
        return np.ones(3)

    readout = ValueReadOut(fit)
    assert not fits
    assert readout.weights is readout.weights
    assert fits == [1]
