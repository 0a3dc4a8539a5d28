"""Models as safetensors files: what goes out comes in again bit for bit, and what strangers send is read or told what is wrong.

`forged` makes files with a right digest, as somebody can who knows the format.
"""

import hashlib
import io
import json
import math
import pickle
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import load, save

from adapters.storage.codec import encode_model, join_file, split_file
from adapters.storage.memory import MemoryModelRepository
from adapters.storage.model_file import LONGEST_HEADER, SafetensorsFormat
from application.access import Client, Limits
from application.inference import ModelCache
from application.portable import ExportModel, ImportModel
from domain.checkpoint import EvaluationSummary, Model
from domain.errors import InvalidConfiguration, InvalidModelName, InvalidQuery, ModelNotFound
from domain.model_errors import InvalidModelFile
from domain.spaces import Box, EnvironmentSpec
from tests.factories import ARM, CARTPOLE, LAKE, assert_same_model, kept, make_config, make_model, make_policy
from tests.fakes import CartPoleLikeVector, FakeClock, FakeEnvironments

FORMAT = SafetensorsFormat("1.2.3")
EVALUATION = EvaluationSummary(480.5, 12.25, 480.5, 10, 0)


def portable(environment: EnvironmentSpec = CARTPOLE, *, normalized: bool = True, **changes: Any) -> Model:
    """A model whose configuration is the one of its policy."""
    config = make_config(env_name=environment.env_name, hidden_sizes=(5, 3), seed=11)
    policy = make_policy(environment, normalized=normalized)
    return make_model(**{"policy": policy, "config": config, "evaluation": EVALUATION} | changes)


def exported(model: Model) -> bytes:
    return FORMAT.write(model, replace(kept(model), version=3)).data


FILE = exported(portable())


def forged(
    data: bytes = FILE,
    about: Callable[[dict[str, Any]], Any] | None = None,
    origin: dict[str, Any] | None = None,
    arrays: dict[str, Any] | None = None,
    metadata: dict[str, str] | None = None,
) -> bytes:
    """The file with changes, and the digest that fits them; `arrays` replaces whole tensors, None takes one out."""
    entries = split_file(data)[0]
    said = json.loads(entries.pop("origin"))
    if about is not None:
        changed = json.loads(entries["about"])
        about(changed)
        entries["about"] = json.dumps(changed)
    entries |= metadata or {}
    tensors = {name: array for name, array in (load(data) | (arrays or {})).items() if array is not None}
    header, position, blocks = {}, 0, []
    for name, array in tensors.items():
        kind = {"float32": "F32", "float64": "F64", "int64": "I64"}[array.dtype.name]
        header[name] = {"dtype": kind, "shape": [*array.shape], "data_offsets": [position, position + array.nbytes]}
        blocks.append(array.tobytes())
        position += array.nbytes
    stored = join_file(entries, header, b"".join(blocks))
    said |= {"sha256": hashlib.sha256(stored).hexdigest()} | (origin or {})
    return join_file(entries | {"origin": json.dumps(said)}, header, b"".join(blocks))


def said_of(data: bytes) -> str:
    with pytest.raises(InvalidModelFile) as caught:
        FORMAT.read(data)
    assert [error.field for error in caught.value.errors] == ["body"]
    return str(caught.value)


@pytest.mark.parametrize("environment", [CARTPOLE, LAKE, ARM], ids=lambda environment: environment.env_name)
@pytest.mark.parametrize("normalized", [True, False])
def test_model_when_exported_and_read_then_is_the_same_bit_for_bit(environment: EnvironmentSpec, normalized: bool) -> None:
    model = portable(environment, normalized=normalized)
    found = FORMAT.read(exported(model))
    assert_same_model(found, model)
    assert (found.version, found.imported_at) == (3, None)
    assert encode_model(found) == encode_model(model)
    assert exported(found) == exported(model)


