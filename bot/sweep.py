"""The round every replica makes: what time brings, and what a crash, a slow person or a busy resource left behind.

Every step is guarded by the record, so replicas may make their rounds at the same moment.
"""

from __future__ import annotations

from sqlmodel import Session

from bot import cards, crowds, second_look
from bot.desk import Desk
from bot.intake import start_triage
from bot.plans import escalation, windows
from bot.remediation import repair
from bot.starting import start_waiting
from storage import executions, inbox, incidents, plans
from storage.tables import Plan, PlanStatus


def sweep(desk: Desk) -> None:
    """Expire what nobody answered, let windows end, escalate, start what is free, look at what nobody looked at."""
    expire(desk)
    windows.fire(desk)
    escalation.escalate(desk)
    start_waiting(desk)
    repair(desk)
    second_look.look_again(desk)
    crowds.settle(desk)
    with desk.database.reading() as session:
        untouched = incidents.waiting_for_triage(session)
    for incident in untouched:
        start_triage(incident, desk)
    with desk.database.writing() as session:
        inbox.prune(session, desk.now())


def expire(desk: Desk) -> None:
    """Close every open plan whose time has run out. Nobody answering is not a rejection: the card says so."""
    at = desk.now()
    with desk.database.reading() as session:
        overdue = [plan.id for plan in plans.overdue(session, at)]
    for plan_id in overdue:
        with desk.database.writing() as session:
            plan = plans.lock_for_decision(session, plan_id or 0)
            if plan.status not in plans.OPEN or plan.not_after > at:
                continue
            why, outcome = _why_expired(session, plan)
            plans.move(session, plan, PlanStatus.EXPIRED, at, outcome=outcome)
            executions.release_locks(session, plan.id or 0)  # approved, and about to start
            desk.metrics.plans.labels(outcome=PlanStatus.EXPIRED).inc()
            again = "" if plan.undoes is not None else " Press Ask again on its card."
            note = f"{cards.plan_name(plan.id)} expired: {why}.{again}"
            incidents.move(session, plan.incident_id, plans.leaves(plan), at, note=note)
            cards.refresh(session, plan, desk)


def _why_expired(session: Session, plan: Plan) -> tuple[str, str | None]:
    """In words, for the incident; and for the plan's card where that is not what an expired plan says anyway."""
    if plan.status != PlanStatus.PENDING:
        return "it was approved, but never got to start", "It was approved, but never got to start."
    if plans.votes(session, plan):
        return "not enough people answered; nothing was done", "Not enough people answered."
    return "nobody answered; nothing was done", None
