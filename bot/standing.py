"""Whether what people agreed to still stands: asked at the completing vote and again at the claim.

Policy on fresh facts, the plan's own bytes, the voters' rights, and the state of every target. The answer is a value.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from bot import facts
from bot.desk import Desk
from bot.people import LookupFailed
from bot.rehearsal import still_as_rehearsed
from policies.decisions import Decision, Effect
from policies.engine import decide_all, summary
from policies.quorum import Ballot, Outcome, Tally, exclusions, shortages, tally
from policies.strictness import differences
from storage import incidents, plans
from storage.tables import IncidentStatus, Plan, PlanStatus, Verdict, Vote


@dataclass(frozen=True)
class Objection:
    """Why an approved plan may not run, and where it goes instead."""

    to: PlanStatus
    reason: str
    decision: Decision | None = None
    """What policy asks now, where that is why."""


def objection(plan: Plan, desk: Desk) -> Objection | None:
    """The first reason against running this approved plan now; None when everything still stands."""
    if not plans.is_current(plan):
        return Objection(
            PlanStatus.STALE, "It was made by another version of sayso, which may mean something else by it."
        )
    if not plans.intact(plan):
        return Objection(PlanStatus.STALE, "The stored plan is not what its digest was made from.")
    if plan.not_after <= desk.now():
        return Objection(PlanStatus.EXPIRED, "It was approved, but could not be started in time.")
    moved = still_as_rehearsed(plan.rehearsal, desk.writers)
    if moved is not None:
        return Objection(PlanStatus.STALE, f"It changed after people were asked: {moved}")
    return _lost_agreement(plan, desk)


def _lost_agreement(plan: Plan, desk: Desk) -> Objection | None:
    with desk.database.reading() as session:
        decision = judge_again(session, plan, desk)
        votes = plans.votes(session, plan)
    if decision.effect is Effect.DENY:
        return Objection(PlanStatus.STALE, f"Policy no longer allows it: {summary(decision)}")
    try:
        counted = count(decision, votes, plan, desk)
    except LookupFailed as error:
        return Objection(PlanStatus.PENDING, f"Slack could not say who may approve ({error}).")
    if counted is None or counted.outcome is Outcome.COMPLETE:
        return None
    now_asked = "; ".join(differences(decision, plan.decision)) or ", ".join(str(one) for one in counted.progress)
    return Objection(PlanStatus.PENDING, f"It no longer has the agreement it needs: {now_asked}", decision)


def judge_again(session: Session, plan: Plan, desk: Desk) -> Decision:
    """Today's decision on the plan's facts, with the clock and the counters as they are now."""
    fresh = [facts.refreshed(session, one, desk.policy, desk.now()) for one in plan.decision.facts]
    return decide_all(desk.policy, fresh)


def asked_now(session: Session, plan: Plan, desk: Desk) -> Decision:
    """What is asked of people before this plan may run: as policy stands today, or as it stood when they were asked
    where it would ask nobody any more (a limit may have freed up since). Their word is still taken.
    """
    decision = judge_again(session, plan, desk)
    return plan.decision if decision.effect is Effect.AUTO else decision


def count(decision: Decision, votes: list[Vote], plan: Plan, desk: Desk) -> Tally | None:
    """The votes as they count under a decision, groups resolved now; None when nobody is asked. Raises LookupFailed."""
    if decision.effect is Effect.AUTO:
        return None
    ballots = [
        Ballot(
            person=vote.user_id,
            verdict="approve" if vote.verdict == Verdict.APPROVE else "reject",
            at=vote.given_at,
            reason=vote.reason,
        )
        for vote in votes
    ]
    return tally(decision, ballots, desk.people.rosters(), excluded(decision, plan), desk.now())


def nobody_to_ask(decision: Decision, requester: str, desk: Desk) -> str | None:
    """Why nobody could ever approve under this decision; None when somebody could, or Slack cannot tell now."""
    try:
        short = shortages(decision, desk.people.rosters(), exclusions(decision, frozenset({requester}), frozenset()))
    except LookupFailed:
        return None
    return "; ".join(str(one) for one in short) or None


def excluded(decision: Decision, plan: Plan) -> frozenset[str]:
    """Whose votes count for nothing: whoever asked for the plan."""
    return exclusions(decision, steerers=frozenset({plan.requester}), barred=frozenset())


def send_back(session: Session, plan: Plan, why: Objection, at: datetime) -> None:
    """Take an approved plan where the objection says; nothing was done."""
    if why.to is PlanStatus.PENDING:
        asked = why.decision or plan.decision
        plans.move(session, plan, why.to, at, outcome=why.reason, round=plan.round + 1, decision=asked)
        incidents.move(session, plan.incident_id, IncidentStatus.AWAITING_APPROVAL, at, note=why.reason)
        return
    plans.move(session, plan, why.to, at, outcome=why.reason)
    incidents.move(session, plan.incident_id, IncidentStatus.NEEDS_HUMAN, at, note=f"Nothing was done. {why.reason}")
