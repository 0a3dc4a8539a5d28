"""Use cases of models as files."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from application.access import ANYBODY, Client, check_limits
from application.inference import ModelCache
from domain.access_errors import EnvironmentNotAllowed
from domain.errors import FieldError, InvalidQuery, ModelNotFound, UnknownEnvironment, UnsupportedEnvironment
from domain.model_errors import InvalidModelFile
from domain.model_name import check_model_name
from domain.model_ports import ModelReader, ModelWriter
from domain.ports import Clock, EnvironmentFactory, ModelRepository, ModelSummary
from domain.spaces import Box, EnvironmentSpec, Space

DEFAULT_FORMAT = "safetensors"


@dataclass(frozen=True)
class Export:
    """A version of a model as one file; `parity` as the writer gives it."""

    summary: ModelSummary
    data: bytes
    suffix: str
    parity: Mapping[str, Any]


class ExportModel:
    """A kept model as one file."""

    def __init__(self, models: ModelRepository, writers: Iterable[ModelWriter]) -> None:
        self._models = models
        self._writers = {writer.suffix: writer for writer in writers}

    def __call__(self, name: str, file_format: str = DEFAULT_FORMAT, version: int | None = None) -> Export:
        """That version of the model, or the newest.

        Raises InvalidModelName, InvalidQuery (the format), ModelNotFound, CorruptData, ExtraNotInstalled.
        """
        writer = self._writers.get(file_format)
        if writer is None:
            allowed = ", ".join(self._writers)
            raise InvalidQuery(FieldError("format", f"format must be one of {allowed}, got {file_format[:100]!r}."))
        model = self._models.get(check_model_name(name), version)
        summary = _summary(self._models, name, model.version)
        file = writer.write(model, summary)
        return Export(summary, file.data, writer.suffix, file.parity)


class ImportModel:
    """Keep a model that comes from a file."""

    def __init__(
        self,
        models: ModelRepository,
        reader: ModelReader,
        environments: EnvironmentFactory,
        cache: ModelCache,
        clock: Clock,
    ) -> None:
        self._models, self._reader, self._environments = models, reader, environments
        self._cache, self._clock = cache, clock

    def __call__(self, data: bytes, name: str | None = None, client: Client = ANYBODY) -> ModelSummary:
        """The version that the model has become, under `name` or the one that it had. `client`: whose limits hold.

        What was imported already is not kept twice. The environment need not be known here: acting needs the spaces only,
        which the file has; one that is known must have the same.
        Raises InvalidModelName, InvalidModelFile, InvalidConfiguration (a network beyond the client's limits).
        """
        found = self._reader.read(data)
        name = found.name if name is None else check_model_name(name)
        self._check_environment(found.policy.environment)
        # What the training took is over: only what the model takes here is limited.
        limits = replace(client.limits, total_timesteps=None, n_envs=None, max_episode_steps=None)
        check_limits(found.config, found.policy.environment, replace(client, limits=limits))
        config = replace(found.config, model_name=name)
        version = self._models.save(replace(found, name=name, config=config, imported_at=self._clock.now(), version=0))
        self._cache.forget(name)
        return _summary(self._models, name, version)

    def _check_environment(self, sent: EnvironmentSpec) -> None:
        try:
            known = self._environments.describe(sent.env_name)
        except (UnknownEnvironment, EnvironmentNotAllowed, UnsupportedEnvironment):
            return
        for role in ("observation_space", "action_space"):
            here, there = _form(getattr(known, role)), _form(getattr(sent, role))
            if here != there:
                raise InvalidModelFile(
                    f"The file is a model for {sent.env_name} with the {role} {there}; here {sent.env_name} has {here}."
                )


def _summary(models: ModelRepository, name: str, version: int) -> ModelSummary:
    """Raises ModelNotFound: somebody deleted it in this moment."""
    for kept in models.versions(name):
        if kept.version == version:
            return kept
    raise ModelNotFound(name, version)


def _form(space: Space) -> str:
    """A space without its bounds, which may differ in their last digits."""
    return f"Box{space.shape}" if isinstance(space, Box) else f"Discrete({space.n}, start={space.start})"