def test_file_then_is_read_by_the_safetensors_library(tmp_path: Any) -> None:
    model = portable()
    (tmp_path / "model.safetensors").write_bytes(FILE)
    with safe_open(tmp_path / "model.safetensors", framework="numpy") as file:
        np.testing.assert_array_equal(file.get_tensor("policy/parameters"), model.policy.parameters)
        assert model.policy.normalizer is not None
        np.testing.assert_array_equal(file.get_tensor("policy/normalizer_mean"), model.policy.normalizer.mean)
        metadata = file.metadata()
    assert metadata["kind"] == "model"
    assert json.loads(metadata["origin"]) == {
        "name": "model",
        "version": 3,
        "job_id": "job",
        "seed": 11,
        "created_at": "2026-01-02T12:00:00.123456Z",
        "imported_at": None,
        "evaluation": {"mean_reward": 480.5, "std_reward": 12.25, "mean_length": 480.5, "episodes": 10, "seed": 0},
        "service_version": "1.2.3",
        "sha256": hashlib.sha256(encode_model(model)).hexdigest(),
    }
    about = json.loads(metadata["about"])
    assert about["config"]["hidden_sizes"] == [5, 3]
    assert about["environment"]["action_space"] == {"n": 2, "start": 0}


def test_file_that_was_written_anew_with_a_right_digest_then_is_read() -> None:
    assert_same_model(FORMAT.read(forged()), portable())  # so what the next tests refuse is what they changed


def archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02.")
    return file.getvalue()


ONNX_BEGINNING = b"\x08\x08\x12\x0cgrpo-service\x1a\x030.1"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (archive(), "a zip archive, as torch.save"),
        (pickle.dumps({"weights": [1.0] * 9}), "a Python pickle, and reading one would run what it says"),
        (ONNX_BEGINNING + bytes(100), "is an ONNX file, which is for other software"),
        (b"\x93NUMPY\x01\x00v\x00" + bytes(9), "is a numpy array"),
        (b'{"model_name": "x"}', "is JSON"),
        (b"<!DOCTYPE html>", "is HTML or XML"),
        (b"hello", "is no safetensors file, or is cut short: 5 bytes cannot hold a header of"),
        (FILE[:7], "cut short"),
        (FILE[:-1], "cut short: an array"),
        (FILE + b"\0", "cut short: the arrays end at"),
        (FILE[: len(FILE) // 2], "cut short"),
        ((LONGEST_HEADER + 8).to_bytes(8, "little") + b" " * (LONGEST_HEADER + 8), f"at most {LONGEST_HEADER} are allowed"),
        ((2**20).to_bytes(8, "little") + b"[" * 2**20, "is no safetensors file"),
        (save({"weights": np.zeros(3, np.float32)}), "no export of this service"),
        (encode_model(portable()), "its metadata has not the kind 'model' and an 'origin'"),
    ],
)
def test_bytes_that_are_no_export_then_are_refused_by_what_they_are(data: bytes, said: str) -> None:
    assert said in said_of(data)


def test_file_with_a_changed_number_then_is_refused_by_its_digest() -> None:
    changed = bytearray(FILE)
    changed[-3] ^= 1
    assert "its SHA-256 is not the one that was written into it" in said_of(bytes(changed))


PARAMETERS = portable().policy.parameters


def with_number(name: str, value: float) -> dict[str, Any]:
    array = load(FILE)[name].copy()
    array[0] = value
    return {name: array}


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        (with_number("policy/parameters", math.nan), "has parameters that are no finite numbers"),
        (with_number("policy/parameters", -math.inf), "has parameters that are no finite numbers"),
        (with_number("policy/value_weights", math.inf), "has weights of the value that are no finite numbers"),
        (with_number("policy/normalizer_mean", math.nan), "has means of the normaliser that are no finite numbers"),
        (with_number("policy/normalizer_var", -1.0), "has a normaliser with a negative variance"),
        (with_number("policy/observation_low", math.nan), "has a Box of observations without room between its bounds"),
        (with_number("policy/observation_low", 99.0), "has a Box of observations without room between its bounds"),
        ({"policy/parameters": PARAMETERS[:-1]}, "cannot be read: The stored model cannot be read: ValueError: parameters"),
        ({"policy/parameters": PARAMETERS.astype(np.float64)}, "has parameters of float64; they must be float32"),
        ({"policy/parameters": np.zeros(len(PARAMETERS), np.int64)}, "holds int64, not floating-point numbers"),
        ({"policy/value_weights": None}, "cannot be read"),
        ({"policy/normalizer_mean": np.zeros(5)}, "cannot be read"),
        ({"policy/observation_high": np.zeros(3)}, "bounds of the observation space do not fit its shape"),
        ({"state/adam_m": np.zeros(5)}, "has other arrays than such a model has: 'state/adam_m'"),
    ],
)
def test_array_that_does_not_fit_then_is_refused(arrays: dict[str, Any], said: str) -> None:
    assert said in said_of(forged(arrays=arrays))


