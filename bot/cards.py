"""Rows -> what the cards show -> the outbox, in the transaction of the change they tell of. Decides nothing."""

from __future__ import annotations

import hashlib
import json

from sqlmodel import Session

from bot.desk import Desk
from bot.naming import incident_name, plan_name
from bot.plan_cards import PINGING, plan_card, usergroup_of
from bot.views import evidence as evidence_view
from bot.views import incident as incident_view
from bot.views import plan as plan_view
from bot.views.around import Reminder
from bot.views.blocks import Message
from bot.views.feedback import Voice
from storage import beside, feedback, incidents, messages, plans
from storage.tables import Incident, IncidentStatus, Mind, Plan
from tools.values import JsonValue

__all__ = [
    "INCIDENT_STATES",
    "PINGING",
    "incident_card",
    "incident_name",
    "plan_card",
    "plan_name",
    "refresh",
    "seen",
    "show",
    "show_evidence",
    "show_incident",
    "show_plan",
    "show_reply",
    "show_rivals",
    "usergroup_of",
]

INCIDENT_STATES: dict[str, incident_view.IncidentState] = {
    IncidentStatus.OPEN: incident_view.IncidentState.INVESTIGATING,
    IncidentStatus.INVESTIGATING: incident_view.IncidentState.INVESTIGATING,
    IncidentStatus.AWAITING_APPROVAL: incident_view.IncidentState.AWAITING_APPROVAL,
    IncidentStatus.REMEDIATING: incident_view.IncidentState.REMEDIATING,
    IncidentStatus.MITIGATED: incident_view.IncidentState.MITIGATED,
    IncidentStatus.RESOLVED: incident_view.IncidentState.RESOLVED,
    IncidentStatus.NEEDS_HUMAN: incident_view.IncidentState.NEEDS_PERSON,
}


def refresh(session: Session, plan: Plan, desk: Desk) -> None:
    """Show the plan and its incident as they now are, and the plan it takes back, if it does."""
    show_plan(session, plan, desk)
    if plan.undoes is not None:
        show_plan(session, plans.get(session, plan.undoes), desk)
    if plan.status in plans.ENDS:
        show_rivals(session, plan, desk)
    show_incident(session, incidents.get(session, plan.incident_id), desk)


def show_incident(session: Session, incident: Incident, desk: Desk) -> None:
    """The incident's parent message."""
    key = f"incident:{incident.id}"
    card = incident_card(session, incident, messages.render_number(session, key), desk)
    show(session, key, incident_view.card(card), desk)


def show_rivals(session: Session, plan: Plan, desk: Desk) -> None:
    """The cards of plans that wait with the same targets: they name each other, so one that comes or goes is news."""
    for rival in beside.with_targets(session, plans.targets(plan), *plans.OPEN):
        if rival.id != plan.id:
            show_plan(session, rival, desk)


def show_evidence(session: Session, incident: Incident, desk: Desk) -> None:
    """What an investigation saw and concluded, as a reply in the incident's thread."""
    if incident.proposal is None:
        return
    report = evidence_view.EvidenceReport(
        incident_id=incident_name(incident.id),
        findings=incident.proposal.findings,
        evidence=incident.evidence or (),
        gaps=incident.gaps or (),
        remarks=incident.remarks or (),
        mind=_mind(incident.mind),
        look=incident.looks,
        changes=incident.changes or (),
        radius=incident.radius,
        reminders=_reminders(incident),
        voices=_voices(session, incident),
    )
    key = f"incident:{incident.id}:evidence:{incident.looks}"
    show(session, key, evidence_view.report(report), desk, thread=f"incident:{incident.id}")


def _voices(session: Session, incident: Incident) -> tuple[Voice, ...]:
    """What people thought of the latest look."""
    given = feedback.of_incident(session, incident.id or 0)
    latest = (one for one in given if one.look == incident.looks)
    return tuple(Voice(user_id=one.user_id, opinion=one.verdict, reason=one.reason) for one in latest)


def _joined(session: Session, incident: Incident) -> tuple[str, ...]:
    """The latest alerts that joined an incident, and why."""
    latest = incidents.latest_memberships(session, incident.id or 0)
    return tuple(f"{name}: {'; '.join(one.reasons)}" for name, one in latest)


