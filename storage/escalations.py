"""Escalations: what happens at which moment while a plan goes unanswered, each step a row that is done once.

When a step is due and what it says to whom is `bot.plans.escalation`'s. A step that was found to be no longer needed is
done for nobody: its groups are empty.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.tables import Escalation, Nudge, Plan, PlanStatus
from tools.values import Value


class PlannedStep(Value):
    """What is to happen to whom, and when, unless the plan is answered before."""

    nudge: Nudge
    groups: tuple[str, ...]
    due_at: datetime


def plan_ahead(session: Session, plan: Plan, steps: Iterable[PlannedStep]) -> None:
    """Write the steps down for this round of the plan; a round that has its steps keeps them."""
    assert plan.id is not None
    known = select(Escalation.id).where(Escalation.plan_id == plan.id, Escalation.round == plan.round)
    if session.exec(known).first() is not None:
        return
    session.add_all(Escalation(plan_id=plan.id, round=plan.round, **dict(step)) for step in steps)
    session.flush()


def unplanned(session: Session) -> list[Plan]:
    """Plans people are asked about whose round has no steps: none are due, or nobody has written them down yet."""
    planned = select(Escalation.id).where(Escalation.plan_id == Plan.id, Escalation.round == Plan.round)
    asked = (Plan.status == PlanStatus.PENDING, col(Plan.fires_at).is_(None))
    return list(session.exec(select(Plan).where(*asked, ~planned.exists()).order_by(col(Plan.id))))


def due(session: Session, at: datetime) -> list[Escalation]:
    """Steps whose moment has come and whose plan still waits for people, the earliest first."""
    return list(
        session.exec(
            select(Escalation)
            .join(Plan, col(Plan.id) == col(Escalation.plan_id))
            .where(
                col(Escalation.done_at).is_(None),
                col(Escalation.due_at) <= at,
                col(Plan.status) == PlanStatus.PENDING,
                col(Plan.round) == col(Escalation.round),
            )
            .order_by(col(Escalation.due_at), col(Escalation.id))
        )
    )


def take(session: Session, step: Escalation, at: datetime) -> bool:
    """Whether the caller is the one who does the step: true once, however many replicas and restarts there are."""
    undone = (col(Escalation.id) == step.id, col(Escalation.done_at).is_(None))
    taken = session.execute(sa.update(Escalation).where(*undone).values(done_at=at))
    return bool(taken.rowcount == 1)  # type: ignore[attr-defined]


def no_longer_needed(session: Session, plan: Plan, at: datetime) -> None:
    """The plan was answered, or is asked anew: what has not happened yet need not."""
    undone = (col(Escalation.plan_id) == plan.id, col(Escalation.done_at).is_(None))
    session.execute(sa.update(Escalation).where(*undone).values(done_at=at, groups=()))


def widened(session: Session, plan: Plan) -> frozenset[str]:
    """Groups whose people may answer for the plan beside those who were asked, since nobody had answered by then."""
    done = select(Escalation.groups).where(
        Escalation.plan_id == plan.id, Escalation.nudge == Nudge.WIDEN, col(Escalation.done_at).is_not(None)
    )
    return frozenset(group for groups in session.exec(done) for group in groups)
