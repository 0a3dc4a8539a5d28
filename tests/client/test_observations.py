"""From what an environment gives to what the API takes, and back."""

import json
import sys
from typing import Any

import numpy as np
import pytest

from grpo_client.calls import encoded
from grpo_client.observations import playable, written


@pytest.mark.parametrize(
    ("observation", "said"),
    [
        (3, [3]),
        (np.int64(3), [3]),
        ([0.5, 1], [0.5, 1]),
        ((0.5, 1.0), [0.5, 1.0]),
        (np.array([0.5, 1.0], np.float32), [0.5, 1.0]),
        ([np.float32(0.5), np.int8(2)], [0.5, 2]),
        ([[3], [4]], [[3], [4]]),
        (np.array([[0.5], [1.0]]), [[0.5], [1.0]]),
        ([np.array([0.5]), (1.0,)], [[0.5], [1.0]]),
        (np.arange(8).reshape(2, 2, 2), [[0, 1, 2, 3], [4, 5, 6, 7]]),
        (np.array(2.5), [2.5]),
        ([], []),
    ],
)
def test_observation_is_written_as_lists_of_numbers(observation: Any, said: list[Any]) -> None:
    assert written(observation) == said
    assert json.loads(encoded({"observation": written(observation)})) == {"observation": said}


@pytest.mark.parametrize("observation", [[float("nan")], np.array([[0.0], [np.inf]]), float("-inf")])
def test_number_that_json_cannot_say_is_refused(observation: Any) -> None:
    with pytest.raises(ValueError, match=r"finite numbers, got (nan|inf|-inf)"):
        written(observation)


def test_field_that_is_a_number_of_numpy_is_sent_as_one() -> None:
    assert encoded({"seed": np.int64(3), "hidden_sizes": np.array([8, 8])}) == b'{"seed":3,"hidden_sizes":[8,8]}'


def test_field_that_is_no_json_is_refused() -> None:
    with pytest.raises(TypeError, match="object cannot be sent as JSON"):
        encoded({"seed": object()})


@pytest.mark.parametrize(
    ("action", "shape", "dtype"),
    [([0.5, 1.0], (2,), np.float32), ([[0.5], [1.0]], (2, 1), np.float32), ([1, 0, 1], (3,), np.int64)],
)
def test_action_that_is_a_list_is_played_as_an_array(action: Any, shape: tuple[int, ...], dtype: type) -> None:
    array = playable(action)
    assert (array.shape, array.dtype, array.tolist()) == (shape, dtype, action)


def test_action_that_is_discrete_is_played_as_an_integer() -> None:
    assert type(playable(1)) is int


def test_action_in_a_program_without_numpy_stays_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "numpy")
    assert playable([0.5]) == [0.5]
