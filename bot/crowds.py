"""Incidents that change faster than people read: a storm's and a flapping one's cards are drawn at most so often.

What was left out is drawn by the sweep, so that the last word is always shown.
"""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import Session

from bot import cards
from bot.desk import Desk
from bot.naming import incident_name
from bot.views import storm as view
from storage import incidents, messages
from storage.tables import Incident

STORM_PACE, FLAP_PACE = timedelta(seconds=15), timedelta(minutes=1)
FLAPS = 2
"""From so many returns on an incident counts as flapping."""


def show(session: Session, incident: Incident, desk: Desk, *, at_once: bool) -> None:
    """The incident's card, and a storm's summary; later, where it was drawn just now and nothing decisive happened."""
    pace = _pace(incident)
    if pace is not None and not at_once and _drawn_within(session, incident, pace, desk):
        return
    cards.show_incident(session, incident, desk)
    if incidents.is_storm(incident):
        _show_summary(session, incident, desk)


def settle(desk: Desk) -> None:
    """Draw what has changed since it was drawn, and may be drawn again."""
    with desk.database.reading() as session:
        waiting = [one.id or 0 for one in incidents.unsettled(session, FLAPS)]
    for incident_id in waiting:
        with desk.database.writing() as session:
            show(session, incidents.get(session, incident_id), desk, at_once=False)


def _pace(incident: Incident) -> timedelta | None:
    if incidents.is_storm(incident):
        return STORM_PACE
    return FLAP_PACE if incident.flaps >= FLAPS else None


def _drawn_within(session: Session, incident: Incident, pace: timedelta, desk: Desk) -> bool:
    drawn = messages.find(session, f"incident:{incident.id}")
    return drawn is not None and drawn.changed_at > desk.now() - pace


def _show_summary(session: Session, incident: Incident, desk: Desk) -> None:
    """One message in the storm's thread, edited in place."""
    storm = incidents.storm_of(session, incident.id or 0, desk.services.topology)
    body = view.summary(incident_name(incident.id), storm)
    cards.show(session, f"incident:{incident.id}:storm", body, desk, thread=f"incident:{incident.id}")
