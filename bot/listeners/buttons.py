"""Button presses on cards. Identity and ids come from the payload; everything else is loaded from the record."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import structlog
from sqlmodel import Session

from bot import approval, cards
from bot.intake import start_triage
from bot.people import NotAllowed
from bot.views import ephemeral, modals
from bot.views.blocks import Message, View
from bot.views.ids import ActionId, PlanReference, parse_reference
from storage import audit, incidents, plans
from storage.tables import Incident, IncidentStatus, Verdict

if TYPE_CHECKING:
    from slack_bolt import Ack, App
    from slack_sdk import WebClient

    from bot.desk import Desk

log = structlog.get_logger(__name__)


def register(app: App, desk: Desk) -> None:
    """Approve, reject, details, timeline, look again; anything else is acknowledged and answered privately."""

    def approve(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        reference = parse_reference(_value(body))
        if reference is not None and approval.wants_reason(reference, desk):
            client.views_open(trigger_id=body["trigger_id"], view=modals.approve(reference))
            ack()
            return
        ack()
        if reference is None:
            _tell(client, body, ephemeral.unknown_plan())
            return
        _tell(client, body, approval.decide(click_of(body, reference, Verdict.APPROVE), desk))

    def reject(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        reference = parse_reference(_value(body))
        if reference is not None:  # opened before anything slow: the trigger lives three seconds
            client.views_open(trigger_id=body["trigger_id"], view=modals.reject(reference))
        ack()

    def details(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        client.views_open(trigger_id=body["trigger_id"], view=_details(parse_reference(_value(body)), desk))
        ack()

    def timeline(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        client.views_open(trigger_id=body["trigger_id"], view=_timeline(_value(body), desk))
        ack()

    def investigate(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        ack()
        _tell(client, body, look_again(_value(body), body["user"]["id"], body["user"].get("team_id", ""), desk))

    def unknown(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        ack()
        log.info("click.unknown", action=[action.get("action_id") for action in body.get("actions", [])])
        if "url" not in body["actions"][0]:
            _tell(client, body, ephemeral.unknown_click())

    app.action(ActionId.APPROVE)(approve)
    app.action(ActionId.REJECT)(reject)
    app.action(ActionId.DETAILS)(details)
    app.action(ActionId.TIMELINE)(timeline)
    app.action(ActionId.INVESTIGATE)(investigate)
    app.action(re.compile(".*"))(unknown)


def click_of(
    body: dict[str, Any], reference: PlanReference, verdict: Verdict, reason: str | None = None
) -> approval.Click:
    """The decision in a payload: who is only what Slack signed, which is only what the button was drawn for."""
    pressed = (body.get("actions") or [{}])[0]
    container = body.get("container") or {}
    view = body.get("view") or {}
    parts = (
        (body.get("team") or {}).get("id"),
        (body.get("channel") or {}).get("id"),
        container.get("message_ts") or view.get("id"),
        pressed.get("action_ts") or view.get("hash"),
        body["user"]["id"],
        pressed.get("action_id") or view.get("callback_id"),
    )
    return approval.Click(
        event_key="click:" + ":".join(str(part) for part in parts),
        user_id=body["user"]["id"],
        team_id=body["user"].get("team_id", ""),
        channel=(body.get("channel") or {}).get("id", ""),
        reference=reference,
        verdict=verdict,
        reason=reason,
    )


def look_again(incident_name: str, user_id: str, team_id: str, desk: Desk) -> Message:
    """Start a fresh investigation of an open incident, unless one runs or a plan is being carried out."""
    person = desk.people.identify(user_id, team_id)
    if isinstance(person, NotAllowed):
        return ephemeral.unauthorised(person.reason)
    with desk.database.writing() as session:
        incident = _incident(session, incident_name)
        again = (IncidentStatus.NEEDS_HUMAN, IncidentStatus.MITIGATED)
        if incident is None or incident.status not in again:
            return ephemeral.note("There is nothing to look at again: the incident is closed or being worked on.")
        incidents.look_again(session, incident, "Looking again, as somebody asked.")
        subject = f"incident:{incident.id}"
        audit.append(session, actor=user_id, event="incident.look_again", subject=subject, payload={}, at=desk.now())
        cards.show_incident(session, incident, desk)
    start_triage(incident, desk)
    return ephemeral.note("Looking again.")


def _details(reference: PlanReference | None, desk: Desk) -> View:
    with desk.database.reading() as session:
        try:
            plan = plans.get(session, approval.number_of(reference) if reference else 0)
        except KeyError:
            return modals.notice("There is no such plan.")
        incident = incidents.get(session, plan.incident_id)
        card = cards.plan_card(session, plan, 0, desk)
        return modals.details(card, plan.proposal.findings, incident.evidence or ())


def _timeline(incident_name: str, desk: Desk) -> View:
    with desk.database.reading() as session:
        incident = _incident(session, incident_name)
        if incident is None:
            return modals.notice("There is no such incident.")
        entries = audit.timeline(session, incident.id or 0)
        shown = tuple(modals.TimelineEntry(at=audit.moment(one), actor=one.actor, event=one.event) for one in entries)
        return modals.timeline(modals.Timeline(incident_id=incident_name, entries=shown))


def _incident(session: Session, name: str) -> Incident | None:
    digits = name.removeprefix("INC-")
    known = digits.isascii() and digits.isdigit() and len(digits) < 10
    return session.get(Incident, int(digits)) if known else None


def _value(body: dict[str, Any]) -> str:
    return str(body["actions"][0].get("value", ""))


def _tell(client: WebClient, body: dict[str, Any], message: Message) -> None:
    """A private answer where the click was made. A Home tab has no channel: then in their own messages.

    Slack shows it only to members of the channel; what was decided stands whether it can be shown or not.
    """
    from slack_sdk.errors import SlackApiError

    channel = (body.get("channel") or {}).get("id") or body["user"]["id"]
    thread = (body.get("message") or {}).get("thread_ts")
    told = {"channel": channel, "user": body["user"]["id"], "thread_ts": thread, **message}
    try:
        client.api_call("chat.postEphemeral", json={name: value for name, value in told.items() if value is not None})
    except SlackApiError as error:
        log.info("click.not_told", user=body["user"]["id"], error=str(error.response.get("error")))
