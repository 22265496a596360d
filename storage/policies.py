"""Versions of the rules: which one is in force, which one waits for people, what they said, and what was before.

Each change of a version is one guarded UPDATE and one audit entry in the same transaction. Whether a version allows
more than the one in force, and who may agree to it, is decided elsewhere.
"""

from __future__ import annotations

import functools
import hashlib
import json
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from policies.decisions import Decision
from policies.documents import PolicyError, parse
from policies.facts import Facts
from storage import audit
from storage.tables import AuditEntry, Plan, PolicyStatus, PolicyVersion, PolicyVote, Verdict
from tools.values import JsonValue, Value

FILE = "policy:file"
"""What audit entries about a file that is no version are about."""
TEXT_MOST = 1_000_000
"""Characters of a refused file that are kept."""
PLANS_MOST = 5000
"""Plans that are judged again when two versions are compared."""
EDITOR_WAITS = timedelta(hours=24)
"""How long somebody who changed a rule may not approve plans it was asked about."""


class Draft(Value):
    """A version that is not on record yet. `looser` says in sentences what it allows that the one in force does not."""

    version: int
    sha256: str
    text: str
    author: str | None
    origin: str
    looser: tuple[str, ...] = ()


def fingerprint(text: str) -> str:
    """What a text is known by: its SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()


def subject(version: int) -> str:
    """What audit entries about a version are about."""
    return f"policy:{version}"


def active(session: Session) -> PolicyVersion | None:
    """The version in force; None before the first start."""
    return session.exec(select(PolicyVersion).where(PolicyVersion.status == PolicyStatus.ACTIVE)).first()


def active_id(session: Session) -> int | None:
    """Which row is in force: one indexed read."""
    return session.exec(select(PolicyVersion.id).where(PolicyVersion.status == PolicyStatus.ACTIVE)).first()


def waiting(session: Session) -> PolicyVersion | None:
    """The version people are asked about; there is at most one."""
    query = select(PolicyVersion).where(PolicyVersion.status == PolicyStatus.PROPOSED)
    return session.exec(query.order_by(col(PolicyVersion.id).desc())).first()


def get(session: Session, policy_id: int) -> PolicyVersion:
    """The row; KeyError when there is none."""
    found = session.get(PolicyVersion, policy_id)
    if found is None:
        raise KeyError(f"there is no policy version on record under {policy_id}")
    return found


def numbered(session: Session, version: int) -> PolicyVersion:
    """The version of this number: the one that was in force, where several had it. KeyError when there is none."""
    query = select(PolicyVersion).where(PolicyVersion.version == version)
    order = (col(PolicyVersion.activated_at).is_(None), col(PolicyVersion.id).desc())
    found = session.exec(query.order_by(*order)).first()
    if found is None:
        raise KeyError(f"there is no version {version} on record")
    return found


def known(session: Session, sha256: str) -> PolicyVersion | None:
    """The newest version with exactly this text."""
    query = select(PolicyVersion).where(PolicyVersion.sha256 == sha256).order_by(col(PolicyVersion.id).desc())
    return session.exec(query).first()


def highest(session: Session) -> int:
    """The highest version number ever recorded; 0 when there is none."""
    return session.exec(select(sa.func.max(PolicyVersion.version))).one() or 0


def listed(session: Session, limit: int) -> list[PolicyVersion]:
    """Versions, newest first."""
    return list(session.exec(select(PolicyVersion).order_by(col(PolicyVersion.id).desc()).limit(limit)))


def lock_for_decision(session: Session, policy_id: int) -> PolicyVersion:
    """The version, locked until the transaction ends. KeyError when there is none."""
    found = session.exec(select(PolicyVersion).where(PolicyVersion.id == policy_id).with_for_update()).one_or_none()
    if found is None:
        raise KeyError(f"there is no policy version on record under {policy_id}")
    return found


def loaded(session: Session, row: PolicyVersion, at: datetime, note: str | None = None) -> None:
    """A process started and decides by this version from now on."""
    _append(session, row, "policy.loaded", audit.BOT, at, {"note": note})


def refused(
    session: Session, *, text: str, sha256: str, complaints: tuple[str, ...], origin: str, at: datetime
) -> bool:
    """A file was not taken. Kept whole, once: False when exactly this was the last one refused."""
    query = select(AuditEntry).where(AuditEntry.event == "policy.refused").order_by(col(AuditEntry.seq).desc())
    last = session.exec(query.limit(1)).first()
    payload: dict[str, JsonValue] = {
        "sha256": sha256,
        "complaints": list(complaints),
        "origin": origin,
        "text": text[:TEXT_MOST],
    }
    if last is not None and json.loads(last.payload) == payload:
        return False
    audit.append(session, actor=audit.BOT, event="policy.refused", subject=FILE, payload=payload, at=at)
    return True


def propose(session: Session, draft: Draft, at: datetime, detail: dict[str, JsonValue] | None = None) -> PolicyVersion:
    """Ask people about a version. One that waited already is replaced by it."""
    _close_waiting(session, draft, at)
    row = _add(session, draft, at)
    _append(session, row, "policy.proposed", draft.author or audit.BOT, at, detail or {})
    return row


def put_in_force(session: Session, draft: Draft, at: datetime, *, over: int | None) -> PolicyVersion | None:
    """A version that needs nobody's agreement takes effect.

    `over` is the row it was compared with (None: there is none yet). None, and nothing written, when another is in
    force by now.
    """
    if active_id(session) != over:
        return None
    _close_waiting(session, draft, at)
    row = _add(session, draft, at)
    assert activate(session, row, at, actor=draft.author or audit.BOT)
    return row


def activate(session: Session, row: PolicyVersion, at: datetime, *, actor: str) -> bool:
    """A proposed version takes effect and the one in force ends. False when it is not proposed any more."""
    seen = active(session)
    done = {"decided_at": at, "activated_at": at}
    if not _move(session, row, PolicyStatus.PROPOSED, PolicyStatus.ACTIVE, **done):
        return False
    if seen is not None:
        assert _move(session, seen, PolicyStatus.ACTIVE, PolicyStatus.RETIRED)
    _append(session, row, "policy.activated", actor, at, {"instead_of": None if seen is None else seen.version})
    return True


def reject(session: Session, row: PolicyVersion, at: datetime, *, actor: str, reason: str | None) -> bool:
    """People do not want it. False when it is not proposed any more."""
    if not _move(session, row, PolicyStatus.PROPOSED, PolicyStatus.REJECTED, decided_at=at):
        return False
    _append(session, row, "policy.rejected", actor, at, {"reason": reason})
    return True


def cast_vote(
    session: Session, row: PolicyVersion, *, user_id: str, verdict: Verdict, reason: str | None, at: datetime
) -> bool:
    """Record what one person says to exactly this text. False when they already said something."""
    earlier = select(PolicyVote).where(PolicyVote.policy_id == row.id, PolicyVote.user_id == user_id)
    if session.exec(earlier).first() is not None:
        return False
    assert row.id is not None
    session.add(PolicyVote(policy_id=row.id, user_id=user_id, verdict=verdict, reason=reason, given_at=at))
    session.flush()
    _append(session, row, f"vote.{verdict}", user_id, at, {"reason": reason})
    return True


def votes(session: Session, row: PolicyVersion) -> list[PolicyVote]:
    """What people said to it, in the order they did."""
    query = select(PolicyVote).where(PolicyVote.policy_id == row.id).order_by(col(PolicyVote.id))
    return list(session.exec(query))


def proposed_with(session: Session, row: PolicyVersion) -> dict[str, JsonValue]:
    """What was found out when the version was proposed, as its audit entry tells it."""
    query = select(AuditEntry).where(AuditEntry.event == "policy.proposed", AuditEntry.subject == subject(row.version))
    for entry in session.exec(query.order_by(col(AuditEntry.seq).desc())):
        payload: dict[str, JsonValue] = json.loads(entry.payload)
        if payload.get("sha256") == row.sha256:
            return payload
    return {}


def judged_since(session: Session, since: datetime) -> list[Facts]:
    """The facts of every action that was proposed since, newest first, for judging them again by other rules."""
    query = select(col(Plan.decision)).where(col(Plan.proposed_at) > since).order_by(col(Plan.id).desc())
    return [facts for decision in session.exec(query.limit(PLANS_MOST)) for facts in decision.facts]


def recent_editors(session: Session, decision: Decision, now: datetime) -> frozenset[str]:
    """Who changed a rule that had a part in this decision within the last 24 hours: they may not approve it."""
    matched = {line.rule for line in decision.trace if line.matched} | {reason.rule for reason in decision.because}
    newer = (col(PolicyVersion.activated_at) > now - EDITOR_WAITS, col(PolicyVersion.author).is_not(None))
    lately = session.exec(select(PolicyVersion).where(*newer)).all()
    return frozenset(row.author for row in lately if row.author and _edited(session, row) & matched)


def before(session: Session, row: PolicyVersion) -> PolicyVersion | None:
    """The version that was in force when this one took effect, or was asked about; None for the first."""
    since = row.activated_at or row.proposed_at
    earlier = (col(PolicyVersion.activated_at) <= since, col(PolicyVersion.id) != row.id)
    order = (col(PolicyVersion.activated_at).desc(), col(PolicyVersion.id).desc())
    return session.exec(select(PolicyVersion).where(*earlier).order_by(*order).limit(1)).first()


def _edited(session: Session, row: PolicyVersion) -> frozenset[str]:
    """The rules that differ from the version before it."""
    last = before(session, row)
    return changed_rules("" if last is None else last.text, row.text)


@functools.lru_cache(maxsize=16)
def changed_rules(old: str, new: str) -> frozenset[str]:
    """The ids of the rules that are not the same in two files: changed, added or gone."""
    had, has = _rules(old), _rules(new)
    return frozenset(name for name in had.keys() | has.keys() if had.get(name) != has.get(name))


def _rules(text: str) -> dict[str, object]:
    try:
        value = parse(text, "rules.yaml").value
    except PolicyError:
        return {}  # written for another sayso: then every rule of the other file counts as changed
    found = value.get("rules", ()) if isinstance(value, dict) else ()
    return {str(rule["id"]): rule for rule in found if isinstance(rule, dict) and "id" in rule}


def _add(session: Session, draft: Draft, at: datetime) -> PolicyVersion:
    row = PolicyVersion(**draft.model_dump(), status=PolicyStatus.PROPOSED, proposed_at=at)
    session.add(row)
    session.flush()
    return row


def _close_waiting(session: Session, draft: Draft, at: datetime) -> None:
    """Whatever people were asked about was compared with rules, or asked instead of rules, that are past."""
    row = waiting(session)
    if row is not None and _move(session, row, PolicyStatus.PROPOSED, PolicyStatus.REJECTED, decided_at=at):
        _append(session, row, "policy.replaced", draft.author or audit.BOT, at, {"by": draft.version})


def _move(session: Session, row: PolicyVersion, seen: PolicyStatus, to: PolicyStatus, **values: datetime) -> bool:
    guard = (col(PolicyVersion.id) == row.id, col(PolicyVersion.status) == seen)
    changed = session.execute(sa.update(PolicyVersion).where(*guard).values(status=to, **values))
    if changed.rowcount != 1:  # type: ignore[attr-defined]
        return False
    session.expire(row)
    session.refresh(row)
    return True


def _append(
    session: Session, row: PolicyVersion, event: str, actor: str, at: datetime, detail: dict[str, JsonValue]
) -> None:
    payload: dict[str, JsonValue] = {
        "version": row.version,
        "sha256": row.sha256,
        "author": row.author,
        "origin": row.origin,
        **({"looser": list(row.looser)} if row.looser else {}),
        **detail,
    }
    audit.append(session, actor=actor, event=event, subject=subject(row.version), payload=payload, at=at)
