"""The ports of models as files: what leaves the service, and what comes in from elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from domain.checkpoint import Model
from domain.ports import ModelSummary


@dataclass(frozen=True)
class ModelFile:
    """A model as one file. `parity`: where other software will compute: how far its numbers are from ours, as JSON values."""

    data: bytes
    parity: Mapping[str, Any] = field(default_factory=dict)


class ModelWriter(Protocol):
    """Writes one format. Thread-safe; may take seconds."""

    suffix: ClassVar[str]
    """Of file names, which is also the name of the format."""

    def write(self, model: Model, kept: ModelSummary) -> ModelFile:
        """All that acting needs and where it comes from: configuration, job, seed, evaluation, digest, version of the service.

        `kept`: what the repository says of the model. Raises ExtraNotInstalled.
        """
        ...


class ModelReader(Protocol):
    """Reads the format in which models go from one service to another. Thread-safe. Executes nothing that it reads."""

    def read(self, data: bytes) -> Model:
        """The model with the name and the version that it had there.

        Every number of it is finite, and its size is bounded by that of the data. Raises InvalidModelFile.
        """
        ...
