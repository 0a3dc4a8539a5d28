"""The tables in PostgreSQL, as steps that are applied once to each schema. A step that was released is never changed."""

from typing import Any

from psycopg import Connection

from domain.errors import StorageFailure

STEPS: dict[str, str] = {
    "p001_jobs_models_servers": """
        create table jobs (
            position bigint generated always as identity primary key,
            id text not null unique,
            status text not null,
            created_at text not null,
            start_time text,
            end_time text,
            current_timesteps bigint not null,
            attempts integer not null,
            error_code text,
            error_message text,
            config text not null,
            metrics text not null,
            lease_until text,
            owner text not null,
            idempotency_key text,
            request_sha256 text,
            server text,
            unique (owner, idempotency_key)
        );
        create index jobs_by_status on jobs (status, position);
        create table checkpoints (
            job_id text primary key references jobs (id),
            data bytea not null,
            sha256 text not null
        );
        alter table checkpoints alter column data set storage external;
        create table events (
            id bigint generated always as identity primary key,
            job_id text not null references jobs (id),
            time text not null,
            kind text not null,
            data text not null
        );
        create index events_of_jobs on events (job_id, id);
        create index events_of_kinds on events (job_id, kind, id);
        create table model_names (name text primary key, last_version integer not null);
        create table model_versions (
            name text not null references model_names (name),
            version integer not null,
            job_id text not null,
            created_at text not null,
            timesteps bigint not null,
            config text not null,
            evaluation text,
            size_bytes bigint not null,
            sha256 text not null,
            data bytea not null,
            imported_at text,
            primary key (name, version)
        );
        alter table model_versions alter column data set storage external;
        create table servers (id text primary key, seen_at timestamptz not null);
    """,
    "p002_sweeps": """
        create table sweeps (
            position bigint generated always as identity primary key,
            id text not null unique,
            status text not null,
            data text not null
        );
        create index sweeps_by_status on sweeps (status);
        create table sweep_trials (
            sweep_id text not null references sweeps (id),
            number integer not null,
            data text not null,
            primary key (sweep_id, number)
        );
    """,
}
"""By name, in their order. Bytes are stored uncompressed: random numbers do not become smaller."""


def migrate(connection: "Connection[Any]") -> str:
    """Apply what is missing, in one transaction; the name of the schema. Servers that start at once wait for one another.

    Raises StorageFailure where there is no schema, or a newer version has changed it; then nothing was written.
    """
    [(schema,)] = connection.execute("select current_schema()").fetchall()
    if schema is None:
        raise StorageFailure("The PostgreSQL database has no schema for the tables: that of the search_path does not exist.")
    connection.execute("select pg_advisory_xact_lock(hashtextextended(%s, 1))", [f"grpo {schema}"])
    connection.execute("create table if not exists grpo_migrations (name text primary key, applied_at timestamptz not null)")
    applied = {name for (name,) in connection.execute("select name from grpo_migrations").fetchall()}
    if newer := applied - STEPS.keys():
        raise StorageFailure(
            f"The database was written by a newer version of this service (it has {max(newer)!r}); start that version instead."
        )
    for name, statements in STEPS.items():
        if name not in applied:
            connection.execute(statements.encode())
            connection.execute("insert into grpo_migrations values (%s, now())", [name])
    return str(schema)
