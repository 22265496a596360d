"""What `sayso doctor` sees of the record: whether it answers, and whether its chain holds and is signed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from bot.doctor.findings import Ailment, Check, checked, skipped
from bot.settings import Settings

if TYPE_CHECKING:
    from storage.database import Database


def look(settings: Settings) -> Iterator[Check]:
    """The checks of the database and of the audit chain in it."""
    from sqlalchemy.exc import SQLAlchemyError

    from storage.database import sqlite_path

    database = opened(settings)
    if database is None:
        yield checked("database", "make its folder writable", lambda: _room_for(sqlite_path(settings.database_url)))
        return
    try:
        yield checked("database", "check DATABASE_URL", lambda: _schema(database), SQLAlchemyError)
        restore = "keep the file as it is, compare it with a backup, and find out who changed it"
        yield checked("audit chain", restore, lambda: _chain(database, settings), SQLAlchemyError)
        yield _signatures(database, settings)
    finally:
        database.close()


def opened(settings: Settings) -> Database | None:
    """The record, to be closed; None for a file that does not exist yet, which looking must not make."""
    from storage.database import Database, is_sqlite, sqlite_path

    if is_sqlite(settings.database_url) and not sqlite_path(settings.database_url).exists():
        return None
    return Database(settings.database_url)


def _room_for(path: Path) -> str:
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    if not os.access(folder, os.W_OK):
        raise Ailment(f"there is no {path}, and {folder} is not writable")
    return f"there is no {path} yet; the first `sayso run` makes it"


def _schema(database: Database) -> str:
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    import storage

    newest = ScriptDirectory(str(Path(storage.__file__).parent / "migrations")).get_current_head()
    with database.engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    if current != newest:
        raise Ailment(f"the schema is at {current or 'nothing'}, the code needs {newest}: `sayso run` migrates it")
    return f"reachable, schema {current}"


def _chain(database: Database, settings: Settings) -> str:
    from bot.witness import keyring
    from storage import audit

    believed = keyring.believed(settings)
    with database.reading() as session:
        report = audit.verify_all(session, believed=believed)
    if report.fault is not None:
        raise Ailment(f"the record was changed: entry {report.fault.seq}: {report.fault.fault}")
    return f"{report.entries} entries, unbroken"


def _signatures(database: Database, settings: Settings) -> Check:
    """Who vouches for the chain, and until when. Without a key nobody does, which is allowed and said."""
    from sqlalchemy.exc import SQLAlchemyError

    from bot.witness import keyring

    name = "audit signatures"
    if keyring.key_path(settings) is None:
        return skipped(name, f"{keyring.NO_KEY}: entries at its end could be cut off unseen")
    fix = "`sayso run` signs every 5 minutes: look at its log for audit.alarm and audit.not_copied"
    return checked(name, fix, lambda: _signed(database, settings), SQLAlchemyError)


def _signed(database: Database, settings: Settings) -> str:
    from datetime import UTC, datetime

    from bot.witness.verdict import FRESH
    from storage import audit
    from storage.audit import checkpoints

    with database.reading() as session:
        (entries, _), last = audit.size(session), checkpoints.latest_checkpoint(session)
        copied = checkpoints.anchored_to(session)
    if last is None:
        return "none yet; the next `sayso run` signs"
    age = datetime.now(UTC) - audit.moment_of(last.at)
    if last.size < entries and age > FRESH:
        raise Ailment(
            f"the last one covers entry {last.size} of {entries} and is {age.total_seconds() / 60:.0f} min old"
        )
    outside = f"; copied to {settings.audit_anchor} up to entry {copied}" if settings.audit_anchor else ""
    return f"up to entry {last.size} of {entries}, {age.total_seconds() / 60:.0f} min ago{outside}"
