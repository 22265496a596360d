"""Undo after success: what a plan did is taken back by a plan of its own, asked about and carried out like any other.

Its steps are those of the original, last one first, each the way back to what was recorded before it. It touches only
what still stands as the original left it: looked at before anybody is asked, and again when it is claimed. What comes
of it is never undone by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from bot import cards, standing
from bot.desk import Desk
from bot.investigation.success import ends
from bot.logs import bound
from bot.naming import plan_number
from bot.people import NotAllowed
from bot.plans import proposing
from bot.rehearsal import NotPossible, can_be_taken_back, rehearse_undo
from bot.starting import start_if_free
from bot.views import ephemeral
from bot.views.blocks import Message
from bot.views.ids import PlanReference
from bot.views.steps import ChangeLine, Step
from policies.decisions import Effect
from policies.engine import summary
from storage import audit, beside, incidents, ledger, plans
from storage.tables import Incident, IncidentStatus, Plan, PlanStatus, Result
from tools.actions import SetDesiredCapacity
from tools.criteria import CapacityInService, Criterion
from tools.evidence import Proposal
from tools.previews import Rehearsal, RehearsedStep
from tools.values import Value


class TakeBack(Value):
    """The wish to undo a plan, as it came from Slack: who, the bytes of which plan, and why."""

    user_id: str
    team_id: str
    channel: str
    reference: PlanReference
    reason: str


@dataclass(frozen=True)
class Refusal:
    """Why nothing comes of it: for the record, and for the person."""

    reason: str
    told: Message


def opened(reference: PlanReference, desk: Desk) -> Plan | Refusal:
    """The plan that somebody wants to take back, if it can be."""
    with desk.database.reading() as session:
        plan = session.get(Plan, plan_number(reference.plan_id))
        refusal = _refusal(session, plan, reference)
    if refusal is not None:
        return refusal
    assert plan is not None  # `_refusal` speaks of that first
    return plan


def way_back(plan: Plan) -> tuple[Step, ...]:
    """What would be put back, from what was recorded when the plan was rehearsed."""
    return tuple(_backwards(step) for step in reversed(plan.rehearsal.steps))


def take_back(wanted: TakeBack, desk: Desk) -> Message:
    """Propose the plan that undoes another one. Returns what to tell who asked."""
    with bound(plan=plan_number(wanted.reference.plan_id)):
        person = desk.people.identify(wanted.user_id, wanted.team_id)
        if isinstance(person, NotAllowed):
            return _refuse(wanted, Refusal(person.reason, ephemeral.unauthorised(person.reason)), desk)
        plan = opened(wanted.reference, desk)
        if isinstance(plan, Refusal):
            return _refuse(wanted, plan, desk)
        with desk.database.reading() as session:
            incident = incidents.get(session, plan.incident_id)
        draft = _draft(plan, incident, wanted, desk)
        return _refuse(wanted, draft, desk) if isinstance(draft, Refusal) else _propose(wanted, draft, desk)


def conclude(session: Session, undo: Plan, desk: Desk) -> None:
    """A plan that takes another back has ended: where it did, the fix is gone, and its record is worth less."""
    original, at = plans.get(session, undo.undoes or 0), desk.now()
    name, former = cards.plan_name(undo.id), cards.plan_name(original.id)
    if undo.status in (PlanStatus.FAILED, PlanStatus.STALE):
        note, to = f"{name} could not take {former} back; nothing was done.", plans.leaves(undo)
    else:
        ledger.remember(session, original, Result.OVERRIDDEN, at, actor=undo.requester)
        how = "took it back" if undo.status == PlanStatus.SUCCEEDED else f"ended as {undo.status.replace('_', ' ')}"
        note, to = f"{former} was to be undone: {undo.proposal.hypothesis}; {name} {how}.", IncidentStatus.NEEDS_HUMAN
    if not incidents.move(session, undo.incident_id, to, at, note=note):
        incident = incidents.get(session, undo.incident_id)  # resolved long ago: its card tells it all the same
        incident.note = note
        session.add(incident)


def _refusal(session: Session, plan: Plan | None, reference: PlanReference) -> Refusal | None:
    """Why this plan cannot be taken back, from the record alone."""
    if plan is None:
        return Refusal("no such plan", ephemeral.unknown_plan())
    name = cards.plan_name(plan.id)
    if (plan.version, plan.digest[:16]) != (reference.version, reference.digest):
        return Refusal("an older version of the plan", ephemeral.replaced(name))
    if plan.undoes is not None:
        told = f"{name} took another plan back. That is not undone by a button: look again to get a new fix."
        return Refusal("it took another plan back itself", ephemeral.note(told))
    if plan.status != PlanStatus.SUCCEEDED:
        told = f"Only a plan that succeeded can be undone; {name} is {plan.status.replace('_', ' ')}."
        return Refusal(f"the plan is {plan.status}", ephemeral.note(told))
    if not plans.intact(plan):
        told = "The stored plan does not match its digest. Nothing will run; tell whoever runs sayso."
        return Refusal("the stored plan was altered", ephemeral.note(told))
    if not can_be_taken_back(plan.rehearsal.steps):
        told = f"sayso cannot take {name} back: {plan.rehearsal.steps[0].preview.undo}"
        return Refusal("it cannot be taken back", ephemeral.note(told))
    other = beside.undone_by(session, plan)
    if other is not None:
        told = f"{cards.plan_name(other.id)} already takes {name} back; look there."
        return Refusal("it is taken back already", ephemeral.note(told))
    return None


def _draft(plan: Plan, incident: Incident, wanted: TakeBack, desk: Desk) -> proposing.Draft | Refusal:
    """The plan that takes it back before it is written down: rehearsed and judged; nothing has been recorded yet."""
    rehearsal = rehearse_undo(plan.rehearsal.steps, desk.writers)
    if isinstance(rehearsal, NotPossible):
        return Refusal("what it did no longer stands", _stands(plan, rehearsal.reason))
    proposal = _proposal(plan, rehearsal, wanted)
    decision = proposing.judge(incident, proposal, rehearsal, desk, requester=wanted.user_id)
    if decision.effect is Effect.DENY:
        return Refusal("policy forbids it", _stands(plan, f"policy forbids it: {summary(decision)}"))
    nobody = standing.nobody_to_ask(decision, wanted.user_id, desk)
    if nobody is not None:
        return Refusal("nobody could approve it", _stands(plan, f"nobody could approve it: {nobody}"))
    return proposing.Draft(
        incident_id=plan.incident_id,
        look=plan.look,
        proposal=proposal,
        rehearsal=rehearsal,
        decision=decision,
        requester=wanted.user_id,
        steerers=(wanted.user_id,),
        undoes=plan.id,
    )


def _proposal(plan: Plan, rehearsal: Rehearsal, wanted: TakeBack) -> Proposal:
    """What the original rested on, and how to tell that it was taken back: not that the fault stays away."""
    return Proposal(
        hypothesis=wanted.reason,
        findings=plan.proposal.findings,
        actions=tuple(step.action for step in rehearsal.steps),
        success_criteria=tuple(dict.fromkeys(_settled(rehearsal.steps))),
        confidence=plan.proposal.confidence,
    )


def _settled(steps: tuple[RehearsedStep, ...]) -> list[Criterion]:
    """The target at rest again; for a group, with the count it goes back to."""
    settled: list[Criterion] = []
    for step in steps:
        action, count = step.action, step.observed.replicas_after
        if isinstance(action, SetDesiredCapacity) and count is not None:
            settled.append(CapacityInService(region=action.region, group=action.group, count=count))
        else:
            settled += ends(action)
    return settled


def _propose(wanted: TakeBack, draft: proposing.Draft, desk: Desk) -> Message:
    """Write it down, if nobody else asked for the same while we rehearsed."""
    at = desk.now()
    with desk.database.writing() as session:
        original = plans.lock_for_decision(session, draft.undoes or 0)
        refusal = _refusal(session, original, wanted.reference)
        if refusal is not None:
            _record(session, wanted, "undo.refused", {"reason": refusal.reason}, at)
            return refusal.told
        made = proposing.write_down(session, draft, desk)
        _record(session, wanted, "undo.asked", {"plan": made.id}, at)
    if made.status == PlanStatus.APPROVED:
        start_if_free(made.id or 0, desk)
    return ephemeral.note(_told(original, made))


def _told(original: Plan, made: Plan) -> str:
    name, former = cards.plan_name(made.id), cards.plan_name(original.id)
    if made.status == PlanStatus.APPROVED:
        return f"{name} takes {former} back. The policy asks nobody about it: it runs now."
    mine = " You asked for it, so somebody else has to approve it." if made.decision.not_requester else ""
    return f"{name} takes {former} back, once it is approved; its card is in the same thread.{mine}"


def _stands(plan: Plan, reason: str) -> Message:
    return ephemeral.note(f"{cards.plan_name(plan.id)} stands as it is: {reason}")


def _backwards(step: RehearsedStep) -> Step:
    back = step.model_copy(update={"takes_back": True})
    changes = (
        ChangeLine(path=change.path, before=change.after, after=change.before) for change in step.preview.changes
    )
    return Step(
        title=back.title,
        target=step.observed.target,
        changes=tuple(changes),
        blast_radius="",
        undo="",
        command="",
        dry_run="",
    )


def _refuse(wanted: TakeBack, refusal: Refusal, desk: Desk) -> Message:
    with desk.database.writing() as session:
        _record(session, wanted, "undo.refused", {"reason": refusal.reason}, desk.now())
    return refusal.told


def _record(session: Session, wanted: TakeBack, event: str, more: dict[str, str | int | None], at: datetime) -> None:
    """The wish, whatever came of it."""
    audit.append(
        session,
        actor=wanted.user_id,
        event=event,
        subject=f"plan:{plan_number(wanted.reference.plan_id)}",
        payload={
            **more,
            "why": wanted.reason,
            "version": wanted.reference.version,
            "digest": wanted.reference.digest,
            "team": wanted.team_id,
            "channel": wanted.channel,
        },
        at=at,
    )
