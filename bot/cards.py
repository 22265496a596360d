"""Rows -> what the cards show -> the outbox, in the transaction of the change they tell of. Decides nothing."""

from __future__ import annotations

import json

from sqlmodel import Session

from bot.desk import Desk
from bot.views import evidence as evidence_view
from bot.views import incident as incident_view
from bot.views import plan as plan_view
from bot.views.blocks import Message
from bot.views.steps import ChangeLine, CheckLine, Step, StepState
from policies.decisions import Obligation
from policies.engine import summary
from storage import executions, incidents, messages, plans
from storage.tables import (
    Execution,
    ExecutionStatus,
    Incident,
    IncidentStatus,
    Mind,
    Phase,
    Plan,
    PlanStatus,
    ResourceLock,
    Verdict,
    Vote,
)
from tools.evidence import Severity
from tools.previews import RehearsedStep

INCIDENT_STATES: dict[str, incident_view.IncidentState] = {
    IncidentStatus.OPEN: incident_view.IncidentState.INVESTIGATING,
    IncidentStatus.INVESTIGATING: incident_view.IncidentState.INVESTIGATING,
    IncidentStatus.AWAITING_APPROVAL: incident_view.IncidentState.AWAITING_APPROVAL,
    IncidentStatus.REMEDIATING: incident_view.IncidentState.REMEDIATING,
    IncidentStatus.MITIGATED: incident_view.IncidentState.MITIGATED,
    IncidentStatus.RESOLVED: incident_view.IncidentState.RESOLVED,
    IncidentStatus.NEEDS_HUMAN: incident_view.IncidentState.NEEDS_PERSON,
}
PINGING = (Severity.SEV1, Severity.SEV2)
"""Severities whose plans notify those who may approve, once: the first post does, edits never do."""
STEP_STATES: dict[tuple[str, str], StepState] = {
    (Phase.APPLY, ExecutionStatus.INTENDED): StepState.RUNNING,
    (Phase.APPLY, ExecutionStatus.CALLING): StepState.RUNNING,
    (Phase.APPLY, ExecutionStatus.DONE): StepState.DONE,
    (Phase.APPLY, ExecutionStatus.FAILED): StepState.FAILED,
    (Phase.APPLY, ExecutionStatus.STALE): StepState.SKIPPED,
    (Phase.APPLY, ExecutionStatus.UNKNOWN): StepState.UNKNOWN,
    (Phase.UNDO, ExecutionStatus.INTENDED): StepState.RUNNING,
    (Phase.UNDO, ExecutionStatus.CALLING): StepState.RUNNING,
    (Phase.UNDO, ExecutionStatus.DONE): StepState.UNDONE,
    (Phase.UNDO, ExecutionStatus.FAILED): StepState.FAILED,
    (Phase.UNDO, ExecutionStatus.STALE): StepState.FAILED,
    (Phase.UNDO, ExecutionStatus.UNKNOWN): StepState.UNKNOWN,
}


def incident_name(incident_id: int | None) -> str:
    """How people call an incident: `INC-7`."""
    return f"INC-{incident_id}"


def plan_name(plan_id: int | None) -> str:
    """How people call a plan: `P-7`."""
    return f"P-{plan_id}"


def refresh(session: Session, plan: Plan, desk: Desk) -> None:
    """Show the plan and its incident as they now are."""
    show_plan(session, plan, desk)
    show_incident(session, incidents.get(session, plan.incident_id), desk)


def show_incident(session: Session, incident: Incident, desk: Desk) -> None:
    """The incident's parent message."""
    key = f"incident:{incident.id}"
    card = incident_card(session, incident, messages.render_number(session, key), desk)
    _want(session, key, incident_view.card(card), desk)


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
    )
    key = f"incident:{incident.id}:evidence:{incident.looks}"
    _want(session, key, evidence_view.report(report), desk, thread=f"incident:{incident.id}")


def show_plan(session: Session, plan: Plan, desk: Desk) -> None:
    """The plan's card, in the incident's thread."""
    key = f"plan:{plan.id}"
    card = plan_card(session, plan, messages.render_number(session, key), desk)
    thread = f"incident:{plan.incident_id}"
    _want(session, key, plan_view.card(card), desk, thread=thread, priority=1)


def _want(
    session: Session, key: str, body: Message, desk: Desk, *, thread: str | None = None, priority: int = 3
) -> None:
    """Wish a message, unless it says the same as before: a render number alone is no news."""
    known = messages.find(session, key)
    if known is not None and _said(json.loads(known.wanted)) == _said(body):
        return
    messages.want(session, key, channel=desk.channel, body=body, at=desk.now(), thread_key=thread, priority=priority)


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
        alerts=max(1, sum(alert.times for alert in incidents.alerts_of(session, incident.id or 0))),
        cause=cause,
        evidence=incident.evidence or (),
        mind=_mind(incident.mind),
        gaps=incident.gaps or (),
        note=incident.note or incident.advice,
    )


