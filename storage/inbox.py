"""What came from Slack and webhooks: accepted once, handled later by one process at a time, and what could not be
handled or used kept for replay.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from storage import audit
from storage.tables import InboxEvent, RefusedDelivery

KEEP = timedelta(days=7)
"""How long handled events are remembered; Slack redelivers for minutes, people click old buttons for days."""
WAITS = (1, 5, 30, 120, 600)
"""Seconds until what failed is tried again: after the first time, the second, ... After the last one it is dead: it
waits for a person."""
MAXIMUM_ATTEMPTS = len(WAITS) + 1
TAKE_OVER = timedelta(seconds=30)
"""After this long, whoever took an event to handle it is taken for dead."""


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


def waiting(session: Session, at: datetime, owner: str, limit: int = 100) -> list[InboxEvent]:
    """Events that `owner` may handle now, oldest first: neither handled nor dead, due, and in nobody else's hands."""
    order = (col(InboxEvent.received_at), col(InboxEvent.key))
    return list(session.exec(select(InboxEvent).where(*_free(at, owner)).order_by(*order).limit(limit)))


def claim(session: Session, keys: Sequence[str], owner: str, at: datetime) -> list[str]:
    """Take these events to handle them, and tell which ones were still free: nobody else handles those now."""
    taken = (
        sa.update(InboxEvent)
        .where(col(InboxEvent.key).in_(keys), *_free(at, owner))
        .values(claimed_by=owner, claimed_at=at)
        .returning(col(InboxEvent.key))
    )
    return list(session.scalars(taken))


def _free(at: datetime, owner: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        col(InboxEvent.handled_at).is_(None),
        col(InboxEvent.attempts) < MAXIMUM_ATTEMPTS,
        sa.or_(col(InboxEvent.next_at).is_(None), col(InboxEvent.next_at) <= at),
        sa.or_(
            col(InboxEvent.claimed_by).is_(None),
            col(InboxEvent.claimed_by) == owner,
            col(InboxEvent.claimed_at) <= at - TAKE_OVER,
        ),
    )


def handled(session: Session, key: str, at: datetime) -> None:
    """The event has been dealt with."""
    all_handled(session, (key,), at)


def all_handled(session: Session, keys: Sequence[str], at: datetime) -> None:
    """These events have been dealt with."""
    session.execute(sa.update(InboxEvent).where(col(InboxEvent.key).in_(keys)).values(handled_at=at, error=None))


def failed(session: Session, key: str, error: str, at: datetime, *, spread: float = 0.0) -> bool:
    """Handling it went wrong; it is tried again later, by anybody. True when it was the last time: it is dead.

    `spread`, from 0 to 1, lengthens the wait by up to a half, so that what failed together is not tried together.
    """
    event = session.get_one(InboxEvent, key, populate_existing=True)
    wait = WAITS[min(event.attempts, len(WAITS) - 1)] * (1 + spread / 2)
    event.attempts, event.next_at, event.error = event.attempts + 1, at + timedelta(seconds=wait), error
    event.claimed_by, event.claimed_at = None, None
    session.add(event)
    session.flush()
    return event.attempts >= MAXIMUM_ATTEMPTS


def dead(session: Session, limit: int = 100) -> list[InboxEvent]:
    """Events whose attempts are used up, newest first. They wait for a person."""
    order = (col(InboxEvent.received_at).desc(), col(InboxEvent.key))
    return list(session.exec(select(InboxEvent).where(*_dead()).order_by(*order).limit(limit)))


def count_dead(session: Session) -> int:
    """How many events wait for a person."""
    return session.exec(select(sa.func.count()).select_from(InboxEvent).where(*_dead())).one()


def retry(session: Session, key: str, at: datetime, actor: str) -> bool:
    """Let a dead event be tried again, as if it had just come. False, and nothing written, when there is none."""
    fresh = {"attempts": 0, "next_at": None}
    revived = session.execute(sa.update(InboxEvent).where(col(InboxEvent.key) == key, *_dead()).values(**fresh))
    if revived.rowcount != 1:  # type: ignore[attr-defined]
        return False
    audit.append(session, actor=actor, event="inbox.retried", subject=f"inbox:{key}", payload={}, at=at)
    return True


def _dead() -> tuple[sa.ColumnElement[bool], ...]:
    return (col(InboxEvent.handled_at).is_(None), col(InboxEvent.attempts) >= MAXIMUM_ATTEMPTS)


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
