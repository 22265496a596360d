"""Break-glass: one person runs a plan without the quorum, and everybody they skipped is told at once.

It replaces the approvals and the freeze, and nothing else: what policy denies, an altered or outdated plan, a busy
target, a target that moved and the stop switch hold it back like any other (`bot.standing`, `bot.starting`).
"""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import Session

from bot import cards, standing
from bot.desk import Desk
from bot.logs import bound
from bot.naming import plan_number
from bot.people import LookupFailed, NotAllowed, Person, groups
from bot.people.groups import Roll
from bot.sign_in import step_up
from bot.starting import start_if_free
from bot.views import ephemeral, exceptions
from bot.views.blocks import Message
from bot.views.ids import REASON_LEAST, PlanReference
from policies.decisions import Effect
from policies.engine import summary
from policies.governance import BreakGlass as Rules
from storage import audit, inbox, incidents, messages, plans
from storage import exceptions as kept
from storage.exceptions import Purpose
from storage.tables import BreakGlass, Plan, PlanStatus
from tools.values import Value

UNWELCOME = "This policy has no break-glass: it has no `break_glass` section. The plan needs its approvals."


class Breaking(Value):
    """Somebody wants to run these very bytes alone, and says why."""

    event_key: str
    user_id: str
    team_id: str
    reference: PlanReference
    reason: str
    sign_in: str | None = None
    """The hash of the one-time link by which this person has just signed in afresh, verified (`bot.sign_in.pages`)."""


