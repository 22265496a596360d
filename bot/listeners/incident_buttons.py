"""The buttons of an incident's card: what happened in it, and looking at it once more."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlmodel import Session

from bot import cards
from bot.intake import start_triage
from bot.listeners.answering import beside, show, tell
from bot.listeners.payloads import Press, press_of
from bot.naming import incident_number
from bot.people import NotAllowed
from bot.record.account import happening
from bot.views import ephemeral, modals
from bot.views.blocks import Message, View
from bot.views.ids import ActionId
from storage import audit, incidents
from storage.tables import AuditEntry, Incident, IncidentStatus

if TYPE_CHECKING:
    from slack_bolt import Ack, App
    from slack_sdk import WebClient

    from bot.desk import Desk

AGAIN = (IncidentStatus.NEEDS_HUMAN, IncidentStatus.MITIGATED)
"""Where an incident may be looked at again: nobody works on it, and it is not over."""


def register(app: App, desk: Desk) -> None:
    """Timeline and Look again."""

    def timeline(press: Press, client: WebClient) -> None:
        show(client, press, _timeline(press.value, desk))

    def investigate(press: Press, client: WebClient) -> None:
        tell(client, beside(press), look_again(press.value, press.user_id, press.team_id, desk))

    app.action(ActionId.TIMELINE)(_pressed(timeline))
    app.action(ActionId.INVESTIGATE)(_pressed(investigate))


def look_again(incident_name: str, user_id: str, team_id: str, desk: Desk) -> Message:
    """Start a fresh investigation of an open incident, unless one runs or a plan is being carried out."""
    person = desk.people.identify(user_id, team_id)
    at = desk.now()
    with desk.database.writing() as session:
        incident = _incident(session, incident_name)
        subject = f"incident:{incident.id if incident is not None else 0}"
        if isinstance(person, NotAllowed):
            refused = {"reason": person.reason, "team": team_id}
            audit.append(session, actor=user_id, event="click.refused", subject=subject, payload={**refused}, at=at)
            return ephemeral.unauthorised(person.reason)
        if incident is None or incident.status not in AGAIN:
            return ephemeral.note("There is nothing to look at again: the incident is closed or being worked on.")
        incidents.look_again(session, incident, "Looking again, as somebody asked.")
        audit.append(session, actor=user_id, event="incident.look_again", subject=subject, payload={}, at=at)
        cards.show_incident(session, incident, desk)
    start_triage(incident, desk)
    return ephemeral.note("Looking again.")


def _pressed(handler: Callable[[Press, WebClient], None]) -> Callable[..., None]:
    def pressed(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        handler(press_of(body), client)
        ack()

    return pressed


def _timeline(incident_name: str, desk: Desk) -> View:
    with desk.database.reading() as session:
        incident = _incident(session, incident_name)
        if incident is None:
            return modals.notice("There is no such incident.")
        entries = audit.timeline(session, incident.id or 0)
        shown = [modals.TimelineEntry(at=audit.moment(one), actor=one.actor, event=_told(one)) for one in entries]
        shown += [
            modals.TimelineEntry(at=one.at, actor=one.by or one.source, event=f"{one.resource}: {one.what}")
            for one in incident.changes or ()
        ]
        ordered = tuple(sorted(shown, key=lambda one: one.at))
        return modals.timeline(modals.Timeline(incident_id=incident_name, entries=ordered))


def _told(entry: AuditEntry) -> str:
    """An entry in plain words, led by the plan it is about."""
    plan = entry.subject.removeprefix("plan:")
    return f"P-{plan}: {happening(entry).words}" if plan != entry.subject else happening(entry).words


def _incident(session: Session, name: str) -> Incident | None:
    return session.get(Incident, incident_number(name))
