"""The approval card: one plan in one message, edited in place from the first question to the last outcome.

Everything a decision rests on (steps, targets, diff, reach, undo, digest, policy) comes from the plan as compiled and
rehearsed by code. A model's own prose appears once, labelled unverified, and as plain words.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from bot.views.blocks import (
    Block,
    Confirm,
    Message,
    Rendering,
    button,
    button_row,
    context,
    fields,
    header,
    message,
    preformatted,
    section,
    speech,
)
from bot.views.ids import ActionId, Digest, Identifier, PlanReference
from bot.views.signs import Sign
from bot.views.steps import CheckLine, Step, checklist, checks, diff, headline, outline
from bot.views.text import clock, code, fit, inline, moment, plain, utc, who
from tools.values import Value

DIFF_ON_CARD = 1500
"""Characters of diff on the card; the details modal holds more."""
REASONING_MOST = 600


class PlanState(StrEnum):
    """Where a plan is in its life; the stored words."""

    PENDING = "pending"
    APPROVED = "approved"
    EXECUTING = "executing"
    VERIFYING = "verifying"
    SUCCEEDED = "succeeded"
    ROLLING_BACK = "rolling_back"
    ROLLED_BACK = "rolled_back"
    ROLLBACK_FAILED = "rollback_failed"
    FAILED = "failed"
    NEEDS_HUMAN = "needs_human"
    REJECTED = "rejected"
    EXPIRED = "expired"
    STALE = "stale"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"


class Face(Value):
    """How a state looks: a sign, words, and a sentence that says what it means for the world."""

    sign: Sign
    words: str
    meaning: str


NOTHING_DONE = "Nothing was done."
FACES: dict[PlanState, Face] = {
    PlanState.PENDING: Face(sign=Sign.ASKING, words="Approval needed", meaning="Nothing runs until it is approved."),
    PlanState.APPROVED: Face(sign=Sign.WAITING, words="Approved, about to run", meaning="Nothing has run yet."),
    PlanState.EXECUTING: Face(sign=Sign.WORKING, words="Executing", meaning="Applying exactly what was approved."),
    PlanState.VERIFYING: Face(sign=Sign.SEARCHED, words="Verifying", meaning="Applied. Checking that it helped."),
    PlanState.SUCCEEDED: Face(sign=Sign.DONE, words="Succeeded", meaning="Applied, and every criterion holds."),
    PlanState.ROLLING_BACK: Face(sign=Sign.UNDONE, words="Undoing", meaning="Taking back what was done."),
    PlanState.ROLLED_BACK: Face(sign=Sign.UNDONE, words="Undone", meaning="What was done has been taken back."),
    PlanState.ROLLBACK_FAILED: Face(
        sign=Sign.FIRING, words="Undo failed", meaning="A person must look at the targets now."
    ),
    PlanState.FAILED: Face(sign=Sign.REFUSED, words="Could not be done", meaning="The first step was refused."),
    PlanState.NEEDS_HUMAN: Face(
        sign=Sign.FIRING, words="Needs a person", meaning="I stopped here; a person must look at the targets now."
    ),
    PlanState.REJECTED: Face(sign=Sign.REFUSED, words="Rejected", meaning=NOTHING_DONE),
    PlanState.EXPIRED: Face(sign=Sign.WAITING, words="Expired", meaning="Nobody answered; nothing was done."),
    PlanState.STALE: Face(sign=Sign.SKIPPED, words="Out of date", meaning=f"The target moved. {NOTHING_DONE}"),
    PlanState.SUPERSEDED: Face(sign=Sign.SKIPPED, words="Replaced", meaning="A newer plan stands instead of this one."),
    PlanState.CANCELLED: Face(sign=Sign.SKIPPED, words="Cancelled", meaning=NOTHING_DONE),
}
RUNNING = {PlanState.EXECUTING, PlanState.VERIFYING, PlanState.ROLLING_BACK}
RAN = {PlanState.SUCCEEDED, PlanState.ROLLED_BACK, PlanState.ROLLBACK_FAILED, PlanState.FAILED, PlanState.NEEDS_HUMAN}
DETAILED = {PlanState.PENDING, PlanState.APPROVED, *RUNNING, *RAN}
"""States in which somebody may still want to read the diff and the evidence."""


class Party(Value):
    """Somebody who may approve: a Slack user or usergroup id where known, and the name people call them."""

    id: str | None = None
    name: str


class VoteLine(Value):
    """One vote that counts, as shown."""

    user_id: str
    verdict: Literal["approve", "reject"]
    at: AwareDatetime
    reason: str | None = None


class Closing(Value):
    """How a plan ended: when, by whom (None: nobody in particular), and why."""

    at: AwareDatetime
    by: str | None = None
    reason: str | None = None


class PlanCard(Value):
    """All that the card of a plan shows. `render` rises with every edit of the message."""

    plan_id: Identifier
    version: Annotated[int, Field(ge=1)]
    digest: Digest
    render: Annotated[int, Field(ge=0)]
    state: PlanState
    incident_id: Identifier
    service: str
    environment: str
    steps: tuple[Step, ...]
    criteria: tuple[CheckLine, ...] = ()
    policy: str
    """One line of English: who is asked, and because of which rules."""
    approvers: tuple[Party, ...] = ()
    ping: bool = False
    """Mention the approvers, which notifies them. Only the first post of a severe incident's plan should."""
    progress: tuple[str, ...] = ()
    """How far each obligation is met: `1 of 2 from owner, sre-oncall`."""
    votes: tuple[VoteLine, ...] = ()
    proposed_at: AwareDatetime
    expires_at: AwareDatetime
    reasoning: str | None = None
    """The model's own prose, unverified. None when rules made the plan."""
    holder: str | None = None
    """While approved: whose lock on a target is waited for."""
    note: str | None = None
    """Something that changed since people last looked ("the policy became stricter; votes so far stand")."""
    closing: Closing | None = None

    @property
    def reference(self) -> PlanReference:
        """What the card's buttons carry."""
        return PlanReference(plan_id=self.plan_id, version=self.version, digest=self.digest[:16])


