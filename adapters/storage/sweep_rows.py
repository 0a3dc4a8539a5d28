"""Sweeps and trials as rows of any database, and back: what is asked for by state stands in columns, the rest is JSON."""

import msgspec

from adapters.storage.rows import Row
from domain.errors import CorruptData
from domain.sweep import Sweep, Trial


def sweep_row(sweep: Sweep) -> Row:
    """A row of `sweeps`, without its position."""
    return {"id": sweep.id, "status": sweep.status.value, "data": msgspec.json.encode(sweep).decode()}


def trial_row(trial: Trial) -> Row:
    """A row of `sweep_trials`."""
    return {"sweep_id": trial.sweep_id, "number": trial.number, "data": msgspec.json.encode(trial).decode()}


def to_sweep(row: Row) -> Sweep:
    """Raises CorruptData."""
    try:
        return msgspec.json.decode(row["data"], type=Sweep)
    except (ValueError, TypeError) as error:
        raise CorruptData(f"The stored sweep {row['id']!r} cannot be read: {str(error).rstrip('.')}.") from error


def to_trial(row: Row) -> Trial:
    """Raises CorruptData."""
    try:
        return msgspec.json.decode(row["data"], type=Trial)
    except (ValueError, TypeError) as error:
        place = f"trial {row['number']!r} of sweep {row['sweep_id']!r}"
        raise CorruptData(f"The stored {place} cannot be read: {str(error).rstrip('.')}.") from error
