"""FLOW 1, durable: alert -> incident -> investigation -> rehearsal -> decision -> a plan posted, or a calm card.

Nothing is changed here: the investigation reads, the rehearsal dry-runs. What people see is in `bot.cards`.
"""

from __future__ import annotations

import secrets
import time
from datetime import timedelta

from sqlmodel import Session

from bot import cards, facts, standing
from bot.desk import Desk
from bot.durable import step
from bot.investigation.minds import think
from bot.logs import bound
from bot.rehearsal import NotPossible, rehearse
from bot.starting import start_if_free
from policies.decisions import Decision, Effect
from policies.engine import decide_all, summary
from storage import audit, incidents, plans
from storage.tables import Incident, IncidentStatus, Plan, PlanStatus
from tools.evidence import Proposal
from tools.previews import Rehearsal

DEFAULT_EXPIRY = timedelta(minutes=15)
"""For decisions that ask nobody: how long the plan may wait for a lock."""


def triage(incident_id: int, look: int, desk: Desk) -> str:
    """Find out what is wrong and ask for the fix. Returns where the incident stands."""
    with bound(incident=incident_id):
        step(begin, incident_id, desk)
        step(investigate, incident_id, desk)
        return step(propose, incident_id, look, desk)


def begin(incident_id: int, desk: Desk) -> None:
    """The incident is being looked at, and everybody can see it."""
    with desk.database.writing() as session:
        incidents.move(session, incident_id, IncidentStatus.INVESTIGATING, desk.now())
        cards.show_incident(session, incidents.get(session, incident_id), desk)


def investigate(incident_id: int, desk: Desk) -> None:
    """Let the minds think, and keep what they concluded with its evidence. Entered again, it simply looks again."""
    with desk.database.reading() as session:
        incident = incidents.get(session, incident_id)
        alerts = incidents.alerts_of(session, incident_id)
    started = time.monotonic()
    mind, conclusion = think(incident.subject, alerts, desk.minds, desk.readers, desk.now)
    desk.metrics.triage_seconds.labels(mind=mind.model or "rules").observe(time.monotonic() - started)
    with desk.database.writing() as session:
        incidents.conclude(
            session,
            incident_id,
            mind=mind,
            proposal=conclusion.proposal,
            evidence=conclusion.evidence,
            gaps=conclusion.gaps,
            advice=conclusion.advice,
            second=conclusion.second,
            remarks=conclusion.remarks,
            at=desk.now(),
        )
        incident = incidents.get(session, incident_id)
        cards.show_incident(session, incident, desk)
        cards.show_evidence(session, incident, desk)


def propose(incident_id: int, look: int, desk: Desk) -> str:
    """Rehearse the proposal, ask policy, write the plan down and show it; or leave it to a person."""
    with desk.database.reading() as session:
        incident = incidents.get(session, incident_id)
        existing = [plan for plan in plans.of_incident(session, incident_id) if plan.look == look]
    if existing or incident.proposal is None:
        return str(incident.status)
    if not incident.proposal.actions:
        return _leave_to_people(incident_id, incident.advice, desk)
    rehearsal = rehearse(incident.proposal, desk.writers)
    if isinstance(rehearsal, Rehearsal):
        return _post_plan(incident, incident.proposal, rehearsal, look, desk)
    second = rehearse(incident.second, desk.writers) if incident.second is not None else rehearsal
    if incident.second is None or isinstance(second, NotPossible):
        return _leave_to_people(incident_id, f"No plan: {rehearsal.reason}", desk)
    _note_failed_fix(incident_id, rehearsal.reason, desk)
    return _post_plan(incident, incident.second, second, look, desk)


def _note_failed_fix(incident_id: int, reason: str, desk: Desk) -> None:
    """The model's fix cannot be done; what follows is the rules'."""
    with desk.database.writing() as session:
        incident = incidents.get(session, incident_id)
        if incident.mind is not None:
            incident.mind = incident.mind.model_copy(update={"failure": f"its fix cannot be done ({reason})"})
        incident.proposal = incident.second
        session.add(incident)


def give_up_triage(incident_id: int, desk: Desk) -> str:
    """Something in sayso itself failed: the incident is a person's, and the log says what it was."""
    return _leave_to_people(incident_id, "sayso itself failed while looking; its log says why.", desk)


def _leave_to_people(incident_id: int, note: str | None, desk: Desk) -> str:
    with desk.database.writing() as session:
        incidents.move(session, incident_id, IncidentStatus.NEEDS_HUMAN, desk.now(), note=note)
        cards.show_incident(session, incidents.get(session, incident_id), desk)
    return IncidentStatus.NEEDS_HUMAN


def _post_plan(incident: Incident, proposal: Proposal, rehearsal: Rehearsal, look: int, desk: Desk) -> str:
    at = desk.now()
    with desk.database.reading() as session:
        decision = decide_all(desk.policy, facts.of_plan(session, incident, proposal, rehearsal, desk.policy, at))
    nobody = standing.nobody_to_ask(decision, audit.BOT, desk)
    if nobody is not None:
        return _leave_to_people(incident.id or 0, f"No plan: nobody could approve it: {nobody}", desk)
    with desk.database.writing() as session:
        if incidents.get(session, incident.id or 0).status == IncidentStatus.RESOLVED:
            return IncidentStatus.RESOLVED  # it cleared by itself while we looked
        plan = plans.propose(
            session,
            incident_id=incident.id or 0,
            look=look,
            proposal=proposal,
            rehearsal=rehearsal,
            decision=decision,
            status=_first_status(decision),
            requester=audit.BOT,
            not_after=at + timedelta(seconds=decision.expires_s or DEFAULT_EXPIRY.total_seconds()),
            nonce=secrets.token_hex(16),
            at=at,
            outcome=None if decision.effect is not Effect.DENY else f"Policy: {summary(decision)}",
        )
        _move_incident(session, plan, decision, desk)
        cards.refresh(session, plan, desk)
        stands = str(incidents.get(session, incident.id or 0).status)
    if plan.status == PlanStatus.APPROVED:
        start_if_free(plan.id or 0, desk)
    return stands


def _first_status(decision: Decision) -> PlanStatus:
    """Where a fresh plan stands. A veto window is asked about like an approval until windows are carried out."""
    match decision.effect:
        case Effect.AUTO:
            return PlanStatus.APPROVED
        case Effect.APPROVE | Effect.AUTO_AFTER:
            return PlanStatus.PENDING
        case Effect.DENY:
            return PlanStatus.REJECTED


def _move_incident(session: Session, plan: Plan, decision: Decision, desk: Desk) -> None:
    if decision.effect is Effect.DENY:
        note = f"Policy forbids the fix: {summary(decision)}"
        incidents.move(session, plan.incident_id, IncidentStatus.NEEDS_HUMAN, desk.now(), note=note)
        return
    incidents.move(session, plan.incident_id, IncidentStatus.AWAITING_APPROVAL, desk.now())
