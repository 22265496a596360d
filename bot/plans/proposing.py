"""From a rehearsed proposal to a plan people see: judged, written down, and asked about or left to run.

Whoever makes plans (triage, asking again, an edit, an undo) comes through here, so that each gets its window, its
escalation and its card. What a plan should do is decided elsewhere.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import Session

from bot import cards, facts
from bot.desk import Desk
from bot.plans import escalation, superseding
from bot.views.text import utc
from policies.decisions import Decision, Effect
from policies.engine import decide_all, summary
from storage import audit, incidents, plans
from storage.tables import Incident, IncidentStatus, Plan, PlanStatus
from tools.evidence import Proposal
from tools.previews import Rehearsal

DEFAULT_EXPIRY = timedelta(minutes=15)
"""For decisions that ask nobody: how long the plan may wait for a lock, or for people once its window is in doubt."""


@dataclass(frozen=True)
class Draft:
    """A plan before it is written down. `requester` and `steerers` are Slack ids of who asked for it."""

    incident_id: int
    look: int
    proposal: Proposal
    rehearsal: Rehearsal
    decision: Decision
    requester: str = audit.BOT
    steerers: tuple[str, ...] = ()
    replaces: int | None = None
    undoes: int | None = None


def judge(
    incident: Incident, proposal: Proposal, rehearsal: Rehearsal, desk: Desk, requester: str = audit.BOT
) -> Decision:
    """What policy says of the proposal as it was rehearsed, now. `requester` is who asked for exactly this."""
    at, known = desk.now(), desk.services
    with desk.database.reading() as session:
        policy = desk.rulebook.in_force(session)
        found = facts.of_plan(session, incident, proposal, rehearsal, policy, at, services=known, requester=requester)
        return decide_all(policy, found)


def write_down(session: Session, draft: Draft, desk: Desk) -> Plan:
    """The plan as policy says it stands, in the caller's transaction; open older plans of the incident end.

    One that is approved at once is for the caller to start, after the commit (`starting.start_if_free`).
    """
    at, decision = desk.now(), draft.decision
    window = timedelta(seconds=decision.window_s or 0) if decision.effect is Effect.AUTO_AFTER else None
    expiry = timedelta(seconds=decision.expires_s) if decision.expires_s is not None else DEFAULT_EXPIRY
    plan = plans.propose(
        session,
        incident_id=draft.incident_id,
        look=draft.look,
        proposal=draft.proposal,
        rehearsal=draft.rehearsal,
        decision=decision,
        status=first_status(decision),
        requester=draft.requester,
        steerers=draft.steerers,
        replaces=draft.replaces,
        undoes=draft.undoes,
        not_after=at + (window or timedelta()) + expiry,
        fires_at=at + window if window is not None else None,
        nonce=secrets.token_hex(16),
        at=at,
        outcome=None if decision.effect is not Effect.DENY else f"Policy: {summary(decision)}",
    )
    if plan.status in plans.OPEN:
        superseding.supersede_older(session, plan, desk)
    escalation.schedule(session, plan, desk)
    _move_incident(session, plan, desk)
    cards.refresh(session, plan, desk)
    cards.show_rivals(session, plan, desk)
    return plan


def first_status(decision: Decision) -> PlanStatus:
    """Where a fresh plan stands. In a veto window it waits like one that people are asked about."""
    match decision.effect:
        case Effect.AUTO:
            return PlanStatus.APPROVED
        case Effect.APPROVE | Effect.AUTO_AFTER:
            return PlanStatus.PENDING
        case Effect.DENY:
            return PlanStatus.REJECTED


def _move_incident(session: Session, plan: Plan, desk: Desk) -> None:
    at, to, note = desk.now(), IncidentStatus.AWAITING_APPROVAL, None
    if plan.decision.effect is Effect.DENY:
        to, note = IncidentStatus.NEEDS_HUMAN, f"Policy forbids the fix: {summary(plan.decision)}"
    elif plan.fires_at is not None:
        note = f"{cards.plan_name(plan.id)} runs at {utc(plan.fires_at)} unless somebody stops it."
    incidents.move(session, plan.incident_id, to, at, note=note)
