"""Edit before approve: a person changes what a plan would do, and a new plan stands in its place.

What they typed is judged like everything else: by the action models, by a rehearsal against the live targets, by the
policy asked anew. The new plan has bytes of its own, so no vote on the old one counts for it; and whoever edited it has
asked for it, so where somebody else must approve, they cannot. An edit that leads nowhere changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from bot import cards, standing
from bot.desk import Desk
from bot.investigation.success import ends
from bot.logs import bound
from bot.naming import plan_number
from bot.people import NotAllowed
from bot.plans import proposing, superseding
from bot.plans.fields import fields_of, retyped
from bot.rehearsal import NotPossible, rehearse
from bot.starting import start_if_free
from bot.views import editing as editing_view
from bot.views import ephemeral
from bot.views.blocks import Message
from bot.views.ids import PlanReference
from bot.views.plan import PlanState
from policies.decisions import Decision, Effect
from policies.engine import summary
from storage import audit, incidents, ledger, plans
from storage.tables import Incident, Plan, PlanStatus, Result
from tools.actions import Action
from tools.criteria import Criterion, FindingGone
from tools.evidence import Proposal
from tools.previews import Rehearsal
from tools.resources import Resource
from tools.values import Value

NOTHING_CHANGED = "Nothing was changed. Change something, or press Cancel."


class Edit(Value):
    """An edit as it came from Slack: who, the bytes of which plan, and what was typed, by the form's block ids."""

    user_id: str
    team_id: str
    channel: str
    reference: PlanReference
    typed: Mapping[str, str]


@dataclass(frozen=True)
class Refusal:
    """Why nothing comes of it: for the record, and for the person."""

    reason: str
    told: Message


Errors = dict[str, str]
"""What is wrong with what was typed, by the form's block ids."""


def opened(reference: PlanReference, desk: Desk) -> Plan | Refusal:
    """The plan whose form is to be shown, if it can still be edited."""
    with desk.database.reading() as session:
        plan = session.get(Plan, plan_number(reference.plan_id))
        refusal = _refusal(session, plan, reference, desk.now())
    if refusal is not None:
        return refusal
    assert plan is not None  # `_refusal` speaks of that first
    return plan


def editable(plan: Plan) -> tuple[editing_view.Editable, ...]:
    """The plan's actions as the form shows them."""
    return tuple(
        editing_view.Editable(
            title=step.title,
            target=str(step.observed.target),
            fields=fields_of(step.action),
        )
        for step in plan.rehearsal.steps
    )


def read(plan: Plan, typed: Mapping[str, str]) -> tuple[Action, ...] | Errors:
    """The actions a filled-in form asks for, or what is wrong with it."""
    present = tuple(step.action for step in plan.rehearsal.steps)
    wanted: list[Action] = []
    errors: Errors = {}
    for number, action in enumerate(present):
        if len(present) > 1 and typed.get(editing_view.left_out_block(number)) == editing_view.OUT:
            continue
        names = {field.name: editing_view.field_block(number, field.name) for field in fields_of(action)}
        found = retyped(action, {name: typed[block] for name, block in names.items() if block in typed})
        if isinstance(found, Mapping):
            errors |= {names[name]: complaint for name, complaint in found.items()}
        else:
            wanted.append(found)
    if errors:
        return errors
    if not wanted:
        return {editing_view.left_out_block(0): "Nothing would be left. To stop the plan, press Cancel, then Reject…"}
    return {_first_block(present): NOTHING_CHANGED} if tuple(wanted) == present else tuple(wanted)


def edit(wanted: Edit, desk: Desk) -> Message:
    """Put a new plan in the place of the one that was edited. Returns what to tell the editor."""
    with bound(plan=plan_number(wanted.reference.plan_id)):
        person = desk.people.identify(wanted.user_id, wanted.team_id)
        if isinstance(person, NotAllowed):
            return _refuse(wanted, Refusal(person.reason, ephemeral.unauthorised(person.reason)), desk)
        plan = opened(wanted.reference, desk)
        if isinstance(plan, Refusal):
            return _refuse(wanted, plan, desk)
        actions = read(plan, wanted.typed)
        if isinstance(actions, dict):
            return ephemeral.note(" ".join(actions.values()))
        with desk.database.reading() as session:
            incident = incidents.get(session, plan.incident_id)
        draft = _draft(plan, incident, actions, person.user_id, desk)
        return _refuse(wanted, draft, desk) if isinstance(draft, Refusal) else _replace(wanted, draft, desk)


def edited(proposal: Proposal, actions: Sequence[Action]) -> Proposal:
    """The proposal with other actions: what they are to reach is checked in place of what the former ones were."""
    former, targets = {end for action in proposal.actions for end in ends(action)}, {one.target for one in actions}
    dropped = {action.target for action in proposal.actions} - targets
    now = dict.fromkeys(end for action in actions for end in ends(action))
    kept = [one for one in proposal.success_criteria if one not in former and not _is_about(one, dropped)]
    return Proposal(
        hypothesis=proposal.hypothesis,
        findings=proposal.findings,
        actions=tuple(actions),
        success_criteria=tuple(dict.fromkeys((*now, *kept))),
        confidence=proposal.confidence,
    )


