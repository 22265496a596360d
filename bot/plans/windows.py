"""Veto windows: a plan that runs by itself unless somebody stops it. Here its time is up.

Stop and Run now are votes (`bot.approval`). What nobody stopped is judged once more, on fresh facts and live targets,
and any doubt means that people are asked after all.
"""

from __future__ import annotations

from sqlmodel import Session

from bot import cards, standing
from bot.desk import Desk
from bot.logs import bound
from bot.plans import escalation
from bot.rehearsal import Drift, drift
from bot.standing import Objection
from bot.starting import start_if_free
from policies.decisions import Decision, Effect
from policies.engine import summary
from storage import audit, incidents, plans
from storage.tables import IncidentStatus, Plan, PlanStatus


def fire(desk: Desk) -> None:
    """Let every plan run whose window has ended and about which nothing is in doubt."""
    with desk.database.reading() as session:
        over = plans.windows_over(session, desk.now())
    for plan in over:
        with bound(plan=plan.id or 0):
            moved = drift(plan.rehearsal, desk.writers)  # before the transaction: nothing waits for the world inside
            with desk.database.writing() as session:
                approved = _settle(session, plan.id or 0, moved, desk)
            if approved:
                start_if_free(plan.id or 0, desk)


def _settle(session: Session, plan_id: int, moved: Drift | None, desk: Desk) -> bool:
    """Approve the plan, ask people after all, or close it. True when it was approved, here and now."""
    plan, at = plans.lock_for_decision(session, plan_id), desk.now()
    ended = plan.fires_at is not None and plan.fires_at <= at
    if plan.status != PlanStatus.PENDING or not ended or plan.not_after <= at:
        return False  # stopped, run or fired meanwhile, here or in another replica; or too late altogether
    decision = standing.judge_again(session, plan, desk)
    end = _end(plan, decision, moved)
    doubt = _doubt(decision, moved)
    if end is not None:
        standing.send_back(session, plan, end, at)
        desk.metrics.plans.labels(outcome=PlanStatus.STALE).inc()
    elif doubt is not None:
        _ask_people(session, plan, decision, doubt, desk)
    else:
        why = "its veto window ended, nobody stopped it, and policy still allows it"
        detail = {"why": why, "policy": decision.policy_sha256}
        plans.move(session, plan, PlanStatus.APPROVED, at, actor=audit.BOT, decided_at=at, detail={**detail})
    cards.refresh(session, plan, desk)
    return plan.status == PlanStatus.APPROVED


def _end(plan: Plan, decision: Decision, moved: Drift | None) -> Objection | None:
    """Why nobody can have this plan any more, whoever agrees."""
    if not plans.is_current(plan) or not plans.intact(plan):
        return Objection(PlanStatus.STALE, "The stored plan is not what people were shown, or of another version.")
    if moved is not None and moved.seen:
        return Objection(PlanStatus.STALE, f"It changed in its veto window: {moved.reason}")
    if decision.effect is Effect.DENY:
        return Objection(PlanStatus.STALE, f"Policy no longer allows it: {summary(decision)}")
    return None


def _doubt(decision: Decision, moved: Drift | None) -> str | None:
    """Why it does not run by itself after all."""
    if moved is not None:
        return f"It did not run by itself: {moved.reason}"
    if decision.effect is Effect.APPROVE:
        return f"It did not run by itself: policy asks for people now ({summary(decision)})"
    return None


def _ask_people(session: Session, plan: Plan, decision: Decision, doubt: str, desk: Desk) -> None:
    """The same plan, asked about like any other from here on."""
    at = desk.now()
    plans.ask_anew(session, plan, decision, at, why=doubt)
    incidents.move(session, plan.incident_id, IncidentStatus.AWAITING_APPROVAL, at, note=doubt)
    escalation.schedule(session, plan, desk)
