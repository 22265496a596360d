"""FLOW 2, one transaction: click -> authorised -> vote on the plan's digest -> quorum? -> remediation started, once.

Every click leaves an audit entry, refused ones too. What the clicker is told is private to them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlmodel import Session

from bot import cards, standing
from bot.desk import Desk
from bot.logs import bound
from bot.people import LookupFailed, NotAllowed, Person
from bot.starting import start_if_free
from bot.views import ephemeral
from bot.views.blocks import Message
from bot.views.ids import PlanReference
from bot.views.plan import PlanState
from policies.decisions import Decision, Effect
from policies.engine import summary
from policies.quorum import Outcome, eligible
from storage import audit, inbox, incidents, plans
from storage.tables import IncidentStatus, Plan, PlanStatus, Verdict
from tools.values import Value


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


def decide(click: Click, desk: Desk) -> Message:
    """Count a click, and start the remediation when it completes the agreement. Returns what to tell the clicker."""
    with bound(plan=number_of(click.reference)):
        person = desk.people.identify(click.user_id, click.team_id)
        if isinstance(person, NotAllowed):
            return _refuse(click, person.reason, ephemeral.unauthorised(person.reason), desk)
        try:
            desk.people.rosters()  # asked before the transaction: nothing waits for Slack while holding the plan
        except LookupFailed as error:
            reason = f"Slack could not say who may approve ({error})"
            return _refuse(click, reason, ephemeral.unauthorised(f"{reason}; try again"), desk)
        with desk.database.writing() as session:
            told, approved = _count(session, click, person, desk)
        if approved is not None:
            start_if_free(approved, desk)
        return told


def wants_reason(reference: PlanReference, desk: Desk) -> bool:
    """Whether an approval of this plan needs words."""
    with desk.database.reading() as session:
        plan = session.get(Plan, number_of(reference))
        return plan is not None and plan.decision.reason


def number_of(reference: PlanReference) -> int:
    """The plan's number in the record: 7 of `P-7`; 0, which no plan has, when it is none of ours."""
    digits = reference.plan_id.removeprefix("P-")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else 0


def _count(session: Session, click: Click, person: Person, desk: Desk) -> tuple[Message, int | None]:
    """Judge and record the click under the plan's lock. The plan's number when this click completed the agreement."""
    at, name = desk.now(), click.reference.plan_id
    if not inbox.accept(session, click.event_key, "click", click.model_dump_json(), at):
        return _refused(session, click, "the same click again", ephemeral.note("This click was counted before."), at)
    inbox.handled(session, click.event_key, at)
    try:
        plan = plans.lock_for_decision(session, number_of(click.reference))
    except KeyError:
        return _refused(session, click, "no such plan", ephemeral.unknown_plan(), at)
    if (plan.version, plan.digest[:16]) != (click.reference.version, click.reference.digest):
        return _refused(session, click, "an older version of the plan", ephemeral.replaced(name), at)
    if plan.status != PlanStatus.PENDING:
        state = PlanState(plan.status)
        return _refused(session, click, f"the plan is {plan.status}", ephemeral.too_late(name, state), at)
    if plan.not_after <= at:
        return _refused(session, click, "the plan has expired", ephemeral.expired(name, plan.not_after), at)
    if not plans.intact(plan):
        told = ephemeral.note("The stored plan does not match its digest. Nothing will run; tell whoever runs sayso.")
        return _refused(session, click, "the stored plan was altered", told, at)
    return _vote(session, plan, click, person, desk)


def _vote(session: Session, plan: Plan, click: Click, person: Person, desk: Desk) -> tuple[Message, int | None]:
    at, name = desk.now(), click.reference.plan_id
    decision = standing.asked_now(session, plan, desk)
    if decision.effect is Effect.DENY:
        why = standing.Objection(PlanStatus.STALE, f"Policy no longer allows it: {summary(decision)}")
        standing.send_back(session, plan, why, at)
        cards.refresh(session, plan, desk)
        return _refused(session, click, "policy no longer allows it", ephemeral.note(why.reason), at)
    may = eligible(decision, desk.people.rosters(), standing.excluded(decision, plan))
    if person.user_id not in may:
        groups = tuple(dict.fromkeys(group for one in decision.obligations for group in one.groups))
        told = ephemeral.not_allowed(name, "you are not among those this plan asks", groups)
        return _refused(session, click, "not among those the plan asks", told, at)
    if decision.reason and click.verdict is Verdict.APPROVE and not click.reason:
        told = ephemeral.note("This plan needs a reason with each approval.")
        return _refused(session, click, "no reason was given", told, at)
    given = plans.votes(session, plan)
    earlier = next((vote for vote in given if vote.user_id == person.user_id), None)
    if earlier is not None:
        counted = standing.count(decision, given, plan, desk)
        if click.verdict is Verdict.APPROVE and counted is not None and counted.outcome is Outcome.COMPLETE:
            # Sent back for a reason that has passed, and all who had to agree have: pressing again is enough.
            return _conclude(session, plan, click, decision, desk)
        said: Literal["approve", "reject"] = "approve" if earlier.verdict == Verdict.APPROVE else "reject"
        told = ephemeral.already_voted(name, said, earlier.given_at)
        return _refused(session, click, "voted before", told, at)
    plans.cast_vote(
        session,
        plan,
        user_id=person.user_id,
        groups=person.groups,
        verdict=click.verdict,
        reason=click.reason,
        at=at,
    )
    return _conclude(session, plan, click, decision, desk)


def _conclude(session: Session, plan: Plan, click: Click, decision: Decision, desk: Desk) -> tuple[Message, int | None]:
    """What the votes now amount to: an end, a start, or still waiting."""
    at = desk.now()
    counted = standing.count(decision, plans.votes(session, plan), plan, desk)
    assert counted is not None  # people are asked, else nobody would have been let to vote
    if counted.outcome is Outcome.REJECTED:
        plans.move(session, plan, PlanStatus.REJECTED, at, actor=click.user_id, outcome=click.reason)
        desk.metrics.plans.labels(outcome=PlanStatus.REJECTED).inc()
        note = f"{cards.plan_name(plan.id)} was rejected; nothing was done."
        incidents.move(session, plan.incident_id, IncidentStatus.NEEDS_HUMAN, at, note=note, actor=click.user_id)
    elif counted.outcome is Outcome.COMPLETE:
        plans.move(session, plan, PlanStatus.APPROVED, at, actor=click.user_id, decided_at=at)
        desk.metrics.approval_wait_seconds.observe((at - plan.proposed_at).total_seconds())
    cards.refresh(session, plan, desk)
    if plan.status == PlanStatus.REJECTED:
        return ephemeral.note(f"Your rejection of plan {click.reference.plan_id} stands; nothing will run."), None
    started = plan.id if plan.status == PlanStatus.APPROVED else None
    progress = tuple(str(one) for one in counted.progress)
    return ephemeral.vote_counted(click.reference.plan_id, progress), started


def _refuse(click: Click, reason: str, told: Message, desk: Desk) -> Message:
    with desk.database.writing() as session:
        return _refused(session, click, reason, told, desk.now())[0]


def _refused(session: Session, click: Click, reason: str, told: Message, at: datetime) -> tuple[Message, None]:
    """Nothing is counted; the attempt itself is recorded."""
    audit.append(
        session,
        actor=click.user_id,
        event="click.refused",
        subject=f"plan:{number_of(click.reference)}",
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
