"""ModelWriter of ONNX files. `onnx` is imported when the first one is asked for: it is an extra, and takes a second."""

from importlib.util import find_spec
from typing import ClassVar

import msgspec

from domain.checkpoint import Model
from domain.model_errors import ExtraNotInstalled
from domain.model_ports import ModelFile
from domain.ports import ModelSummary
from domain.spaces import Box, Space

PRODUCER = "grpo-service"


class OnnxFormat:
    """Policies for other software. Every file is compared with its policy before it is given out."""

    suffix: ClassVar[str] = "onnx"

    def __init__(self, service_version: str) -> None:
        self._service_version = service_version

    def write(self, model: Model, kept: ModelSummary) -> ModelFile:
        if find_spec("onnx") is None:
            raise ExtraNotInstalled("An export in the format onnx", "onnx")
        from adapters.onnx_export import graph, parity  # noqa: PLC0415

        metadata = _metadata(model, kept)
        proto = graph.build(model.policy, metadata, PRODUCER, self._service_version)
        report = parity.compare(proto, model.policy)
        entry = proto.metadata_props.add()
        entry.key, entry.value = "parity", _json(report)
        return ModelFile(proto.SerializeToString(deterministic=True), report)


def _metadata(model: Model, kept: ModelSummary) -> dict[str, str]:
    """Where the policy comes from, each entry as text, or JSON where it is no text."""
    environment = model.policy.environment
    return {
        "kind": "grpo-policy",
        "name": model.name,
        "version": str(kept.version),
        "env_name": environment.env_name,
        "observation_space": _json(_space(environment.observation_space)),
        "action_space": _json(_space(environment.action_space)),
        "config": _json(model.config),
        "seed": str(model.config.seed),
        "timesteps": str(model.timesteps),
        "job_id": model.job_id,
        "created_at": model.created_at.isoformat(),
        "evaluation": _json(model.evaluation),
        "sha256": kept.sha256,
    }


def _space(space: Space) -> dict[str, object]:
    """As GET /environments describes spaces: bounds that are infinite are null, as msgspec writes them."""
    if isinstance(space, Box):
        return {"type": "box", "shape": space.shape, "low": space.low, "high": space.high}
    return {"type": "discrete", "n": space.n, "start": space.start}


def _json(value: object) -> str:
    return msgspec.json.encode(value, order="deterministic").decode()
