"""All that the card of a plan shows, gathered from the record. Decides nothing; posting is `bot.cards`'s."""

from __future__ import annotations

from sqlmodel import Session

from bot.desk import Desk
from bot.naming import incident_name, plan_name
from bot.people import groups
from bot.rehearsal import can_be_taken_back
from bot.views import plan_card as view
from bot.views.steps import ChangeLine, CheckLine, Step, StepState
from policies import escalation
from policies.decisions import Decision, Effect
from policies.engine import summary
from policies.quorum import Ballot, progress
from storage import beside, escalations, exceptions, executions, incidents, plans
from storage.tables import (
    Execution,
    ExecutionStatus,
    Incident,
    IncidentStatus,
    Phase,
    Plan,
    PlanStatus,
    ResourceLock,
    Verdict,
    Vote,
)
from tools.evidence import Severity
from tools.previews import RehearsedStep

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


def plan_card(session: Session, plan: Plan, render: int, desk: Desk) -> view.PlanCard:
    """All the approval card shows."""
    incident = incidents.get(session, plan.incident_id)
    by_model = incident.mind is not None and incident.mind.model is not None and incident.mind.failure is None
    made = executions.of_plan(session, plan.id or 0)
    given = _latest(plans.votes(session, plan))
    pending = plan.status == PlanStatus.PENDING
    more = escalations.widened(session, plan)
    asked = escalation.widened(desk.policy, plan.decision, more)
    undoing = beside.undone_by(session, plan)
    return view.PlanCard(
        plan_id=plan_name(plan.id),
        version=plan.version,
        digest=plan.digest,
        render=render,
        state=view.PlanState(plan.status),
        incident_id=incident_name(plan.incident_id),
        service=incident.service or "unknown service",
        environment=incident.environment,
        steps=tuple(_step(step, number, made) for number, step in enumerate(plan.rehearsal.steps)),
        criteria=_checks(plan),
        policy=summary(plan.decision),
        progress=_progress(asked, given),
        ping=pending and incident.severity in PINGING,
        approvers=_approvers(asked, desk),
        votes=tuple(_vote_line(vote) for vote in given),
        step_up=plan.decision.step_up,
        widened=tuple(sorted(more)),
        fallbacks=_fallbacks(asked, desk) if pending else (),
        proposed_at=plan.proposed_at,
        expires_at=plan.not_after,
        fires_at=plan.fires_at,
        reasoning=plan.proposal.hypothesis if by_model and plan.undoes is None else None,
        holder=_holder(session, plan),
        rivals=_rivals(session, plan) if pending else (),
        alike=_alike(session, plan) if pending else None,
        undoes=plan_name(plan.undoes) if plan.undoes is not None else None,
        replaces=plan_name(plan.replaces) if plan.replaces is not None else None,
        wish=_wish(plan),
        undone_by=_other(undoing) if undoing is not None else None,
        answered=bool(given) or plan.decided_at is not None,
        can_undo=plan.status == PlanStatus.SUCCEEDED and undoing is None and can_be_taken_back(plan.rehearsal.steps),
        can_ask_again=_can_ask_again(plan, incident),
        glass=_glass(session, plan),
        note=_note(session, plan),
        closing=_closing(session, plan, given),
    )


def _latest(given: list[Vote]) -> list[Vote]:
    """What each person said last: whoever was asked anew and answered means that answer."""
    return list({vote.user_id: vote for vote in given}.values())


def _checks(plan: Plan) -> tuple[CheckLine, ...]:
    """The success criteria, with what measuring them last showed."""
    if plan.measured is None:
        return tuple(CheckLine(condition=str(one)) for one in plan.proposal.success_criteria)
    return tuple(CheckLine(condition=str(one.criterion), met=one.met, detail=one.detail) for one in plan.measured)


def _progress(decision: Decision, given: list[Vote]) -> tuple[str, ...]:
    """How far each obligation is, by the groups people were in when they voted; the claim asks again who they are."""
    groups = {name for vote in given for name in vote.groups}
    people = {name: frozenset(vote.user_id for vote in given if name in vote.groups) for name in groups}
    agreed = [
        Ballot(person=vote.user_id, verdict="approve", at=vote.given_at, reason=vote.reason, stepped_up=vote.stepped_up)
        for vote in given
        if vote.verdict == Verdict.APPROVE
    ]
    staged, shown = len(decision.stages) > 1, set(decision.binding)
    return tuple(
        f"stage {each.obligation.stage}: {each.so_far}" if staged else each.so_far
        for each in progress(decision, agreed, people)
        if each.obligation in shown
    )


def _approvers(decision: Decision, desk: Desk) -> tuple[view.Party, ...]:
    """Who is asked. Groups of the policy that are one usergroup in Slack are named once."""
    asked = [name for obligation in decision.obligations for name in obligation.groups]
    names = dict.fromkeys(decision.veto_from if decision.effect is Effect.AUTO_AFTER else asked)
    found = {name: usergroup_of(name, decision, desk) for name in names}
    return tuple({found[name] or name: view.Party(id=found[name], name=name) for name in names}.values())