def put(*path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(about: dict[str, Any]) -> None:
        for part in path[:-1]:
            about = about[part]
        about[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (put("timesteps", value=-1), "has timesteps -1"),
        (put("timesteps", value=2**63), "has timesteps 9223372036854775808"),
        (put("timesteps", value="many"), "cannot be read"),
        (put("normalizer_count", value=math.nan), "NaN is no JSON"),
        (put("environment", "reward_threshold", value=math.inf), "Infinity is no JSON"),
        (put("environment", "env_name", value=""), "names an environment ''"),
        (put("environment", "env_name", value="x" * 129), "names an environment"),
        (put("environment", "env_name", value="Other-v1"), "is a policy for 'Other-v1' with a configuration for 'CartPole-v1'"),
        (put("environment", "action_space", "n", value=3), "does not join 4 features to 3 actions"),
        (put("environment", "action_space", "start", value=2**63 - 1), "discrete actions from 9223372036854775807 on"),
        (put("environment", "observation_space", "shape", value=[-1, -4]), "without room between its bounds"),
        (put("environment", "observation_space", "shape", value=[10**18] * 10_000), "an array has 10000 dimensions"),
        (put("network", "sizes", value=[4, 5, 2]), "cannot be read"),
        (put("network", "sizes", value=[]), "cannot be read"),
        (put("network", "activation", value="relu"), "that is not the one of its configuration"),
        (put("network", "activation", value="gelu"), "cannot be read"),
        (put("config", "gamma", value=7), "cannot be read"),
        (put("config", "hidden_sizes", value=[64, 64]), "that is not the one of its configuration"),
    ],
)
def test_description_that_does_not_fit_then_is_refused(change: Callable[[dict[str, Any]], None], said: str) -> None:
    assert said in said_of(forged(about=change))


@pytest.mark.parametrize(
    ("origin", "said"),
    [
        ({"name": "../escape"}, "has a name that no model may have"),
        ({"name": 7}, "has metadata that cannot be read"),
        ({"job_id": ""}, "names a job ''"),
        ({"job_id": "line\nbreak"}, "names a job 'line\\nbreak'"),
        ({"created_at": "2026-01-02T12:00:00"}, "has metadata that cannot be read"),
        ({"evaluation": {"mean_reward": 1.0}}, "has metadata that cannot be read"),
        ({"evaluation": vars(EVALUATION) | {"episodes": -1}}, "has evaluation.episodes -1"),
        ({"evaluation": vars(EVALUATION) | {"mean_reward": math.inf}}, "has metadata that cannot be read"),
    ],
)
def test_origin_that_cannot_be_then_is_refused(origin: dict[str, Any], said: str) -> None:
    assert said in said_of(forged(origin=origin))


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({"format_version": "99"}, "its format 99 is newer"),
        ({"kind": "checkpoint"}, "no export of this service"),
        ({"about": "1e"}, "has metadata that cannot be read"),
    ],
)
def test_metadata_that_cannot_be_then_is_refused(metadata: dict[str, str], said: str) -> None:
    assert said in said_of(forged(metadata=metadata))


def test_number_beyond_a_double_in_the_description_then_is_refused() -> None:
    entries, header, body = split_file(FILE)
    origin = json.loads(entries.pop("origin"))
    entries["about"] = entries["about"].replace('"normalizer_count":100.0', '"normalizer_count":1e999')
    origin["sha256"] = hashlib.sha256(join_file(entries, header, body)).hexdigest()
    assert "has normalizer_count inf" in said_of(join_file(entries | {"origin": json.dumps(origin)}, header, body))