def question(words: str, desk: Desk) -> exceptions.Question | str:
    """What somebody is shown before they break the glass; or why there is nothing to break."""
    rules = desk.policy.file.break_glass
    if rules is None:
        return UNWELCOME
    with desk.database.reading() as session:
        plan = session.get(Plan, plan_number(words))
        if plan is None:
            return "There is no plan of that name. Type it like /sayso break-glass P-7."
        incident = incidents.get(session, plan.incident_id)
    return exceptions.Question(
        reference=_reference(plan),
        incident_id=cards.incident_name(incident.id),
        incident=incident.title,
        actions=_titles(plan),
        policy=summary(plan.decision),
        minutes=max(1, rules.ttl // 60),
    )


def go(asked: Breaking, desk: Desk) -> Message:
    """Run the plan without its quorum, if this person may, and tell everybody who was skipped."""
    number = plan_number(asked.reference.plan_id)
    with bound(plan=number):
        person = desk.people.identify(asked.user_id, asked.team_id)
        if isinstance(person, NotAllowed):
            return _refuse(asked, person.reason, desk)
        with desk.database.reading() as session:
            plan = session.get(Plan, number)
        if plan is None:
            return _refuse(asked, "there is no such plan", desk)
        try:
            roll = standing.call_roll(plan, desk, asked.user_id)
        except LookupFailed as error:
            return _refuse(asked, f"Slack could not say who may ({error}); try again", desk)
        with desk.database.writing() as session:
            told, approved = _settle(session, asked, roll, desk)
        if approved:
            start_if_free(number, desk)
        return told


def review(person: Person, words: str, desk: Desk) -> Message:
    """Sign the review of what somebody else did: `P-7 what happened`. Raises LookupFailed."""
    name, _, said = words.strip().partition(" ")
    if len(said.strip()) < REASON_LEAST:
        return ephemeral.note("Type it like `/sayso review P-7 what happened, and whether it was right`.")
    if not groups.mine(person.user_id, desk):
        return _not_reviewed(person, name, "only people of the approver groups review", desk)
    with desk.database.writing() as session:
        waiting = [one for one in kept.unreviewed(session) if one.plan_id == plan_number(name)]
        others = [one for one in waiting if one.user_id != person.user_id]
        signed = [kept.review(session, one, by=person.user_id, words=said.strip(), at=desk.now()) for one in others]
        for one in others:
            session.refresh(one)
            _show(session, one, plans.get(session, one.plan_id), desk)
    if any(signed):
        return ephemeral.note(f"Your review of {name} is on record.")
    why = "somebody else must review what you did" if waiting else "nothing of that plan waits for a review"
    return _not_reviewed(person, name, why, desk)


def _settle(session: Session, asked: Breaking, roll: Roll, desk: Desk) -> tuple[Message, bool]:
    """Judge and record it under the plan's lock. True when the plan may start now."""
    plan, at = plans.lock_for_decision(session, plan_number(asked.reference.plan_id)), desk.now()
    policy = desk.policy
    rules = policy.file.break_glass
    if not inbox.accept(session, asked.event_key, "break-glass", asked.model_dump_json(), at):
        return _refused(session, asked, "this was counted before", desk), False
    inbox.handled(session, asked.event_key, at)
    if rules is None:
        return _refused(session, asked, UNWELCOME, desk), False
    if asked.sign_in is not None and not _signed_in(session, plan, asked, desk):
        return _refused(session, asked, "the sign-in link was used before, has expired, or is not yours", desk), False
    refusal = _objection(session, plan, asked, rules, roll, desk)
    if refusal is not None:
        return _refused(session, asked, refusal, desk), False
    if rules.step_up and asked.sign_in is None:
        told, refused = step_up.ask(session, plan, asked.user_id, Purpose.BREAK_GLASS, asked.reason, desk)
        return (_refused(session, asked, refused, desk, told) if refused else told), False
    _break(session, plan, asked, rules, roll, desk)
    if not standing.glass_holds(session, plan, roll, policy, at):
        return ephemeral.note(f"Counted. The policy wants {rules.approvals} people to break the glass."), False
    plans.move(session, plan, PlanStatus.APPROVED, at, actor=asked.user_id, decided_at=at, detail={"by": "break-glass"})
    cards.refresh(session, plan, desk)
    return ephemeral.note(
        f"Plan {asked.reference.plan_id} runs without its approvals. Everybody skipped is told."
    ), True


def _break(session: Session, plan: Plan, asked: Breaking, rules: Rules, roll: Roll, desk: Desk) -> None:
    """Write it down, post it, and tell each person who was skipped."""
    at = desk.now()
    broken = kept.break_glass(
        session,
        plan,
        user_id=asked.user_id,
        reason=asked.reason.strip(),
        stepped_up=asked.sign_in is not None,
        skipped=tuple(sorted(standing.may_vote(session, plan.decision, plan, roll, desk) - {asked.user_id})),
        at=at,
        until=min(at + timedelta(seconds=rules.ttl), plan.not_after),
    )
    _show(session, broken, plan, desk)
    told = exceptions.skipped(_glass(session, broken, plan))
    for person in broken.skipped:
        messages.want(session, f"glass:{broken.id}:{person}", channel=person, body=told, at=at, priority=1)


def _objection(session: Session, plan: Plan, asked: Breaking, rules: Rules, roll: Roll, desk: Desk) -> str | None:
    """Why this person may not run this plan alone."""
    if asked.user_id not in roll.own(rules.eligible):
        return f"only people of {', '.join(rules.eligible)} break the glass"
    if asked.reference != _reference(plan):
        return "that is an older version of the plan"
    if plan.status != PlanStatus.PENDING or plan.not_after <= desk.now():
        return f"the plan does not wait for approvals (it is {plan.status})"
    if not (plans.intact(plan) and plans.is_current(plan)):
        return "the stored plan does not match its digest, or is of another version of sayso"
    if kept.stopped(session) is not None:
        return "sayso is stopped; `/sayso resume` first"
    others = [one for one in kept.unreviewed(session) if one.plan_id != plan.id]
    if rules.block_next_until_reviewed and others:
        return (
            f"the glass broken for P-{others[0].plan_id} has not been reviewed: `/sayso review P-{others[0].plan_id} …`"
        )
    if len(asked.reason.strip()) < REASON_LEAST:
        return "say in a few words why"
    today = standing.judge_again(session, plan, desk)
    return f"policy denies it, whoever asks: {summary(today)}" if today.effect is Effect.DENY else None


def _signed_in(session: Session, plan: Plan, asked: Breaking, desk: Desk) -> bool:
    used = kept.use_sign_in(session, asked.sign_in or "", desk.now())
    wanted = (asked.user_id, plan.digest, Purpose.BREAK_GLASS)
    return used is not None and (used.user_id, used.plan_digest, used.purpose) == wanted


def _show(session: Session, broken: BreakGlass, plan: Plan, desk: Desk) -> None:
    """The notice where everybody reads it, as it now is."""
    key, channel = f"glass:{broken.id}", desk.audit_channel or desk.channel
    told = exceptions.broken(_glass(session, broken, plan))
    messages.want(session, key, channel=channel, body=told, at=desk.now(), priority=1)


def _glass(session: Session, broken: BreakGlass, plan: Plan) -> exceptions.Glass:
    return exceptions.Glass(
        number=broken.id or 0,
        render=messages.render_number(session, f"glass:{broken.id}"),
        reference=_reference(plan),
        incident_id=cards.incident_name(plan.incident_id),
        by=broken.user_id,
        reason=broken.reason,
        at=broken.broken_at,
        actions=_titles(plan),
        skipped=broken.skipped,
        signed_in=broken.stepped_up,
        reviewed_by=broken.reviewed_by,
        review=broken.review,
    )


def _titles(plan: Plan) -> tuple[str, ...]:
    return tuple(f"{step.title} on {step.observed.target}" for step in plan.rehearsal.steps)


def _reference(plan: Plan) -> PlanReference:
    return PlanReference(plan_id=cards.plan_name(plan.id), version=plan.version, digest=plan.digest[:16])


def _refuse(asked: Breaking, why: str, desk: Desk) -> Message:
    with desk.database.writing() as session:
        return _refused(session, asked, why, desk)


def _refused(session: Session, asked: Breaking, why: str, desk: Desk, told: Message | None = None) -> Message:
    """Nothing runs; the attempt is recorded."""
    subject = f"plan:{plan_number(asked.reference.plan_id)}"
    payload = {"reason": why, "said": asked.reason[:1000], "digest": asked.reference.digest, "team": asked.team_id}
    audit.append(session, actor=asked.user_id, event="glass.refused", subject=subject, payload=payload, at=desk.now())
    return told or ephemeral.note(f"The glass stays whole: {why}.")


def _not_reviewed(person: Person, name: str, why: str, desk: Desk) -> Message:
    with desk.database.writing() as session:
        subject, payload = f"plan:{plan_number(name)}", {"reason": why}
        audit.append(
            session, actor=person.user_id, event="review.refused", subject=subject, payload=payload, at=desk.now()
        )
    return ephemeral.note(f"No review was signed: {why}.")
