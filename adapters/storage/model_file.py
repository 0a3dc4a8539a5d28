"""Models as files: what is stored, in the layout of safetensors, with one more entry that says where it comes from.

The entry `origin` of the metadata is JSON: name, version, job, seed, times, evaluation, version of the service, and the SHA-256
of the rest. Without it the file is byte for byte what encode_model gives, so that the digest survives any number of moves.

Whoever sends a file may be anybody: nothing in it is executed, its header is bounded, and what is wrong is told in a sentence.
"""

import json
import math
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, ClassVar, NoReturn

import msgspec
import numpy as np
from msgspec import Meta, Struct

from adapters.storage.codec import Header, decode_model, encode_model, join_file, read_arrays, split_file
from adapters.storage.rows import sha256
from domain.checkpoint import EvaluationSummary, Model
from domain.errors import CorruptData
from domain.model_errors import InvalidModelFile
from domain.model_name import model_name_error
from domain.model_ports import ModelFile
from domain.policy import Policy
from domain.ports import ModelSummary
from domain.spaces import Box, Space

ORIGIN = "origin"
LONGEST_HEADER = 1024 * 1024
LONGEST_ID = 128
LONGEST_REASON = 300
LARGEST_INTEGER = 2**63 - 1  # of SQLite and of numpy
MAGIC = {
    b"PK\x03\x04": "a zip archive, as torch.save and numpy.savez write",
    b"\x80": "a Python pickle, and reading one would run what it says",
    b"\x93NUMPY": "a numpy array",
    b"\x89HDF": "an HDF5 file",
    b"\x1f\x8b": "compressed by gzip",
    b"{": "JSON",
    b"<": "HTML or XML",
}
_MALFORMED = (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError)

Time = Annotated[datetime, Meta(tz=True)]


class FileOrigin(Struct, frozen=True, kw_only=True):
    """Where a model comes from. Fields that a later version adds are passed over."""

    name: str
    version: int
    job_id: str
    seed: int
    created_at: Time
    imported_at: Time | None
    evaluation: EvaluationSummary | None
    service_version: str
    sha256: str


class SafetensorsFormat:
    """ModelWriter and ModelReader of safetensors files."""

    suffix: ClassVar[str] = "safetensors"

    def __init__(self, service_version: str) -> None:
        self._service_version = service_version

    def write(self, model: Model, kept: ModelSummary) -> ModelFile:
        stored = encode_model(model)
        origin = FileOrigin(
            name=model.name,
            version=kept.version,
            job_id=model.job_id,
            seed=model.config.seed,
            created_at=model.created_at,
            imported_at=model.imported_at,
            evaluation=model.evaluation,
            service_version=self._service_version,
            sha256=sha256(stored),
        )
        metadata, header, body = split_file(stored)
        metadata[ORIGIN] = msgspec.json.encode(origin, order="deterministic").decode()
        return ModelFile(join_file(metadata, header, body))

    def read(self, data: bytes) -> Model:
        _check_kind(data)
        try:
            metadata, header, body = split_file(data, LONGEST_HEADER)
            read_arrays(header, body)
        except _MALFORMED as error:
            _refuse(f"is no safetensors file, or is cut short: {_reason(error)}")
        origin = _origin(metadata)
        stored = join_file(metadata, header, body)
        if sha256(stored) != origin.sha256:
            _refuse("is damaged or was changed: its SHA-256 is not the one that was written into it")
        try:
            model = decode_model(stored, origin)
        except CorruptData as error:
            _refuse(f"cannot be read: {_reason(error)}")
        if wrong := next(_faults(model, header), None):
            _refuse(wrong)
        return model


def _check_kind(data: bytes) -> None:
    """Raises InvalidModelFile that names what was sent instead."""
    if not data:
        _refuse("is empty")
    # A model in ONNX begins with two fields of protobuf: the version of its format, a small number, and the producer.
    if data[:1] == b"\x08" and data[2:3] == b"\x12":
        _refuse("is an ONNX file, which is for other software; what can be imported is an export with format=safetensors")
    if int.from_bytes(data[:8], "little") > LONGEST_HEADER:  # what begins so as text or as magic is no length of a header
        for magic, what in MAGIC.items():
            if data.startswith(magic):
                _refuse(f"is {what}; what can be imported is an export with format=safetensors")