def card(plan: PlanCard) -> Message:
    """The approval card in whatever state the plan is."""
    face, here = FACES[plan.state], Rendering("apr", plan.plan_id, plan.render)
    blocks = [header(here.part("head"), f"{face.sign} {face.words} · Plan {plan.plan_id}")]
    blocks += _body(plan, here)
    if buttons := list(_buttons(plan)):
        blocks.append(button_row(here.part("act"), buttons))
    blocks.append(context(here.part("who"), _small_print(plan)))
    ids: Block = {"plan": plan.plan_id, "version": plan.version}
    return message(_summary(plan), blocks, metadata=("approval", ids))


def _summary(plan: PlanCard) -> str:
    """The card in one line, for notifications and screen readers."""
    told = f"{FACES[plan.state].words}: {headline(plan.steps, 140)} in {inline(plan.environment, 40)}"
    match plan.state:
        case PlanState.PENDING:
            return f"{told}. Expires {utc(plan.expires_at)}"
        case PlanState.EXPIRED:
            return f"{told}. {FACES[plan.state].meaning}"
        case _:
            return told


def _body(plan: PlanCard, here: Rendering) -> Iterator[Block]:
    if plan.state is PlanState.PENDING:
        yield from _question(plan, here)
    elif plan.state is PlanState.APPROVED:
        yield section(here.part("what"), [*outline(plan.steps), *_waiting(plan)])
    elif plan.state in RUNNING | RAN:
        yield section(here.part("steps"), [FACES[plan.state].meaning, *_why(plan), *checklist(plan.steps)])
        if plan.criteria:
            yield section(here.part("checks"), ["*Success means*", *checks(plan.criteria)])
    else:
        yield section(here.part("what"), [f"*{headline(plan.steps, 260)}*", FACES[plan.state].meaning, *_why(plan)])


