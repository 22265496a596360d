"""People take an alert out of an incident, or put two incidents together. Everybody in the workspace may; who it was
goes on the record. A plan is never carried over: what waits for people is cancelled, what runs is waited for.
"""

from __future__ import annotations

import re

from sqlmodel import Session

from bot import cards
from bot.alerts.subjects import subject
from bot.desk import Desk
from bot.intake import cancel_open_plans, stand_down, start_triage
from bot.naming import incident_name
from bot.people import NotAllowed, groups
from bot.views import ephemeral, modals
from bot.views import joined as joined_view
from bot.views.blocks import Message, View
from bot.views.joined import JoinedAlert, JoinedAlerts
from storage import audit, incidents, plans
from storage.incidents import Refused
from storage.tables import Alert, AlertStatus, Incident, IncidentStatus
from tools.values import Value

MERGE = re.compile(r"(?:INC-)?([0-9]{1,9})\s+(?:into|with)\s+(?:INC-)?([0-9]{1,9})(\s+anyway)?", re.IGNORECASE)


class Split(Value):
    """Who wants which alert (by identity) out of which incident."""

    user_id: str
    team_id: str
    incident_id: int
    identity: str


class Merge(Value):
    """Who wants which incident in which other one. `forced`: though they are in two environments."""

    user_id: str
    incident_id: int
    into: int
    forced: bool = False


def form(incident_id: int, desk: Desk) -> View:
    """The modal that lists what joined an incident; a notice where nothing did."""
    with desk.database.reading() as session:
        incident = session.get(Incident, incident_id)
        if incident is None:
            return modals.notice("There is no such incident. /sayso incidents lists the open ones.")
        if incident.open_key is None:
            return modals.notice("That incident is closed.")
        listed = joined(session, incident)
    return joined_view.form(listed) if listed.alerts else modals.notice("No other alert has joined it.")


def merge_of(words: str, user_id: str) -> Merge | str:
    """What somebody typed after `merge`; a sentence where that is no merge. `anyway`: though in two environments."""
    match = MERGE.fullmatch(words.strip())
    if match is None:
        return "Say which into which: /sayso merge INC-8 into INC-7"
    return Merge(user_id=user_id, incident_id=int(match[1]), into=int(match[2]), forced=match[3] is not None)


def joined(session: Session, incident: Incident) -> JoinedAlerts:
    """The alerts that joined an incident, each with why, for people to take one out."""
    members = incidents.memberships(session, incident.id or 0)
    by_identity: dict[str, list[Alert]] = {}
    for alert in incidents.alerts_of(session, incident.id or 0):
        by_identity.setdefault(alert.identity, []).append(alert)
    rows = [_row(alerts, members[one].reasons) for one, alerts in by_identity.items() if one in members]
    return JoinedAlerts(incident_id=incident_name(incident.id), alerts=tuple(rows))


def split(asked: Split, desk: Desk) -> Message:
    """Take an alert out, into an incident of its own that is looked at anew."""
    person = desk.people.identify(asked.user_id, asked.team_id)
    if isinstance(person, NotAllowed):
        return _turned_away(asked, person.reason, desk)
    with desk.database.writing() as session:
        incident = session.get(Incident, asked.incident_id)
        if incident is None:
            return ephemeral.note("There is no such incident.")
        about = next((subject(one) for one in _with(session, incident, asked.identity)), None)
        try:
            apart = incidents.split(session, incident, asked.identity, about, by=asked.user_id, at=desk.now())
        except Refused as refused:
            return ephemeral.note(f"{refused} Nothing was changed.")
        for one in (incident, apart):
            _close_if_quiet(session, one, desk)
            cards.show_incident(session, incidents.get(session, one.id or 0), desk)
        session.refresh(apart)
    if apart.status == IncidentStatus.OPEN:
        start_triage(apart, desk)
    out, name = incident_name(apart.id), incident_name(incident.id)
    return ephemeral.note(f"It is {out} now, and is looked at by itself. It will not be put into {name} again.")


def merge(asked: Merge, desk: Desk) -> Message:
    """Put an incident's alerts into another one and close it. Raises LookupFailed when Slack does not say who may."""
    may_cancel = bool(groups.mine(asked.user_id, desk))
    with desk.database.writing() as session:
        one, into = session.get(Incident, asked.incident_id), session.get(Incident, asked.into)
        if one is None or into is None:
            return ephemeral.note("There is no such incident. `/sayso incidents` lists the open ones.")
        waiting = [plan for plan in plans.of_incident(session, one.id or 0) if plan.status in plans.OPEN]
        if waiting and not may_cancel:
            return ephemeral.note(
                f"{incident_name(one.id)} has a plan that waits for people, and merging cancels it: only people of the "
                "approver groups may. Nothing was changed."
            )
        try:
            with session.begin_nested():
                why = f"{incident_name(one.id)} was merged into {incident_name(into.id)}."
                cancel_open_plans(session, one.id or 0, why, desk, actor=asked.user_id, undos=True)
                incidents.merge(session, one, into, by=asked.user_id, at=desk.now(), forced=asked.forced)
        except Refused as refused:
            return ephemeral.note(f"{refused} Nothing was changed.")
        for each in (one, into):
            cards.show_incident(session, each, desk)
    return ephemeral.note(f"{why} *Joined alerts* on its card takes it out again.")


def _row(alerts: list[Alert], reasons: tuple[str, ...]) -> JoinedAlert:
    return JoinedAlert(
        identity=alerts[0].identity,
        name=alerts[0].name,
        service=alerts[0].service,
        times=sum(one.times for one in alerts),
        firing=any(one.status == AlertStatus.FIRING for one in alerts),
        reasons=reasons,
    )


def _with(session: Session, incident: Incident, identity: str) -> list[Alert]:
    return [one for one in incidents.alerts_of(session, incident.id or 0) if one.identity == identity]


def _close_if_quiet(session: Session, incident: Incident, desk: Desk) -> None:
    if not incidents.firing(session, incident.id or 0):
        stand_down(session, incident.id or 0, desk)


def _turned_away(asked: Split, reason: str, desk: Desk) -> Message:
    with desk.database.writing() as session:
        event, about = "click.refused", f"incident:{asked.incident_id}"
        payload = {"reason": reason, "team": asked.team_id}
        audit.append(session, actor=asked.user_id, event=event, subject=about, payload={**payload}, at=desk.now())
    return ephemeral.unauthorised(reason)
