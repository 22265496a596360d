"""What people do beside the ordinary way: break the glass, sign in afresh, and turn sayso off and on by hand.

Rows and their guards only. Who may is for `bot.emergencies` and `bot.sign_in` to say.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit
from storage.tables import BreakGlass, Plan, SignIn, Switch
from tools.values import JsonValue


class Purpose(StrEnum):
    """What a fresh sign-in is asked for."""

    APPROVE = "approve"
    BREAK_GLASS = "break-glass"


class Lever(StrEnum):
    """What people can turn by hand; the names of `Switch` rows."""

    STOP = "stop"
    BREAKER = "breaker"
    """Set when somebody resets the breaker: rollbacks from before it do not count any more."""


def break_glass(
    session: Session,
    plan: Plan,
    *,
    user_id: str,
    reason: str,
    stepped_up: bool,
    skipped: tuple[str, ...],
    at: datetime,
    until: datetime,
) -> BreakGlass:
    """Write down that somebody goes ahead without the quorum, and whom they skip."""
    broken = BreakGlass(
        plan_id=plan.id or 0,
        user_id=user_id,
        reason=reason,
        stepped_up=stepped_up,
        skipped=skipped,
        broken_at=at,
        until=until,
        reviewed_at=None,
    )
    session.add(broken)
    session.flush()
    payload: dict[str, JsonValue] = {
        "digest": plan.digest,
        "reason": reason,
        "stepped_up": stepped_up,
        "skipped": list(skipped),
        "until": until.isoformat(),
    }
    audit.append(session, actor=user_id, event="glass.broken", subject=f"plan:{plan.id}", payload=payload, at=at)
    return broken


def broken_for(session: Session, plan: Plan) -> list[BreakGlass]:
    """Everybody who broke the glass for this plan, in order, as far as the audit chain tells of it too."""
    told = {
        (entry.actor, says["digest"], says["stepped_up"], says["until"])
        for entry, says in audit.told(session, f"plan:{plan.id}", "glass.broken")
    }
    rows = session.exec(select(BreakGlass).where(BreakGlass.plan_id == plan.id).order_by(col(BreakGlass.id)))
    return [row for row in rows if (row.user_id, plan.digest, row.stepped_up, row.until.isoformat()) in told]


def unreviewed(session: Session) -> list[BreakGlass]:
    """Broken glass nobody else has looked at yet, oldest first."""
    return list(
        session.exec(select(BreakGlass).where(col(BreakGlass.reviewed_at).is_(None)).order_by(col(BreakGlass.id)))
    )


def review(session: Session, broken: BreakGlass, *, by: str, words: str, at: datetime) -> bool:
    """Sign the review of one broken glass. False when somebody has done so already."""
    guard = (col(BreakGlass.id) == broken.id, col(BreakGlass.reviewed_at).is_(None))
    values = {"reviewed_by": by, "reviewed_at": at, "review": words}
    changed = session.execute(sa.update(BreakGlass).where(*guard).values(**values))
    if changed.rowcount != 1:  # type: ignore[attr-defined]
        return False
    payload: dict[str, JsonValue] = {"broken_by": broken.user_id, "review": words}
    audit.append(session, actor=by, event="glass.reviewed", subject=f"plan:{broken.plan_id}", payload=payload, at=at)
    return True


def hash_of(token: str) -> str:
    """Under what a link is on record: the link itself is nowhere."""
    return hashlib.sha256(token.encode()).hexdigest()


def ask_sign_in(
    session: Session,
    plan: Plan,
    *,
    token: str,
    user_id: str,
    purpose: Purpose,
    reason: str | None,
    at: datetime,
    expires_at: datetime,
) -> None:
    """Expect a fresh sign-in of one person for one decision on this digest."""
    asked = SignIn(
        token_hash=hash_of(token),
        plan_id=plan.id or 0,
        plan_digest=plan.digest,
        user_id=user_id,
        purpose=purpose,
        reason=reason,
        asked_at=at,
        expires_at=expires_at,
        used_at=None,
    )
    session.add(asked)
    payload: dict[str, JsonValue] = {"digest": plan.digest, "purpose": purpose, "expires": expires_at.isoformat()}
    audit.append(session, actor=user_id, event="sign_in.asked", subject=f"plan:{plan.id}", payload=payload, at=at)


def sign_in(session: Session, token: str) -> SignIn | None:
    """The sign-in a link was made for; None when it is none of ours."""
    return session.get(SignIn, hash_of(token))


def use_sign_in(session: Session, token_hash: str, at: datetime) -> SignIn | None:
    """Use a link up. None when it was used before, has expired, or never was."""
    guard = (col(SignIn.token_hash) == token_hash, col(SignIn.used_at).is_(None), col(SignIn.expires_at) > at)
    changed = session.execute(sa.update(SignIn).where(*guard).values(used_at=at))
    if changed.rowcount != 1:  # type: ignore[attr-defined]
        return None
    used = session.get_one(SignIn, token_hash, populate_existing=True)
    payload: dict[str, JsonValue] = {"digest": used.plan_digest, "purpose": used.purpose}
    audit.append(
        session, actor=used.user_id, event="sign_in.used", subject=f"plan:{used.plan_id}", payload=payload, at=at
    )
    return used


def stopped(session: Session) -> Switch | None:
    """The stop switch while it is on: nothing new may start, and no further step."""
    switch = session.get(Switch, Lever.STOP)
    return switch if switch is not None and switch.is_on else None


def turn(session: Session, lever: Lever, *, on: bool, by: str, reason: str | None, at: datetime) -> Switch:
    """Set a switch by hand. Setting it to what it is renews who, why and when."""
    switch = session.exec(select(Switch).where(Switch.name == lever).with_for_update()).one_or_none()
    switch = switch or Switch(name=lever, is_on=on, set_by=by)
    switch.is_on, switch.set_by, switch.reason, switch.set_at = on, by, reason, at
    session.add(switch)
    session.flush()
    payload: dict[str, JsonValue] = {"on": on, "reason": reason}
    audit.append(session, actor=by, event=f"switch.{lever}", subject=f"switch:{lever}", payload=payload, at=at)
    return switch
