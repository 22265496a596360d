"""From approved to running: the locks of every target, then one durable run named after the digest and the round."""

from __future__ import annotations

from bot import cards
from bot.desk import Desk
from storage import executions, plans
from storage.tables import Plan, PlanStatus


def run_id(plan: Plan) -> str:
    """The durable run of this round of this plan. A second start under the same id changes nothing."""
    return f"remediate-{plan.digest}-{plan.round}"


def start_if_free(plan_id: int, desk: Desk) -> bool:
    """Start an approved plan, unless another plan holds one of its targets; that one's end starts it then."""
    with desk.database.writing() as session:
        plan = plans.lock_for_decision(session, plan_id)
        if plan.status != PlanStatus.APPROVED:
            return False
        targets = [step.observed.target.key for step in plan.rehearsal.steps]
        holder = executions.take_locks(session, plan_id, targets, desk.now())
        cards.refresh(session, plan, desk)
    if holder is not None:
        return False
    desk.durable.start("remediate", run_id(plan), plan_id, run_id(plan))
    return True


def start_waiting(desk: Desk) -> None:
    """Start every approved plan whose targets are free, the most severe incident first."""
    with desk.database.reading() as session:
        waiting = plans.approved_by_urgency(session)
    for plan_id in waiting:
        start_if_free(plan_id, desk)
