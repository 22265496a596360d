"""The policy in force: which version of the rules decides now, as the record says it.

All replicas read the same record, so a change made through one is in force in the others with their next look. How a
version comes into force is `bot.policy.policy_change`'s.
"""

from __future__ import annotations

import threading
from datetime import datetime

from sqlmodel import Session

from policies.catalogue import Catalogue
from policies.documents import PolicyError
from policies.loading import load
from policies.rules import Policy
from storage import policies
from storage.database import Database
from storage.policies import Draft
from tools.errors import PermanentError


class UnreadableRules(PermanentError):
    """The rules in force were written for another sayso: this one cannot judge by them, so it does nothing."""


class Rulebook:
    """Gives the version of the rules that decides now. Without a record it holds one policy for good."""

    def __init__(self, policy: Policy, record: Database | None = None, row: int | None = None) -> None:
        self._record = record
        self._lock = threading.Lock()
        self._held: tuple[int | None, Policy] = (row, policy)

    def in_force(self, session: Session | None = None) -> Policy:
        """The rules every decision is made by from this moment on.

        In a transaction, give its session: then it is the version in force there. Without, it is the one of the last
        look, which is a few seconds old at most. Raises UnreadableRules.
        """
        if session is not None and self._record is not None:
            self._look(session)
        return self._held[1]

    def look(self) -> Policy:
        """Read the record again: somebody may have changed the rules, here or in another process."""
        if self._record is not None:
            with self._record.reading() as session:
                self._look(session)
        return self._held[1]

    def _look(self, session: Session) -> None:
        row = policies.active_id(session)
        if row is None or row == self._held[0]:
            return
        policy = _read(session, row, self._held[1].catalogue)
        with self._lock:
            if row > (self._held[0] or 0):  # rows only follow one another: an older transaction may not turn it back
                self._held = (row, policy)


def opened(record: Database, text: str, name: str, catalogue: Catalogue, at: datetime) -> Rulebook:
    """The rulebook of a record; on a new record the file is put in force as it is.

    Raises PolicyError when that file is refused, and UnreadableRules when this sayso cannot read the version in force.
    """
    with record.reading() as session:
        row = policies.active_id(session)
    if row is None:
        row = _begin(record, text, name, catalogue, at)
    with record.writing() as session:
        version = policies.get(session, row)
        policy = _read(session, row, catalogue)
        policies.loaded(session, version, at)
    return Rulebook(policy, record, row)


def _begin(record: Database, text: str, name: str, catalogue: Catalogue, at: datetime) -> int:
    """The first version of all. Of two replicas that start at once, one writes it and both take it."""
    policy = load(text, catalogue, name=name)
    draft = Draft(version=policy.version, sha256=policy.sha256, text=text, author=None, origin="start")
    with record.writing() as session:
        policies.put_in_force(session, draft, at, over=None)
        row = policies.active_id(session)
    assert row is not None
    return row


def _read(session: Session, row: int, catalogue: Catalogue) -> Policy:
    """The policy of a version on record."""
    version = policies.get(session, row)
    try:
        return load(version.text, catalogue, name=f"version {version.version}")
    except PolicyError as error:
        raise UnreadableRules(
            f"the rules in force, version {version.version}, cannot be read by this version of sayso ({error}). "
            "Run the sayso that wrote them, and change them there first."
        ) from error
