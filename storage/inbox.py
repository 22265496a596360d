"""What came from Slack and webhooks: accepted once, handled later, and what could not be used kept for replay."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from storage.tables import InboxEvent, RefusedDelivery

KEEP = timedelta(days=7)
"""How long handled events are remembered; Slack redelivers for minutes, people click old buttons for days."""
MAXIMUM_ATTEMPTS = 5


def accept(session: Session, key: str, kind: str, body: str, at: datetime) -> bool:
    """Put an event in the inbox. False when it is there already: acknowledge it and do nothing."""
    row = {"key": key, "kind": kind, "body": body, "received_at": at, "attempts": 0}
    return session.execute(_insert_once(session.get_bind().dialect.name), row).first() is not None


@functools.cache
def _insert_once(dialect: str) -> sa.Executable:
    """One statement, so that two deliveries at once cannot both find it missing; made once, because bursts are large.

    It returns what it added: a count of rows is not told for inserts on PostgreSQL.
    """
    table = sa.inspect(InboxEvent).local_table
    insert = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(table)  # type: ignore[arg-type]
    return insert.on_conflict_do_nothing(index_elements=["key"]).returning(table.c.key)


def waiting(session: Session, limit: int = 100) -> list[InboxEvent]:
    """Events not handled yet, oldest first."""
    unhandled = (col(InboxEvent.handled_at).is_(None), col(InboxEvent.attempts) < MAXIMUM_ATTEMPTS)
    order = (col(InboxEvent.received_at), col(InboxEvent.key))
    return list(session.exec(select(InboxEvent).where(*unhandled).order_by(*order).limit(limit)))


def handled(session: Session, key: str, at: datetime) -> None:
    """The event has been dealt with."""
    all_handled(session, (key,), at)


def all_handled(session: Session, keys: Sequence[str], at: datetime) -> None:
    """These events have been dealt with."""
    session.execute(sa.update(InboxEvent).where(col(InboxEvent.key).in_(keys)).values(handled_at=at, error=None))


def failed(session: Session, key: str, error: str) -> None:
    """Handling it went wrong; it is tried again until its attempts are used up."""
    values = {"attempts": InboxEvent.attempts + 1, "error": error}
    session.execute(sa.update(InboxEvent).where(col(InboxEvent.key) == key).values(**values))


def prune(session: Session, now: datetime) -> int:
    """Forget handled events past their keeping time."""
    old = sa.delete(InboxEvent).where(col(InboxEvent.handled_at) < now - KEEP)
    return int(session.execute(old).rowcount)  # type: ignore[attr-defined]


def keep_refused(session: Session, *, source: str, body: bytes, reason: str, at: datetime) -> int:
    """Keep a body that could not be used, exactly as it came. Returns the number it can be found under."""
    refused = RefusedDelivery(source=source, body=body, reason=reason, received_at=at)
    session.add(refused)
    session.flush()
    assert refused.id is not None
    return refused.id


def refused(session: Session, limit: int) -> list[RefusedDelivery]:
    """Bodies that could not be used, newest first."""
    return list(session.exec(select(RefusedDelivery).order_by(col(RefusedDelivery.id).desc()).limit(limit)))
