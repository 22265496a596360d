"""Empty records in milliseconds: the migrations run once for each kind of database, and a test starts from there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel

from storage import audit
from storage.database import Database, migrate


@pytest.fixture(scope="session")
def postgres_server(postgres_server: str) -> str:
    """The run's server, without waiting for the disk: what it holds is worth nothing after a crash."""
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")
    return postgres_server


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty record in SQLite, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "sayso.sqlite"
    database = Database(f"sqlite:///{path}")
    migrate(database)
    database.close()
    return path


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
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty record: every test that asks for it runs on both databases."""
    if request.param == "postgres":
        shared: Database = request.getfixturevalue("shared_postgres")
        _empty(shared)
        yield shared
        return
    path = tmp_path / "sayso.sqlite"
    shutil.copy(request.getfixturevalue("migrated_file"), path)
    opened = Database(f"sqlite:///{path}")
    yield opened
    opened.close()


def _empty(database: Database) -> None:
    """As the migrations leave it."""
    names = ", ".join(f'"{table.name}"' for table in SQLModel.metadata.sorted_tables)
    with database.engine.begin() as connection:
        connection.execute(sa.text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
        connection.execute(sa.text(f"INSERT INTO audit_head (id, seq, hash) VALUES (1, 0, '{audit.GENESIS}')"))
