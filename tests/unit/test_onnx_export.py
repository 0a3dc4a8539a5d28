"""ONNX graphs compute what their policies compute, in onnxruntime, which other software uses."""

import json
import sys
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from adapters.onnx_export import graph, parity
from adapters.onnx_export.onnx_format import OnnxFormat
from domain.checkpoint import EvaluationSummary
from domain.model_errors import ExtraNotInstalled
from domain.network import MLP
from domain.policy import Policy
from domain.spaces import Box, Discrete, EnvironmentSpec
from tests.factories import ARM, CARTPOLE, LAKE, kept, make_config, make_model, make_policy

FORMAT = OnnxFormat("1.2.3")
MAZE = EnvironmentSpec("Maze-v1", Discrete(5, start=-2), Box((1,), (-3.0,), (1.0,)), None)
ENVIRONMENTS = [CARTPOLE, LAKE, ARM, MAZE]


def policy_of(environment: EnvironmentSpec, activation: Any, *, normalized: bool) -> Policy:
    policy = make_policy(environment, normalized=normalized)
    return replace(policy, network=MLP(policy.network.sizes, activation))


def model_of(policy: Policy) -> Any:
    config = make_config(env_name=policy.environment.env_name, hidden_sizes=(5, 3), seed=11)
    return make_model(policy=policy, config=config, evaluation=EvaluationSummary(480.5, 12.25, 480.5, 10, 0))


def written(policy: Policy) -> Any:
    model = model_of(policy)
    return FORMAT.write(model, replace(kept(model), version=3, sha256="abc"))


@cache
def session(environment: EnvironmentSpec, activation: str, normalized: bool) -> tuple[Policy, onnxruntime.InferenceSession]:
    policy = policy_of(environment, activation, normalized=normalized)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # others wait by spinning
    return policy, onnxruntime.InferenceSession(written(policy).data, options)


def drawn(environment: EnvironmentSpec) -> st.SearchStrategy[Any]:
    """Batches of raw observations as the graph takes them."""
    space, rows = environment.observation_space, st.integers(1, 5)
    if isinstance(space, Discrete):
        values = st.integers(space.start, space.start + space.n - 1)
        return rows.flatmap(lambda n: npst.arrays(np.int64, n, elements=values))
    numbers = st.floats(-1e4, 1e4, width=32)
    return rows.flatmap(lambda n: npst.arrays(np.float32, (n, space.size), elements=numbers))


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda environment: environment.env_name)
@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("normalized", [True, False])
@settings(max_examples=25)
@given(data=st.data())
def test_graph_in_onnxruntime_then_gives_what_the_policy_gives(
    environment: EnvironmentSpec, activation: str, normalized: bool, data: Any
) -> None:
    policy, runtime = session(environment, activation, normalized)
    observations = data.draw(drawn(environment))
    names = [output.name for output in runtime.get_outputs()]
    found = dict(zip(names, runtime.run(None, {"observation": observations}), strict=True))
    expected = policy.predict(observations[:, None] if observations.ndim == 1 else observations)
    # Values and logits of a relu network grow with its inputs; both sides round to 24 bits.
    scale = 1 + np.abs(observations).max() if activation == "relu" and not normalized else 1.0
    np.testing.assert_allclose(found["value"], expected.values, rtol=1e-5, atol=2e-6 * scale)
    if expected.action_probs is None:
        np.testing.assert_allclose(found["action"], expected.actions, rtol=1e-5, atol=2e-6 * scale)
        assert isinstance(environment.action_space, Box)
        assert np.all((found["action"] >= environment.action_space.low) & (found["action"] <= environment.action_space.high))
        return
    np.testing.assert_allclose(found["action_probs"], expected.action_probs, atol=1e-5 * scale)
    likeliest = np.sort(expected.action_probs, axis=1)
    clear = likeliest[:, -1] - likeliest[:, -2] > 1e-4 * scale
    np.testing.assert_array_equal(found["action"][clear], expected.actions[clear])


def test_graph_then_has_the_types_and_shapes_that_are_documented() -> None:
    def signature(environment: EnvironmentSpec) -> dict[str, tuple[str, list[Any]]]:
        _, runtime = session(environment, "tanh", True)
        return {node.name: (node.type, node.shape) for node in [*runtime.get_inputs(), *runtime.get_outputs()]}

    assert signature(CARTPOLE) == {
        "observation": ("tensor(float)", ["batch", 4]),
        "action": ("tensor(int64)", ["batch"]),
        "action_probs": ("tensor(float)", ["batch", 2]),
        "value": ("tensor(float)", ["batch"]),
    }
    assert signature(MAZE) == {
        "observation": ("tensor(int64)", ["batch"]),
        "action": ("tensor(float)", ["batch", 1]),
        "value": ("tensor(float)", ["batch"]),
    }


def test_file_then_tells_where_it_comes_from_and_how_far_its_numbers_are_from_the_policys() -> None:
    file = written(make_policy())
    model = onnx.load_from_string(file.data)
    onnx.checker.check_model(model, full_check=True)
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    assert (model.producer_name, model.producer_version, metadata["kind"]) == ("grpo-service", "1.2.3", "grpo-policy")
    said = {name: metadata[name] for name in ("name", "version", "env_name", "job_id", "seed", "sha256", "timesteps")}
    assert said == {
        "name": "model",
        "version": "3",
        "env_name": "CartPole-v1",
        "job_id": "job",
        "seed": "11",
        "sha256": "abc",
        "timesteps": "1000",
    }
    assert json.loads(metadata["config"])["hidden_sizes"] == [5, 3]
    assert json.loads(metadata["evaluation"])["mean_reward"] == 480.5
    assert json.loads(metadata["observation_space"])["low"] == [-4.8, None, -0.4, None]
    assert json.loads(metadata["action_space"]) == {"type": "discrete", "n": 2, "start": 0}
    assert json.loads(metadata["parity"]) == file.parity


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda environment: environment.env_name)
def test_parity_then_covers_every_output_over_many_observations(environment: EnvironmentSpec) -> None:
    report = written(policy_of(environment, "relu", normalized=True)).parity
    outputs = {"action", "value"} | (set() if environment.continuous else {"action_probs"})
    assert report["max_abs_difference"].keys() == report["max_relative_difference"].keys() == outputs
    assert all(difference < 1e-5 for difference in report["max_relative_difference"].values())
    expected = {"CartPole-v1": 259, "Arm-v1": 259, "Lake-v1": 16, "Maze-v1": 5}[environment.env_name]
    assert report["observations"] == expected
    assert report.get("equal_actions") == (None if environment.continuous else expected)


def test_parity_when_the_graph_is_another_policys_then_says_so() -> None:
    other = graph.build(make_policy(seed=1), {}, "test", "0")
    report = parity.compare(other, make_policy(seed=0))
    assert report["max_abs_difference"]["action_probs"] > 0.01
    assert report["equal_actions"] < report["observations"]


def test_equal_models_then_make_equal_files() -> None:
    assert written(make_policy()).data == written(make_policy()).data


def test_export_without_the_package_then_names_it_and_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ExtraNotInstalled) as caught:
        written(make_policy())
    assert str(caught.value) == (
        "An export in the format onnx needs the package onnx, which this server has not; `pip install onnx` brings it."
    )
