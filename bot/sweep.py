"""The repair round every replica makes: what a crash, a slow person or a busy resource left behind, all guarded."""

from __future__ import annotations

from bot import cards
from bot.desk import Desk
from bot.intake import start_triage
from bot.starting import start_waiting
from storage import executions, inbox, incidents, plans
from storage.tables import IncidentStatus, PlanStatus


def sweep(desk: Desk) -> None:
    """Expire what nobody answered, start what is approved and free, look at what nobody looked at, forget the old."""
    expire(desk)
    start_waiting(desk)
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
            why = "nobody answered" if plan.status == PlanStatus.PENDING else "it was approved, but never got to start"
            plans.move(session, plan, PlanStatus.EXPIRED, at, outcome=None)
            executions.release_locks(session, plan.id or 0)  # approved, and about to start
            desk.metrics.plans.labels(outcome=PlanStatus.EXPIRED).inc()
            note = f"{cards.plan_name(plan.id)} expired: {why}. Look again to ask once more."
            incidents.move(session, plan.incident_id, IncidentStatus.NEEDS_HUMAN, at, note=note)
            cards.refresh(session, plan, desk)
