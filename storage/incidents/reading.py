"""Looking at incidents and their alerts. Nothing here writes."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit
from storage.tables import Alert, AlertStatus, AuditEntry, Incident, IncidentStatus, Joining


def get(session: Session, incident_id: int) -> Incident:
    """The incident; KeyError when there is none."""
    incident = session.get(Incident, incident_id)
    if incident is None:
        raise KeyError(f"there is no incident {incident_id}")
    return incident


def alerts_of(session: Session, incident_id: int, limit: int | None = None) -> list[Alert]:
    """The incident's alerts, oldest first."""
    query = select(Alert).where(Alert.incident_id == incident_id).order_by(col(Alert.id)).limit(limit)
    return list(session.exec(query))


def rings(session: Session, incident_id: int) -> int:
    """How often the incident's alerts were delivered, repeats counted."""
    return session.exec(select(sa.func.sum(Alert.times)).where(Alert.incident_id == incident_id)).one() or 0


def firing(session: Session, incident_id: int) -> int:
    """How many alerts of the incident still fire."""
    query = select(sa.func.count()).where(Alert.incident_id == incident_id, Alert.status == AlertStatus.FIRING)
    return session.exec(query).one()


def joinings_of(session: Session, incident_id: int) -> list[Joining]:
    """Why each alert is in the incident, oldest first; what people took out is not among them."""
    there = (Joining.incident_id == incident_id, col(Joining.undone_at).is_(None))
    return list(session.exec(select(Joining).where(*there).order_by(col(Joining.id))))


def anchor_of(session: Session, incident_id: int) -> str:
    """The identity of the alert that opened the incident; empty for one that an older sayso opened."""
    opened = select(Joining.identity).where(Joining.incident_id == incident_id).order_by(col(Joining.id)).limit(1)
    return session.exec(opened).first() or ""


def listed(session: Session, *, only_open: bool, limit: int) -> list[Incident]:
    """Incidents, newest first."""
    query = select(Incident).order_by(col(Incident.id).desc()).limit(limit)
    if only_open:
        query = query.where(col(Incident.open_key).is_not(None))
    return list(session.exec(query))


def waiting_for_triage(session: Session) -> list[Incident]:
    """Incidents that were opened and never looked at: what a crash between the two leaves behind."""
    waiting = (IncidentStatus.OPEN, IncidentStatus.INVESTIGATING)
    return list(session.exec(select(Incident).where(col(Incident.status).in_(waiting))))


def unexplained(session: Session, *, until: datetime, opened_after: datetime) -> list[int]:
    """Incidents whose first look found nothing and ended by `until`, and whose alert still fires."""
    firing_ones = select(Alert.incident_id).where(Alert.status == AlertStatus.FIRING)
    query = select(Incident).where(
        Incident.status == IncidentStatus.NEEDS_HUMAN,
        Incident.looks == 1,
        col(Incident.opened_at) > opened_after,
        col(Incident.id).in_(firing_ones),
    )
    nothing = [one for one in session.exec(query) if one.proposal is not None and not one.proposal.findings]
    return [one.id or 0 for one in nothing if _left_to_people_at(session, one) <= until]


def _left_to_people_at(session: Session, incident: Incident) -> datetime:
    subject, event = f"incident:{incident.id}", f"incident.{IncidentStatus.NEEDS_HUMAN}"
    query = select(AuditEntry).where(AuditEntry.subject == subject, AuditEntry.event == event)
    return audit.moment(session.exec(query.order_by(col(AuditEntry.seq).desc()).limit(1)).one())
