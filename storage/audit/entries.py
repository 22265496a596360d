"""Writing entries, in the transaction of the change they record, and reading them back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.audit.chain import Link, linked, microseconds, moment_of
from storage.tables import AuditEntry, AuditHead, Plan
from tools.values import JsonObject, JsonValue

BOT = "sayso"
"""The actor of everything no person did."""
_ENTRIES: Any = getattr(AuditEntry, "__table__")  # noqa: B009 - SQLModel hides it from type checkers
_HEAD: Any = getattr(AuditHead, "__table__")  # noqa: B009


class _Statements(NamedTuple):
    """What `append` says to one kind of database. Every change of state runs them: plain SQL is made once."""

    head: str
    add: str
    move_head: str


def _spelled(parameter: str, lock: str = "") -> _Statements:
    return _Statements(
        head=f"SELECT seq, hash FROM audit_head WHERE id = 1{lock}",
        add=f"INSERT INTO audit ({', '.join(Link._fields)}) VALUES ({', '.join([parameter] * len(Link._fields))})",
        move_head=f"UPDATE audit_head SET seq = {parameter}, hash = {parameter} WHERE id = 1",
    )


_SQL = {"sqlite": _spelled("?"), "postgresql": _spelled("%s", " FOR UPDATE")}


def append(
    session: Session, *, actor: str, event: str, subject: str, payload: Mapping[str, JsonValue], at: datetime
) -> Link:
    """Add one entry to the chain, in the caller's transaction. The payload holds ids, words and whole numbers only."""
    session.flush()  # what the entry tells of goes first, and a constraint it breaks is the caller's to see
    connection = session.connection()
    sql = _SQL[connection.dialect.name]
    seq, previous = connection.exec_driver_sql(sql.head).one()
    link = linked(
        seq=seq + 1, previous_hash=previous, at=at, actor=actor, event=event, subject=subject, payload=payload
    )
    connection.exec_driver_sql(sql.add, tuple(link))
    connection.exec_driver_sql(sql.move_head, (link.seq, link.hash))
    return link


def latest(session: Session, limit: int, subject: str | None = None) -> list[AuditEntry]:
    """The newest entries, newest first; those of one subject (`incident:7`, `plan:3`) if given."""
    query = select(AuditEntry).order_by(col(AuditEntry.seq).desc()).limit(limit)
    if subject is not None:
        query = query.where(AuditEntry.subject == subject)
    return list(session.exec(query))


def about(session: Session, *subjects: str) -> list[AuditEntry]:
    """Every entry about these subjects, oldest first."""
    return list(
        session.exec(select(AuditEntry).where(col(AuditEntry.subject).in_(subjects)).order_by(col(AuditEntry.seq)))
    )


def told(session: Session, subject: str, *events: str) -> list[tuple[AuditEntry, JsonObject]]:
    """The entries of these kinds about one thing, oldest first, each with what it says."""
    query = select(AuditEntry).where(AuditEntry.subject == subject, col(AuditEntry.event).in_(events))
    return [(entry, json.loads(entry.payload)) for entry in session.exec(query.order_by(col(AuditEntry.seq)))]


def plans_of(session: Session, incident_id: int) -> list[int]:
    """The plans of an incident, oldest first, as the entries that proposed them say."""
    proposed = select(AuditEntry).where(
        col(AuditEntry.subject).startswith("plan:"), col(AuditEntry.payload).contains(f'"incident":{incident_id},')
    )
    found = session.exec(proposed.order_by(col(AuditEntry.seq)))
    ours = [one.subject for one in found if json.loads(one.payload).get("incident") == incident_id]
    return [int(subject.removeprefix("plan:")) for subject in dict.fromkeys(ours)]


def timeline(session: Session, incident_id: int, limit: int = 90) -> list[AuditEntry]:
    """What happened to an incident and its plans, oldest first."""
    plan_ids = session.exec(select(Plan.id).where(Plan.incident_id == incident_id))
    subjects = [f"incident:{incident_id}", *(f"plan:{plan_id}" for plan_id in plan_ids)]
    newest = select(AuditEntry).where(col(AuditEntry.subject).in_(subjects)).order_by(col(AuditEntry.seq).desc())
    return list(reversed(session.exec(newest.limit(limit)).all()))


def size(session: Session) -> tuple[int, str]:
    """How many entries there are, and the last one's hash."""
    seq, head = session.connection().execute(sa.select(_HEAD.c.seq, _HEAD.c.hash).where(_HEAD.c.id == 1)).one()
    return int(seq), str(head)


def hash_at(session: Session, seq: int) -> str | None:
    """The hash of one entry; None when there is no such entry."""
    return session.exec(select(AuditEntry.hash).where(AuditEntry.seq == seq)).one_or_none()


def first_at(session: Session) -> int | None:
    """When the record began, in microseconds since the epoch; None while it is empty."""
    return session.exec(select(AuditEntry.at).where(AuditEntry.seq == 1)).one_or_none()


def within(session: Session, since: datetime | None, until: datetime | None) -> tuple[int, int]:
    """The numbers of the first and the last entry written from `since` on and before `until`; (1, 0) when none was.

    One unbroken stretch of the chain: an entry a clock set too early or too late is inside when its neighbours are.
    """
    query = sa.select(sa.func.min(_ENTRIES.c.seq), sa.func.max(_ENTRIES.c.seq))
    if since is not None:
        query = query.where(_ENTRIES.c.at >= microseconds(since))
    if until is not None:
        query = query.where(_ENTRIES.c.at < microseconds(until))
    first, last = session.connection().execute(query).one()
    return (1, 0) if first is None else (int(first), int(last))


def moment(entry: AuditEntry | Link) -> datetime:
    """When the entry was written."""
    return moment_of(entry.at)
