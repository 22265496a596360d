"""Calls that change the world, written down before they are made, and the locks under which they are made."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit, plans
from storage.tables import Execution, ExecutionStatus, Incident, Phase, Plan, PlanStatus, ResourceLock
from tools.values import JsonValue


def key_of(plan: Plan, step: int, phase: Phase) -> str:
    """The idempotency key of one call: stable for the plan's round, so that a retry is recognised as the same."""
    return f"{plan.digest[:32]}-{plan.round}-{step}-{phase}"


def intend(session: Session, plan: Plan, step: int, phase: Phase, at: datetime) -> Execution:
    """The written intent to make one call; the existing one if it was written before."""
    key = key_of(plan, step, phase)
    known = session.get(Execution, key)
    if known is not None:
        return known
    assert plan.id is not None
    execution = Execution(
        key=key, plan_id=plan.id, step=step, phase=phase, status=ExecutionStatus.INTENDED, intended_at=at
    )
    session.add(execution)
    session.flush()
    observed = plan.rehearsal.steps[step].observed
    payload: dict[str, JsonValue] = {
        "key": key,
        "step": step,
        "phase": phase,
        "target": observed.target.key,
        "before": observed.before,
    }
    subject = f"plan:{plan.id}"
    audit.append(session, actor=audit.BOT, event="execution.intended", subject=subject, payload=payload, at=at)
    return execution


def take(session: Session, key: str, owner: str) -> bool:
    """Whether the caller is the one who makes the call: true once for every key, whatever crashes."""
    taken = session.execute(
        sa.update(Execution)
        .where(col(Execution.key) == key, col(Execution.status) == ExecutionStatus.INTENDED)
        .values(status=ExecutionStatus.CALLING, owner=owner)
    )
    return bool(taken.rowcount == 1)  # type: ignore[attr-defined]


def settle(
    session: Session,
    key: str,
    status: ExecutionStatus,
    at: datetime,
    *,
    after: str | None = None,
    request: str | None = None,
    error: str | None = None,
) -> None:
    """Record how the call ended, with its audit entry; a call that was settled before keeps its first answer."""
    settled = session.execute(
        sa.update(Execution)
        .where(
            col(Execution.key) == key,
            col(Execution.status).in_((ExecutionStatus.INTENDED, ExecutionStatus.CALLING)),
        )
        .values(status=status, after=after, request=request, error=error, finished_at=at)
    )
    if settled.rowcount != 1:  # type: ignore[attr-defined]
        return
    execution = session.get(Execution, key, populate_existing=True)
    assert execution is not None
    payload: dict[str, JsonValue] = {
        "key": key,
        "step": execution.step,
        "phase": execution.phase,
        "request": request,
        "after": after,
        "error": error,
    }
    event, subject = f"execution.{status}", f"plan:{execution.plan_id}"
    audit.append(session, actor=audit.BOT, event=event, subject=subject, payload=payload, at=at)


def of_plan(session: Session, plan_id: int) -> list[Execution]:
    """Every call of a plan, in the order they were intended."""
    order = (col(Execution.intended_at), col(Execution.step))
    return list(session.exec(select(Execution).where(Execution.plan_id == plan_id).order_by(*order)))


def take_locks(session: Session, plan_id: int, resources: Iterable[str], at: datetime) -> int | None:
    """Lock every resource for the plan, or none. Returns the plan that holds one of them, None when all were taken.

    The audit entry of taking them is theirs; they are let go together with the plan's next entry, whatever that is.
    """
    keys = sorted(set(resources))
    held = session.exec(select(ResourceLock).where(col(ResourceLock.resource).in_(keys))).all()
    for lock in held:
        if lock.plan_id != plan_id:
            return lock.plan_id
    missing = [key for key in keys if key not in {lock.resource for lock in held}]
    if missing:
        session.add_all(ResourceLock(resource=key, plan_id=plan_id, taken_at=at) for key in missing)
        session.flush()
        payload: dict[str, JsonValue] = {"resources": list(missing)}
        audit.append(session, actor=audit.BOT, event="lock.taken", subject=f"plan:{plan_id}", payload=payload, at=at)
    return None


def has_locks(session: Session, plan_id: int, resources: Iterable[str]) -> bool:
    """Whether the plan holds the lock of every one of these resources."""
    keys = set(resources)
    held = select(ResourceLock.resource).where(ResourceLock.plan_id == plan_id)
    return keys <= set(session.exec(held))


def release_locks(session: Session, plan_id: int) -> None:
    """Let others work on what the plan held."""
    session.execute(sa.delete(ResourceLock).where(col(ResourceLock.plan_id) == plan_id))


def startable(session: Session) -> list[int]:
    """Approved plans that hold nothing yet and whose targets nobody holds: most severe incident first, then oldest.

    Of several for one target only the first is among them: it will hold what the others wait for.
    """
    taken = set(session.exec(select(ResourceLock.resource)))
    order = (col(Incident.severity), col(Plan.id))
    query = select(Plan).join(Incident, col(Incident.id) == col(Plan.incident_id)).where(_approved(holding=False))
    found = []
    for plan in session.exec(query.order_by(*order)):
        if not taken & plans.targets(plan):
            taken |= plans.targets(plan)
            found.append(plan.id or 0)
    return found


def holding(session: Session) -> list[Plan]:
    """Approved plans that hold targets: their runs have been started, or a crash came in between."""
    return list(session.exec(select(Plan).where(_approved(holding=True)).order_by(col(Plan.id))))


def _approved(*, holding: bool) -> sa.ColumnElement[bool]:
    holds = sa.exists().where(col(ResourceLock.plan_id) == col(Plan.id))
    return sa.and_(col(Plan.status) == PlanStatus.APPROVED, holds if holding else ~holds)


def postpone(session: Session, plan: Plan, why: str, at: datetime) -> bool:
    """An approved plan cannot start just now: let go of its targets, and let it be started again in the next round.

    Its votes stand. False, and nothing written, when it is no longer where the caller saw it.
    """
    guard = (col(Plan.id) == plan.id, col(Plan.status) == PlanStatus.APPROVED, col(Plan.round) == plan.round)
    moved = session.execute(sa.update(Plan).where(*guard).values(round=plan.round + 1, outcome=why))
    if moved.rowcount != 1:  # type: ignore[attr-defined]
        return False
    release_locks(session, plan.id or 0)
    payload: dict[str, JsonValue] = {"digest": plan.digest, "round": plan.round + 1, "why": why}
    audit.append(session, actor=audit.BOT, event="plan.postponed", subject=f"plan:{plan.id}", payload=payload, at=at)
    session.refresh(plan)
    return True
