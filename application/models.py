"""Use cases of kept models."""

from collections.abc import Sequence
from dataclasses import dataclass

from application.inference import ModelCache
from domain.model_name import check_model_name
from domain.ports import ModelRepository, ModelSummary


@dataclass(frozen=True)
class ListedModel:
    """A kept model and whether it is in memory."""

    summary: ModelSummary
    loaded: bool


class ListModels:
    """All kept models by name."""

    def __init__(self, models: ModelRepository, cache: ModelCache) -> None:
        self._models, self._cache = models, cache

    def __call__(self) -> Sequence[ListedModel]:
        loaded = self._cache.names()
        return [ListedModel(summary, summary.name in loaded) for summary in self._models.list()]


class DeleteModel:
    """Remove a model from memory and storage."""

    def __init__(self, models: ModelRepository, cache: ModelCache) -> None:
        self._models, self._cache = models, cache

    def __call__(self, name: str) -> None:
        """Raises InvalidModelName, ModelNotFound."""
        self._models.delete(check_model_name(name))
        self._cache.forget(name)
