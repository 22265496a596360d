"""FLOW 2, one transaction: click -> authorised -> vote on the plan's digest -> quorum? -> remediation started, once.

Every click leaves an audit entry, refused ones too. What the clicker is told is private to them. Who is who is asked of
Slack before the transaction; what Slack said then is what counts in it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlmodel import Session

from bot import cards, standing
from bot.desk import Desk
from bot.logs import bound
from bot.naming import plan_number
from bot.people import LookupFailed, NotAllowed, groups
from bot.people.groups import Roll
from bot.plans import superseding
from bot.sign_in import step_up
from bot.starting import start_if_free
from bot.views import ephemeral
from bot.views.blocks import Message
from bot.views.ids import PlanReference
from bot.views.plan import PlanState
from policies.decisions import Decision, Effect
from policies.engine import summary
from policies.quorum import Outcome
from policies.strictness import differences
from storage import audit, exceptions, inbox, incidents, ledger, plans
from storage.exceptions import Purpose
from storage.tables import Plan, PlanStatus, Result, Verdict
from tools.values import JsonValue, Value

ROUNDS = 20
"""How often the people are looked up again because somebody else voted meanwhile."""
Counted = tuple[Message, int | None]
"""What to tell the clicker, and the plan to start when this click completed the agreement."""


class Click(Value):
    """A decision as it came from Slack: who, on which plan, which version of it, and which bytes."""

    event_key: str
    """Unique for one press of one button, so that a replayed request is recognised."""
    user_id: str
    team_id: str
    channel: str
    reference: PlanReference
    verdict: Verdict
    reason: str | None = None
    sign_in: str | None = None
    """The hash of the one-time link by which this person has just signed in afresh (`bot.sign_in.step_up`)."""


def decide(click: Click, desk: Desk) -> Message:
    """Count a click, and start the remediation when it completes the agreement. Returns what to tell the clicker."""
    with bound(plan=plan_number(click.reference.plan_id)):
        refusal = _identity(click, desk)
        if refusal is not None:
            return refusal
        for _ in range(ROUNDS):
            try:
                roll = _roll(click, desk)
            except LookupFailed as error:
                reason = f"Slack could not say who may approve ({error})"
                return _refuse(click, reason, ephemeral.unauthorised(f"{reason}; try again"), desk)
            with desk.database.writing() as session:
                counted = _count(session, click, roll, desk)
            if counted is not None:
                told, approved = counted
                if approved is not None:
                    start_if_free(approved, desk)
                return told
        return _refuse(click, "too many at once", ephemeral.note("Many people decide at once. Press again."), desk)


def _identity(click: Click, desk: Desk) -> Message | None:
    """Why nobody needs to look at the plan: who clicked may decide nothing, or not from there."""
    person = desk.people.identify(click.user_id, click.team_id)
    if isinstance(person, NotAllowed):
        return _refuse(click, person.reason, ephemeral.unauthorised(person.reason), desk)
    if not click.channel or click.channel.startswith("D"):
        return None  # the Home tab, a direct message to us, or the sign-in page: nobody else is there
    try:
        shared = desk.people.is_shared(click.channel)
    except LookupFailed as error:
        reason = f"Slack could not say who is in this channel ({error})"
        return _refuse(click, reason, ephemeral.unauthorised(f"{reason}; try again"), desk)
    if not shared:
        return None
    reason = "the channel is shared with another organisation"
    return _refuse(click, reason, ephemeral.not_here(f"{reason}. Decide it from my Home tab."), desk)


def _roll(click: Click, desk: Desk) -> Roll:
    """Everybody who matters to this plan, identified just now; nobody, for a plan nobody knows. Raises LookupFailed."""
    with desk.database.reading() as session:
        plan = session.get(Plan, plan_number(click.reference.plan_id))
    return Roll({}) if plan is None else standing.call_roll(plan, desk, click.user_id)


def _count(session: Session, click: Click, roll: Roll, desk: Desk) -> Counted | None:
    """Judge and record the click under the plan's lock. None, and nothing recorded, when the roll is out of date."""
    at, name = desk.now(), click.reference.plan_id
    try:
        plan = plans.lock_for_decision(session, plan_number(click.reference.plan_id))
    except KeyError:
        plan = None
    if plan is not None and not roll.covers({vote.user_id for vote in plans.votes(session, plan)} | {click.user_id}):
        return None
    if not inbox.accept(session, click.event_key, "click", click.model_dump_json(), at):
        return _refused(session, click, "the same click again", ephemeral.note("This click was counted before."), at)
    inbox.handled(session, click.event_key, at)
    if plan is None:
        return _refused(session, click, "no such plan", ephemeral.unknown_plan(), at)
    if (plan.version, plan.digest[:16]) != (click.reference.version, click.reference.digest):
        return _refused(session, click, "an older version of the plan", ephemeral.replaced(name), at)
    if click.sign_in is not None and not _signed_in(session, plan, click, at):
        told = ephemeral.note("This sign-in link was used before, has expired, or is not yours. Press Approve again.")
        return _refused(session, click, "the sign-in does not hold", told, at)
    if plan.status != PlanStatus.PENDING:
        state = PlanState(plan.status)
        told = ephemeral.too_late(name, state)
        if plan.status == PlanStatus.SUPERSEDED:
            told = superseding.replaced(session, plan)
        return _refused(session, click, f"the plan is {plan.status}", told, at)
    if plan.not_after <= at:
        return _refused(session, click, "the plan has expired", ephemeral.expired(name, plan.not_after), at)
    if not plans.intact(plan):
        told = ephemeral.note("The stored plan does not match its digest. Nothing will run; tell whoever runs sayso.")
        return _refused(session, click, "the stored plan was altered", told, at)
    return _judge(session, plan, click, roll, desk)


