"""Plans that close themselves: a newer one stands instead, or the target is no longer what people were shown.

The alert that clears is `bot.intake`'s, the time that runs out `bot.sweep`'s. Looking at targets happens outside any
transaction; what is written then is guarded by where the plan is.
"""

from __future__ import annotations

from sqlmodel import Session

from bot import cards
from bot.desk import Desk
from bot.logs import bound
from bot.rehearsal import drift
from bot.views import ephemeral
from bot.views.blocks import Message
from storage import audit, beside, executions, incidents, plans
from storage.tables import Plan, PlanStatus


def supersede_older(session: Session, newer: Plan, desk: Desk) -> None:
    """The incident's other open plans end: the newer one stands instead. Undoing an earlier plan replaces nothing."""
    if newer.undoes is not None:
        return
    for plan in plans.of_incident(session, newer.incident_id):
        if plan.id == newer.id or plan.status not in plans.OPEN or plan.undoes is not None:
            continue
        why = f"{cards.plan_name(newer.id)} stands instead."
        by = newer.steerers[-1] if newer.replaces == plan.id and newer.steerers else audit.BOT
        plans.move(session, plan, PlanStatus.SUPERSEDED, desk.now(), actor=by, outcome=why, detail={"by": newer.id})
        executions.release_locks(session, plan.id or 0)  # approved, and about to start
        desk.metrics.plans.labels(outcome=PlanStatus.SUPERSEDED).inc()
        cards.show_plan(session, plan, desk)


def replaced(session: Session, plan: Plan) -> Message:
    """What a late click on a plan that another one stands instead of is told: which one."""
    name = cards.plan_name(plan.id)
    newest = next(one for one in reversed(plans.of_incident(session, plan.incident_id)) if one.undoes is None)
    return ephemeral.note(f"Plan {name} was replaced by {cards.plan_name(newest.id)}; nothing was done. Look there.")


def watch(desk: Desk) -> None:
    """Close plans whose target moved while people were thinking, so that nobody agrees to what cannot run."""
    with desk.database.reading() as session:
        waiting = plans.in_status(session, PlanStatus.PENDING)
    for plan in desk.lookout.turn(waiting, desk.now()):
        close_if_moved(plan, desk)


def recheck_siblings(finished: Plan, desk: Desk) -> None:
    """A plan has ended: others that wait with the same targets are looked at now, not at the next click."""
    with desk.database.reading() as session:
        siblings = beside.with_targets(session, plans.targets(finished), *plans.OPEN)
    for plan in siblings:
        if plan.id != finished.id:
            close_if_moved(plan, desk)


def close_if_moved(plan: Plan, desk: Desk) -> bool:
    """Whether the plan was closed because a target is not what people were shown. One that cannot be read is left."""
    with bound(plan=plan.id or 0):
        moved = drift(plan.rehearsal, desk.writers)
        if moved is None or not moved.seen:
            return False
        with desk.database.writing() as session:
            return _went_stale(session, plan, moved.reason, desk)


def _went_stale(session: Session, seen: Plan, reason: str, desk: Desk) -> bool:
    plan, at = plans.lock_for_decision(session, seen.id or 0), desk.now()
    if (plan.status, plan.round) != (seen.status, seen.round):
        return False  # decided while we looked
    why = f"It changed while people were asked: {reason}"
    plans.move(session, plan, PlanStatus.STALE, at, outcome=why)
    executions.release_locks(session, plan.id or 0)
    desk.metrics.plans.labels(outcome=PlanStatus.STALE).inc()
    note = f"{cards.plan_name(plan.id)} is out of date; nothing was done. {why}"
    incidents.move(session, plan.incident_id, plans.leaves(plan), at, note=note)
    cards.refresh(session, plan, desk)
    return True
