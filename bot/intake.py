"""Alerts at the door, whatever brought them: recorded and folded in one transaction, triage started for what is new."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session
from tenacity import retry, retry_if_exception_type, stop_after_attempt

from bot import cards
from bot.alerts import ParsedAlert
from bot.alerts.subjects import subject
from bot.desk import Desk
from storage import executions, incidents, plans
from storage.incidents import AlertNews, Received
from storage.tables import Incident, IncidentStatus, PlanStatus
from tools.values import Value


class Receipt(Value):
    """What became of a delivery's alerts."""

    opened: int = 0
    joined: int = 0
    folded: int = 0
    resolved: int = 0


@retry(retry=retry_if_exception_type(IntegrityError), stop=stop_after_attempt(5), reraise=True)
def receive(alerts: Sequence[ParsedAlert], desk: Desk) -> Receipt:
    """Record a delivery, all of it or nothing, and start what follows from it.

    Two replicas may open one incident at the same moment: the database lets one, and the other joins it.
    """
    with desk.database.writing() as session:
        received = [_receive_one(session, news_of(alert, desk.environment), desk) for alert in alerts]
        told_of = {one.incident_id for one in received if one.incident_id is not None}
        for incident_id in sorted(told_of):  # once each: a group's alerts mostly share one
            cards.show_incident(session, incidents.get(session, incident_id), desk)
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


def news_of(alert: ParsedAlert, environment: str) -> AlertNews:
    """What the record needs of an alert; `environment` is for alerts that name none."""
    fields = alert.model_dump(exclude={"group_key"})
    fields["environment"] = alert.environment or environment
    return AlertNews(**fields, subject=subject(alert))


def start_triage(incident: Incident, desk: Desk) -> None:
    """Start the incident's current look. Started twice, it runs once."""
    desk.durable.start("triage", f"triage-{incident.id}-{incident.looks}", incident.id, incident.looks)


def _receive_one(session: Session, alert: AlertNews, desk: Desk) -> Received:
    received = incidents.receive(session, alert, channel=desk.channel, at=desk.now())
    if received.quiet and received.incident_id is not None:
        stand_down(session, received.incident_id, desk)
    return received


def stand_down(session: Session, incident_id: int, desk: Desk) -> None:
    """The last firing alert has cleared: close what still waits for people. What already runs finishes by itself."""
    at, running = desk.now(), False
    for plan in plans.of_incident(session, incident_id):
        if plan.status in plans.OPEN:
            plans.move(session, plan, PlanStatus.CANCELLED, at, outcome="The alert cleared by itself.")
            executions.release_locks(session, plan.id or 0)  # approved, and about to start
            desk.metrics.plans.labels(outcome=PlanStatus.CANCELLED).inc()
            cards.show_plan(session, plan, desk)
        running = running or plan.status in plans.RUNNING
    if not running:
        incidents.move(session, incident_id, IncidentStatus.RESOLVED, at, note="The alert has cleared.")
