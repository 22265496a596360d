"""Opening the database, SQLite or PostgreSQL, and the two kinds of transaction everything else uses.

One writer at a time on both: every change appends to the audit chain, so writers would queue at its head anyway, and
queueing at the start means that no two ever wait for each other's rows, nor act on what the other has just changed.
SQLite: WAL, one process at a time (an exclusive lock on `<file>.lock` for the life of the process), and BEGIN IMMEDIATE
for writers. PostgreSQL: the default isolation, and an advisory lock for writers. Every decision is still a guarded
UPDATE.
"""

from __future__ import annotations

import contextlib
import fcntl
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlmodel import Session, create_engine

if TYPE_CHECKING:
    from alembic.config import Config

WRITER_LOCK = 0x5A750
"""Advisory lock number that a transaction which writes to PostgreSQL holds; any constant of ours."""
FROZEN = 5.0
"""Seconds after which a writer that says nothing is taken for frozen: PostgreSQL ends its transaction, or nobody else
would ever write again."""
PATIENCE = 30.0
"""Seconds a writer waits for its turn before it gives up: long enough for several frozen ones to be got rid of."""


class DatabaseInUse(Exception):
    """Another sayso process holds this SQLite file. Stop it, or use PostgreSQL (DATABASE_URL) to run several."""


def is_sqlite(url: str) -> bool:
    """Whether the URL names an SQLite file."""
    return url.startswith("sqlite")


def sqlite_path(url: str) -> Path:
    """The file behind `sqlite:///path`."""
    return Path(url.removeprefix("sqlite:///"))


class Database:
    """An engine with the two transactions of the house: `reading()` and `writing()`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = _open_engine(url)
        # Among the threads of a process a lock is fairer and faster: SQLite waits for its one writer by sleeping ever
        # longer, and PostgreSQL would wake a thread that then waits for Python's own lock while all others wait for it.
        self._turn = threading.RLock()

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction that commits when the block ends and rolls back when it raises."""
        with (
            self._turn,
            self.engine.connect().execution_options(sayso_write=True) as connection,
            Session(bind=connection, expire_on_commit=False) as session,
        ):
            yield session
            session.commit()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that never commits."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def _open_engine(url: str) -> sa.Engine:
    return _open_sqlite(url) if is_sqlite(url) else _open_postgres(url)


def _open_postgres(url: str) -> sa.Engine:
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1), pool_size=10, pool_pre_ping=True)

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        if connection.get_execution_options().get("sayso_write", False):
            connection.exec_driver_sql(_TURN)

    return engine


_TURN = (
    f"SELECT set_config('lock_timeout', '{PATIENCE:.0f}s', true),"
    f" set_config('idle_in_transaction_session_timeout', '{FROZEN:.0f}s', true),"
    f" pg_advisory_xact_lock({WRITER_LOCK})"
)
"""A writer's first words, in one trip: how long it may wait and dawdle, in this transaction only, and its turn."""


def _open_sqlite(url: str) -> sa.Engine:
    sqlite_path(url).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, pool_size=10, connect_args={"timeout": 30, "check_same_thread": False})

    @sa.event.listens_for(engine, "connect")
    def tune(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, below
        for pragma in ("busy_timeout=30000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get("sayso_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def hold_alone(url: str) -> IO[str] | None:
    """Take the one-process lock of an SQLite file; keep the returned handle open for the life of the process.

    Raises DatabaseInUse when another process has it. PostgreSQL needs none and gives None.
    """
    if not is_sqlite(url):
        return None
    path = sqlite_path(url)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = path.with_name(path.name + ".lock").open("w")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        handle.close()
        raise DatabaseInUse(
            f"another sayso process is using {path}; stop it, or set DATABASE_URL to PostgreSQL"
        ) from error
    return handle


def durable_url(url: str) -> str:
    """Where DBOS keeps its checkpoints: schema `dbos` on PostgreSQL, a second WAL file beside ours on SQLite.

    One shared SQLite file wedges: a step holding the write lock waits for a connection that waits for that lock.
    """
    if not is_sqlite(url):
        return url
    path = sqlite_path(url).with_suffix(".dbos.sqlite")
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, timeout=30)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")  # DBOS does not switch it on
    return f"sqlite:///{path}"


def migrate(database: Database) -> None:
    """Bring the schema to the newest version, as one writer's transaction: replicas booting together must not race."""
    from alembic import command

    config = _migrations()
    with migrating(database) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def is_of_another_version(database: Database) -> bool:
    """Whether the schema is not the one this sayso works with. False where it cannot be told."""
    from alembic.script import ScriptDirectory

    with contextlib.suppress(sa.exc.SQLAlchemyError), database.engine.connect() as connection:
        found = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
        return found is not None and found != ScriptDirectory.from_config(_migrations()).get_current_head()
    return False


def _migrations() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


@contextmanager
def migrating(database: Database) -> Iterator[sa.Connection]:
    """One writer's transaction in which tables may be made anew.

    SQLite changes a column by copying its table, and would call every row that refers to the old one an orphan: so it
    stops looking while we migrate, and looks at all of them before we commit.
    """
    with database.engine.connect().execution_options(sayso_write=True) as connection:
        lite = is_sqlite(database.url)
        driver: Any = connection.connection.driver_connection
        if lite:
            driver.execute("PRAGMA foreign_keys=OFF")  # before BEGIN: within a transaction it does nothing
        try:
            with connection.begin():
                yield connection
                if lite and (orphans := connection.exec_driver_sql("PRAGMA foreign_key_check").all()):
                    raise sa.exc.IntegrityError("migrating", None, Exception(f"rows that refer to nothing: {orphans}"))
        finally:
            if lite:
                driver.execute("PRAGMA foreign_keys=ON")
