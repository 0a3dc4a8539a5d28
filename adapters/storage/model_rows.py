"""Versions of models as rows of any database, and back."""

import json

import msgspec

from adapters.storage.rows import Row, sha256
from domain.checkpoint import Model
from domain.errors import CorruptData, InvalidConfiguration
from domain.ports import ModelSummary

SUMMARY = "name, version, job_id, created_at, timesteps, config, evaluation, size_bytes, sha256, imported_at"


def version_row(model: Model, version: int, data: bytes) -> Row:
    """A row of `model_versions`; `data`: the model, encoded."""
    return {
        "name": model.name,
        "version": version,
        "job_id": model.job_id,
        "created_at": model.created_at.isoformat(),
        "timesteps": model.timesteps,
        "config": msgspec.json.encode(model.config).decode(),
        "evaluation": None if model.evaluation is None else msgspec.json.encode(model.evaluation).decode(),
        "size_bytes": len(data),
        "sha256": sha256(data),
        "data": data,
        "imported_at": None if model.imported_at is None else model.imported_at.isoformat(),
    }


def to_summary(row: Row) -> ModelSummary:
    """What a row says of its version. Raises CorruptData."""
    try:
        evaluation = None if row["evaluation"] is None else json.loads(row["evaluation"])
        return msgspec.convert({**row, "config": json.loads(row["config"]), "evaluation": evaluation}, ModelSummary)
    except (ValueError, TypeError, RecursionError, InvalidConfiguration) as error:
        reason = str(error).rstrip(".")
        raise CorruptData(
            f"The stored version {row['version']!r} of model {row['name']!r} cannot be read: {reason}."
        ) from error
