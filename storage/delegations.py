"""Delegations: one person's right to vote, lent to another for a while. Whether it may: `bot.people.delegation`."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit
from storage.tables import Delegation


def lend(
    session: Session,
    *,
    delegator: str,
    delegate: str,
    groups: tuple[str, ...],
    reason: str,
    at: datetime,
    until: datetime,
) -> Delegation:
    """Write a delegation down; it holds from now on."""
    lent = Delegation(
        delegator=delegator, delegate=delegate, groups=groups, reason=reason, starts_at=at, until=until, revoked_at=None
    )
    session.add(lent)
    session.flush()
    audit.append(
        session,
        actor=delegator,
        event="delegation.made",
        subject=f"delegation:{lent.id}",
        payload={"to": delegate, "groups": list(groups), "reason": reason, "until": until.isoformat()},
        at=at,
    )
    return lent


def active(session: Session, now: datetime) -> list[Delegation]:
    """Every delegation that holds at this moment, oldest first."""
    holds = (col(Delegation.starts_at) <= now, col(Delegation.until) > now, col(Delegation.revoked_at).is_(None))
    return list(session.exec(select(Delegation).where(*holds).order_by(col(Delegation.id))))


def revoke(session: Session, *, delegator: str, delegate: str, at: datetime) -> int:
    """Take back what one lent to another. Returns how many delegations that ended."""
    theirs = [one for one in active(session, at) if (one.delegator, one.delegate) == (delegator, delegate)]
    return sum(_revoke(session, one, at) for one in theirs)


def _revoke(session: Session, lent: Delegation, at: datetime) -> bool:
    guard = (col(Delegation.id) == lent.id, col(Delegation.revoked_at).is_(None))
    changed = session.execute(sa.update(Delegation).where(*guard).values(revoked_at=at))
    if changed.rowcount != 1:  # type: ignore[attr-defined]
        return False
    subject, payload = f"delegation:{lent.id}", {"to": lent.delegate}
    audit.append(session, actor=lent.delegator, event="delegation.revoked", subject=subject, payload=payload, at=at)
    return True
