"""The SweepRepository in PostgreSQL, which several servers may share."""

from collections.abc import Collection, Sequence

from adapters.storage.postgres import PostgresDatabase, storable
from adapters.storage.rows import readable
from adapters.storage.sweep_rows import sweep_row, to_sweep, to_trial, trial_row
from domain.sweep import Sweep, SweepStatus, Trial
from domain.sweep_errors import SweepNotFound


class PostgresSweepRepository:
    """SweepRepository over the tables `sweeps` and `sweep_trials`."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    def add(self, sweep: Sweep) -> None:
        with self._database.transaction() as db:
            db.execute("insert into sweeps (id, status, data) values (%(id)s, %(status)s, %(data)s)", sweep_row(sweep))

    def get(self, sweep_id: str) -> Sweep:
        if not storable(sweep_id):
            raise SweepNotFound(sweep_id)
        with self._database.transaction() as db:
            rows = db.execute("select * from sweeps where id = %s", [sweep_id]).fetchall()
        if not rows:
            raise SweepNotFound(sweep_id)
        return to_sweep(rows[0])

    def list(self, statuses: Collection[SweepStatus] = ()) -> Sequence[Sweep]:
        query = "select * from sweeps where %s or status = any(%s) order by position desc"
        with self._database.transaction() as db:
            return [*readable(db.execute(query, [not statuses, [*statuses]]).fetchall(), to_sweep)]

    def replace(self, sweep: Sweep, was: SweepStatus) -> bool:
        change = "update sweeps set status = %(status)s, data = %(data)s where id = %(id)s and status = %(was)s"
        with self._database.transaction() as db:
            return bool(db.execute(change, sweep_row(sweep) | {"was": was}).rowcount)

    def add_trial(self, trial: Trial) -> bool:
        insert = """
            insert into sweep_trials (sweep_id, number, data) values (%(sweep_id)s, %(number)s, %(data)s) on conflict do nothing
        """
        with self._database.transaction() as db:
            return bool(db.execute(insert, trial_row(trial)).rowcount)

    def save_trial(self, trial: Trial) -> None:
        upsert = """
            insert into sweep_trials (sweep_id, number, data) values (%(sweep_id)s, %(number)s, %(data)s)
            on conflict (sweep_id, number) do update set data = excluded.data
        """
        with self._database.transaction() as db:
            db.execute(upsert, trial_row(trial))

    def trials(self, sweep_id: str) -> Sequence[Trial]:
        query = "select * from sweep_trials where sweep_id = %s order by number"
        with self._database.transaction() as db:
            return [*readable(db.execute(query, [sweep_id]).fetchall(), to_trial)]
