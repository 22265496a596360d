"""Whether a model may be asked at all for one look, and which: what was spent today, and who failed lately.

Asked before anything is sent, in a short read of the record. A refusal is a sentence for the card; the rules answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col

from bot.investigation import breaker
from bot.investigation.breaker import Breaker, State
from bot.investigation.budget import Budget
from bot.investigation.values import ModelAccess
from storage import investigations
from storage.tables import Incident, IncidentStatus

DAY = timedelta(hours=24)
SPENT = "the model's budget for today is spent"


@dataclass(frozen=True)
class Permission:
    """The models that may be asked, in order; or why none may, in words for the card."""

    models: tuple[ModelAccess, ...] = ()
    refusal: str | None = None


def permission(
    session: Session, incident_id: int, models: tuple[ModelAccess, ...], budget: Budget, at: datetime
) -> Permission:
    """Which of the models may be asked about an incident now."""
    if not models:
        return Permission()
    if _is_spent(session, budget, at):
        return Permission(refusal=SPENT)
    looks = investigations.minds_since(session, at - DAY)
    breakers = [breaker.judge(model.model, looks, at) for model in models]
    open_to = tuple(
        model for model, known in zip(models, breakers, strict=True) if _lets_through(session, incident_id, known)
    )
    return Permission(models=open_to) if open_to else Permission(refusal=_refusal(breakers[0], at))


def _is_spent(session: Session, budget: Budget, at: datetime) -> bool:
    if budget.day_tokens is None and budget.day_dollars is None:
        return False
    spent = investigations.spent_since(session, at - DAY)
    tokens = budget.day_tokens is not None and spent.tokens >= budget.day_tokens
    return tokens or (budget.day_dollars is not None and spent.dollars >= budget.day_dollars)


def _lets_through(session: Session, incident_id: int, known: Breaker) -> bool:
    """A model that has rested is tried by one incident at a time: the oldest of those that are being looked into."""
    if known.state is not State.HALF_OPEN:
        return known.state is State.CLOSED
    looking = sa.select(sa.func.min(col(Incident.id))).where(col(Incident.status) == IncidentStatus.INVESTIGATING)
    oldest = session.execute(looking).scalar()
    return oldest is None or oldest == incident_id


def _refusal(known: Breaker, at: datetime) -> str:
    again = f"from {known.until:%H:%M} UTC" if known.until is not None and known.until > at else "now, elsewhere"
    return f"the model failed {known.failures} times in a row; asking it again {again}"
