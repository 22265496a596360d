"""How a change of the rules is shown: the card that asks about it, its diff, why it is rejected, and how things stand.

What a version allows beyond the one in force comes from comparing the two by code; nobody's own words say it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import unified_diff
from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, Field

from bot.views import modals
from bot.views.blocks import (
    Block,
    Confirm,
    Message,
    Rendering,
    View,
    button,
    button_row,
    context,
    header,
    message,
    preformatted,
    section,
    words,
)
from bot.views.ids import ActionId, CallbackId
from bot.views.plan import Closing, VoteLine, vote_line
from bot.views.signs import Sign
from bot.views.text import code, counted, excerpt, fit, inline, moment, plain, who
from policies.replay import Replay
from tools.values import Value

SENTENCES_MOST = 8
"""Loosenings on the card; `sayso policy show` prints them all."""
DIFF_CHUNK, CHUNKS_MOST = 2500, 20
REFERENCE = re.compile(r"[1-9][0-9]{0,8}:[0-9a-f]{64}")


class PolicyReference(Value):
    """Which row of the record, and exactly which text, a button was drawn for: `12:9f3c…`."""

    row: Annotated[int, Field(ge=1)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

    def __str__(self) -> str:
        return f"{self.row}:{self.sha256}"


def parse_policy_reference(value: str) -> PolicyReference | None:
    """The reference in a button's value or a modal's private metadata; None when it is none of ours."""
    if REFERENCE.fullmatch(value) is None:
        return None
    row, _, sha256 = value.partition(":")
    return PolicyReference(row=int(row), sha256=sha256)


class PolicyState(StrEnum):
    """Where a version is; the stored words."""

    PROPOSED = "proposed"
    ACTIVE = "active"
    RETIRED = "retired"
    REJECTED = "rejected"


HEADS: dict[PolicyState, str] = {
    PolicyState.PROPOSED: f"{Sign.ASKING} May the rules allow more?",
    PolicyState.ACTIVE: f"{Sign.DONE} Rules in force",
    PolicyState.RETIRED: f"{Sign.SKIPPED} Rules of before",
    PolicyState.REJECTED: f"{Sign.REFUSED} Rules not taken",
}


class PolicyCard(Value):
    """All that the card of one version shows."""

    reference: PolicyReference
    version: int
    render: int
    state: PolicyState
    instead_of: int | None
    """The version in force while this one is proposed."""
    source: str
    """Who proposed it, or where it came from, as ready mrkdwn of our own."""
    looser: tuple[str, ...]
    replay: Replay | None
    needs: str
    """Who has to agree, in one line."""
    votes: tuple[VoteLine, ...]
    proposed_at: AwareDatetime
    closing: Closing | None = None


class PolicyStanding(Value):
    """The rules as they stand, for `/sayso policy`."""

    version: int
    sha256: str
    since: AwareDatetime | None
    rules: int
    source: str
    waiting: int | None
    """The version people are asked about."""
    needs: str = ""
    looser: tuple[str, ...] = ()


def card(policy: PolicyCard) -> Message:
    """The card in whatever state the version is."""
    here = Rendering("pol", f"{policy.reference.row}", policy.render)
    blocks = [header(here.part("head"), f"{HEADS[policy.state]} · version {policy.version}")]
    blocks.append(section(here.part("what"), list(_what(policy))))
    if policy.state is PolicyState.PROPOSED:
        blocks += _question(policy, here)
        blocks.append(button_row(here.part("act"), list(_buttons(policy))))
    else:
        diff = button(ActionId.POLICY_DIFF, "Show diff", str(policy.reference))
        blocks.append(button_row(here.part("act"), [diff]))
    blocks.append(context(here.part("who"), _small_print(policy)))
    told = f"{_words(policy.state)}: version {policy.version} of the rules"
    ids: Block = {"policy": policy.reference.row, "state": policy.state, "votes": len(policy.votes)}
    return message(told, blocks, metadata=("policy", ids))


def refused(name: str, version: int, complaints: Sequence[str]) -> Message:
    """A rules file was not taken, and why, line by line."""
    here = Rendering("pol", "refused", 0)
    told = f"The rules file was refused; version {version} stays in force."
    lines = [f"{Sign.WARNING} {told} Mend {code(name)} and save it again:"]
    lines += [f"• {inline(one, 300)}" for one in complaints[:SENTENCES_MOST]]
    if len(complaints) > SENTENCES_MOST:
        lines.append(f"… and {len(complaints) - SENTENCES_MOST} more: `sayso policy check` lists them.")
    return message(told, [section(here.part("what"), lines)])


def standing(policy: PolicyStanding) -> Message:
    """Which version decides, since when, and what waits."""
    here = Rendering("pol", "standing", 0)
    since = f" since {moment(policy.since)}" if policy.since is not None else ""
    lines = [
        f"*Version {policy.version}* decides{since}: {counted(policy.rules, 'rule')}, {policy.source}.",
        f"SHA-256 {code(policy.sha256[:16])}",
    ]
    if policy.waiting is None:
        lines.append("No change waits for anybody.")
    else:
        lines.append(f"{Sign.ASKING} *Version {policy.waiting}* would allow more. {inline(policy.needs, 400)}")
        lines += _sentences(policy.looser)
    told = f"Version {policy.version} of the rules decides"
    return message(told, [header(here.part("head"), "The rules"), section(here.part("what"), lines)])


def diff(title: str, before: tuple[str, str], after: tuple[str, str]) -> View:
    """The unified diff of two texts, each given with its name."""
    lines = unified_diff(before[1].splitlines(), after[1].splitlines(), before[0], after[0], lineterm="", n=2)
    chunks = list(_chunks(lines))
    blocks = [preformatted(f"diff:{number}", chunk) for number, chunk in enumerate(chunks[:CHUNKS_MOST])]
    if len(chunks) > CHUNKS_MOST:
        blocks.append(context("diff:more", ["… and more: `sayso policy show` prints a version whole."]))
    if not blocks:
        blocks = [section("diff:none", ["The two texts are the same."])]
    return {
        "type": "modal",
        "callback_id": CallbackId.POLICY_DIFF,
        "title": words(plain(title, 24)),
        "close": words("Close"),
        "blocks": blocks,
    }


def reject(reference: PolicyReference) -> View:
    """Asks for the reason that a rejection is recorded with."""
    hint = "One rejection is final: these rules will not take effect. The reason goes on the record."
    return {
        "type": "modal",
        "callback_id": CallbackId.POLICY_REJECT,
        "private_metadata": str(reference),
        "title": words("Reject these rules"),
        "close": words("Cancel"),
        "submit": words("Reject"),
        "blocks": [section("hint", [hint]), modals.why()],
    }


def _what(policy: PolicyCard) -> Iterator[str]:
    match policy.state:
        case PolicyState.PROPOSED:
            yield f"Version {policy.version} allows more than version {policy.instead_of}, which stays in force."
        case PolicyState.ACTIVE:
            yield "Every decision is made by these rules now; open plans meet them at their next vote or start."
            if not policy.looser:
                yield "They allow nothing that the rules of before did not, so nobody had to agree."
        case PolicyState.RETIRED:
            yield "Another version decides by now."
        case PolicyState.REJECTED:
            yield "They never took effect."
    if policy.closing is not None and policy.closing.reason:
        yield f"*Why:* {inline(policy.closing.reason, 1000)}"


def _question(policy: PolicyCard, here: Rendering) -> Iterator[Block]:
    lines = ["*What it allows that today's rules do not*", *_sentences(policy.looser)]
    yield section(here.part("looser"), lines)
    if policy.replay is not None:
        yield section(here.part("replay"), list(_replayed(policy.replay)))


def _sentences(looser: Sequence[str]) -> Iterator[str]:
    yield from (f"• {inline(one, 500)}" for one in looser[:SENTENCES_MOST])
    if len(looser) > SENTENCES_MOST:
        yield f"… and {len(looser) - SENTENCES_MOST} more: `sayso policy show` prints them all."


def _replayed(replay: Replay) -> Iterator[str]:
    made = counted(replay.replayed, "decision")
    if not replay.changed:
        yield f"Of {made} lately, none would be another."
        return
    yield (
        f"Of {made} lately, {replay.changed} would be another: {replay.looser} looser, "
        f"{replay.stricter} stricter, {replay.different} different."
    )
    yield from (f"• {inline(one, 400)}" for one in replay.examples[:3])


def _buttons(policy: PolicyCard) -> Iterator[Block]:
    reference = str(policy.reference)
    question = Confirm(
        title=f"Allow more, by version {policy.version}?",
        text=fit([f"• {inline(one, 200)}" for one in policy.looser], 300),
        yes="Approve",
    )
    yield button(ActionId.POLICY_APPROVE, "Approve", reference, style="primary", confirm=question)
    yield button(ActionId.POLICY_REJECT, "Reject…", reference, style="danger")
    yield button(ActionId.POLICY_DIFF, "Show diff", reference)


def _small_print(policy: PolicyCard) -> Iterator[str]:
    if policy.state is PolicyState.PROPOSED:
        yield f"{Sign.LOCKED} {inline(policy.needs, 500)}"
    yield from (vote_line(one) for one in policy.votes)
    if policy.closing is not None:
        by = f" by {who(policy.closing.by)}" if policy.closing.by else ""
        yield f"{_words(policy.state)}{by} · {moment(policy.closing.at)}"
    yield f"{policy.source} · {moment(policy.proposed_at)} · SHA-256 {code(policy.reference.sha256[:16])}"


def _words(state: PolicyState) -> str:
    """The head without its sign, for places that show no signs."""
    return HEADS[state].partition(" ")[2]


def _chunks(lines: Iterator[str]) -> Iterator[str]:
    """Whole lines, together as long as one block holds."""
    chunk: list[str] = []
    for line in (excerpt(each, 500) if each else "" for each in lines):
        if chunk and sum(len(one) + 1 for one in chunk) + len(line) > DIFF_CHUNK:
            yield "\n".join(chunk)
            chunk = []
        chunk.append(line)
    if chunk:
        yield "\n".join(chunk)
