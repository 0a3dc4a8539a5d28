"""The SweepRepository in one SQLite file, through sqlite-utils."""

from collections.abc import Collection, Sequence

from adapters.storage.database import SqliteDatabase
from adapters.storage.rows import readable
from adapters.storage.sweep_rows import sweep_row, to_sweep, to_trial, trial_row
from domain.sweep import Sweep, SweepStatus, Trial
from domain.sweep_errors import SweepNotFound


class SqliteSweepRepository:
    """SweepRepository over the tables `sweeps` and `sweep_trials`."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    def add(self, sweep: Sweep) -> None:
        with self._database.write() as db:
            db.table("sweeps").insert(sweep_row(sweep))

    def get(self, sweep_id: str) -> Sweep:
        with self._database.read() as db:
            rows = [*db.table("sweeps").rows_where("id = ?", [sweep_id])]
        if not rows:
            raise SweepNotFound(sweep_id)
        return to_sweep(rows[0])

    def list(self, statuses: Collection[SweepStatus] = ()) -> Sequence[Sweep]:
        condition = f"status in ({', '.join('?' * len(statuses))})" if statuses else "1"
        with self._database.read() as db:
            rows = [*db.table("sweeps").rows_where(condition, [*statuses], order_by="position desc")]
        return [*readable(rows, to_sweep)]

    def replace(self, sweep: Sweep, was: SweepStatus) -> bool:
        row = sweep_row(sweep)
        change = "update sweeps set status = ?, data = ? where id = ? and status = ?"
        with self._database.write() as db:
            return bool(db.execute(change, [row["status"], row["data"], sweep.id, was]).rowcount)

    def add_trial(self, trial: Trial) -> bool:
        row = trial_row(trial)
        insert = "insert or ignore into sweep_trials (sweep_id, number, data) values (?, ?, ?)"
        with self._database.write() as db:
            return bool(db.execute(insert, [*row.values()]).rowcount)

    def save_trial(self, trial: Trial) -> None:
        with self._database.write() as db:
            db.table("sweep_trials").upsert(trial_row(trial), pk=("sweep_id", "number"))

    def trials(self, sweep_id: str) -> Sequence[Trial]:
        with self._database.read() as db:
            rows = [*db.table("sweep_trials").rows_where("sweep_id = ?", [sweep_id], order_by="number")]
        return [*readable(rows, to_trial)]
