"""A second look, once, at an alert that still fires though the first look saw nothing wrong.

An alert may ring while the pods it is about are seconds old and have not failed yet.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from bot import cards
from bot.alerts.subjects import subject
from bot.desk import Desk
from bot.intake import start_triage
from storage import audit, incidents
from storage.tables import Incident
from tools.correlation.storms import root_candidates
from tools.subjects import Subject

AFTER = timedelta(seconds=30)
"""How long the first look's answer stands before the second begins."""
YOUNG = timedelta(minutes=10)
"""Older incidents are not a question of seconds any more."""
AT_MOST = 100
"""Most alerts that are asked where else to look."""
NOTE = "Nothing shows yet. Looking again in 30 s."


def will_follow(incident: Incident) -> bool:
    """Whether the look that ends now is looked after once more."""
    return incident.looks == 1 and incident.proposal is not None and not incident.proposal.findings


def look_again(desk: Desk) -> None:
    """Start the second look of every incident whose time has come."""
    at = desk.now()
    with desk.database.reading() as session:
        ripe = _ripe(session, at)
    for incident_id in ripe:
        with desk.database.writing() as session:
            if incident_id not in _ripe(session, at):
                continue  # somebody else was first, or it has cleared
            incident = incidents.get(session, incident_id)
            incident.subject = _elsewhere(session, incident, desk) or incident.subject
            incidents.look_again(
                session, incident, "Looking again: nothing showed at first, and the alert still fires."
            )
            subject, payload = f"incident:{incident_id}", {"looks": incident.looks}
            event = "incident.second_look"
            audit.append(session, actor=audit.BOT, event=event, subject=subject, payload={**payload}, at=at)
            cards.show_incident(session, incident, desk)
        start_triage(incident, desk)


def _elsewhere(session: Session, incident: Incident, desk: Desk) -> Subject | None:
    """What another of its alerts is about, the most upstream one first: what was looked at showed nothing."""
    alerts = incidents.alerts_of(session, incident.id or 0, limit=AT_MOST)
    profiles = [incidents.profile_of(alert, alert.identity) for alert in alerts]
    subjects = {one.about: subject(alert) for one, alert in zip(reversed(profiles), reversed(alerts), strict=True)}
    upstream = [subjects[one.name] for one in root_candidates(profiles, desk.services.topology)]
    return next((one for one in upstream if one not in (None, incident.subject)), None)


def _ripe(session: Session, at: datetime) -> list[int]:
    return incidents.unexplained(session, until=at - AFTER, opened_after=at - YOUNG)
