"""Opening the database: from nothing, again, from several sides at once, and what it refuses."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.exc import StatementError
from sqlmodel import SQLModel, select

from storage import audit, incidents
from storage.database import FROZEN, Database, DatabaseInUse, durable_url, hold_alone, migrate
from storage.tables import Alert, AuditHead, Incident
from tests.storage.samples import AT, CHANNEL, an_incident, news

ROOT = Path(__file__).parents[2]
MIGRATES = "import sys; from storage.database import Database, migrate; migrate(Database(sys.argv[1]))"
HOLDS = (
    "import sys; from storage.database import hold_alone; h = hold_alone(sys.argv[1]); print('held'); sys.stdin.read()"
)
WORDS, WORDS_INDEX = "memory_words", "ix_memory_words"
"""The full-text index, which only its own database knows: FTS5 tables in SQLite, a GIN index in PostgreSQL."""


def heads(database: Database) -> list[tuple[int, str]]:
    with database.reading() as session:
        return [(head.seq, head.hash) for head in session.exec(select(AuditHead))]


@pytest.fixture(params=["sqlite", "postgres"])
def unused(request: pytest.FixtureRequest) -> Iterator[Database]:
    """A database with nothing in it."""
    database = Database(request.getfixturevalue(f"{request.param}_url"))
    yield database
    database.close()


def test_an_empty_database_becomes_the_record(unused: Database) -> None:
    migrate(unused)

    tables = set(sa.inspect(unused.engine).get_table_names())
    tables = {table for table in tables if not table.startswith(WORDS)}
    assert tables == {*(table.name for table in SQLModel.metadata.sorted_tables), "alembic_version"}
    assert heads(unused) == [(0, audit.GENESIS)]


def test_the_migrations_and_the_tables_say_the_same(database: Database) -> None:
    with database.engine.connect() as connection:
        options = {
            "compare_type": True,
            "include_name": lambda name, *_: not str(name).startswith((WORDS, WORDS_INDEX)),
        }
        context = MigrationContext.configure(connection, opts=options)

        differences = compare_metadata(context, SQLModel.metadata)

    assert differences == []


def test_migrating_again_changes_nothing(database: Database) -> None:
    with database.writing() as session:
        an_incident(session)
        head = audit.verify_all(session).head

    migrate(database)

    assert heads(database) == [(1, head)]


def test_two_threads_that_migrate_at_once_do_it_once(unused: Database) -> None:
    together = threading.Barrier(2)
    unused.engine.connect().close()  # the switch to WAL is the one thing SQLite does not wait for

    def boot() -> None:
        database = Database(unused.url)
        together.wait()
        migrate(database)
        database.close()

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(boot), pool.submit(boot)]:
            done.result()

    assert heads(unused) == [(0, audit.GENESIS)]


def test_two_replicas_that_boot_together_migrate_once(postgres_url: str) -> None:
    boots = [subprocess.Popen([sys.executable, "-c", MIGRATES, postgres_url], cwd=ROOT) for _ in range(2)]

    ends = [boot.wait(timeout=60) for boot in boots]

    database = Database(postgres_url)
    assert ends == [0, 0]
    assert heads(database) == [(0, audit.GENESIS)]
    database.close()


def test_one_process_alone_uses_an_sqlite_file(sqlite_url: str) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDS, sqlite_url], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"

    with pytest.raises(DatabaseInUse, match=r"sayso\.sqlite; stop it, or set DATABASE_URL to PostgreSQL"):
        hold_alone(sqlite_url)

    holder.kill()
    holder.communicate()
    lock = hold_alone(sqlite_url)
    assert lock is not None
    lock.close()


def test_any_number_of_processes_use_postgresql() -> None:
    assert hold_alone("postgresql://somewhere/sayso") is None


def test_the_durable_runs_have_a_file_of_their_own_beside_sqlite(tmp_path: Path) -> None:
    url = durable_url(f"sqlite:///{tmp_path / 'new' / 'sayso.sqlite'}")

    with sa.create_engine(url).connect() as connection:
        mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar()

    assert url == f"sqlite:///{tmp_path / 'new' / 'sayso.dbos.sqlite'}"
    assert mode == "wal"


def test_the_durable_runs_share_postgresql() -> None:
    assert durable_url("postgresql://somewhere/sayso") == "postgresql://somewhere/sayso"


def test_sqlite_keeps_what_it_committed_and_its_foreign_keys(sqlite_url: str) -> None:
    database = Database(sqlite_url)

    with database.reading() as session:
        asked = {name: session.execute(sa.text(f"PRAGMA {name}")).scalar() for name in WANTED_PRAGMAS}

    database.close()
    assert asked == WANTED_PRAGMAS


WANTED_PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30000}


@pytest.mark.parametrize("field", ["starts_at", "received_at"])
def test_a_naive_time_is_refused(database: Database, field: str) -> None:
    naive = {field: datetime(2026, 11, 18, 12, 0)}
    fields = news().model_dump(exclude={"environment", "subject"}) | {"received_at": AT, "last_seen_at": AT}

    with pytest.raises(StatementError, match="a stored time must be aware"), database.writing() as session:
        session.add(Alert(**(fields | naive)))

    with database.reading() as session:
        assert session.exec(select(Alert)).all() == []


def test_times_come_back_aware_and_in_utc_wherever_they_were_told(database: Database) -> None:
    told = datetime(2026, 11, 18, 17, 30, 0, 123456, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    with database.writing() as session:
        an_incident(session, at=told)

    with database.reading() as session:
        opened = incidents.get(session, 1).opened_at

    assert opened.isoformat() == "2026-11-18T12:00:00.123456+00:00"


def test_what_raises_leaves_nothing_behind(database: Database) -> None:
    def half_way() -> None:
        with database.writing() as session:
            incidents.receive(session, news(), channel=CHANNEL, at=AT)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half_way()

    with database.reading() as session:
        assert session.get(Incident, 1) is None
        assert audit.verify_all(session).entries == 0


def test_a_reading_transaction_never_changes_anything(database: Database) -> None:
    with database.reading() as session:
        incidents.receive(session, news(), channel=CHANNEL, at=AT)

    with database.reading() as session:
        assert session.get(Incident, 1) is None


def test_readers_see_the_old_state_while_a_writer_works(database: Database) -> None:
    with database.writing() as session:
        an_incident(session)

        with database.reading() as reader:
            seen = reader.get(Incident, 1)

    assert seen is None


def test_writers_wait_for_each_other(database: Database) -> None:
    """A hundred read-modify-writes from eight threads: none is lost, and none fails half-way."""
    with database.writing() as session:
        an_incident(session)

    def count(_: int) -> None:
        with database.writing() as session:
            alert = session.get(Alert, 1)
            assert alert is not None
            alert.times += 1
            session.add(alert)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count, range(100)))

    with database.reading() as session:
        alert = session.get(Alert, 1)
        assert alert is not None
        assert alert.times == 101


WRITES_AND_SAYS_SO = """
import sys
from sqlalchemy import text
from storage.database import Database
with Database(sys.argv[1]).writing() as session:
    session.execute(text("UPDATE audit_head SET seq = 7"))
    print("writing", flush=True)
    sys.stdin.read()
"""


def test_a_frozen_writer_does_not_keep_the_others_from_writing_for_long(postgres_url: str) -> None:
    """A replica stands still half-way through a write: its transaction is ended for it, and nothing of it stays."""
    database = Database(postgres_url)
    migrate(database)
    words = [sys.executable, "-c", WRITES_AND_SAYS_SO, postgres_url]
    frozen = subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert frozen.stdout is not None
    assert frozen.stdout.readline() == b"writing\n"
    os.kill(frozen.pid, signal.SIGSTOP)
    started = time.monotonic()

    with database.writing() as session:
        an_incident(session)

    waited = time.monotonic() - started
    os.kill(frozen.pid, signal.SIGCONT)
    frozen.communicate()
    assert FROZEN / 2 < waited < FROZEN * 2
    assert frozen.returncode != 0
    assert heads(database)[0][0] == 1
    database.close()


def test_what_only_reads_may_take_its_time(postgres_url: str) -> None:
    """Somebody pages through a list: the limit is for those whom others wait for."""
    database = Database(postgres_url)

    with database.reading() as session:
        asked = session.execute(sa.text("SHOW idle_in_transaction_session_timeout")).scalar()

    database.close()
    assert asked == "0"
