"""Versions of the rules -> what their cards and answers show -> the outbox. Decides nothing but who has to agree."""

from __future__ import annotations

import json

from pydantic import ValidationError
from sqlmodel import Session

from bot.desk import Desk
from bot.views import policy as view
from bot.views.blocks import Message
from bot.views.plan import Closing, VoteLine
from bot.views.text import who
from policies.loosening import Replay
from policies.rules import Policy
from storage import messages, policies
from storage.tables import PolicyStatus, PolicyVersion, PolicyVote, Verdict
from tools.values import Value

UNWRITTEN = 2
"""How many must agree to looser rules where the rules in force have no `change_control`."""
SHOWN = 10
"""Versions whose cards are kept up to date, the newest."""
ORIGINS = {
    "start": "the file at the first start",
    "file": "the file changed",
    "proposal": "named on the command line",
    "rollback": "a version of before, named on the command line",
}


class Needed(Value):
    """Who must agree before a looser version takes effect, judged by the rules in force."""

    approvals: int
    groups: tuple[str, ...]
    said: str


def needed(active: Policy, row: PolicyVersion) -> Needed:
    """As `change_control` says; without it, two people of any group. One more where nobody knows the author."""
    control = active.file.change_control
    groups = tuple(sorted(active.file.groups)) if control is None else control.loosening.from_
    number = UNWRITTEN if control is None else control.loosening.approvals
    said = f"{number} people of {' or '.join(groups)} must agree; who proposed it does not count."
    if control is None:
        said += " The rules in force have no change_control, so people of any group may."
    if row.author is None:
        number += 1
        said = said.replace(f"{number - 1} people", f"{number} people", 1)
        said += " Nobody knows who changed the file, so one more is asked than otherwise."
    return Needed(approvals=number, groups=groups, said=said)


def show(session: Session, row: PolicyVersion, desk: Desk) -> None:
    """The card of a version as it now is, unless it says that already."""
    key = f"policy:{row.id}"
    shown = messages.find(session, key)
    body = view.card(_card(session, row, messages.render_number(session, key), desk))
    if shown is None or json.loads(shown.wanted).get("metadata") != json.loads(json.dumps(body["metadata"])):
        messages.want(session, key, channel=desk.channel, body=body, at=desk.now(), priority=1)


def show_all(desk: Desk) -> None:
    """The cards of the latest versions, also where a command or another process changed them."""
    with desk.database.reading() as session:
        if not any(_is_news(session, row) for row in policies.listed(session, SHOWN)):
            return
    with desk.database.writing() as session:
        for row in reversed(policies.listed(session, SHOWN)):
            if _is_news(session, row):
                show(session, row, desk)


def show_refusal(name: str, version: int, complaints: tuple[str, ...], sha256: str, desk: Desk) -> None:
    """A file that was refused, once for each text."""
    with desk.database.writing() as session:
        key, body = f"policy:refused:{sha256[:16]}", view.refused(name, version, complaints)
        messages.want(session, key, channel=desk.channel, body=body, at=desk.now(), priority=1)


def status(desk: Desk) -> Message:
    """Which version decides, since when, and what waits: the answer to `/sayso policy`."""
    policy = desk.rulebook.look()
    with desk.database.reading() as session:
        row, waits = policies.active(session), policies.waiting(session)
    return view.standing(
        view.PolicyStanding(
            version=policy.version,
            sha256=policy.sha256,
            since=row.activated_at if row is not None else None,
            rules=len(policy.file.rules),
            source=_source(row) if row is not None else "not on record",
            waiting=waits.version if waits is not None else None,
            needs=needed(policy, waits).said if waits is not None else "",
            looser=waits.looser if waits is not None else (),
        )
    )


def _is_news(session: Session, row: PolicyVersion) -> bool:
    """Whether a version's card does not show where it is. The very first version is news to nobody."""
    if row.origin == "start":
        return False
    shown = messages.find(session, f"policy:{row.id}")
    if shown is None:
        return row.status in (PolicyStatus.PROPOSED, PolicyStatus.ACTIVE)
    ids = json.loads(shown.wanted).get("metadata", {}).get("event_payload", {})
    return (ids.get("state"), ids.get("votes")) != (row.status, len(policies.votes(session, row)))


def _card(session: Session, row: PolicyVersion, render: int, desk: Desk) -> view.PolicyCard:
    active, given = policies.active(session), policies.votes(session, row)
    return view.PolicyCard(
        reference=view.PolicyReference(row=row.id or 0, sha256=row.sha256),
        version=row.version,
        render=render,
        state=view.PolicyState(row.status),
        instead_of=active.version if active is not None else None,
        source=_source(row),
        looser=row.looser,
        replay=_replay(session, row),
        needs=needed(desk.rulebook.in_force(session), row).said if row.status == PolicyStatus.PROPOSED else "",
        votes=tuple(_vote(vote) for vote in given),
        proposed_at=row.proposed_at,
        closing=_closing(row, given),
    )


def _source(row: PolicyVersion) -> str:
    by = f"proposed by {who(row.author)}" if row.author is not None else "author unknown"
    return f"{by} ({ORIGINS[row.origin]})" if row.origin in ORIGINS else by


def _replay(session: Session, row: PolicyVersion) -> Replay | None:
    """What replaying the past showed when it was proposed; nothing is judged again for a card."""
    try:
        return Replay.model_validate(policies.proposed_with(session, row).get("replay"))
    except ValidationError:
        return None


def _vote(vote: PolicyVote) -> VoteLine:
    verdict = "approve" if vote.verdict == Verdict.APPROVE else "reject"
    return VoteLine(user_id=vote.user_id, verdict=verdict, at=vote.given_at, reason=vote.reason)


def _closing(row: PolicyVersion, given: list[PolicyVote]) -> Closing | None:
    if row.decided_at is None:
        return None
    against = next((vote for vote in given if vote.verdict == Verdict.REJECT), None)
    if row.status == PolicyStatus.REJECTED:
        reason = against.reason if against is not None else "A newer version stands instead of it."
        return Closing(at=row.decided_at, by=against.user_id if against is not None else None, reason=reason)
    return Closing(at=row.activated_at or row.decided_at)
