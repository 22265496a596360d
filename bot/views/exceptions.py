"""What people see of the ways beside the ordinary one: broken glass and its review, delegations, the stop switch."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import AwareDatetime

from bot.views.blocks import (
    Block,
    Message,
    Rendering,
    View,
    button,
    button_row,
    context,
    header,
    message,
    section,
    words,
)
from bot.views.ids import REASON_BLOCK, REASON_INPUT, REASON_LEAST, REASON_MOST, ActionId, CallbackId, PlanReference
from bot.views.signs import Sign
from bot.views.text import code, inline, moment, plain, who
from tools.values import Value

HERE = Rendering("exc", "answer", 0)
SKIPPED_MOST = 30
"""People named one by one."""


class Question(Value):
    """What somebody who wants to break the glass is shown before they do."""

    reference: PlanReference
    incident_id: str
    incident: str
    actions: tuple[str, ...]
    policy: str
    minutes: int


class Glass(Value):
    """Broken glass as everybody is told of it."""

    number: int
    render: int
    reference: PlanReference
    incident_id: str
    by: str
    reason: str
    at: AwareDatetime
    actions: tuple[str, ...]
    skipped: tuple[str, ...]
    signed_in: bool
    reviewed_by: str | None = None
    review: str | None = None


class LentRow(Value):
    """One delegation that holds."""

    delegator: str
    delegate: str
    groups: tuple[str, ...]
    reason: str
    until: AwareDatetime


def break_glass(asked: Question) -> View:
    """Asks for the reason, and says what breaking the glass means."""
    plan = asked.reference.plan_id
    lines = [
        f"{Sign.WARNING} You are about to run {code(plan)} alone: nobody else will be asked.",
        f"*Incident {inline(asked.incident_id, 80)}:* {inline(asked.incident, 200)}",
        *(f"• {inline(action, 200)}" for action in asked.actions),
        f"*Policy:* {inline(asked.policy, 500)}",
    ]
    after = (
        "Everybody you skip is told, and it is posted. Until somebody else has reviewed it, nobody breaks the glass "
        f"again. It holds for {asked.minutes} minutes. What policy denies stays denied."
    )
    blocks = [section("what", lines), _reason("Why can this not wait for the others?"), context("after", [after])]
    return _modal(CallbackId.BREAK_GLASS, f"Break glass {plan}", str(asked.reference), blocks, "Break the glass")


def review(reference: PlanReference) -> View:
    """Asks what came of it, and whether it was right."""
    hint = "What happened, and was it right to skip the others? Your words go on the record and end the block."
    blocks = [section("what", [hint]), _reason("What happened?")]
    return _modal(
        CallbackId.BREAK_GLASS_REVIEW, f"Review {reference.plan_id}", str(reference), blocks, "Sign the review"
    )


def broken(glass: Glass) -> Message:
    """The notice in the audit channel. It asks for a review until there is one."""
    here = Rendering("glass", str(glass.number), glass.render)
    plan = glass.reference.plan_id
    told = f"{plan} was run without the approvals it needs"
    proof = "after a fresh sign-in" if glass.signed_in else "without a fresh sign-in"
    lines = [
        f"{who(glass.by)} broke the glass for {code(plan)} of {inline(glass.incident_id, 80)}.",
        f"{moment(glass.at)}, {proof}.",
        f"*Why:* {inline(glass.reason, 1000)}",
        *(f"• {inline(action, 200)}" for action in glass.actions),
        f"*Skipped:* {_people(glass.skipped)}",
    ]
    blocks = [
        header(here.part("head"), f"{Sign.WARNING} Glass broken · Plan {plan}"),
        section(here.part("what"), lines),
    ]
    if glass.reviewed_by is None:
        ask = f"Nobody breaks the glass again until somebody else signs the review: here, or `/sayso review {plan} …`"
        press = button(ActionId.BREAK_GLASS_REVIEW, "Review…", str(glass.reference), style="primary")
        return message(told, [*blocks, button_row(here.part("act"), [press]), context(here.part("ask"), [ask])])
    signed = f"{Sign.DONE} Reviewed by {who(glass.reviewed_by)}: {inline(glass.review or '', 1000)}"
    return message(told, [*blocks, section(here.part("done"), [signed])])


def skipped(glass: Glass) -> Message:
    """What each person is told who would have been asked."""
    plan = glass.reference.plan_id
    lines = [
        f"{Sign.WARNING} {who(glass.by)} ran {code(plan)} of {inline(glass.incident_id, 80)} without asking you.",
        f"*Why:* {inline(glass.reason, 1000)}",
        *(f"• {inline(action, 200)}" for action in glass.actions),
        f"You may sign the review: `/sayso review {plan} what happened`",
    ]
    return message(f"{plan} was run without asking you", [section(HERE.part("skipped"), lines)])


def lent(row: LentRow, *, to_delegate: bool) -> Message:
    """A delegation, as it is told to the one who lends and to the one who may vote now."""
    giver = who(row.delegator) if to_delegate else "You"
    taker = "you" if to_delegate else who(row.delegate)
    lines = [
        f"{Sign.DONE} {giver} lent {taker} the vote of {_groups(row)} until {moment(row.until)}: {inline(row.reason)}"
    ]
    if to_delegate:
        lines.append("It cannot be lent on, and it is not used where the lender asked for the plan or voted already.")
    else:
        lines.append(f"`/sayso undelegate` takes it back: add {who(row.delegate)}.")
    return message("A vote was lent", [section(HERE.part("lent"), lines)])


def delegations(rows: Sequence[LentRow]) -> Message:
    """Everything that is lent now."""
    if not rows:
        return message("Nobody has lent their vote.", [section(HERE.part("none"), ["Nobody has lent their vote."])])
    lines = [
        f"{who(r.delegator)} → {who(r.delegate)}: {_groups(r)} until {moment(r.until)} ({inline(r.reason)})"
        for r in rows
    ]
    return message(
        f"Delegations: {len(rows)}", [header(HERE.part("head"), "Delegations"), section(HERE.part("rows"), lines)]
    )


def switched(*, stopped: bool, by: str, reason: str | None, at: AwareDatetime) -> Message:
    """The stop switch was turned."""
    if stopped:
        told = f"{Sign.WARNING} *Stopped* by {who(by)}, {moment(at)}: nothing starts until `/sayso resume`."
    else:
        told = f"{Sign.DONE} *Resumed* by {who(by)}, {moment(at)}: what was approved starts now."
    why = [f"*Why:* {inline(reason, 500)}"] if reason else []
    return message(
        "sayso was stopped" if stopped else "sayso was resumed", [section(HERE.part("switch"), [told, *why])]
    )


def page(told: str) -> Message:
    """Something about who may approve that somebody has to put right."""
    return message("Nobody could approve a plan", [section(HERE.part("page"), [f"{Sign.FIRING} {inline(told, 1500)}"])])


def _groups(row: LentRow) -> str:
    return ", ".join(inline(group, 80) for group in row.groups)


def _people(ids: tuple[str, ...]) -> str:
    more = [f"and {len(ids) - SKIPPED_MOST} more"] if len(ids) > SKIPPED_MOST else []
    return ", ".join([*(who(one) for one in ids[:SKIPPED_MOST]), *more]) or "nobody"


def _reason(label: str) -> Block:
    element: Block = {
        "type": "plain_text_input",
        "action_id": REASON_INPUT,
        "multiline": True,
        "min_length": REASON_LEAST,
        "max_length": REASON_MOST,
    }
    return {"type": "input", "block_id": REASON_BLOCK, "label": words(label), "element": element}


def _modal(callback: CallbackId, title: str, metadata: str, blocks: list[Block], submit: str) -> View:
    return {
        "type": "modal",
        "callback_id": callback,
        "private_metadata": metadata,
        "title": words(plain(title, 24)),
        "submit": words(submit),
        "close": words("Cancel"),
        "blocks": blocks,
    }
