"""Calls that change the world, written down before they are made, and the locks under which they are made."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit
from storage.tables import Execution, ExecutionStatus, Phase, Plan, ResourceLock
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
        "error": error,
    }
    event, subject = f"execution.{status}", f"plan:{execution.plan_id}"
    audit.append(session, actor=audit.BOT, event=event, subject=subject, payload=payload, at=at)


def of_plan(session: Session, plan_id: int) -> list[Execution]:
    """Every call of a plan, in the order they were intended."""
    order = (col(Execution.intended_at), col(Execution.step))
    return list(session.exec(select(Execution).where(Execution.plan_id == plan_id).order_by(*order)))


def take_locks(session: Session, plan_id: int, resources: Iterable[str], at: datetime) -> int | None:
    """Lock every resource for the plan, or none. Returns the plan that holds one of them, None when all were taken."""
    keys = sorted(set(resources))
    held = session.exec(select(ResourceLock).where(col(ResourceLock.resource).in_(keys))).all()
    for lock in held:
        if lock.plan_id != plan_id:
            return lock.plan_id
    mine = {lock.resource for lock in held}
    session.add_all(ResourceLock(resource=key, plan_id=plan_id, taken_at=at) for key in keys if key not in mine)
    session.flush()
    return None


def has_locks(session: Session, plan_id: int, resources: Iterable[str]) -> bool:
    """Whether the plan holds the lock of every one of these resources."""
    keys = set(resources)
    held = select(ResourceLock.resource).where(ResourceLock.plan_id == plan_id)
    return keys <= set(session.exec(held))


def release_locks(session: Session, plan_id: int) -> None:
    """Let others work on what the plan held."""
    session.execute(sa.delete(ResourceLock).where(col(ResourceLock.plan_id) == plan_id))