@given(st.lists(st.tuples(st.integers(0, len(FILE) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_file_with_changed_bytes_then_is_read_or_refused_and_nothing_else(changes: list[tuple[int, int]]) -> None:
    mutated = bytearray(FILE)
    for position, value in changes:
        mutated[position] = value
    with suppress(InvalidModelFile):
        assert_same_model(FORMAT.read(bytes(mutated)), portable())


@given(st.binary(max_size=200))
def test_arbitrary_bytes_then_are_refused(data: bytes) -> None:
    said_of(data)


class Service:
    """The use cases over memory, where CartPole is the only environment."""

    def __init__(self) -> None:
        self.models = MemoryModelRepository()
        self.cache = ModelCache(self.models, 10**6)
        environments = FakeEnvironments(CartPoleLikeVector)
        self.take_in = ImportModel(self.models, FORMAT, environments, self.cache, FakeClock())
        self.give_out = ExportModel(self.models, [FORMAT])


def test_imported_model_then_is_a_new_version_that_tells_where_it_comes_from() -> None:
    service, model = Service(), portable()
    service.models.save(model)
    summary = service.take_in(FILE)
    assert (summary.name, summary.version, summary.job_id, summary.evaluation) == ("model", 2, "job", EVALUATION)
    assert summary.imported_at == datetime(2026, 1, 2, 12, tzinfo=UTC)
    assert service.models.versions("model")[0].sha256 == summary.sha256
    assert service.take_in(FILE) == summary  # once more is no other version
    other = service.take_in(FILE, "other")
    assert (other.name, other.version, other.config.model_name) == ("other", 1, "other")


def test_export_of_an_imported_model_then_has_the_same_digest_and_the_same_predictions() -> None:
    service, model = Service(), portable()
    summary = service.take_in(FILE, "other")
    export = service.give_out("other")
    assert (export.suffix, export.summary, export.parity) == ("safetensors", summary, {})
    assert json.loads(split_file(export.data)[0]["origin"])["sha256"] == json.loads(split_file(FILE)[0]["origin"])["sha256"]
    observation = [0.1, -0.2, 0.03, 0.4]
    prediction = model.policy.predict(np.array([observation]))
    answer = service.cache.get("other").policy.predict(np.array([observation]))
    assert answer.action_probs is not None
    assert prediction.action_probs is not None
    assert answer.action_probs.tobytes() == prediction.action_probs.tobytes()
    assert answer.values.tobytes() == prediction.values.tobytes()


def test_import_of_a_new_version_then_is_what_answers() -> None:
    service = Service()
    service.take_in(FILE)
    before = service.cache.get("model")
    service.take_in(exported(portable(policy=make_policy(seed=5), job_id="second")))
    assert service.cache.get("model") is not before


def test_import_when_the_environment_is_known_with_other_spaces_then_is_refused() -> None:
    other = replace(CARTPOLE, observation_space=Box((4, 1), (-1.0,) * 4, (1.0,) * 4))
    with pytest.raises(InvalidModelFile) as caught:
        Service().take_in(exported(portable(other)))
    assert "with the observation_space Box(4, 1); here CartPole-v1 has Box(4,)" in str(caught.value)


def test_import_when_the_environment_is_unknown_here_then_is_kept_and_acts() -> None:
    service, model = Service(), portable(ARM)
    assert service.take_in(exported(model)).config.env_name == "Arm-v1"
    observations = np.ones((2, 6))
    np.testing.assert_array_equal(service.cache.get("model").policy(observations), model.policy(observations))


def test_import_when_the_network_is_beyond_the_limit_then_is_refused_and_nothing_is_kept() -> None:
    service = Service()
    client = Client("ci", limits=Limits(parameters=10, total_timesteps=1))
    with pytest.raises(InvalidConfiguration, match="at most 10 weights and biases, the limit for ci"):
        service.take_in(FILE, None, client)
    assert service.models.list() == []


def test_import_and_export_when_the_name_or_the_format_is_none_then_are_refused() -> None:
    service = Service()
    with pytest.raises(InvalidModelName):
        service.take_in(FILE, "../escape")
    service.take_in(FILE)
    with pytest.raises(InvalidModelName):
        service.give_out("../escape")
    with pytest.raises(InvalidQuery, match="format must be one of safetensors, got 'pickle'"):
        service.give_out("model", "pickle")
    with pytest.raises(ModelNotFound):
        service.give_out("model", "safetensors", 7)
