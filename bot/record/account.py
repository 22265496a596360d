"""Who let this happen, and what exactly did they see? The answer, from audit entries alone.

No other table is asked: what a table says today may have been changed, what an entry says shows when it was. Values
here; printing and files are `bot.cli`'s.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime

import pydantic
from pydantic import BaseModel, ConfigDict, ValidationError

from storage.audit import Link, moment
from storage.tables import AuditEntry
from tools.values import JsonObject, JsonValue, Value

SENTENCES = {
    "incident.opened": "opened the incident",
    "incident.joined": "joined another alert to it",
    "incident.reopened": "opened it again: the trouble was back",
    "incident.investigated": "investigated",
    "incident.severity_raised": "raised its severity",
    "incident.split": "took alerts out of it",
    "incident.merged": "merged it into another incident",
    "incident.took_over": "took over another incident's alerts",
    "alert.resolved": "the alert cleared",
    "plan.pending": "asked people to decide",
    "plan.approved": "the agreement was complete",
    "plan.rejected": "the plan was rejected",
    "plan.expired": "time ran out",
    "plan.asked_again": "people were asked anew",
    "plan.escalated": "nobody had answered, so others were told",
    "plan.executing": "began to carry it out",
    "plan.verifying": "everything was done; watched whether it helped",
    "plan.verified": "it helped",
    "plan.not_verified": "it did not help",
    "plan.rolling_back": "began to take it back",
    "plan.succeeded": "ended well",
    "plan.rolled_back": "ended: everything was taken back",
    "plan.rollback_failed": "ended: taking it back failed",
    "plan.needs_human": "ended: a person has to look",
    "vote.approve": "approved",
    "vote.reject": "rejected",
    "click.refused": "clicked and was refused",
    "edit.refused": "wanted to edit it and was refused",
    "undo.refused": "wanted to undo it and was refused",
    "glass.broken": "broke the glass",
    "glass.refused": "wanted to break the glass and was refused",
    "glass.reviewed": "reviewed the broken glass",
    "plan.postponed": "waited for another plan to finish",
    "plan.confirmed": "a new look came to the same plan",
    "plan.asked_for_again": "asked for it again",
    "lock.taken": "took hold of what it changes",
    "ledger.lost": "lost what this action had earned",
    "sign_in.asked": "was asked to sign in afresh",
    "sign_in.used": "signed in afresh",
    "sign_in.refused": "failed to sign in afresh",
    "execution.intended": "was written down, to be made next",
    "execution.done": "was done",
    "execution.failed": "was refused by the target",
    "execution.stale": "was not made: the target had changed",
    "execution.unknown": "may or may not have happened",
    "audit.alarm": "the record was not what was signed before",
}
"""What an event is in words; others are their own name."""
SAID = ("groups", "on_behalf_of", "reason", "why", "note", "outcome", "measured", "error", "request", "after", "run")
"""Members of a payload worth telling, in this order."""
LABELS = {"groups": "as", "on_behalf_of": "for", "request": "request", "after": "left", "run": "run"}


class _Lenient(BaseModel):
    """A part of what was approved, as an older or newer sayso may have written it."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class SeenChange(_Lenient):
    """One line of the difference people saw."""

    path: str
    before: str | None = None
    after: str | None = None


class SeenStep(_Lenient):
    """One action as people saw it: what it touches, what it changes, and how it would be taken back."""

    target: str
    uid: str | None = None
    generation: int | None = None
    changes: tuple[SeenChange, ...] = ()
    blast_radius: str = ""
    undo: str | None = None


class Seen(_Lenient):
    """What the digest covers, read from the canonical form that was written down when people were asked."""

    actions: tuple[SeenStep, ...] = ()
    judged_by: tuple[dict[str, pydantic.JsonValue], ...] = ()
    requester: str = ""
    steerers: tuple[str, ...] = ()
    replaces: int | None = None
    undoes: int | None = None
    not_after: str = ""


class Happening(Value):
    """One entry in plain words."""

    seq: int
    at: datetime
    actor: str
    event: str
    words: str


class Account(Value):
    """Everything the record tells about one plan."""

    plan: int
    incident: int | None
    version: int | None
    digest: str
    is_intact: bool
    """Whether the canonical form on record has this digest."""
    effect: str
    policy: str
    because: tuple[str, ...]
    asks: tuple[str, ...]
    actions: tuple[str, ...]
    commands: tuple[str, ...]
    seen: Seen
    happened: tuple[Happening, ...]
    approvers: tuple[str, ...]
    refused: int
    """Clicks that were refused."""
    end: str
    """The last state on record."""


def of_plan(plan: int, entries: Iterable[AuditEntry | Link]) -> Account | None:
    """The account of one plan from the entries about it, oldest first; None when it never was proposed."""
    told = list(entries)
    asked = next((payload_of(one) for one in told if "canonical" in payload_of(one)), None)
    if asked is None:
        return None
    canonical, digest = str(asked["canonical"]), str(asked.get("digest", ""))
    votes = [one.actor for one in told if one.event == "vote.approve"]
    states = [one.event.removeprefix("plan.") for one in told if "from" in payload_of(one) or one.seq == told[0].seq]
    return Account(
        plan=plan,
        incident=_number(asked.get("incident")),
        version=_number(asked.get("version")),
        digest=digest,
        is_intact=hashlib.sha256(canonical.encode()).hexdigest() == digest,
        effect=str(asked.get("effect", "")),
        policy=f"version {asked.get('policy_version', '?')}, sha256 {asked.get('policy', '?')}",
        because=tuple(_reason(one) for one in _list(asked.get("because"))),
        asks=tuple(str(one) for one in _list(asked.get("asks"))),
        actions=tuple(str(one) for one in _list(asked.get("actions"))),
        commands=tuple(str(one) for one in _list(asked.get("commands"))),
        seen=_seen(canonical),
        happened=tuple(happening(one) for one in told),
        approvers=tuple(dict.fromkeys(votes)),
        refused=sum(one.event.endswith(".refused") for one in told),
        end=states[-1],
    )


def happening(entry: AuditEntry | Link) -> Happening:
    """One entry in plain words."""
    payload = payload_of(entry)
    words = SENTENCES.get(entry.event, entry.event.replace(".", " ").replace("_", " "))
    if (step := _number(payload.get("step"))) is not None:
        words = f"step {step + 1} ({payload.get('phase', 'apply')}) {words}"
    more = [f"{LABELS.get(name, '')} {_text(payload[name])}".strip() for name in SAID if payload.get(name)]
    told = "; ".join([words, *more])
    return Happening(seq=entry.seq, at=moment(entry), actor=entry.actor, event=entry.event, words=told)


def payload_of(entry: AuditEntry | Link) -> JsonObject:
    """What the entry says; empty when somebody made it no JSON (`verify` says so)."""
    try:
        payload = json.loads(entry.payload)
    except ValueError:
        return {}
    return payload if isinstance(payload, dict) else {}


def _seen(canonical: str) -> Seen:
    try:
        return Seen.model_validate_json(canonical)
    except ValidationError:
        return Seen()


def _reason(one: JsonValue) -> str:
    return f"{one.get('rule')}: {one.get('why')}" if isinstance(one, dict) else str(one)


def _list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []


def _number(value: JsonValue) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(value: JsonValue) -> str:
    return ", ".join(str(one) for one in value) if isinstance(value, list) else str(value)