def _origin(metadata: dict[str, str]) -> FileOrigin:
    """Taken out of the metadata. Raises InvalidModelFile."""
    text = metadata.pop(ORIGIN, None)
    if text is None or metadata.get("kind") != "model":
        _refuse("is a safetensors file, and no export of this service: its metadata has not the kind 'model' and an 'origin'")
    try:
        json.loads(metadata["about"], parse_constant=_refuse_constant)
        origin = msgspec.json.decode(text, type=FileOrigin, strict=True)
    except _MALFORMED as error:
        _refuse(f"has metadata that cannot be read: {_reason(error)}")
    if wrong := model_name_error(origin.name):
        _refuse(f"has a name that no model may have: {wrong.rstrip('.')}")
    if not 1 <= len(origin.job_id) <= LONGEST_ID or not origin.job_id.isprintable():
        _refuse(f"names a job {origin.job_id[:LONGEST_ID]!r}; allowed are 1 to {LONGEST_ID} printable characters")
    return origin


def _faults(model: Model, header: Header) -> Iterator[str]:
    """What a model that was stored here cannot be, and one that was sent may be."""
    policy, config, environment = model.policy, model.config, model.policy.environment
    if not 1 <= len(environment.env_name) <= LONGEST_ID or not environment.env_name.isprintable():
        yield f"names an environment {environment.env_name[:LONGEST_ID]!r}; allowed are 1 to {LONGEST_ID} printable characters"
    if environment.env_name != config.env_name:
        yield f"is a policy for {environment.env_name!r} with a configuration for {config.env_name!r}"
    if (policy.network.sizes[1:-1], policy.network.activation) != (config.hidden_sizes, config.activation):
        yield f"has a network {policy.network} that is not the one of its configuration"
    yield from _figure_faults(model)
    for role, space in (("observation", environment.observation_space), ("action", environment.action_space)):
        yield from _space_faults(role, space)
    for name, array, dtype in _numbers(policy):
        if array.dtype != dtype:
            yield f"has {name} of {array.dtype}; they must be {np.dtype(dtype)}"
        elif not np.isfinite(array).all():
            yield f"has {name} that are no finite numbers"
    if policy.normalizer is not None and (policy.normalizer.var < 0).any():
        yield "has a normaliser with a negative variance"
    if odd := sorted(split_file(encode_model(model))[1].keys() ^ header.keys()):
        yield f"has other arrays than such a model has: {', '.join(map(repr, odd))[:LONGEST_REASON]}"


def _space_faults(role: str, space: Space) -> Iterator[str]:
    if isinstance(space, Box):
        low, high = np.array(space.low), np.array(space.high)
        if min(space.shape, default=1) < 1 or not (low <= high).all():  # false for NaN too
            yield f"has a Box of {role}s without room between its bounds"
    elif space.n < 1 or not -LARGEST_INTEGER <= space.start <= LARGEST_INTEGER - space.n:
        yield f"has {space.n} discrete {role}s from {space.start} on"


def _numbers(policy: Policy) -> Iterator[tuple[str, Any, type[np.floating[Any]]]]:
    yield "parameters", policy.parameters, np.float32
    yield "weights of the value", policy.value_weights, np.float32
    if policy.normalizer is not None:
        yield "means of the normaliser", policy.normalizer.mean, np.float64
        yield "variances of the normaliser", policy.normalizer.var, np.float64


def _figure_faults(model: Model) -> Iterator[str]:
    environment, evaluation, normalizer = model.policy.environment, model.evaluation, model.policy.normalizer
    whole = {"timesteps": model.timesteps, "max_episode_steps": environment.max_episode_steps}
    real = {"reward_threshold": environment.reward_threshold, "normalizer_count": normalizer.count if normalizer else None}
    if evaluation is not None:
        whole |= {"evaluation.episodes": evaluation.episodes, "evaluation.seed": evaluation.seed}
        real |= {f"evaluation.{name}": getattr(evaluation, name) for name in ("mean_reward", "std_reward", "mean_length")}
    for name, number in whole.items():
        if number is not None and not 0 <= number <= LARGEST_INTEGER:
            yield f"has {name} {number}; it must be an integer from 0 to {LARGEST_INTEGER}"
    for name, value in real.items():
        if value is not None and not math.isfinite(value):
            yield f"has {name} {value}; it must be a finite number"


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _reason(error: Exception) -> str:
    return f"{str(error).rstrip('.')}"[:LONGEST_REASON]


def _refuse(what: str) -> NoReturn:
    raise InvalidModelFile(f"The file {what}.")