def _signed_in(session: Session, plan: Plan, click: Click, at: datetime) -> bool:
    """Use the link up, and see that it was made for this person, this plan and this purpose."""
    used = exceptions.use_sign_in(session, click.sign_in or "", at)
    wanted = (click.user_id, plan.digest, Purpose.APPROVE)
    return used is not None and (used.user_id, used.plan_digest, used.purpose) == wanted


def _judge(session: Session, plan: Plan, click: Click, roll: Roll, desk: Desk) -> Counted:
    """Whether this person may say this now, by the policy of today."""
    at, name = desk.now(), click.reference.plan_id
    today = standing.judge_again(session, plan, desk)
    if today.effect is Effect.DENY:
        why = standing.Objection(PlanStatus.STALE, f"Policy no longer allows it: {summary(today)}")
        standing.send_back(session, plan, why, at)
        cards.refresh(session, plan, desk)
        return _refused(session, click, "policy no longer allows it", ephemeral.note(why.reason), at)
    decision = _asked(session, plan, today, desk)
    if click.user_id not in standing.may_vote(session, decision, plan, roll, desk):
        asked = tuple(dict.fromkeys(group for each in groups.asked_groups(decision) for group in each))
        told = ephemeral.not_allowed(name, "you are not among those this plan asks", asked)
        return _refused(session, click, "not among those the plan asks", told, at)
    early = standing.not_yet(session, decision, plan, click.user_id, roll, desk)
    if click.verdict is Verdict.APPROVE and early is not None:
        return _refused(session, click, "another stage is open", ephemeral.note(f"Not counted: {early}."), at)
    if click.verdict is Verdict.APPROVE and decision.reason and not click.reason:
        told = ephemeral.note("This plan needs a reason with each approval.")
        return _refused(session, click, "no reason was given", told, at)
    if click.verdict is Verdict.APPROVE and decision.step_up and click.sign_in is None:
        told, refused = step_up.ask(session, plan, click.user_id, Purpose.APPROVE, click.reason, desk)
        return _refused(session, click, refused, told, at) if refused else (told, None)
    return _vote(session, plan, click, decision, roll, desk)


def _asked(session: Session, plan: Plan, today: Decision, desk: Desk) -> Decision:
    """What is asked of people: as policy stands today, or as it stood when they were asked where it would ask less now.

    A limit may have freed up since; their word is still taken. Where it asks more, they are asked anew: those who had
    said something may say it again, and what still suffices counts.
    """
    if today.effect.rank < plan.decision.effect.rank:
        return plan.decision
    stricter = differences(today, plan.decision)
    if stricter:
        why = f"Policy became stricter: {'; '.join(stricter)}. What was said so far counts where it still suffices."
        plans.ask_anew(session, plan, today, desk.now(), why=why)
        cards.refresh(session, plan, desk)
    return today


