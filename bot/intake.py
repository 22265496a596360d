"""Alerts at the door, whatever brought them: recorded and folded in one transaction, triage started for what is new."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session

from bot import cards, crowds
from bot.alerts import ParsedAlert
from bot.alerts.subjects import subject
from bot.alerts.weights import category_of, severity_of
from bot.desk import Desk
from bot.memory.remembering import remember
from bot.people.services import NONE, Services
from storage import audit, executions, incidents, plans
from storage.incidents import AlertNews, Received
from storage.tables import Incident, IncidentStatus, PlanStatus
from tools.subjects import AwsSubject, KubernetesSubject
from tools.values import Value


class Receipt(Value):
    """What became of a delivery's alerts."""

    opened: int = 0
    joined: int = 0
    folded: int = 0
    resolved: int = 0


def receive(alerts: Sequence[ParsedAlert], desk: Desk) -> Receipt:
    """Record a delivery, all of it or nothing, and start what follows from it.

    Two replicas may be told of one incident at the same moment: writers take turns, so the second one joins it.
    """
    with desk.database.writing() as session:
        received = [_receive_one(session, news_of(alert, desk.environment, desk.services), desk) for alert in alerts]
        decisive = {one.incident_id for one in received if one.opened or one.quiet or one.reopened}
        told_of = {one.incident_id for one in received if one.incident_id is not None}
        for incident_id in sorted(told_of):  # once each: a group's alerts mostly share one
            incident = incidents.get(session, incident_id)
            crowds.show(session, incident, desk, at_once=incident_id in decisive)
        fresh = [incidents.get(session, one.incident_id) for one in received if one.opened and one.incident_id]
    for alert in alerts:
        desk.metrics.alerts.labels(source=alert.source).inc()
    for one, alert in zip(received, alerts, strict=True):
        if one.duplicate:
            desk.metrics.alerts_folded.labels(source=alert.source).inc()
    for incident in fresh:
        desk.metrics.incidents.labels(severity=incident.severity).inc()
        start_triage(incident, desk)
    return Receipt(
        opened=sum(one.opened for one in received),
        folded=sum(one.duplicate for one in received),
        resolved=sum(one.quiet for one in received),
        joined=sum(not (one.opened or one.duplicate or one.quiet) for one in received),
    )


def news_of(alert: ParsedAlert, environment: str, services: Services = NONE) -> AlertNews:
    """What the record needs of an alert; `environment` is for alerts that name none.

    A label may say where something is only as long as nobody wrote it down: it decides which rules hold.
    """
    about, fields = subject(alert), alert.model_dump(exclude={"group_key"})
    reported = alert.environment or environment
    match about:
        case KubernetesSubject(namespace=place) | AwsSubject(region=place):
            reported = services.environment(place, reported)
    known_as, kind = services.known_as(alert.service), category_of(alert)
    told = {"environment": reported, "service": known_as, "severity": severity_of(alert, kind, reported)}
    return AlertNews(**{**fields, **told}, subject=about, category=kind)


def start_triage(incident: Incident, desk: Desk) -> None:
    """Start the incident's current look. Started twice, it runs once."""
    desk.durable.start("triage", f"triage-{incident.id}-{incident.looks}", incident.id, incident.looks)


def _receive_one(session: Session, alert: AlertNews, desk: Desk) -> Received:
    around = desk.services.topology
    received = incidents.receive(session, alert, channel=desk.channel, at=desk.now(), around=around)
    if received.quiet and received.incident_id is not None:
        stand_down(session, received.incident_id, desk)
    return received


def stand_down(session: Session, incident_id: int, desk: Desk) -> None:
    """The last firing alert has cleared: close what still waits for people. What already runs finishes by itself."""
    # Taking a fix back has nothing to do with the alert.
    cancel_open_plans(session, incident_id, "The alert cleared by itself.", desk)
    if not any(plan.status in plans.RUNNING for plan in plans.of_incident(session, incident_id)):
        incidents.move(session, incident_id, IncidentStatus.RESOLVED, desk.now(), note="The alert has cleared.")
        remember(session, incident_id, desk.now())


def cancel_open_plans(
    session: Session, incident_id: int, why: str, desk: Desk, *, actor: str = audit.BOT, undos: bool = False
) -> None:
    """Close the incident's plans that wait for people, or were approved and have not begun."""
    for plan in plans.of_incident(session, incident_id):
        if plan.status in plans.OPEN and (undos or plan.undoes is None):
            plans.move(session, plan, PlanStatus.CANCELLED, desk.now(), actor=actor, outcome=why)
            executions.release_locks(session, plan.id or 0)  # approved, and about to start
            desk.metrics.plans.labels(outcome=PlanStatus.CANCELLED).inc()
            cards.refresh(session, plan, desk)
