"""What was signed last, in a small file outside the database. Without it, the next signature would heal a cut."""

from __future__ import annotations

import os
from pathlib import Path

import structlog
from pydantic import ValidationError

from storage.audit.keys import KeyFault
from tools.values import Value

log = structlog.get_logger(__name__)


class Remembered(Value):
    """One checkpoint: what it covered, and which row it is."""

    size: int
    head: str
    checkpoint: int
    signature: str


class Memory:
    """The last checkpoint this signer made or agreed with. Kept in the process if the file cannot be written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._last: Remembered | None = None
        self.is_kept = True
        """Whether the file could be written the last time."""

    def load(self) -> Remembered | None:
        """What was remembered; None at the very first time. KeyFault when the file says nothing of ours."""
        if self._last is None:
            self._last = read(self.path)
        return self._last

    def keep(self, one: Remembered) -> None:
        """Remember this one from now on, also after a crash."""
        self._last = one
        beside = self.path.with_name(self.path.name + ".new")
        try:
            with beside.open("w") as file:
                file.write(one.model_dump_json())
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self.path)
        except OSError as error:
            if self.is_kept:
                log.warning("audit.memory_not_kept", path=str(self.path), why=str(error))
            self.is_kept = False
            return
        self.is_kept = True


def read(path: Path) -> Remembered | None:
    """What the file holds; None when there is none. KeyFault when it cannot be understood."""
    try:
        return Remembered.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise KeyFault(f"what the audit signer remembers cannot be read from {path}: {error}") from error
