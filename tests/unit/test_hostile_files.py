"""Files and stored bytes that someone prepared: nothing in them runs, nothing is unpacked, each is a clear error.

What flips, cuts and lies do to a model's own format is tested in test_codec.
"""

import io
import json
import os
import pickle
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adapters.storage.codec import decode_checkpoint, decode_model, encode_checkpoint, encode_model
from adapters.storage.keys_file import KeysFile
from application.access import Limits
from bootstrap.settings import InvalidSettings, load
from domain.errors import CorruptData, StorageFailure
from tests.factories import kept, make_checkpoint, make_model

MOST_BYTES = 32 * 1024 * 1024


class Payload:
    """Unpickled, it makes a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.open, (str(self.mark), os.O_CREAT)


def pickled(mark: Path) -> bytes:
    return pickle.dumps(Payload(mark))


def pickled_text(mark: Path) -> bytes:
    return pickle.dumps(Payload(mark), protocol=0)


def numpy_archive(mark: Path) -> bytes:
    file = io.BytesIO()
    objects = np.empty(1, dtype=object)
    objects[0] = Payload(mark)
    np.savez(file, parameters=objects)
    return file.getvalue()


def numpy_array(mark: Path) -> bytes:
    file = io.BytesIO()
    objects = np.empty(1, dtype=object)
    objects[0] = Payload(mark)
    np.save(file, objects, allow_pickle=True)
    return file.getvalue()


def zip_bomb(mark: Path) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("parameters.npy", bytes(64 * 1024 * 1024))
    return file.getvalue()


def torch_like(mark: Path) -> bytes:
    """A zip with a pickle inside, as PyTorch writes it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickled(mark))
    return file.getvalue()


def header_of_gigabytes(mark: Path) -> bytes:
    return struct.pack("<Q", 8 * 1024**3) + b"{}"


def array_of_terabytes(mark: Path) -> bytes:
    text = json.dumps({"a": {"dtype": "F64", "shape": [2**40], "data_offsets": [0, 2**43]}}).encode()
    return struct.pack("<Q", len(text)) + text


def pickle_within_a_header(mark: Path) -> bytes:
    text = json.dumps({"a": {"dtype": "|O", "shape": [1], "data_offsets": [0, 8]}, "__metadata__": {"kind": "model"}}).encode()
    return struct.pack("<Q", len(text)) + text + pickled(mark)


def cut_model(mark: Path) -> bytes:
    return encode_model(make_model())[:-1]


def cut_checkpoint(mark: Path) -> bytes:
    return encode_checkpoint(make_checkpoint())[:-1]


def script(mark: Path) -> bytes:
    return f"open({str(mark)!r}, 'w').close()\n".encode()


def nested(mark: Path) -> bytes:
    return b"a = " + b"[" * 100_000


def long_number(mark: Path) -> bytes:
    return b"port = " + b"9" * 10_000


def nothing(mark: Path) -> bytes:
    return b"\0" * 64


HOSTILE = [
    pickled,
    pickled_text,
    numpy_archive,
    numpy_array,
    zip_bomb,
    torch_like,
    header_of_gigabytes,
    array_of_terabytes,
    pickle_within_a_header,
    cut_model,
    cut_checkpoint,
    script,
    nested,
    long_number,
    nothing,
]


def read_keys(data: bytes, folder: Path) -> None:
    path = folder / "keys.json"
    path.write_bytes(data)
    KeysFile(path, Limits())


def read_settings(data: bytes, folder: Path) -> None:
    path = folder / "grpo.toml"
    path.write_bytes(data)
    load(["--config", str(path)], {})


READERS: list[tuple[Callable[[bytes, Path], object], type[Exception]]] = [
    (lambda data, _: decode_model(data, kept(make_model())), CorruptData),
    (lambda data, _: decode_checkpoint(data), CorruptData),
    (read_keys, StorageFailure),
    (read_settings, InvalidSettings),
]


@pytest.mark.parametrize("made", HOSTILE, ids=lambda made: made.__name__)
@pytest.mark.parametrize(("read", "error"), READERS, ids=["model", "checkpoint", "keys", "settings"])
def test_hostile_bytes_when_read_are_one_clear_error_and_nothing_runs(
    made: Callable[[Path], bytes], read: Callable[[bytes, Path], object], error: type[Exception], tmp_path: Path
) -> None:
    mark = tmp_path / "it-ran"
    data = made(mark)
    tracemalloc.start()
    try:
        with pytest.raises(error) as raised:
            read(data, tmp_path)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert str(raised.value)
    assert "\n" not in str(raised.value)
    assert most < MOST_BYTES
    assert not mark.exists()


def test_payload_of_these_tests_would_run_where_it_is_unpickled(tmp_path: Path) -> None:
    os.close(pickle.loads(pickled(tmp_path / "it-ran")))
    assert (tmp_path / "it-ran").exists()