def _mind(mind: Mind | None) -> incident_view.Mind | None:
    return None if mind is None else incident_view.Mind(**mind.model_dump())


def plan_card(session: Session, plan: Plan, render: int, desk: Desk) -> plan_view.PlanCard:
    """All the approval card shows."""
    incident = incidents.get(session, plan.incident_id)
    by_model = incident.mind is not None and incident.mind.model is not None and incident.mind.failure is None
    made = executions.of_plan(session, plan.id or 0)
    given = plans.votes(session, plan)
    return plan_view.PlanCard(
        plan_id=plan_name(plan.id),
        version=plan.version,
        digest=plan.digest,
        render=render,
        state=plan_view.PlanState(plan.status),
        incident_id=incident_name(plan.incident_id),
        service=incident.service or "unknown service",
        environment=incident.environment,
        steps=tuple(_step(step, number, made) for number, step in enumerate(plan.rehearsal.steps)),
        criteria=_checks(plan),
        policy=summary(plan.decision),
        progress=tuple(_progress(obligation, given) for obligation in plan.decision.binding),
        ping=plan.status == PlanStatus.PENDING and incident.severity in PINGING,
        approvers=_approvers(plan, desk),
        votes=tuple(_vote_line(vote) for vote in given),
        proposed_at=plan.proposed_at,
        expires_at=plan.not_after,
        reasoning=plan.proposal.hypothesis if by_model else None,
        holder=_holder(session, plan),
        closing=_closing(plan, given),
    )


def _checks(plan: Plan) -> tuple[CheckLine, ...]:
    """The success criteria, with what measuring them last showed."""
    if plan.measured is None:
        return tuple(CheckLine(condition=str(one)) for one in plan.proposal.success_criteria)
    return tuple(CheckLine(condition=str(one.criterion), met=one.met, detail=one.detail) for one in plan.measured)


def _progress(obligation: Obligation, given: list[Vote]) -> str:
    """How far one obligation is, by the groups people were in when they voted; the claim asks again who they are."""
    agreed = [vote for vote in given if vote.verdict == Verdict.APPROVE and set(vote.groups) & set(obligation.groups)]
    have = min(len(agreed), obligation.approvals)
    return f"{have} of {obligation.approvals} from {', '.join(obligation.groups)}"


def _approvers(plan: Plan, desk: Desk) -> tuple[plan_view.Party, ...]:
    """Who is asked. Groups of the policy that are one usergroup in Slack are named once."""
    names = dict.fromkeys(name for obligation in plan.decision.obligations for name in obligation.groups)
    parties = {desk.people.usergroup(name) or name: (desk.people.usergroup(name), name) for name in names}
    return tuple(plan_view.Party(id=usergroup, name=name) for usergroup, name in parties.values())


def _vote_line(vote: Vote) -> plan_view.VoteLine:
    verdict = "approve" if vote.verdict == "approve" else "reject"
    return plan_view.VoteLine(user_id=vote.user_id, verdict=verdict, at=vote.given_at, reason=vote.reason)


def _holder(session: Session, plan: Plan) -> str | None:
    """Who has the lock an approved plan waits for."""
    if plan.status != PlanStatus.APPROVED:
        return None
    keys = [step.observed.target.key for step in plan.rehearsal.steps]
    locks = [session.get(ResourceLock, key) for key in keys]
    return next((plan_name(lock.plan_id) for lock in locks if lock is not None and lock.plan_id != plan.id), None)


def _closing(plan: Plan, given: list[Vote]) -> plan_view.Closing | None:
    if plan.status not in plans.ENDS or plan.finished_at is None:
        return None
    against = next((vote for vote in given if vote.verdict == "reject"), None)
    by = against.user_id if against is not None and plan.status == PlanStatus.REJECTED else None
    return plan_view.Closing(at=plan.finished_at, by=by, reason=plan.outcome)


def _step(step: RehearsedStep, number: int, made: list[Execution]) -> Step:
    calls = {one.phase: one for one in made if one.step == number}
    last = calls.get(Phase.UNDO) or calls.get(Phase.APPLY)
    return Step(
        title=step.action.title,
        target=step.observed.target,
        changes=tuple(ChangeLine(**change.model_dump()) for change in step.preview.changes),
        blast_radius=step.preview.blast_radius,
        undo=step.preview.undo,
        command=step.preview.command,
        dry_run=step.preview.dry_run,
        warnings=step.preview.warnings,
        state=STEP_STATES[last.phase, last.status] if last is not None else StepState.TO_DO,
        note=last.error if last is not None else None,
        ended_at=last.finished_at if last is not None else None,
    )
