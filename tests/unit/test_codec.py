"""Models and checkpoints as bytes: what goes in comes out, and hostile bytes give one kind of error."""

import json
import struct
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from adapters.storage.codec import DTYPES, decode_checkpoint, decode_model, encode_checkpoint, encode_model
from domain.errors import CorruptData
from domain.spaces import Box, EnvironmentSpec
from tests.factories import (
    ARM,
    CARTPOLE,
    LAKE,
    NOON,
    assert_same_array,
    assert_same_checkpoint,
    assert_same_model,
    kept,
    make_checkpoint,
    make_model,
    make_policy,
)

MODEL = encode_model(make_model())
CHECKPOINT = encode_checkpoint(make_checkpoint())


KEPT = kept(make_model())


@pytest.mark.parametrize("environment", [CARTPOLE, LAKE, ARM], ids=lambda environment: environment.env_name)
@pytest.mark.parametrize("normalized", [True, False])
def test_model_when_encoded_and_decoded_is_the_same(environment: EnvironmentSpec, normalized: bool) -> None:
    model = make_model(policy=make_policy(environment, normalized=normalized))
    assert_same_model(decode_model(encode_model(model), kept(model)), model)


def test_checkpoint_when_encoded_and_decoded_is_the_same() -> None:
    assert_same_checkpoint(decode_checkpoint(CHECKPOINT), make_checkpoint())


def test_equal_objects_give_equal_bytes() -> None:
    assert encode_model(make_model()) == MODEL
    assert encode_checkpoint(make_checkpoint()) == CHECKPOINT


def test_model_of_an_equal_run_under_another_name_gives_equal_bytes() -> None:
    other = make_model("other", job_id="another", created_at=NOON + timedelta(days=1))
    assert encode_model(other) == MODEL
    assert encode_model(make_model(timesteps=999)) != MODEL


def test_arrays_when_decoded_are_aligned_and_read_only() -> None:
    for array in decode_checkpoint(CHECKPOINT).arrays.values():
        assert array.flags.aligned
        assert not array.flags.writeable


def test_box_with_whole_numbers_as_bounds_when_decoded_is_the_same() -> None:
    whole = replace(ARM, action_space=Box((2,), (-2, -1), (2, 1)))
    model = make_model(policy=make_policy(whole))
    assert_same_model(decode_model(encode_model(model), kept(model)), model)


@pytest.mark.parametrize("dtype", [">f8", "float16", "uint32", "U3", "object"])
def test_array_of_a_type_without_a_name_when_encoded_is_refused(dtype: str) -> None:
    with pytest.raises(ValueError, match="'state/x' holds"):
        encode_checkpoint(make_checkpoint(arrays={"x": np.zeros(2, dtype)}))


def test_header_is_that_of_safetensors() -> None:
    length = struct.unpack("<Q", MODEL[:8])[0]
    header = json.loads(MODEL[8 : 8 + length])
    parameters = header["policy/parameters"]
    start, end = parameters["data_offsets"]
    expected = make_policy().parameters
    assert parameters["dtype"] == "F32"
    assert MODEL[8 + length + start : 8 + length + end] == expected.tobytes()
    assert (8 + length) % 8 == 0
    assert max(entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__") == len(MODEL) - 8 - length
    assert all(isinstance(value, str) for value in header["__metadata__"].values())


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=8),
        st.sampled_from(sorted(DTYPES.values())).flatmap(
            lambda code: npst.arrays(np.dtype(code), npst.array_shapes(min_side=0))
        ),
        max_size=4,
    )
)
def test_arrays_of_any_kind_keep_every_bit(arrays: dict[str, Any]) -> None:
    decoded = decode_checkpoint(encode_checkpoint(make_checkpoint(arrays=arrays))).arrays
    assert decoded.keys() == arrays.keys()
    for name, array in arrays.items():
        assert_same_array(decoded[name], array)


@given(st.integers(0, len(MODEL) - 1))
def test_truncated_model_is_corrupt(length: int) -> None:
    with pytest.raises(CorruptData):
        decode_model(MODEL[:length], KEPT)


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_corrupt(data: bytes) -> None:
    with pytest.raises(CorruptData):
        decode_model(data, KEPT)


