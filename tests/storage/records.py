"""Empty records without waiting for the migrations each time: they run once a process, and are copied from there."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from storage.database import Database, migrate, sqlite_path


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
