"""Empty records without waiting for the migrations each time: they run once a process, and are copied from there."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import Session

from storage import audit
from storage.audit import proof
from storage.database import Database, migrate, sqlite_path
from storage.tables import AuditEntry, AuditHead


def empty_sqlite(url: str) -> Database:
    """A migrated, empty record in a new SQLite file."""
    sqlite_path(url).write_bytes(_migrated())
    return Database(url)


@functools.cache
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sayso.sqlite"
        database = Database(f"sqlite:///{path}")
        migrate(database)
        database.close()
        return path.read_bytes()


def unguarded(connection: sa.Connection) -> list[str]:
    """What the owner of the tables types before changing the record: statements that take its triggers away."""
    if connection.dialect.name == "postgresql":
        return [f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in ("audit", "audit_checkpoint")]
    found = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name LIKE 'audit%'"
    return [f"DROP TRIGGER {name}" for name in connection.exec_driver_sql(found).scalars()]


def tamper(path: Path, *statements: str) -> None:
    """Change an SQLite record as its owner can, with a shell."""
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        for statement in (*unguarded(connection), *statements):
            connection.exec_driver_sql(statement)
    engine.dispose()


def rewrite(session: Session, seq: int, **changes: object) -> None:
    """Change one entry and write every hash behind it anew, the head's too: what a chain alone cannot show."""
    for statement in unguarded(session.connection()):
        session.connection().exec_driver_sql(statement)
    previous = None
    for link in list(proof.stored(session, seq)):
        changed = link._replace(**changes) if link.seq == seq else link  # type: ignore[arg-type]
        changed = changed._replace(previous_hash=previous or changed.previous_hash)
        changed = changed._replace(hash=audit.digest(changed))
        previous = changed.hash
        session.execute(sa.update(AuditEntry).where(sa.column("seq") == link.seq).values(**changed._asdict()))
    session.execute(sa.update(AuditHead).values(hash=previous))