def _vote(session: Session, plan: Plan, click: Click, decision: Decision, roll: Roll, desk: Desk) -> Counted:
    """Count it, unless this person spoke in this round already."""
    at, name = desk.now(), click.reference.plan_id
    given = [vote for vote in plans.votes(session, plan) if (vote.user_id, vote.round) == (click.user_id, plan.round)]
    if given:
        counted = standing.count(session, decision, plan, roll, desk)
        if click.verdict is Verdict.APPROVE and counted is not None and counted.outcome is Outcome.COMPLETE:
            # What kept it from being counted as complete has passed: pressing again is enough.
            return _conclude(session, plan, click, decision, roll, desk)
        said: Literal["approve", "reject"] = "approve" if given[0].verdict == Verdict.APPROVE else "reject"
        return _refused(session, click, "voted before", ephemeral.already_voted(name, said, given[0].given_at), at)
    spoken = frozenset(vote.user_id for vote in plans.votes(session, plan))
    silent = standing.excluded(session, decision, plan, at) | spoken
    behalf = roll.on_behalf_of(click.user_id, standing.as_asked(session, plan, decision, desk.policy), silent)
    plans.cast_vote(
        session,
        plan,
        user_id=click.user_id,
        groups=tuple(sorted(name for name, ids in roll.people(silent, frozenset()).items() if click.user_id in ids)),
        verdict=click.verdict,
        reason=click.reason,
        at=at,
        on_behalf_of=",".join(behalf) or None,
        stepped_up=click.sign_in is not None,
        detail=_seen(session, plan, decision, roll),
    )
    return _conclude(session, plan, click, decision, roll, desk)


def _seen(session: Session, plan: Plan, decision: Decision, roll: Roll) -> dict[str, JsonValue]:
    """What the person had before them, and which groups answered in the place of others."""
    asked = {group for each in groups.asked_groups(decision) for group in each}
    fallbacks: list[JsonValue] = [str(one) for one in roll.fallbacks if one.group in asked]
    told: dict[str, JsonValue] = {"policy": decision.policy_sha256, "card": cards.seen(session, plan)}
    return {**told, **({"fallbacks": fallbacks} if fallbacks else {})}


def _conclude(session: Session, plan: Plan, click: Click, decision: Decision, roll: Roll, desk: Desk) -> Counted:
    """What the votes now amount to: an end, a start, or still waiting."""
    at = desk.now()
    counted = standing.count(session, decision, plan, roll, desk)
    assert counted is not None  # people are asked, else nobody would have been let to vote
    if counted.outcome is Outcome.REJECTED:
        plans.move(session, plan, PlanStatus.REJECTED, at, actor=click.user_id, outcome=click.reason)
        ledger.remember(session, plan, Result.OVERRIDDEN, at, actor=click.user_id)
        desk.metrics.plans.labels(outcome=PlanStatus.REJECTED).inc()
        note = f"{cards.plan_name(plan.id)} was rejected; nothing was done."
        incidents.move(session, plan.incident_id, plans.leaves(plan), at, note=note, actor=click.user_id)
    elif counted.outcome is Outcome.COMPLETE:
        plans.move(session, plan, PlanStatus.APPROVED, at, actor=click.user_id, decided_at=at)
        desk.metrics.approval_wait_seconds.observe((at - plan.proposed_at).total_seconds())
    cards.refresh(session, plan, desk)
    if plan.status == PlanStatus.REJECTED:
        return ephemeral.note(f"Your rejection of plan {click.reference.plan_id} stands; nothing will run."), None
    started = plan.id if plan.status == PlanStatus.APPROVED else None
    progress = tuple(str(one) for one in counted.progress)
    held = started is not None and exceptions.stopped(session) is not None
    return ephemeral.vote_counted(click.reference.plan_id, progress, stopped=held), started


def _refuse(click: Click, reason: str, told: Message, desk: Desk) -> Message:
    with desk.database.writing() as session:
        return _refused(session, click, reason, told, desk.now())[0]


def _refused(session: Session, click: Click, reason: str, told: Message, at: datetime) -> tuple[Message, None]:
    """Nothing is counted; the attempt itself is recorded."""
    audit.append(
        session,
        actor=click.user_id,
        event="click.refused",
        subject=f"plan:{plan_number(click.reference.plan_id)}",
        payload={
            "reason": reason,
            "verdict": click.verdict,
            "version": click.reference.version,
            "digest": click.reference.digest,
            "team": click.team_id,
            "channel": click.channel,
        },
        at=at,
    )
    return told, None
