"""Alerts and incidents: folding what comes in, and moving an incident along."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit
from storage.tables import Alert, AlertStatus, AuditEntry, Incident, IncidentStatus, Mind
from tools.changes import Change
from tools.evidence import Evidence, Proposal, Severity
from tools.radius import BlastRadius
from tools.subjects import AwsSubject, KubernetesSubject, Subject
from tools.values import JsonValue, Value

POD_SUFFIX = re.compile(r"(-[a-f0-9]{6,10})?-[bcdfghjklmnpqrstvwxz2456789]{5}$")
"""What a Deployment's pods append to its name: the template hash and five random characters, never a vowel, so that
`redis-cache` is no pod of `redis`."""


class AlertNews(Value):
    """An alert as it was parsed: what the record needs of it."""

    fingerprint: str
    source: str
    name: str
    severity: Severity
    status: AlertStatus
    service: str | None
    environment: str
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: datetime
    ends_at: datetime | None
    generator_url: str | None
    subject: Subject | None


class Received(Value):
    """What became of an alert. `opened`: a new incident needs triage; `quiet`: its last firing alert has resolved."""

    alert_id: int
    incident_id: int | None
    opened: bool = False
    quiet: bool = False
    duplicate: bool = False


def receive(session: Session, news: AlertNews, *, channel: str, at: datetime) -> Received:
    """Record one delivery of an alert: fold a repeat, join the open incident of its cause, or open one."""
    known = session.exec(
        select(Alert).where(Alert.fingerprint == news.fingerprint, Alert.starts_at == news.starts_at).with_for_update()
    ).one_or_none()
    if known is not None:
        return _seen_again(session, known, news, at)
    if news.status is AlertStatus.RESOLVED:
        return _resolved_episode(session, news, at)
    incident, opened = _open_or_join(session, news, channel, at)
    alert = _record(session, news, incident.id, at)
    _audit(session, incident, "incident.opened" if opened else "incident.joined", at, {"alert": alert.name})
    assert alert.id is not None
    return Received(alert_id=alert.id, incident_id=incident.id, opened=opened)


def look_again(session: Session, incident: Incident, note: str) -> None:
    """Start over with an open incident: the next investigation is a run of its own."""
    incident.status, incident.looks, incident.note = IncidentStatus.OPEN, incident.looks + 1, note
    incident.proposal, incident.evidence, incident.gaps, incident.advice = None, None, None, None
    incident.second, incident.remarks, incident.changes, incident.radius = None, None, None, None
    session.add(incident)
    session.flush()


def _record(session: Session, news: AlertNews, incident_id: int | None, at: datetime) -> Alert:
    fields = news.model_dump(exclude={"environment", "subject"})
    alert = Alert(**fields, incident_id=incident_id, received_at=at, last_seen_at=at)
    session.add(alert)
    session.flush()
    return alert


def _seen_again(session: Session, alert: Alert, news: AlertNews, at: datetime) -> Received:
    alert.last_seen_at = at
    alert.times += news.status is AlertStatus.FIRING
    ended = alert.status == AlertStatus.FIRING and news.status is AlertStatus.RESOLVED
    if ended:
        alert.status, alert.ends_at = AlertStatus.RESOLVED, news.ends_at or at
    session.add(alert)
    session.flush()
    assert alert.id is not None
    if ended and alert.incident_id is not None:
        subject = f"incident:{alert.incident_id}"
        audit.append(
            session, actor=audit.BOT, event="alert.resolved", subject=subject, payload={"alert": alert.name}, at=at
        )
    quiet = ended and alert.incident_id is not None and not firing(session, alert.incident_id)
    return Received(alert_id=alert.id, incident_id=alert.incident_id, quiet=quiet, duplicate=not ended)


def _resolved_episode(session: Session, news: AlertNews, at: datetime) -> Received:
    """A resolution that does not say when it began (CloudWatch says only when it ended): ends what fired until then.

    Deliveries may overtake each other: an old end says nothing about an alert that has begun since.
    """
    firing_then = (
        Alert.fingerprint == news.fingerprint,
        Alert.status == AlertStatus.FIRING,
        col(Alert.starts_at) <= (news.ends_at or news.starts_at),
    )
    alerts = session.exec(select(Alert).where(*firing_then).with_for_update()).all()
    if not alerts:
        unknown = _record(session, news, None, at)
        assert unknown.id is not None
        return Received(alert_id=unknown.id, incident_id=None)
    return [_seen_again(session, alert, news, at) for alert in alerts][-1]


def _open_or_join(session: Session, news: AlertNews, channel: str, at: datetime) -> tuple[Incident, bool]:
    key = correlation_key(news)
    incident = session.exec(select(Incident).where(Incident.open_key == key).with_for_update()).one_or_none()
    if incident is not None:
        incident.severity = min(Severity(incident.severity), news.severity)
        back = incident.status == IncidentStatus.MITIGATED
        if back:
            look_again(session, incident, "It is back: a new alert fired after the fix was verified.")
        session.add(incident)
        return incident, back
    incident = Incident(
        title=news.annotations.get("summary") or news.name,
        service=news.service,
        environment=news.environment,
        severity=news.severity,
        status=IncidentStatus.OPEN,
        open_key=key,
        subject=news.subject,
        opened_at=at,
        active_at=at,
        channel=channel,
    )
    session.add(incident)
    session.flush()
    return incident, True


def correlation_key(news: AlertNews) -> str:
    """What two alerts of one cause share: the workload they are about, else the alert itself.

    A pod's name counts as its Deployment's, so that a crash loop and the error rate it causes are one incident.
    """
    match news.subject:
        case KubernetesSubject(namespace=namespace, deployment=deployment, service=service, pod=pod):
            workload = deployment or service or (POD_SUFFIX.sub("", pod) if pod else news.service or news.name)
            return f"{news.environment}:kubernetes:{namespace}:{workload}"
        case AwsSubject(region=region, alarm=alarm, dimensions=dimensions):
            resource = ",".join(f"{key}={value}" for key, value in sorted(dimensions.items())) or alarm
            return f"{news.environment}:aws:{region}:{resource}"
        case None:
            return f"{news.environment}:alert:{news.service or news.fingerprint}:{news.name}"


def firing(session: Session, incident_id: int) -> int:
    """How many alerts of the incident still fire."""
    query = select(sa.func.count()).where(Alert.incident_id == incident_id, Alert.status == AlertStatus.FIRING)
    return session.exec(query).one()


def alerts_of(session: Session, incident_id: int) -> list[Alert]:
    """The incident's alerts, oldest first."""
    return list(session.exec(select(Alert).where(Alert.incident_id == incident_id).order_by(col(Alert.id))))


def get(session: Session, incident_id: int) -> Incident:
    """The incident; KeyError when there is none."""
    incident = session.get(Incident, incident_id)
    if incident is None:
        raise KeyError(f"there is no incident {incident_id}")
    return incident


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
    session.add(incident)
    findings: list[JsonValue] = [finding.code for finding in proposal.findings]
    _audit(
        session,
        incident,
        "incident.investigated",
        at,
        {"mind": mind.model or "rules", "findings": findings, "gaps": list(gaps)},
    )


def _audit(session: Session, incident: Incident, event: str, at: datetime, payload: Mapping[str, JsonValue]) -> None:
    audit.append(session, actor=audit.BOT, event=event, subject=f"incident:{incident.id}", payload=payload, at=at)
