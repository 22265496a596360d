"""What happens while nobody answers: groups are told, may answer too, or are paged, each step once.

The steps are rows written when people are asked (`storage.escalations`), so restarts and several replicas change
nothing. Who may vote after a widening is for `bot.standing` to say, from the same rows.
"""

from __future__ import annotations

from datetime import timedelta

import structlog
from sqlmodel import Session

from bot import cards
from bot.desk import Desk
from bot.logs import bound
from bot.people import LookupFailed, groups
from bot.views import nudges
from policies import escalation as chains
from policies.governance import Step
from storage import audit, escalations, incidents, plans
from storage.escalations import PlannedStep
from storage.tables import Escalation, Nudge, Plan, PlanStatus
from tools.values import JsonValue

log = structlog.get_logger(__name__)


def schedule(session: Session, plan: Plan, desk: Desk) -> None:
    """Write down what happens while nobody answers this round of the plan. Called again, nothing changes.

    A first step that tells people at once is left out where the card itself mentions them already.
    """
    if plan.status != PlanStatus.PENDING or plan.fires_at is not None:
        return
    at, told = desk.now(), incidents.get(session, plan.incident_id).severity in cards.PINGING
    steps = [
        PlannedStep(nudge=_nudge(step), groups=step.groups, due_at=at + timedelta(seconds=step.after))
        for step in chains.chain(desk.policy, plan.decision)
        if not (told and step.notify and not step.after and plan.round == 1)
    ]
    escalations.plan_ahead(session, plan, [step for step in steps if step.due_at < plan.not_after])


def _nudge(step: Step) -> Nudge:
    return Nudge.NOTIFY if step.notify else Nudge.WIDEN if step.widen else Nudge.PAGE


def escalate(desk: Desk) -> None:
    """Do every step that is due, of every round in which people were asked."""
    with desk.database.reading() as session:
        fresh = [one for one in escalations.unplanned(session) if chains.chain(desk.policy, one.decision)]
    for plan in fresh:  # asked anew at a vote or at the claim
        with desk.database.writing() as session:
            schedule(session, plans.lock_for_decision(session, plan.id or 0), desk)
    with desk.database.reading() as session:
        waiting = escalations.due(session, desk.now())
    for step in waiting:
        with bound(plan=step.plan_id):
            _do(step, desk)


def _do(step: Escalation, desk: Desk) -> None:
    """One step: taken, told and recorded in one transaction. Whom to page is asked before it: Slack may be slow."""
    with desk.database.reading() as session:
        plan = plans.get(session, step.plan_id)
    try:
        paged = _members(plan, step, desk) if step.nudge == Nudge.PAGE else ()
    except LookupFailed as error:
        log.warning("escalation.waits", error=str(error))  # due still: the next round tries again
        return
    with desk.database.writing() as session:
        plan, at = plans.lock_for_decision(session, step.plan_id), desk.now()
        if not escalations.take(session, step, at):
            return  # another replica does it, or the plan was answered and nobody need
        payload: dict[str, JsonValue] = {
            "nudge": step.nudge,
            "groups": [*step.groups],
            "round": step.round,
            "paged": [*paged],
        }
        event, subject = "plan.escalated", f"plan:{plan.id}"
        audit.append(session, actor=audit.BOT, event=event, subject=subject, payload=payload, at=at)
        _tell(session, step, plan, paged, desk)
        cards.refresh(session, plan, desk)


def _members(plan: Plan, step: Escalation, desk: Desk) -> tuple[str, ...]:
    """Who is in the step's groups now, as far as the plan's services go. Raises LookupFailed."""
    roll = groups.call_roll(groups.services_of(plan.decision), desk.policy, desk, frozenset())
    return tuple(sorted(roll.own(step.groups)))


def _tell(session: Session, step: Escalation, plan: Plan, paged: tuple[str, ...], desk: Desk) -> None:
    """In the thread, where everybody sees who was told; and to each who is paged, directly."""
    incident = incidents.get(session, plan.incident_id)
    nudge = nudges.Nudge(
        kind=nudges.NudgeKind(step.nudge),
        plan_id=cards.plan_name(plan.id),
        incident_id=cards.incident_name(incident.id),
        title=plan.rehearsal.steps[0].title,
        service=incident.service or "unknown service",
        environment=incident.environment,
        parties=nudges.parties_of([(name, cards.usergroup_of(name, plan.decision, desk)) for name in step.groups]),
        expires_at=plan.not_after,
        channel=desk.channel,
    )
    key = f"escalation:{step.id}"
    cards.show(session, key, nudges.reply(nudge), desk, thread=f"incident:{incident.id}", priority=1)
    for person in paged:
        cards.show(session, f"{key}:{person}", nudges.page(nudge), desk, channel=person, priority=1)