@given(st.lists(st.tuples(st.integers(0, len(CHECKPOINT) - 1), st.integers(0, 255)), max_size=5))
def test_checkpoint_with_changed_bytes_is_decoded_or_corrupt_and_nothing_else(changes: list[tuple[int, int]]) -> None:
    mutated = bytearray(CHECKPOINT)
    for position, value in changes:
        mutated[position] = value
    with suppress(CorruptData):
        decode_checkpoint(bytes(mutated))


@given(st.integers(0, len(MODEL) - 1), st.integers(1, 255))
def test_model_with_a_flipped_byte_is_decoded_or_corrupt_and_nothing_else(position: int, mask: int) -> None:
    mutated = bytearray(MODEL)
    mutated[position] ^= mask
    try:
        decode_model(bytes(mutated), KEPT)
    except CorruptData as error:
        assert "cannot be read" in str(error)  # noqa: PT017 - both outcomes are right


def with_header(change: dict[str, Any]) -> bytes:
    """MODEL with entries of its header replaced."""
    length = struct.unpack("<Q", MODEL[:8])[0]
    header = json.loads(MODEL[8 : 8 + length]) | change
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + MODEL[8 + length :]


PARAMETERS = "policy/parameters"


@pytest.mark.parametrize(
    "data",
    [
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 2) + b"{}",
        with_header({PARAMETERS: {"dtype": "O", "shape": [1], "data_offsets": [0, 8]}}),
        with_header({PARAMETERS: {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}),
        with_header({"zeros": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}),
        with_header({"many": {"dtype": "F32", "shape": [2**62] * 100_000, "data_offsets": [0, 0]}}),
        MODEL + b"more",
        with_header({PARAMETERS: {"dtype": "F32", "shape": [2**62, 2**62], "data_offsets": [0, 4]}}),
        with_header({PARAMETERS: {"dtype": "F32", "shape": [1], "data_offsets": [0, 2**40]}}),
        with_header({PARAMETERS: {"dtype": "F32", "shape": [1], "data_offsets": [8, 4]}}),
        with_header({PARAMETERS: {"dtype": "F32", "shape": [1], "data_offsets": [0]}}),
        with_header({PARAMETERS: None}),
        with_header({PARAMETERS: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}),
        with_header({"__metadata__": None}),
        with_header({"__metadata__": {"kind": "model", "format_version": "3", "about": "{}"}}),
        with_header({"__metadata__": {"kind": "model", "format_version": "one", "about": "{}"}}),
        with_header({"__metadata__": {"kind": "model", "format_version": "1", "about": "[" * 100_000}}),
        b"\x80\x04cposix\nsystem\n(S'true'\ntR.",
        CHECKPOINT,
    ],
)
def test_hostile_bytes_are_corrupt(data: bytes) -> None:
    with pytest.raises(CorruptData):
        decode_model(data, KEPT)


@pytest.mark.parametrize("dtype", ["I32", "U8", "BOOL"])
def test_parameters_that_are_no_floating_point_numbers_are_corrupt(dtype: str) -> None:
    length = struct.unpack("<Q", MODEL[:8])[0]
    entry = json.loads(MODEL[8 : 8 + length])[PARAMETERS]
    start, end = entry["data_offsets"]
    data = with_header({PARAMETERS: entry | {"dtype": dtype, "shape": [(end - start) // (4 if dtype == "I32" else 1)]}})
    zeroed = bytearray(data)
    body = len(data) - (len(MODEL) - 8 - length)
    zeroed[body + start : body + end] = bytes(end - start)
    with pytest.raises(CorruptData, match=f"{PARAMETERS} holds"):
        decode_model(bytes(zeroed), KEPT)


def test_model_of_a_newer_format_is_refused_with_the_reason() -> None:
    newer = with_header({"__metadata__": {"kind": "model", "format_version": "3", "about": "{}"}})
    with pytest.raises(CorruptData, match="format 3 is newer"):
        decode_model(newer, KEPT)