def _question(plan: PlanCard, here: Rendering) -> Iterator[Block]:
    """All that a person needs before saying yes."""
    yield section(here.part("what"), [*outline(plan.steps), *_note(plan)])
    yield fields(here.part("facts"), _facts(plan))
    yield preformatted(here.part("diff"), diff(plan.steps, DIFF_ON_CARD))
    rehearsed = dict.fromkeys(f"*Dry run:* {inline(step.dry_run, 300)}" for step in plan.steps)
    worked = ["*Success means*", *checks(plan.criteria)] if plan.criteria else []
    yield section(here.part("check"), [*rehearsed, *worked, f"Digest {code(plan.digest[:16])} is all that can run."])
    if plan.reasoning:
        label = "The assistant's reasoning (unverified)"
        yield speech(here.part("said"), label, plain(plan.reasoning, REASONING_MOST))


def _facts(plan: PlanCard) -> Iterator[tuple[str, list[str]]]:
    yield "Service", [f"{inline(plan.service, 80)} · {inline(plan.environment, 40)}"]
    yield "Targets", list(dict.fromkeys(code(str(step.target)) for step in plan.steps))
    yield "Blast radius", list(dict.fromkeys(inline(step.blast_radius, 300) for step in plan.steps))
    yield "Undo", list(dict.fromkeys(inline(step.undo, 300) for step in plan.steps))


def _waiting(plan: PlanCard) -> Iterator[str]:
    if plan.holder is not None:
        yield f"{Sign.LOCKED} Waiting for {inline(plan.holder)} to finish on the same target."
    else:
        yield FACES[PlanState.APPROVED].meaning
    yield from _note(plan)


def _why(plan: PlanCard) -> Iterator[str]:
    if plan.closing is not None and plan.closing.reason:
        yield f"*Why:* {inline(plan.closing.reason, 1000)}"
    yield from _note(plan)


def _note(plan: PlanCard) -> Iterator[str]:
    if plan.note:
        yield f"{Sign.WARNING} {inline(plan.note, 500)}"


def _buttons(plan: PlanCard) -> Iterator[Block]:
    reference = str(plan.reference)
    if plan.state is PlanState.PENDING:
        question = Confirm(
            title=f"Run it in {plain(plan.environment, 40)}?",
            text=fit([headline(plan.steps, 120), *dict.fromkeys(code(str(s.target), 100) for s in plan.steps)], 300),
            yes="Run it",
        )
        yield button(ActionId.APPROVE, "Approve", reference, style="primary", confirm=question)
        yield button(ActionId.REJECT, "Reject…", reference, style="danger")
    if plan.state in DETAILED:
        yield button(ActionId.DETAILS, "Diff & evidence", reference)


def _small_print(plan: PlanCard) -> Iterator[str]:
    if plan.state is PlanState.PENDING:
        asked = ", ".join(who(p.id) if plan.ping and p.id else inline(p.name, 80) for p in plan.approvers)
        yield f"{Sign.LOCKED} {inline(plan.policy, 500)}"
        yield f"{asked or 'Nobody'} may approve · expires {moment(plan.expires_at)}"
        yield from (f"Votes: {inline(each, 150)}" for each in plan.progress)
    elif not plan.votes and plan.state in DETAILED:
        yield f"{Sign.LOCKED} {inline(plan.policy, 500)}"
    ended_by = plan.closing.by if plan.closing is not None else None
    yield from (_vote(v) for v in plan.votes if v.verdict == "approve" or v.user_id != ended_by)
    if plan.closing is not None:
        by = f" by {who(plan.closing.by)}" if plan.closing.by else ""
        yield f"{FACES[plan.state].words}{by} · {moment(plan.closing.at)}"
    yield f"Incident {plan.incident_id} · version {plan.version} · digest {code(plan.digest[:16])}"


def _vote(vote: VoteLine) -> str:
    sign, done = (Sign.DONE, "Approved") if vote.verdict == "approve" else (Sign.REFUSED, "Rejected")
    reason = f": {inline(vote.reason, 300)}" if vote.reason else ""
    return f"{sign} {done} by {who(vote.user_id)} {clock(vote.at)}{reason}"
