"""Models and checkpoints as bytes: a JSON header and raw arrays, in the layout of safetensors. Nothing in it is executed.

8 bytes little-endian: length of the header; the header: {name: {"dtype", "shape", "data_offsets"}, "__metadata__": {…}}; the
arrays, little-endian, in C order, the widest numbers first, without gaps or overlaps. Metadata values are strings: `kind`,
`format_version`, and `about`, which is JSON with everything that is no array. Equal objects give equal bytes.

Format 1 had a model's name, job and time among its metadata; both formats are read.
"""

import json
import math
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any, Protocol, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from domain.checkpoint import FORMAT_VERSION, Best, Checkpoint, EvaluationSummary, Model
from domain.config import TrainingConfig
from domain.errors import CorruptData, GrpoError
from domain.network import MLP
from domain.normalizer import Normalizer
from domain.policy import Policy
from domain.spaces import Box, Discrete, EnvironmentSpec, Space

Arrays = dict[str, NDArray[Any]]
Header = dict[str, Any]
Decoded = TypeVar("Decoded")

DTYPES = {"F64": "<f8", "F32": "<f4", "I64": "<i8", "I32": "<i4", "U8": "|u1", "BOOL": "|b1"}
_NAMES = {np.dtype(code): name for name, code in DTYPES.items()}
_LENGTH_BYTES = 8
_MAX_DIMENSIONS = 64  # numpy's own limit
_METADATA = "__metadata__"
_POLICY, _STATE, _BEST = "policy/", "state/", "best/"


def encode_model(model: Model) -> bytes:
    """What was learned and how, as bytes: not the name, the job and the time, so that equal runs give equal bytes.

    Raises ValueError for what the format cannot hold: other dtypes than DTYPES, NaN outside arrays.
    """
    config = asdict(model.config)
    del config["model_name"]
    return _encode(
        "model", {"timesteps": model.timesteps, "config": config} | _policy_header(model.policy), _policy_arrays(model.policy)
    )


