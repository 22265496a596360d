"""From approved to running: the locks of every target, then one durable run named after the digest and the round."""

from __future__ import annotations

from bot import cards
from bot.desk import Desk
from storage import exceptions, executions, plans
from storage.tables import Plan, PlanStatus


def run_id(plan: Plan) -> str:
    """The durable run of this round of this plan. A second start under the same id changes nothing."""
    return f"remediate-{plan.digest}-{plan.round}"


def start_if_free(plan_id: int, desk: Desk) -> bool:
    """Start an approved plan, unless another plan holds one of its targets; that one's end starts it then.

    While people have stopped sayso nothing starts; the sweep starts it once they let it.
    """
    with desk.database.writing() as session:
        plan = plans.lock_for_decision(session, plan_id)
        if plan.status != PlanStatus.APPROVED or exceptions.stopped(session) is not None:
            return False
        holder = executions.take_locks(session, plan_id, plans.targets(plan), desk.now())
        if holder is not None:
            cards.refresh(session, plan, desk)  # it waits; one that starts says so itself in a moment
            return False
    desk.durable.start("remediate", run_id(plan), plan_id, run_id(plan))
    return True


def start_waiting(desk: Desk) -> None:
    """Start every approved plan whose targets are free, and those that got their targets and no run: a crash between
    the two leaves such ones behind.
    """
    start_next(desk)
    with desk.database.reading() as session:
        begun = [] if exceptions.stopped(session) is not None else executions.holding(session)
    for plan in begun:
        desk.durable.start("remediate", run_id(plan), plan.id, run_id(plan))


def start_next(desk: Desk) -> None:
    """Start what waits for targets that are free now, the most severe incident first."""
    with desk.database.reading() as session:
        free = executions.startable(session)
    for plan_id in free:
        start_if_free(plan_id, desk)
