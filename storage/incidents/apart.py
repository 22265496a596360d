"""Taking incidents apart and putting them together, as people say: alerts move, plans do not, and both stay on record.

What is moved keeps why it was where it was: a merge can be taken back, and a split is remembered against the pair.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit, plans
from storage.incidents import belonging
from storage.incidents.belonging import Membership, free_key, remember
from storage.incidents.moving import look_again
from storage.incidents.reading import alerts_of
from storage.tables import Alert, Incident, IncidentStatus, Joining
from tools.evidence import Severity
from tools.subjects import Subject
from tools.values import JsonValue


class Refused(Exception):
    """It cannot be split or merged so; the message says why, for who asked."""


def split(
    session: Session, incident: Incident, identity: str, subject: Subject | None, *, by: str, at: datetime
) -> Incident:
    """Take an alert out of an open incident into one of its own, to be looked at anew. Raises Refused.

    What a merge brought in goes back as it came, with all that was merged with it. The caller holds the write
    transaction; `subject` is what the alert is about.
    """
    joined = belonging.memberships(session, incident.id or 0).get(identity)
    if incident.open_key is None:
        raise Refused(f"INC-{incident.id} is closed.")
    if joined is None:
        raise Refused("That alert is not in it any more.")
    origin = _merged_from(session, joined, incident)
    leaving = [one for one in alerts_of(session, incident.id or 0) if _leaves(session, one, identity, origin)]
    if not leaving or len(leaving) == len(alerts_of(session, incident.id or 0)):
        raise Refused("Nothing would be left in it.")
    apart = (
        _reopened(session, origin, leaving, at) if origin is not None else _new(session, incident, leaving, subject, at)
    )
    _take_out(session, leaving, incident, by, at)
    how = Membership(apart, "", look=True, reasons=(f"taken out of INC-{incident.id} by {by}",))
    _put_into(session, leaving, how, at)
    told: list[JsonValue] = [*sorted({one.name for one in leaving})]
    _audit(session, by, incident, "incident.split", at, {"alerts": told, "into": apart.id})
    _audit(session, by, apart, "incident.opened", at, {"alerts": told, "out_of": incident.id})
    return apart


def merge(session: Session, one: Incident, into: Incident, *, by: str, at: datetime, forced: bool = False) -> None:
    """Put an open incident's alerts into another open one, and close it. Raises Refused.

    Its open plans must be closed by the caller first: a plan is never carried over.
    """
    if one.id == into.id:
        raise Refused("That is one and the same incident.")
    for incident in (one, into):
        if incident.open_key is None:
            raise Refused(f"INC-{incident.id} is closed.")
    if one.environment != into.environment and not forced:
        raise Refused(f"INC-{one.id} is in {one.environment}, INC-{into.id} in {into.environment}.")
    absorb(session, one, into, at, reason=f"merged by {by}", by=by)


def absorb(session: Session, one: Incident, into: Incident, at: datetime, *, reason: str, by: str = audit.BOT) -> None:
    """Move every alert of an incident into another, and close it. Raises Refused while a plan of it could still run."""
    if any(plan.status in (*plans.OPEN, *plans.RUNNING) for plan in plans.of_incident(session, one.id or 0)):
        raise Refused(f"INC-{one.id} has a plan that is not at its end.")
    moved = alerts_of(session, one.id or 0)
    _put_into(session, moved, Membership(into, "", look=False, reasons=(f"was INC-{one.id}: {reason}",)), at)
    closing = {"status": IncidentStatus.RESOLVED, "open_key": None, "resolved_at": at, "merged_into": into.id}
    session.execute(
        sa.update(Incident)
        .where(col(Incident.id) == one.id, col(Incident.open_key).is_not(None))
        .values(**closing, note=f"Merged into INC-{into.id}.")
    )
    session.refresh(one)
    into.severity, into.active_at = min(Severity(into.severity), Severity(one.severity)), at
    session.add(into)
    _audit(session, by, one, "incident.merged", at, {"into": into.id, "reason": reason})
    _audit(session, by, into, "incident.took_over", at, {"from": one.id, "alerts": len(moved), "reason": reason})


def _merged_from(session: Session, joined: Joining, incident: Incident) -> Incident | None:
    """The incident that a merge brought the alert from, if it is still merged into this one."""
    before = select(Joining).where(Joining.alert_id == joined.alert_id, col(Joining.id) < joined.id)
    earlier = session.exec(before.order_by(col(Joining.id).desc()).limit(1)).first()
    origin = session.get(Incident, earlier.incident_id) if earlier is not None else None
    return origin if origin is not None and origin.merged_into == incident.id else None


def _leaves(session: Session, alert: Alert, identity: str, origin: Incident | None) -> bool:
    if origin is None:
        return alert.identity == identity
    was_there = select(Joining.id).where(Joining.alert_id == alert.id, Joining.incident_id == origin.id)
    return session.exec(was_there).first() is not None


def _new(
    session: Session, incident: Incident, leaving: Sequence[Alert], subject: Subject | None, at: datetime
) -> Incident:
    first = leaving[0]
    apart = Incident(
        title=first.annotations.get("summary") or first.name,
        service=first.service,
        environment=incident.environment,
        severity=min(Severity(one.severity) for one in leaving),
        status=IncidentStatus.OPEN,
        open_key=free_key(session, f"{incident.environment}:apart:{first.identity}", str(first.id)),
        subject=subject,
        opened_at=at,
        active_at=at,
        channel=incident.channel,
        note=f"Taken out of INC-{incident.id}.",
    )
    session.add(apart)
    session.flush()
    return apart


def _reopened(session: Session, origin: Incident, leaving: Sequence[Alert], at: datetime) -> Incident:
    origin.open_key = free_key(session, f"{origin.environment}:apart:{leaving[0].identity}", str(leaving[0].id))
    origin.resolved_at, origin.active_at = None, at
    note = f"Taken out of INC-{origin.merged_into} again."
    origin.merged_into = None
    look_again(session, origin, note)
    return origin


def _take_out(session: Session, leaving: Sequence[Alert], incident: Incident, by: str, at: datetime) -> None:
    """Mark why they were in it as taken back: the pair is not put together again."""
    numbers = [alert.id for alert in leaving]
    there = (col(Joining.alert_id).in_(numbers), col(Joining.incident_id) == incident.id)
    session.execute(
        sa.update(Joining).where(*there, col(Joining.undone_at).is_(None)).values(undone_at=at, undone_by=by)
    )


def _put_into(session: Session, moving: Sequence[Alert], membership: Membership, at: datetime) -> None:
    for alert in moving:
        alert.incident_id = membership.incident.id
        session.add(alert)
        remember(session, alert, membership, at)


def _audit(
    session: Session, actor: str, incident: Incident, event: str, at: datetime, payload: dict[str, JsonValue]
) -> None:
    audit.append(session, actor=actor, event=event, subject=f"incident:{incident.id}", payload=payload, at=at)
