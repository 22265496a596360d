"""The hash chain: one entry for every state change, appended in the transaction of that change.

`hash = sha256(domain || RFC 8785 JSON of {seq, at, actor, event, subject, payload, previous_hash})`. An edit, an
insertion, a deletion in the middle or a reordering breaks the chain at that entry; a cut at the end that also moves the
head back does not show in the chain alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

import rfc8785
import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.tables import AuditEntry, AuditHead, Plan
from tools.values import JsonValue, Value

DOMAIN = b"sayso.audit.v1\n"
GENESIS = "0" * 64
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BOT = "sayso"
"""The actor of everything no person did."""


class ChainFault(Value):
    """The first entry at which the chain does not hold, and what is wrong with it."""

    seq: int
    fault: str


class ChainReport(Value):
    """What verifying the whole chain showed. `fault` is None when it holds."""

    entries: int
    head: str
    fault: ChainFault | None = None


def append(
    session: Session, *, actor: str, event: str, subject: str, payload: Mapping[str, JsonValue], at: datetime
) -> AuditEntry:
    """Add one entry to the chain, in the caller's transaction. The payload holds ids, words and whole numbers only."""
    head = session.exec(select(AuditHead).where(AuditHead.id == 1).with_for_update()).one()
    entry = AuditEntry(
        seq=head.seq + 1,
        at=(at - EPOCH) // timedelta(microseconds=1),
        actor=actor,
        event=event,
        subject=subject,
        payload=rfc8785.dumps(dict(payload)).decode(),
        previous_hash=head.hash,
        hash="",
    )
    entry.hash = digest(entry)
    session.add(entry)
    head.seq, head.hash = entry.seq, entry.hash
    session.add(head)
    session.flush()
    return entry


def digest(entry: AuditEntry) -> str:
    """The hash the entry must have, given its own fields and its predecessor's hash."""
    body = {
        "seq": entry.seq,
        "at": str(entry.at),  # beyond 2**53 RFC 8785 has no integers
        "actor": entry.actor,
        "event": entry.event,
        "subject": entry.subject,
        "payload": json.loads(entry.payload),
        "previous_hash": entry.previous_hash,
    }
    return hashlib.sha256(DOMAIN + rfc8785.dumps(body)).hexdigest()


def verify(entries: Iterable[AuditEntry], head: AuditHead | None) -> ChainReport:
    """Walk the chain from its start and name the first entry that does not hold."""
    previous, count = GENESIS, 0
    for entry in entries:
        count += 1
        fault = _fault(entry, count, previous)
        if fault is not None:
            return ChainReport(entries=count, head=previous, fault=ChainFault(seq=count, fault=fault))
        previous = entry.hash
    if head is not None and (head.seq, head.hash) != (count, previous):
        fault = f"the chain ends at {count}, but its head says {head.seq}: entries were cut off or added"
        return ChainReport(entries=count, head=previous, fault=ChainFault(seq=count + 1, fault=fault))
    return ChainReport(entries=count, head=previous)


def _fault(entry: AuditEntry, expected_seq: int, previous: str) -> str | None:
    if entry.seq != expected_seq:
        return f"entry {expected_seq} is missing; the next one is {entry.seq}"
    if entry.previous_hash != previous:
        return "its predecessor was changed, replaced or reordered"
    try:
        actual, written = digest(entry), rfc8785.dumps(json.loads(entry.payload)).decode()
    except (ValueError, RecursionError):
        return "its payload is not JSON any more"
    # The hash covers what the payload means. Its very letters are checked too: a repeated key would hide one meaning.
    if actual != entry.hash or written != entry.payload:
        return "its own fields were changed"
    return None


def verify_all(session: Session) -> ChainReport:
    """Verify the stored chain, reading it in pages so that memory stays flat."""
    head = session.get(AuditHead, 1)
    report = verify(_paged(session), head)
    if head is None and report.fault is None:
        gone = ChainFault(seq=report.entries + 1, fault="the head of the chain was removed: entries may have been too")
        return report.model_copy(update={"fault": gone})
    return report


def latest(session: Session, limit: int, subject: str | None = None) -> list[AuditEntry]:
    """The newest entries, newest first; those of one subject (`incident:7`, `plan:3`) if given."""
    query = select(AuditEntry).order_by(col(AuditEntry.seq).desc()).limit(limit)
    if subject is not None:
        query = query.where(AuditEntry.subject == subject)
    return list(session.exec(query))


def _paged(session: Session, page: int = 2000) -> Iterable[AuditEntry]:
    query = sa.select(AuditEntry).order_by(col(AuditEntry.seq)).execution_options(yield_per=page)
    with session.execute(query) as result:  # closed also when the walk ends at a fault, half-way
        for (entry,) in result:
            session.expunge(entry)
            yield entry


def timeline(session: Session, incident_id: int, limit: int = 90) -> list[AuditEntry]:
    """What happened to an incident and its plans, oldest first."""
    plan_ids = session.exec(select(Plan.id).where(Plan.incident_id == incident_id))
    subjects = [f"incident:{incident_id}", *(f"plan:{plan_id}" for plan_id in plan_ids)]
    newest = select(AuditEntry).where(col(AuditEntry.subject).in_(subjects)).order_by(col(AuditEntry.seq).desc())
    return list(reversed(session.exec(newest.limit(limit)).all()))


def moment(entry: AuditEntry) -> datetime:
    """When the entry was written."""
    return EPOCH + timedelta(microseconds=entry.at)
