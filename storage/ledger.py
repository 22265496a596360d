"""The ledger of outcomes: how the actions of finished plans turned out, by which autonomy is earned and lost.

One row for each action of a plan and result. What a record is worth is for the rules to say, and not decided here.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from policies.facts import Facts
from storage import audit
from storage.tables import Outcome, Plan, PlanStatus, Result
from tools.values import JsonValue, Value

LOSSES = (Result.UNDONE, Result.OVERRIDDEN)
"""Results that end a record: what comes after them starts from nothing."""


RESULTS = {
    PlanStatus.SUCCEEDED: Result.VERIFIED,
    PlanStatus.ROLLED_BACK: Result.UNDONE,
    PlanStatus.ROLLBACK_FAILED: Result.UNDONE,
    PlanStatus.NEEDS_HUMAN: Result.UNDONE,  # it did not help and cannot be taken back, or nobody knows
}
"""What each end of a plan that ran says of it."""


class Standing(Value):
    """The record of one kind of action on one service in one environment, as far as it still counts.

    `verified` counts plans since the last loss; `undone` and `overridden` count the losses themselves.
    """

    verified: int
    undone: int
    overridden: int
    lost_at: datetime | None


def standing(
    session: Session, action: str, service: str, environment: str, now: datetime, within: timedelta | None = None
) -> Standing:
    """The record at a moment; with `within`, only what was verified that lately counts. A loss counts for ever."""
    since = _of(action, service, environment)
    lost = {
        Result(result): (number, latest)
        for result, number, latest in session.execute(
            sa.select(col(Outcome.result), sa.func.count(), sa.func.max(Outcome.at))
            .where(*since, col(Outcome.result).in_(LOSSES), col(Outcome.at) <= now)
            .group_by(col(Outcome.result))
        )
    }
    lost_at = max((latest for _, latest in lost.values()), default=None)
    return Standing(
        verified=_verified(session, since, after=_latest(lost_at, now - within if within else None), now=now),
        undone=lost.get(Result.UNDONE, (0, None))[0],
        overridden=lost.get(Result.OVERRIDDEN, (0, None))[0],
        lost_at=lost_at,
    )


def close(session: Session, plan: Plan, at: datetime) -> None:
    """Enter what the end of a plan that ran says of its actions; an end at which nothing was done says nothing."""
    result = RESULTS.get(PlanStatus(plan.status))
    if result is not None:
        remember(session, plan, result, at)


def remember(session: Session, plan: Plan, result: Result, at: datetime, *, actor: str = audit.BOT) -> None:
    """Enter how every action of a plan turned out; said again, it changes nothing.

    A plan that takes another back earns and loses nothing: what it says of the other is entered for the other.
    """
    if plan.undoes is not None:
        return
    lost: dict[tuple[str, str, str], int] = {}
    known = set(session.exec(select(Outcome.step).where(Outcome.plan_id == plan.id, Outcome.result == result)))
    for number, facts in enumerate(plan.decision.facts):
        if number in known:
            continue
        if result in LOSSES:
            key = (facts.action, facts.service, facts.env)
            lost[key] = lost.get(key) or standing(session, *key, now=at).verified
        session.add(_row(plan, number, facts, result, at))
    session.flush()
    for key, verified in lost.items():
        if verified:
            _tell_loss(session, plan, key, verified, result, at, actor)


def _row(plan: Plan, number: int, facts: Facts, result: Result, at: datetime) -> Outcome:
    assert plan.id is not None
    return Outcome(
        plan_id=plan.id,
        step=number,
        action=facts.action,
        service=facts.service,
        environment=facts.env,
        result=result,
        at=at,
    )


def _tell_loss(
    session: Session, plan: Plan, key: tuple[str, str, str], verified: int, result: Result, at: datetime, actor: str
) -> None:
    """What was earned is gone: somebody will ask why sayso suddenly asks again."""
    action, service, environment = key
    payload: dict[str, JsonValue] = {
        "action": action,
        "service": service,
        "environment": environment,
        "verified_before": verified,
        "result": result,
    }
    audit.append(session, actor=actor, event="ledger.lost", subject=f"plan:{plan.id}", payload=payload, at=at)


def _verified(session: Session, of: tuple[sa.ColumnElement[bool], ...], after: datetime | None, now: datetime) -> int:
    """Plans, not actions: one plan that does a thing five times over proves it once."""
    query = sa.select(sa.func.count(sa.distinct(col(Outcome.plan_id)))).where(
        *of, col(Outcome.result) == Result.VERIFIED, col(Outcome.at) <= now
    )
    if after is not None:
        query = query.where(col(Outcome.at) > after)
    return int(session.execute(query).scalar_one())


def _of(action: str, service: str, environment: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        col(Outcome.action) == action,
        col(Outcome.service) == service,
        col(Outcome.environment) == environment,
    )


def _latest(*moments: datetime | None) -> datetime | None:
    return max((moment for moment in moments if moment is not None), default=None)
