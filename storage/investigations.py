"""What each look into an incident saw and concluded, kept whole: to be judged again offline, and what it cost."""

from __future__ import annotations

import zlib
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.tables import Investigation, Mind
from tools.values import Value

MOST_BYTES = 512 * 1024 * 1024
"""A picture larger than this when unpacked is not one of ours."""


class Spent(Value):
    """What models took in a while. Dollars count only calls whose price is known."""

    investigations: int = 0
    tokens: int = 0
    dollars: float = 0.0


def keep(session: Session, investigation: Investigation) -> None:
    """Keep one look. The same look made again (a crash in the middle) takes the place of the one before."""
    known = of_look(session, investigation.incident_id, investigation.look)
    if known is not None:
        session.delete(known)
        session.flush()
    session.add(investigation)
    session.flush()


def of_look(session: Session, incident_id: int, look: int) -> Investigation | None:
    """One look into an incident."""
    query = select(Investigation).where(Investigation.incident_id == incident_id, Investigation.look == look)
    return session.exec(query).one_or_none()


def of_incident(session: Session, incident_id: int) -> list[Investigation]:
    """Every look into an incident, oldest first."""
    query = select(Investigation).where(Investigation.incident_id == incident_id).order_by(col(Investigation.look))
    return list(session.exec(query))


def latest(session: Session, limit: int) -> list[Investigation]:
    """The newest looks into any incident, newest first."""
    return list(session.exec(select(Investigation).order_by(col(Investigation.started_at).desc()).limit(limit)))


def spent_since(session: Session, since: datetime) -> Spent:
    """What models have taken since a moment, over all incidents and replicas."""
    asked = sa.func.count(col(Investigation.id)), sa.func.sum(Investigation.tokens), sa.func.sum(Investigation.dollars)
    count, tokens, dollars = session.execute(sa.select(*asked).where(col(Investigation.started_at) >= since)).one()
    return Spent(investigations=count, tokens=tokens or 0, dollars=dollars or 0.0)


def minds_since(session: Session, since: datetime, limit: int = 100) -> list[tuple[Mind, datetime]]:
    """Who thought in each look since a moment, and when that ended, newest first; light, however much was read."""
    query = sa.select(col(Investigation.mind), col(Investigation.finished_at))
    newest = query.where(col(Investigation.started_at) >= since).order_by(col(Investigation.finished_at).desc())
    return [(mind, ended) for mind, ended in session.execute(newest.limit(limit))]


def packed(picture: Value) -> bytes:
    """A picture as it is kept."""
    return zlib.compress(picture.model_dump_json(exclude_defaults=True).encode(), level=6)


def unpacked(kept: bytes) -> bytes:
    """The JSON of a kept picture. Raises ValueError when it is none."""
    reader = zlib.decompressobj()
    try:
        text = reader.decompress(kept, MOST_BYTES)
    except zlib.error as error:
        raise ValueError(f"not a kept picture: {error}") from error
    if reader.unconsumed_tail:
        raise ValueError("not a kept picture: it is too large")
    return text