def _is_about(criterion: Criterion, targets: set[Resource]) -> bool:
    return isinstance(criterion, FindingGone) and criterion.resource in targets


def _first_block(actions: Sequence[Action]) -> str:
    """The first input of the form: where what concerns all of it is said."""
    for number, action in enumerate(actions):
        for field in fields_of(action):
            return editing_view.field_block(number, field.name)
    return editing_view.left_out_block(0)


def _refusal(session: Session, plan: Plan | None, reference: PlanReference, at: datetime) -> Refusal | None:
    """Why this plan cannot be edited, seen under whatever lock the caller holds."""
    if plan is None:
        return Refusal("no such plan", ephemeral.unknown_plan())
    name = cards.plan_name(plan.id)
    if (plan.version, plan.digest[:16]) != (reference.version, reference.digest):
        return Refusal("an older version of the plan", ephemeral.replaced(name))
    if plan.status == PlanStatus.SUPERSEDED:
        return Refusal("the plan was replaced", superseding.replaced(session, plan))
    if plan.status != PlanStatus.PENDING:
        return Refusal(f"the plan is {plan.status}", ephemeral.too_late(name, PlanState(plan.status)))
    if plan.not_after <= at:
        return Refusal("the plan has expired", ephemeral.expired(name, plan.not_after))
    if plan.undoes is not None:
        return Refusal("it takes another plan back", _note(f"{name} puts back what was recorded; it cannot be edited."))
    if not plans.intact(plan):
        told = _note("The stored plan does not match its digest. Nothing will run; tell whoever runs sayso.")
        return Refusal("the stored plan was altered", told)
    return None


def _draft(
    plan: Plan, incident: Incident, actions: Sequence[Action], editor: str, desk: Desk
) -> proposing.Draft | Refusal:
    """The new plan before it is written down: rehearsed and judged; nothing has been recorded yet."""
    proposal = edited(plan.proposal, actions)
    rehearsal = rehearse(proposal, desk.writers)
    if isinstance(rehearsal, NotPossible):
        return Refusal("it cannot be done", _stands(plan, rehearsal.reason))
    decision = proposing.judge(incident, proposal, rehearsal, desk, requester=plan.requester)
    if decision.effect is Effect.DENY:
        return Refusal("policy forbids it", _stands(plan, f"policy forbids it: {summary(decision)}"))
    steerers = tuple(dict.fromkeys((*plan.steerers, editor)))
    nobody = standing.nobody_to_ask(decision, plan.requester, desk, steerers)
    if nobody is not None:
        return Refusal("nobody could approve it", _stands(plan, f"nobody could approve it: {nobody}"))
    return _drafted(plan, proposal, rehearsal, decision, steerers)


def _drafted(
    plan: Plan, proposal: Proposal, rehearsal: Rehearsal, decision: Decision, steerers: tuple[str, ...]
) -> proposing.Draft:
    return proposing.Draft(
        incident_id=plan.incident_id,
        look=plan.look,
        proposal=proposal,
        rehearsal=rehearsal,
        decision=decision,
        requester=plan.requester,
        steerers=steerers,
        replaces=plan.id,
    )


def _replace(wanted: Edit, draft: proposing.Draft, desk: Desk) -> Message:
    """Old and new change places in one transaction, if nobody decided or edited the old one while we rehearsed."""
    at = desk.now()
    with desk.database.writing() as session:
        plan = plans.lock_for_decision(session, draft.replaces or 0)
        refusal = _refusal(session, plan, wanted.reference, at)
        if refusal is not None:
            _record(session, wanted, refusal, at)
            return refusal.told
        made = proposing.write_down(session, draft, desk)
        ledger.remember(session, plan, Result.OVERRIDDEN, at, actor=wanted.user_id)
    if made.status == PlanStatus.APPROVED:
        start_if_free(made.id or 0, desk)
    return _told(plan, made)


def _told(old: Plan, new: Plan) -> Message:
    name, former = cards.plan_name(new.id), cards.plan_name(old.id)
    if new.status == PlanStatus.APPROVED:
        return _note(f"{name} stands instead of {former}. The policy asks nobody about it: it runs now.")
    mine = " You asked for it now, so somebody else has to approve it." if new.decision.not_requester else ""
    return _note(f"{name} stands instead of {former}; its card is in the same thread. Votes start over.{mine}")


def _stands(plan: Plan, reason: str) -> Message:
    return _note(f"{cards.plan_name(plan.id)} stays as it is. What you asked for is not possible: {reason}")


def _note(sentence: str) -> Message:
    return ephemeral.note(sentence)


def _refuse(wanted: Edit, refusal: Refusal, desk: Desk) -> Message:
    with desk.database.writing() as session:
        _record(session, wanted, refusal, desk.now())
    return refusal.told


def _record(session: Session, wanted: Edit, refusal: Refusal, at: datetime) -> None:
    """Nothing is changed; the attempt itself is recorded."""
    audit.append(
        session,
        actor=wanted.user_id,
        event="edit.refused",
        subject=f"plan:{plan_number(wanted.reference.plan_id)}",
        payload={
            "reason": refusal.reason,
            "typed": dict(wanted.typed),
            "version": wanted.reference.version,
            "digest": wanted.reference.digest,
            "team": wanted.team_id,
            "channel": wanted.channel,
        },
        at=at,
    )