class Origin(Protocol):
    """What a model's bytes do not say, since equal runs have equal bytes."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def job_id(self) -> str: ...
    @property
    def created_at(self) -> datetime: ...
    @property
    def evaluation(self) -> EvaluationSummary | None: ...
    @property
    def imported_at(self) -> datetime | None: ...


def decode_model(data: bytes, kept: Origin) -> Model:
    """The model in the bytes, under the name and from the job that `kept` says. Raises CorruptData."""

    def build(about: Header, arrays: Arrays) -> Model:
        return Model(
            name=kept.name,
            policy=_policy(about, arrays),
            config=_as(TrainingConfig, _as(Header, about["config"]) | {"model_name": kept.name}),
            job_id=kept.job_id,
            created_at=kept.created_at,
            timesteps=_as(int, about["timesteps"]),
            evaluation=kept.evaluation,
            version=kept.version,
            imported_at=kept.imported_at,
        )

    return _decode("model", data, build)


def encode_checkpoint(checkpoint: Checkpoint) -> bytes:
    """A checkpoint as bytes. Raises ValueError as `encode_model` does."""
    about = {
        "timesteps": checkpoint.timesteps,
        "config": asdict(checkpoint.config),
        "counters": checkpoint.counters,
        "evaluated_timesteps": checkpoint.evaluated_timesteps,
    }
    arrays = _policy_arrays(checkpoint.policy) | {_STATE + name: array for name, array in checkpoint.arrays.items()}
    if checkpoint.best is not None:
        policy, evaluation = checkpoint.best.policy, asdict(checkpoint.best.evaluation)
        about["best"] = {"timesteps": checkpoint.best.timesteps, "evaluation": evaluation} | _policy_header(policy)
        arrays |= {_BEST + name: array for name, array in _policy_arrays(policy).items()}
    return _encode("checkpoint", about | _policy_header(checkpoint.policy), arrays)


def decode_checkpoint(data: bytes) -> Checkpoint:
    """The checkpoint in the bytes. Raises CorruptData."""

    def build(about: Header, arrays: Arrays) -> Checkpoint:
        return Checkpoint(
            config=_as(TrainingConfig, about["config"]),
            policy=_policy(about, arrays),
            arrays={name.removeprefix(_STATE): array for name, array in arrays.items() if name.startswith(_STATE)},
            counters=_as(dict[str, Any], about["counters"]),
            timesteps=_as(int, about["timesteps"]),
            best=_best(about["best"], arrays) if "best" in about else None,
            evaluated_timesteps=_as(int, about.get("evaluated_timesteps", 0)),
        )

    return _decode("checkpoint", data, build)


def _best(about: Header, arrays: Arrays) -> Best:
    own = {name.removeprefix(_BEST): array for name, array in arrays.items() if name.startswith(_BEST)}
    return Best(_policy(about, own), _as(int, about["timesteps"]), _as(EvaluationSummary, about["evaluation"]))


def _policy_header(policy: Policy) -> Header:
    """What of a policy is no array. Bounds may be infinite, which JSON cannot say: they stand among the arrays."""
    environment = policy.environment
    return {
        "environment": {
            "env_name": environment.env_name,
            "observation_space": _space_header(environment.observation_space),
            "action_space": _space_header(environment.action_space),
            "max_episode_steps": environment.max_episode_steps,
            "cloneable": environment.cloneable,
            "reward_threshold": environment.reward_threshold,
            "dense_reward": environment.dense_reward,
        },
        "network": asdict(policy.network),
        "normalizer_count": None if policy.normalizer is None else policy.normalizer.count,
    }


def _policy_arrays(policy: Policy) -> Arrays:
    arrays: Arrays = {"parameters": policy.parameters, "value_weights": policy.value_weights}
    if policy.normalizer is not None:
        arrays |= {"normalizer_mean": policy.normalizer.mean, "normalizer_var": policy.normalizer.var}
    spaces = {"observation": policy.environment.observation_space, "action": policy.environment.action_space}
    for role, space in spaces.items():
        if isinstance(space, Box):
            arrays |= {f"{role}_low": np.array(space.low, np.float64), f"{role}_high": np.array(space.high, np.float64)}
    return {_POLICY + name: array for name, array in arrays.items()}


def _policy(about: Header, arrays: Arrays) -> Policy:
    environment, count = about["environment"], about["normalizer_count"]
    for name, array in arrays.items():
        if name.startswith(_POLICY) and array.dtype.kind != "f":
            raise ValueError(f"{name} holds {array.dtype}, not floating-point numbers")
    normalizer = None
    if count is not None:
        normalizer = Normalizer(arrays[_POLICY + "normalizer_mean"], arrays[_POLICY + "normalizer_var"], _as(float, count))
    return Policy(
        environment=EnvironmentSpec(
            env_name=_as(str, environment["env_name"]),
            observation_space=_space("observation", environment["observation_space"], arrays),
            action_space=_space("action", environment["action_space"], arrays),
            max_episode_steps=_as(int | None, environment["max_episode_steps"]),
            cloneable=_as(bool, environment["cloneable"]),
            reward_threshold=_as(float | None, environment["reward_threshold"]),
            dense_reward=_as(bool, environment.get("dense_reward", False)),
        ),
        network=_as(MLP, about["network"]),
        parameters=arrays[_POLICY + "parameters"],
        normalizer=normalizer,
        value_weights=arrays[_POLICY + "value_weights"],
    )


def _space_header(space: Space) -> Header:
    if isinstance(space, Box):
        return {"shape": list(space.shape)}
    return {"n": space.n, "start": space.start}


def _space(role: str, header: Header, arrays: Arrays) -> Space:
    if "n" in header:
        return Discrete(_as(int, header["n"]), _as(int, header["start"]))
    shape = _as(tuple[int, ...], header["shape"])
    _check_dimensions(shape)
    low, high = arrays[f"{_POLICY}{role}_low"], arrays[f"{_POLICY}{role}_high"]
    space = Box(shape, tuple(low.tolist()), tuple(high.tolist()))
    if not len(space.low) == len(space.high) == space.size:
        raise ValueError(f"bounds of the {role} space do not fit its shape")
    return space


def _encode(kind: str, about: Header, arrays: Arrays) -> bytes:
    metadata = {"about": _to_json(about), "format_version": str(FORMAT_VERSION), "kind": kind}
    header: Header = {}
    blocks, end = [], 0
    # The widest numbers first: then each array begins at a multiple of its item size and can be read in place.
    for name, array in sorted(arrays.items(), key=lambda item: (-item[1].itemsize, item[0])):
        if array.dtype not in _NAMES:
            raise ValueError(f"the array {name!r} holds {array.dtype}, which the format does not know")
        block = np.ascontiguousarray(array).tobytes()
        shape = list(array.shape)
        header[name] = {"dtype": _NAMES[array.dtype], "shape": shape, "data_offsets": [end, end + len(block)]}
        blocks.append(block)
        end += len(block)
    return join_file(metadata, header, b"".join(blocks))


def _decode(kind: str, data: bytes, build: Callable[[Header, Arrays], Decoded]) -> Decoded:
    try:
        metadata, header, body = split_file(data)
        _check_kind(metadata, kind)
        return build(_as(Header, json.loads(metadata["about"])), read_arrays(header, body))
    except (KeyError, IndexError, TypeError, AttributeError, ValueError, OverflowError, RecursionError, GrpoError) as error:
        raise CorruptData(f"The stored {kind} cannot be read: {type(error).__name__}: {str(error).rstrip('.')}.") from error


def _check_kind(metadata: dict[str, str], kind: str) -> None:
    version = int(metadata["format_version"])
    if metadata["kind"] != kind:
        raise ValueError(f"it is a {metadata['kind']!r}, not a {kind!r}")
    if version > FORMAT_VERSION:
        raise ValueError(f"its format {version} is newer than {FORMAT_VERSION}, the newest that can be read here")


def join_file(metadata: dict[str, str], header: Header, body: bytes | memoryview) -> bytes:
    """A file in the layout of safetensors; equal parts make equal bytes."""
    text = _to_json({_METADATA: metadata} | header).encode()
    text += b" " * (-len(text) % _LENGTH_BYTES)
    return b"".join((len(text).to_bytes(_LENGTH_BYTES, "little"), text, body))


def split_file(data: bytes, longest_header: int = sys.maxsize) -> tuple[dict[str, str], Header, memoryview]:
    """What `join_file` joined. Raises ValueError, TypeError, RecursionError."""
    length = int.from_bytes(data[:_LENGTH_BYTES], "little")
    end = _LENGTH_BYTES + length
    if len(data) < end:
        raise ValueError(f"{len(data)} bytes cannot hold a header of {length}")
    if length > longest_header:
        raise ValueError(f"its header has {length} bytes; at most {longest_header} are allowed")
    header = _as(Header, json.loads(data[_LENGTH_BYTES:end]))
    return _as(dict[str, str], header.pop(_METADATA, {})), header, memoryview(data)[end:]


def read_arrays(header: Header, body: memoryview) -> Arrays:
    """Read-only arrays over the body; each of its bytes belongs to exactly one of them, so that its size bounds the work."""
    parts = {name: _as(tuple[int, int], entry["data_offsets"]) for name, entry in header.items()}
    arrays, position = {}, 0
    for name, (start, end) in sorted(parts.items(), key=lambda item: item[1]):
        if start != position or end < start:
            raise ValueError(f"the array {name!r} at {start}:{end} does not begin at {position}, where the one before it ends")
        arrays[name] = _array(header[name], body[start:end])
        position = end
    if position != len(body):
        raise ValueError(f"the arrays end at {position}, the data at {len(body)}")
    return arrays


def _array(entry: Header, part: memoryview) -> NDArray[Any]:
    """A read-only array over all of the bytes; its size is checked before anything is made."""
    dtype = np.dtype(DTYPES[entry["dtype"]])
    shape = _as(tuple[int, ...], entry["shape"])
    _check_dimensions(shape)
    if min(shape, default=0) < 0:
        raise ValueError(f"an array cannot have shape {shape}")
    if math.prod(shape) * dtype.itemsize != len(part):
        raise ValueError(f"an array with shape {shape} of {dtype} does not have {len(part)} bytes")
    if dtype == np.bool_ and np.any(np.frombuffer(part, dtype=np.uint8) > 1):
        raise ValueError("a truth value is neither 0 nor 1")
    return np.frombuffer(part, dtype=dtype).reshape(shape)


def _check_dimensions(shape: tuple[int, ...]) -> None:
    """Before its size is asked for: the product of a long list of large numbers would take minutes."""
    if len(shape) > _MAX_DIMENSIONS:
        raise ValueError(f"an array has {len(shape)} dimensions")


def _as(kind: Any, value: Any) -> Any:
    """The value as one of that type. Raises ValueError (msgspec.ValidationError) and, for a configuration, InvalidInput."""
    return msgspec.convert(value, kind)


def _to_json(value: Any) -> str:
    """JSON with integers of any size, which the state of a random generator has."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
