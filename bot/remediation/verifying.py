"""Watching whether the world got better: the plan's own criteria, against what served users before."""

from __future__ import annotations

import time

from bot import cards
from bot.desk import Desk
from storage import audit, plans
from storage.tables import Plan, PlanStatus
from tools.criteria import Measurement
from tools.verification import measure, worse


def verify(plan_id: int, baseline: list[int | None], desk: Desk) -> bool:
    """Watch the criteria until they have held for the watch window, the deadline passes, or things got worse."""
    with desk.database.writing() as session:
        plan = plans.get(session, plan_id)
        if plan.status == PlanStatus.EXECUTING:
            plans.move(session, plan, PlanStatus.VERIFYING, desk.now())
        cards.refresh(session, plan, desk)
    criteria = plan.proposal.success_criteria
    fewer = meant_to_go(plan)
    before = [
        Measurement(criterion=one, met=False, healthy=None if healthy is None else max(0, healthy - fewer), detail="")
        for one, healthy in zip(criteria, baseline, strict=True)
    ]
    started = held_since = lost_since = time.monotonic()
    while True:
        seen, now = measure(criteria, desk.now(), desk.readers), time.monotonic()
        if not all(one.met for one in seen):
            held_since = now
        if not worse(before, seen):
            lost_since = now
        if now - held_since >= desk.patience.watch and all(one.met for one in seen):
            return _remember_verdict(plan_id, True, seen, desk)
        if now - lost_since > desk.patience.watch or now - started > desk.patience.verify:
            return _remember_verdict(plan_id, False, seen, desk)
        time.sleep(desk.patience.poll)


def meant_to_go(plan: Plan) -> int:
    """How many pods or instances the plan itself takes away: so many fewer may serve without anything being worse."""
    counts = [(one.observed.replicas_before, one.observed.replicas_after) for one in plan.rehearsal.steps]
    return sum(max(0, before - after) for before, after in counts if before is not None and after is not None)


def _remember_verdict(plan_id: int, verified: bool, seen: tuple[Measurement, ...], desk: Desk) -> bool:
    details = "; ".join(f"{one.criterion}: {'yes' if one.met else 'no'} ({one.detail})" for one in seen)
    with desk.database.writing() as session:
        audit.append(
            session,
            actor=audit.BOT,
            event="plan.verified" if verified else "plan.not_verified",
            subject=f"plan:{plan_id}",
            payload={"measured": details},
            at=desk.now(),
        )
        plan = plans.get(session, plan_id)
        plan.measured = seen
        session.add(plan)
    return verified


def healthy_now(plan: Plan, desk: Desk) -> list[int | None]:
    """What serves users now, one count for each criterion: the baseline."""
    return [one.healthy for one in measure(plan.proposal.success_criteria, desk.now(), desk.readers)]
