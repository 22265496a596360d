"""Whether what people agreed to still stands: asked at the completing vote and again at the claim.

Policy on fresh facts, the plan's own bytes, the voters' rights, and the state of every target. The answer is a value.
Slack is asked first (`call_roll`); what is judged in a transaction works with its answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from bot import facts
from bot.desk import Desk
from bot.people import LookupFailed, groups
from bot.people.groups import Roll
from bot.rehearsal import still_as_rehearsed
from bot.views import exceptions as exceptions_view
from policies import escalation, quorum
from policies.decisions import Decision, Effect
from policies.engine import decide_all, summary
from policies.quorum import Ballot, Outcome, Tally, eligible, exclusions, shortages, tally
from policies.rules import Policy
from policies.strictness import differences
from storage import audit, escalations, exceptions, incidents, messages, plans, policies
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
    found = looked_into(plan, desk)
    if isinstance(found, Objection):
        return found
    with desk.database.reading() as session:
        return lost_agreement(session, plan, found, desk)


def looked_into(plan: Plan, desk: Desk) -> Objection | Roll:
    """What takes time about `objection`: the plan's bytes, its targets, and who is who. The rest is for a transaction,
    which asks `lost_agreement` with the roll.
    """
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
    try:
        return roll_at_claim(plan, desk)
    except LookupFailed as error:
        return Objection(PlanStatus.PENDING, f"Slack could not say who may approve ({error}).")


def roll_at_claim(plan: Plan, desk: Desk) -> Roll:
    """The people behind an approved plan, each identified afresh; nobody where nobody is asked. Raises LookupFailed."""
    with desk.database.reading() as session:
        decision = judge_again(session, plan, desk)
    asks_nobody = decision.effect is Effect.DENY or _runs_by_itself(decision, plan, desk.now())
    return Roll({}) if asks_nobody else call_roll(plan, desk)


def lost_agreement(session: Session, plan: Plan, roll: Roll, desk: Desk) -> Objection | None:
    """What policy and people no longer agree to, from the record and the roll alone: the part a transaction can ask."""
    decision = judge_again(session, plan, desk)
    if decision.effect is Effect.DENY:
        return Objection(PlanStatus.STALE, f"Policy no longer allows it: {summary(decision)}")
    if _runs_by_itself(decision, plan, desk.now()) or glass_holds(session, plan, roll, desk.policy, desk.now()):
        return None
    counted = count(session, decision, plan, roll, desk)
    if counted is None or counted.outcome is Outcome.COMPLETE:
        return None
    now_asked = "; ".join(differences(decision, plan.decision)) or ", ".join(str(one) for one in counted.progress)
    return Objection(PlanStatus.PENDING, f"It no longer has the agreement it needs: {now_asked}", decision)


def _runs_by_itself(decision: Decision, plan: Plan, now: datetime) -> bool:
    """Whether nobody need agree: it is automatic, or its window has passed and nobody stopped it."""
    if decision.effect is Effect.AUTO_AFTER:
        if plan.fires_at is None or decision.window_s is None:
            return False
        # When it was proposed is under the digest, when it fires is not.
        return max(plan.fires_at, plan.proposed_at + timedelta(seconds=decision.window_s)) <= now
    return decision.effect is Effect.AUTO


def call_roll(plan: Plan, desk: Desk, *also: str) -> Roll:
    """Who may decide this plan, with everybody who did so far, and `also`, identified just now. Raises LookupFailed."""
    with desk.database.reading() as session:
        spoke = {vote.user_id for vote in plans.votes(session, plan)}
        broke = {broken.user_id for broken in exceptions.broken_for(session, plan)}
    return groups.call_roll(groups.services_of(plan.decision), desk.policy, desk, spoke | broke | set(also))


def judge_again(session: Session, plan: Plan, desk: Desk) -> Decision:
    """Today's decision on the plan's facts, with the clock and the counters as they are now."""
    policy = desk.rulebook.in_force(session)
    return decide_all(policy, [facts.refreshed(session, one, policy, desk.now()) for one in plan.decision.facts])


def count(session: Session, decision: Decision, plan: Plan, roll: Roll, desk: Desk) -> Tally | None:
    """The votes as they count under a decision; None when nobody is asked."""
    if decision.effect is Effect.AUTO:
        return None
    votes, out = plans.witnessed(session, plan), excluded(session, decision, plan, desk.now())
    people = roll.people(out, frozenset(vote.user_id for vote in votes))
    return tally(as_asked(session, plan, decision, desk.policy), _ballots(votes), people, out, desk.now())


def _ballots(votes: list[Vote]) -> list[Ballot]:
    """What each person said last: whoever was asked anew and answered means that answer."""
    latest = {vote.user_id: vote for vote in votes}
    return [
        Ballot(
            person=vote.user_id,
            verdict="approve" if vote.verdict == Verdict.APPROVE else "reject",
            at=vote.given_at,
            reason=vote.reason,
            stepped_up=vote.stepped_up,
        )
        for vote in latest.values()
    ]


def may_vote(session: Session, decision: Decision, plan: Plan, roll: Roll, desk: Desk) -> frozenset[str]:
    """Everybody whose vote could count now. A lender who has spoken lends nothing any more."""
    out = excluded(session, decision, plan, desk.now())
    spoken = frozenset(vote.user_id for vote in plans.votes(session, plan))
    return eligible(as_asked(session, plan, decision, desk.policy), roll.people(out, spoken), out) - set(roll.refused)


def not_yet(session: Session, decision: Decision, plan: Plan, user_id: str, roll: Roll, desk: Desk) -> str | None:
    """Why an approval by somebody who is asked would count for nothing now, by the stages; None when it counts."""
    votes, out = plans.witnessed(session, plan), excluded(session, decision, plan, desk.now())
    people = roll.people(out, frozenset(vote.user_id for vote in votes))
    asked = as_asked(session, plan, decision, desk.policy)
    return quorum.not_yet(asked, _ballots(votes), user_id, people, out, desk.now())


def may_decide(user_id: str, plan: Plan, desk: Desk) -> bool:
    """Whether a plan asks this person, for showing it to them. False while Slack cannot tell."""
    try:
        roll = call_roll(plan, desk, user_id)
    except LookupFailed:
        return False
    with desk.database.reading() as session:
        return user_id in may_vote(session, plan.decision, plan, roll, desk)


def as_asked(session: Session, plan: Plan, decision: Decision, policy: Policy) -> Decision:
    """The decision with the groups that an escalation added: more people may answer, and as many must."""
    return escalation.widened(policy, decision, escalations.widened(session, plan))


def excluded(session: Session, decision: Decision, plan: Plan, now: datetime) -> frozenset[str]:
    """Whose votes count for nothing: who asked for the plan, instructed or edited it, or lately changed its rules."""
    editors = policies.recent_editors(session, decision, now)
    return exclusions(decision, steerers={plan.requester, *plan.steerers}, barred=editors)


def glass_holds(session: Session, plan: Plan, roll: Roll, policy: Policy, now: datetime) -> bool:
    """Whether enough people who still may have broken the glass for this plan, lately enough."""
    rules = policy.file.break_glass
    if rules is None:
        return False
    able = roll.own(rules.eligible)
    held = [one for one in exceptions.broken_for(session, plan) if one.until > now and one.user_id in able]
    return len({one.user_id for one in held if one.stepped_up or not rules.step_up}) >= rules.approvals


def nobody_to_ask(decision: Decision, requester: str, desk: Desk, steerers: tuple[str, ...] = ()) -> str | None:
    """Why nobody could ever approve under this decision; None when somebody could, or Slack cannot tell now."""
    try:
        roll = groups.call_roll(groups.services_of(decision), desk.policy, desk, frozenset())
    except LookupFailed:
        return None
    with desk.database.reading() as session:
        editors = policies.recent_editors(session, decision, desk.now())
    out = exclusions(decision, steerers={requester, *steerers}, barred=editors)
    return "; ".join(str(one) for one in shortages(decision, roll.people(out, frozenset()), out)) or None


def page(incident_id: int, look: int, why: str, desk: Desk) -> None:
    """Say aloud, once a look, that a plan was not even asked about since nobody could approve it."""
    told = (
        f"INC-{incident_id} has a fix that nobody could approve: {why}. Put people into the Slack user groups behind "
        f"these groups (SAYSO_APPROVERS, SAYSO_OWNERS, SAYSO_GROUPS, services.yaml), then press Look again."
    )
    with desk.database.writing() as session:
        key, subject = f"page:incident:{incident_id}:{look}", f"incident:{incident_id}"
        audit.append(
            session, actor=audit.BOT, event="roster.empty", subject=subject, payload={"why": why}, at=desk.now()
        )
        body = exceptions_view.page(told)
        messages.want(session, key, channel=desk.channel, body=body, at=desk.now(), priority=1)


def send_back(session: Session, plan: Plan, why: Objection, at: datetime) -> None:
    """Take an approved plan where the objection says; nothing was done."""
    if why.to is PlanStatus.PENDING:
        asked = why.decision or plan.decision
        # People are asked from here on: there is no window any more.
        plans.move(session, plan, why.to, at, outcome=why.reason, round=plan.round + 1, decision=asked, fires_at=None)
        incidents.move(session, plan.incident_id, IncidentStatus.AWAITING_APPROVAL, at, note=why.reason)
        return
    plans.move(session, plan, why.to, at, outcome=why.reason)
    incidents.move(session, plan.incident_id, plans.leaves(plan), at, note=f"Nothing was done. {why.reason}")