def usergroup_of(group: str, decision: Decision, desk: Desk) -> str | None:
    """The usergroup to mention for a group of the policy, on the first service the plan touches that has one."""
    behind = (groups.behind(group, one, desk.policy, desk) for one in sorted(groups.services_of(decision)))
    return next((usergroup for usergroup in behind if usergroup is not None), None)


def _fallbacks(decision: Decision, desk: Desk) -> tuple[str, ...]:
    return tuple(f"{', '.join(one.used)} for {one.group}" for one in groups.last_fallbacks(decision, desk))


def _vote_line(vote: Vote) -> view.VoteLine:
    return view.VoteLine(
        user_id=vote.user_id,
        verdict="approve" if vote.verdict == Verdict.APPROVE else "reject",
        at=vote.given_at,
        reason=vote.reason,
        on_behalf_of=tuple(vote.on_behalf_of.split(",")) if vote.on_behalf_of else (),
        stepped_up=vote.stepped_up,
    )


def _holder(session: Session, plan: Plan) -> view.Holder | None:
    """Who has the lock an approved plan waits for."""
    if plan.status != PlanStatus.APPROVED:
        return None
    locks = [session.get(ResourceLock, key) for key in sorted(plans.targets(plan))]
    lock = next((one for one in locks if one is not None and one.plan_id != plan.id), None)
    if lock is None:
        return None
    holder = plans.get(session, lock.plan_id)
    said = [vote.user_id for vote in plans.votes(session, holder) if vote.verdict == Verdict.APPROVE]
    return view.Holder(
        plan_id=plan_name(holder.id),
        title=holder.rehearsal.steps[0].title,
        since=lock.taken_at,
        approved_by=tuple(dict.fromkeys(said)),
    )


def _rivals(session: Session, plan: Plan) -> tuple[view.Other, ...]:
    others = beside.with_targets(session, plans.targets(plan), *plans.OPEN, *plans.RUNNING)
    return tuple(_other(one) for one in others if one.id != plan.id)


def _alike(session: Session, plan: Plan) -> view.Other | None:
    earlier = beside.alike(session, plan)
    return _other(earlier) if earlier is not None else None


def _other(plan: Plan) -> view.Other:
    """Where another plan stands, and since when."""
    at = plan.finished_at or plan.claimed_at or plan.decided_at or plan.proposed_at
    return view.Other(plan_id=plan_name(plan.id), state=view.PlanState(plan.status), at=at)


def _can_ask_again(plan: Plan, incident: Incident) -> bool:
    ended = plan.status in (PlanStatus.EXPIRED, PlanStatus.STALE)
    return ended and plan.undoes is None and incident.status != IncidentStatus.RESOLVED


def _note(session: Session, plan: Plan) -> str | None:
    """What changed since people last looked, while it still waits."""
    if plan.status == PlanStatus.APPROVED and exceptions.stopped(session) is not None:
        return "sayso is stopped by hand: it starts once somebody says /sayso resume."
    return plan.outcome if plan.status in plans.OPEN else None


def _glass(session: Session, plan: Plan) -> view.Glass | None:
    """Who ran it past the quorum. Nobody can before people were asked."""
    broken = exceptions.broken_for(session, plan) if plan.status != PlanStatus.REJECTED else []
    if not broken:
        return None
    last = broken[-1]
    return view.Glass(user_id=last.user_id, at=last.broken_at, reason=last.reason, reviewed_by=last.reviewed_by)


def _wish(plan: Plan) -> view.Wish | None:
    """Who edited it last, or wants another plan taken back; the words of the latter are its hypothesis."""
    if plan.undoes is not None:
        return view.Wish(by=plan.requester, why=plan.proposal.hypothesis)
    return view.Wish(by=plan.steerers[-1]) if plan.replaces is not None and plan.steerers else None


def _closing(session: Session, plan: Plan, given: list[Vote]) -> view.Closing | None:
    if plan.status not in plans.ENDS or plan.finished_at is None:
        return None
    return view.Closing(at=plan.finished_at, by=_ended_by(session, plan, given), reason=plan.outcome)


def _ended_by(session: Session, plan: Plan, given: list[Vote]) -> str | None:
    """Whose rejection or edit was the end of it, where it was anybody's."""
    if plan.status == PlanStatus.REJECTED:
        return next((vote.user_id for vote in given if vote.verdict == Verdict.REJECT), None)
    edited = plans.edited_into(session, plan) if plan.status == PlanStatus.SUPERSEDED else None
    return edited.steerers[-1] if edited is not None and edited.steerers else None


def _step(step: RehearsedStep, number: int, made: list[Execution]) -> Step:
    calls = {one.phase: one for one in made if one.step == number}
    last = calls.get(Phase.UNDO) or calls.get(Phase.APPLY)
    return Step(
        title=step.title,
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
