"""Use cases of kept models."""

from collections.abc import Sequence
from dataclasses import dataclass

from application.inference import ModelCache
from domain.model_name import check_model_name
from domain.ports import ModelRepository, ModelSummary


@dataclass(frozen=True)
class ListedModel:
    """The newest version of a kept model, and whether any version is in memory."""

    summary: ModelSummary
    loaded: bool


class ListModels:
    """All kept models by name."""

    def __init__(self, models: ModelRepository, cache: ModelCache) -> None:
        self._models, self._cache = models, cache

    def __call__(self) -> Sequence[ListedModel]:
        loaded = self._cache.names()
        return [ListedModel(summary, summary.name in loaded) for summary in self._models.list()]


@dataclass(frozen=True)
class InspectedModel:
    """All versions of one model, oldest first, and whether any is in memory."""

    versions: Sequence[ModelSummary]
    loaded: bool


class GetModel:
    """Where each version of a model comes from."""

    def __init__(self, models: ModelRepository, cache: ModelCache) -> None:
        self._models, self._cache = models, cache

    def __call__(self, name: str) -> InspectedModel:
        """Raises InvalidModelName, ModelNotFound."""
        return InspectedModel(self._models.versions(check_model_name(name)), name in self._cache.names())


class DeleteModel:
    """Remove a model, or one version of it, from memory and storage."""

    def __init__(self, models: ModelRepository, cache: ModelCache) -> None:
        self._models, self._cache = models, cache

    def __call__(self, name: str, version: int | None = None) -> None:
        """Raises InvalidModelName, ModelNotFound."""
        self._models.delete(check_model_name(name), version)
        self._cache.forget(name)
