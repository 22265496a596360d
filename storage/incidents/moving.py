"""Moving an incident along: its status, what was concluded about it, and looking at it once more."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from storage import audit
from storage.incidents.reading import get
from storage.tables import Incident, IncidentStatus, Likeness, Mind
from tools.changes import Change
from tools.evidence import Evidence, Proposal, Severity
from tools.radius import BlastRadius
from tools.severity import Category, Weighed, category_of_finding
from tools.values import JsonValue


def move(
    session: Session,
    incident_id: int,
    to: IncidentStatus,
    at: datetime,
    *,
    note: str | None = None,
    actor: str = audit.BOT,
) -> bool:
    """Move an open incident on. A closed one stays closed: False, and nothing is written."""
    values: dict[str, object] = {"status": to, "note": note}
    if to is IncidentStatus.RESOLVED:
        values |= {"open_key": None, "resolved_at": at}
    changed = session.execute(
        sa.update(Incident)
        .where(col(Incident.id) == incident_id, col(Incident.open_key).is_not(None), col(Incident.status) != to)
        .values(**values)
    )
    if changed.rowcount != 1:  # type: ignore[attr-defined]
        return False
    audit.append(
        session, actor=actor, event=f"incident.{to}", subject=f"incident:{incident_id}", payload={"note": note}, at=at
    )
    return True


def look_again(session: Session, incident: Incident, note: str) -> None:
    """Start over with an open incident: the next investigation is a run of its own."""
    incident.status, incident.looks, incident.note = IncidentStatus.OPEN, incident.looks + 1, note
    incident.proposal, incident.evidence, incident.gaps, incident.advice = None, None, None, None
    incident.second, incident.remarks, incident.changes, incident.radius = None, None, None, None
    incident.seen_before = None
    session.add(incident)
    session.flush()


def conclude(
    session: Session,
    incident_id: int,
    *,
    mind: Mind,
    proposal: Proposal,
    evidence: tuple[Evidence, ...],
    gaps: tuple[str, ...],
    advice: str | None,
    second: Proposal | None,
    at: datetime,
    remarks: tuple[str, ...] = (),
    changes: tuple[Change, ...] = (),
    radius: BlastRadius | None = None,
) -> None:
    """Keep what the investigation concluded, with the evidence it rests on."""
    incident = get(session, incident_id)
    incident.mind, incident.proposal, incident.evidence = mind, proposal, evidence
    incident.gaps, incident.advice, incident.second, incident.remarks = gaps, advice, second, remarks
    incident.changes, incident.radius = changes, radius
    found = category_of_finding(proposal.findings[0].code) if proposal.findings else Category.UNKNOWN
    if found is not Category.UNKNOWN:
        incident.category = found
    session.add(incident)
    findings: list[JsonValue] = [finding.code for finding in proposal.findings]
    audit.append(
        session,
        actor=audit.BOT,
        event="incident.investigated",
        subject=f"incident:{incident_id}",
        payload={"mind": mind.model or "rules", "findings": findings, "gaps": list(gaps)},
        at=at,
    )


def keep_reminders(session: Session, incident: Incident, reminders: tuple[Likeness, ...]) -> None:
    """Keep what the incident reads like. It decides nothing, so the record does not tell of it."""
    incident.seen_before = reminders
    session.add(incident)
    session.flush()


def raise_severity(session: Session, incident_id: int, weighed: Weighed, at: datetime) -> bool:
    """Make an incident more severe, and say why. False, and nothing is written, where it is as severe already."""
    worse = [severity for severity in Severity if severity > weighed.severity]
    changed = session.execute(
        sa.update(Incident)
        .where(col(Incident.id) == incident_id, col(Incident.severity).in_(worse))
        .values(severity=weighed.severity)
    )
    if changed.rowcount != 1:  # type: ignore[attr-defined]
        return False
    payload: dict[str, JsonValue] = {"to": weighed.severity, "why": weighed.why}
    subject = f"incident:{incident_id}"
    audit.append(session, actor=audit.BOT, event="incident.severity_raised", subject=subject, payload=payload, at=at)
    return True
