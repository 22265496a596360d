"""Empty records in milliseconds: the migrations run once for each kind of database, and a test starts from there."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from sqlmodel import SQLModel

from storage import audit
from storage.database import Database, migrate
from tests.storage.records import empty_sqlite


@pytest.fixture(scope="session")
def shared_postgres(postgres_server: str) -> Iterator[Database]:
    """A record in PostgreSQL that the tests of this folder empty and use one after the other."""
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE the_record")
    database = Database(postgres_server.replace("/postgres?", "/the_record?", 1))
    migrate(database)
    yield database
    database.close()


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """An empty record: every test that asks for it runs on both databases."""
    if request.param == "postgres":
        shared: Database = request.getfixturevalue("shared_postgres")
        _empty(shared)
        yield shared
        return
    opened = empty_sqlite(request.getfixturevalue("sqlite_url"))
    yield opened
    opened.close()


def _empty(database: Database) -> None:
    """As the migrations leave it. For a handful of rows DELETE is much faster than TRUNCATE."""
    tables = reversed(SQLModel.metadata.sorted_tables)
    with database.engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")  # the record refuses to be emptied
        connection.exec_driver_sql(";".join(f'DELETE FROM "{table.name}"' for table in tables))
        for table in ("audit", "audit_checkpoint"):  # whose triggers a test may have taken away
            connection.exec_driver_sql(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        connection.exec_driver_sql("SELECT setval(sequencename::regclass, 1, false) FROM pg_sequences")
        connection.exec_driver_sql(f"INSERT INTO audit_head (id, seq, hash) VALUES (1, 0, '{audit.GENESIS}')")