def _reminders(incident: Incident) -> tuple[Reminder, ...]:
    """What it is like on record."""
    return tuple(
        Reminder(ref=one.ref, title=one.title, fix=one.fix, matched=one.matched, url=one.url)
        for one in incident.seen_before or ()
    )


def show_plan(session: Session, plan: Plan, desk: Desk) -> None:
    """The plan's card, in the incident's thread."""
    key = f"plan:{plan.id}"
    card = plan_card(session, plan, messages.render_number(session, key), desk)
    thread = f"incident:{plan.incident_id}"
    show(session, key, plan_view.card(card), desk, thread=thread, priority=1)


def seen(session: Session, plan: Plan) -> dict[str, JsonValue]:
    """What people had before them when they pressed a button: which rendering of the card, and the hash of its words.

    `card_sha256` is of the rendering `wanted`; where `shown` is older, Slack had not yet taken the newest.
    """
    message = messages.find(session, f"plan:{plan.id}")
    if message is None:
        return {"card_sha256": None}
    digest = hashlib.sha256(message.wanted.encode()).hexdigest()
    return {"card_sha256": digest, "wanted": message.wanted_render, "shown": message.posted_render, "ts": message.ts}


def show(
    session: Session,
    key: str,
    body: Message,
    desk: Desk,
    *,
    thread: str | None = None,
    channel: str | None = None,
    priority: int = 3,
) -> None:
    """Wish a message, unless it says the same as before: a render number alone is no news."""
    known = messages.find(session, key)
    if known is not None and _said(json.loads(known.wanted)) == _said(body):
        return
    where = channel or desk.channel
    messages.want(session, key, channel=where, body=body, at=desk.now(), thread_key=thread, priority=priority)


def show_reply(session: Session, key: str, channel: str, thread_ts: str, body: Message, desk: Desk) -> None:
    """An answer to somebody's message, in its thread."""
    messages.want(session, key, channel=channel, body=body, at=desk.now(), thread_ts=thread_ts, priority=2)


def _said(value: object) -> object:
    """A message without what changes at every rendering: block ids and the time of the update."""
    if isinstance(value, dict):
        return {key: _said(inner) for key, inner in value.items() if key != "block_id"}
    if isinstance(value, list):
        return [_said(inner) for inner in value if not _is_foot(inner)]
    return value


def _is_foot(block: object) -> bool:
    """The small print with the time of the update."""
    return isinstance(block, dict) and str(block.get("block_id", "")).endswith(":foot")


def incident_card(session: Session, incident: Incident, render: int, desk: Desk) -> incident_view.IncidentCard:
    """All the parent message shows."""
    proposal, state = incident.proposal, INCIDENT_STATES[incident.status]
    cause = None
    if proposal is not None and proposal.findings:
        first = proposal.findings[0]
        by_model = incident.mind is not None and incident.mind.model is not None and incident.mind.failure is None
        cause = incident_view.Cause(
            statement=proposal.hypothesis,
            confidence=proposal.confidence,
            resource=first.resource,
            unverified=by_model,
        )
    if incident.status == IncidentStatus.NEEDS_HUMAN and not plans.of_incident(session, incident.id or 0):
        state = incident_view.IncidentState.NO_PLAN
    return incident_view.IncidentCard(
        id=incident_name(incident.id),
        render=render,
        state=state,
        severity=incident.severity,
        title=incident.title,
        service=incident.service or "unknown service",
        environment=incident.environment,
        since=incident.opened_at,
        updated_at=desk.now(),
        alerts=max(1, incidents.rings(session, incident.id or 0)),
        joined=_joined(session, incident),
        category=incident.category,
        cause=cause,
        evidence=incident.evidence or (),
        mind=_mind(incident.mind),
        gaps=incident.gaps or (),
        changes=incident.changes or (),
        radius=incident.radius,
        reminders=_reminders(incident),
        note=incident.note or incident.advice,
    )


def _mind(mind: Mind | None) -> incident_view.Mind | None:
    return None if mind is None else incident_view.Mind(**mind.model_dump())
