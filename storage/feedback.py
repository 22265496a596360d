"""What people thought of an investigation: one word a person and look, the latest one counts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit
from storage.tables import Feedback
from tools.values import JsonValue


class Opinion(StrEnum):
    """What a person thought of a look."""

    USEFUL = "useful"
    NOT_USEFUL = "not_useful"
    WRONG_CAUSE = "wrong_cause"


def give(
    session: Session, incident_id: int, look: int, user_id: str, opinion: Opinion, reason: str | None, at: datetime
) -> bool:
    """Write down what somebody thinks of a look. False when they had said just that before."""
    query = select(Feedback).where(
        Feedback.incident_id == incident_id, Feedback.look == look, Feedback.user_id == user_id
    )
    known = session.exec(query.with_for_update()).one_or_none()
    if known is not None and (known.verdict, known.reason) == (opinion, reason):
        return False
    given = known or Feedback(incident_id=incident_id, look=look, user_id=user_id, verdict=opinion, at=at)
    given.verdict, given.reason, given.at = opinion, reason, at
    session.add(given)
    session.flush()
    payload: dict[str, JsonValue] = {"opinion": str(opinion), "look": look, "reason": reason}
    audit.append(
        session, actor=user_id, event="feedback.given", subject=f"incident:{incident_id}", payload=payload, at=at
    )
    return True


def of_incident(session: Session, incident_id: int) -> list[Feedback]:
    """What people thought of the looks into an incident, oldest first."""
    query = select(Feedback).where(Feedback.incident_id == incident_id).order_by(col(Feedback.at), col(Feedback.id))
    return list(session.exec(query))


def counted(session: Session, since: datetime | None = None) -> Mapping[Opinion, int]:
    """How many looks were called what, each person's latest word a look; every opinion is there, also with none."""
    query = sa.select(col(Feedback.verdict), sa.func.count()).group_by(col(Feedback.verdict))
    if since is not None:
        query = query.where(col(Feedback.at) >= since)
    found = {str(verdict): int(count) for verdict, count in session.execute(query)}
    return {opinion: found.get(opinion, 0) for opinion in Opinion}
