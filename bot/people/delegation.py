"""Delegation: lending one's vote to somebody else for a while. One hop, time-boxed, and only where the policy says so.

How a lent vote counts is `bot.people.groups`; here it is lent, listed and taken back.
"""

from __future__ import annotations

import re
from datetime import timedelta

from sqlmodel import Session

from bot.desk import Desk
from bot.people import Person, groups
from bot.views import ephemeral, exceptions
from bot.views.blocks import Message
from bot.views.exceptions import LentRow
from bot.views.ids import REASON_LEAST, REASON_MOST
from policies.durations import in_words, seconds
from policies.governance import Delegation as Rules
from storage import audit, delegations, messages
from storage.tables import Delegation
from tools.values import Value

MENTION = re.compile(r"<@([UW][A-Z0-9]{5,20})(?:\|[^>]*)?>")
USAGE = "Type it like `/sayso delegate @bob 3d holiday`: whom (pick them from Slack's list), how long, and why."
UNWELCOME = "This policy lends no votes: it has no `delegation` section."


class Request(Value):
    """To whom, how long and why, as it was typed."""

    delegate: str
    length: timedelta
    reason: str


def lend(person: Person, words: str, desk: Desk) -> Message:
    """Lend one's vote. Raises LookupFailed."""
    asked = parse(words)
    if isinstance(asked, str):
        return ephemeral.note(asked)
    rules, until = desk.policy.file.delegation, desk.now() + asked.length
    refusal = _refusal(person, asked, rules, desk)
    mine = tuple(name for name in groups.mine(person.user_id, desk) if rules is not None and name in rules.groups)
    if refusal is None and not mine:
        refusal = f"You are in none of the groups whose votes may be lent ({', '.join(rules.groups if rules else ())})."
    with desk.database.writing() as session:
        refusal = refusal or _lent_already(session, person, mine, desk)
        if refusal is not None:
            return _refused(session, person, asked, refusal, desk)
        lent = delegations.lend(
            session,
            delegator=person.user_id,
            delegate=asked.delegate,
            groups=mine,
            reason=asked.reason,
            at=desk.now(),
            until=until,
        )
        told = exceptions.lent(_row(lent), to_delegate=True)
        messages.want(session, f"delegation:{lent.id}", channel=asked.delegate, body=told, at=desk.now())
    return exceptions.lent(_row(lent), to_delegate=False)


def take_back(person: Person, words: str, desk: Desk) -> Message:
    """Take back everything one lent to somebody."""
    whom = MENTION.fullmatch(words.strip())
    if whom is None:
        return ephemeral.note("Type it like `/sayso undelegate @bob`, and pick the person from Slack's list.")
    with desk.database.writing() as session:
        ended = delegations.revoke(session, delegator=person.user_id, delegate=whom[1], at=desk.now())
    return ephemeral.note("You have your vote back." if ended else "You have lent that person nothing.")


def listed(_words: str, desk: Desk) -> Message:
    """Everything that is lent now."""
    with desk.database.reading() as session:
        return exceptions.delegations([_row(one) for one in delegations.active(session, desk.now())])


def parse(words: str) -> Request | str:
    """What was typed, or what to say about it."""
    parts = words.split(maxsplit=2)
    whom = MENTION.fullmatch(parts[0]) if parts else None
    if whom is None or len(parts) < 3 or not REASON_LEAST <= len(parts[2].strip()) <= REASON_MOST:
        return USAGE
    try:
        length = seconds(parts[1])
    except ValueError:
        return f"“{parts[1][:20]}” is not a length of time such as 4h or 3d. {USAGE}"
    return Request(delegate=whom[1], length=timedelta(seconds=length), reason=parts[2].strip()) if length else USAGE


def _refusal(person: Person, asked: Request, rules: Rules | None, desk: Desk) -> str | None:
    """Why it cannot be lent to that person for that long. Raises LookupFailed."""
    if rules is None:
        return UNWELCOME
    if asked.delegate == person.user_id:
        return "You have your own vote already."
    if asked.length.total_seconds() > rules.max_duration:
        return f"A vote is lent for at most {in_words(rules.max_duration)}."
    cannot = desk.people.refusal(asked.delegate)
    return f"That account may not vote: {cannot}." if cannot else None


def _lent_already(session: Session, person: Person, mine: tuple[str, ...], desk: Desk) -> str | None:
    """One right is lent to one person at a time, or it would count twice."""
    for one in delegations.active(session, desk.now()):
        shared = set(one.groups) & set(mine)
        if one.delegator == person.user_id and shared:
            what = ", ".join(sorted(shared))
            return f"You lent the vote of {what} to somebody already: `/sayso delegations` says to whom."
    return None


def _refused(session: Session, person: Person, asked: Request, why: str, desk: Desk) -> Message:
    payload = {"to": asked.delegate, "reason": why}
    subject = f"person:{person.user_id}"
    audit.append(
        session, actor=person.user_id, event="delegation.refused", subject=subject, payload=payload, at=desk.now()
    )
    return ephemeral.note(why)


def _row(lent: Delegation) -> LentRow:
    return LentRow(
        delegator=lent.delegator, delegate=lent.delegate, groups=lent.groups, reason=lent.reason, until=lent.until
    )
