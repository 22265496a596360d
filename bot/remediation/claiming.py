"""Taking an approved plan, once: the last look at everything people agreed to, before anything touches the world.

What takes time is looked at first. What can change meanwhile is asked in the claim's own transaction: where the plan
stands, its locks, the stop switch, and today's policy with its limits, so that of two plans the second sees the first.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from bot import cards, standing
from bot.desk import Desk
from bot.people.groups import Roll
from bot.remediation.verifying import healthy_now
from bot.standing import Objection
from bot.starting import run_id
from storage import exceptions, executions, incidents, plans
from storage.tables import IncidentStatus, Plan, PlanStatus


def claim(plan_id: int, run: str, desk: Desk) -> list[int | None] | None:
    """Take the plan, once, if everything people agreed to still stands.

    Answers what served users before, one count a criterion; None when the plan may not run.
    """
    with desk.database.reading() as session:
        plan = plans.get(session, plan_id)
        if plan.status in plans.RUNNING:
            return healthy_now(plan, desk) if plan.claim == run else None
    found = standing.looked_into(plan, desk)
    baseline = healthy_now(plan, desk)
    with desk.database.writing() as session:
        claimed = _claim(session, plan_id, run, found, desk)
    return baseline if claimed else None


def _claim(session: Session, plan_id: int, run: str, found: Objection | Roll, desk: Desk) -> bool:
    plan, at = plans.lock_for_decision(session, plan_id), desk.now()
    if plan.status != PlanStatus.APPROVED or run_id(plan) != run:
        return False  # cancelled, expired, superseded or asked about anew while we looked
    hindrance = None if isinstance(found, Objection) else _hindrance(session, plan, at)
    if hindrance is not None:
        executions.postpone(session, plan, hindrance, at)
        cards.refresh(session, plan, desk)
        return False
    objection = found if isinstance(found, Objection) else standing.lost_agreement(session, plan, found, desk)
    claimed = objection is None and plans.claim(session, plan, run, at)
    if claimed:
        incidents.move(session, plan.incident_id, IncidentStatus.REMEDIATING, at)
    elif objection is not None:
        standing.send_back(session, plan, objection, at)
        executions.release_locks(session, plan_id)
    cards.refresh(session, plan, desk)
    return claimed


def _hindrance(session: Session, plan: Plan, at: datetime) -> str | None:
    """Why it cannot start just now, though nothing speaks against it: it is started again later."""
    switch = exceptions.stopped(session)
    if switch is not None:
        return f"sayso was stopped by {switch.set_by}: {switch.reason or 'no reason given'}"
    holder = executions.take_locks(session, plan.id or 0, plans.targets(plan), at)  # held already, if all went well
    return None if holder is None else f"{cards.plan_name(holder)} is at work on the same target"
