"""The approval card: one plan in one message, edited in place from the first question to the last outcome.

Everything a decision rests on (steps, targets, diff, reach, undo, digest, policy) comes from the plan as compiled and
rehearsed by code. A model's own prose appears once, labelled unverified, and as plain words.
"""

from __future__ import annotations

from collections.abc import Iterator

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
from bot.views.ids import ActionId
from bot.views.plan_card import (
    AGAIN,
    DETAILED,
    FACES,
    RAN,
    RUNNING,
    Closing,
    Face,
    Glass,
    Holder,
    Other,
    Party,
    PlanCard,
    PlanState,
    VoteLine,
)
from bot.views.signs import Sign
from bot.views.steps import checklist, checks, diff, headline, outline
from bot.views.text import clock, code, fit, inline, moment, plain, utc, who

__all__ = [
    "FACES",
    "Closing",
    "Face",
    "Glass",
    "Holder",
    "Other",
    "Party",
    "PlanCard",
    "PlanState",
    "VoteLine",
    "card",
]

RIVALS_SHOWN = 5
DIFF_ON_CARD = 1500
"""Characters of diff on the card; the details modal holds more."""
REASONING_MOST = 600


def card(plan: PlanCard) -> Message:
    """The approval card in whatever state the plan is."""
    face, here = plan.face, Rendering("apr", plan.plan_id, plan.render)
    blocks = [header(here.part("head"), f"{face.sign} {face.words} · Plan {plan.plan_id}")]
    blocks += _body(plan, here)
    if buttons := list(_buttons(plan)):
        blocks.append(button_row(here.part("act"), buttons))
    blocks.append(context(here.part("who"), _small_print(plan)))
    ids: Block = {"plan": plan.plan_id, "version": plan.version}
    return message(_summary(plan), blocks, metadata=("approval", ids))


def _summary(plan: PlanCard) -> str:
    """The card in one line, for notifications and screen readers."""
    told = f"{plan.face.words}: {headline(plan.steps, 140)} in {inline(plan.environment, 40)}"
    if plan.in_window and plan.fires_at is not None:
        return f"{told}. Runs at {utc(plan.fires_at)}"
    match plan.state:
        case PlanState.PENDING:
            return f"{told}. Expires {utc(plan.expires_at)}"
        case PlanState.EXPIRED:
            return f"{told}. {plan.meaning}"
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
        yield section(here.part("what"), [f"*{headline(plan.steps, 260)}*", plan.meaning, *_why(plan)])


def _question(plan: PlanCard, here: Rendering) -> Iterator[Block]:
    """All that a person needs before saying yes."""
    yield section(here.part("what"), [*_when(plan), *outline(plan.steps), *_beside(plan), *_note(plan)])
    yield fields(here.part("facts"), _facts(plan))
    yield preformatted(here.part("diff"), diff(plan.steps, DIFF_ON_CARD))
    rehearsed = dict.fromkeys(f"*Dry run:* {inline(step.dry_run, 300)}" for step in plan.steps)
    worked = ["*Success means*", *checks(plan.criteria)] if plan.criteria else []
    yield section(here.part("check"), [*rehearsed, *worked, f"Digest {code(plan.digest[:16])} is all that can run."])
    if plan.reasoning:
        label = "The assistant's reasoning (unverified)"
        yield speech(here.part("said"), label, plain(plan.reasoning, REASONING_MOST))


def _when(plan: PlanCard) -> Iterator[str]:
    if plan.in_window and plan.fires_at is not None:
        yield f"*Runs {moment(plan.fires_at)} unless somebody stops it.* Nothing has run yet."


def _beside(plan: PlanCard) -> Iterator[str]:
    """Other plans that a person should know of before deciding about this one."""
    if plan.undoes is not None:
        yield f"{Sign.UNDONE} Takes back what plan {inline(plan.undoes, 64)} did.{_wish(plan)}"
    elif plan.replaces is not None and plan.wish is not None:
        was = inline(plan.replaces, 64)
        yield f"{Sign.LOOKING} {who(plan.wish.by)} edited plan {was} into this. Votes started over."
    if plan.alike is not None:
        became = FACES[plan.alike.state].words.lower()
        yield f"{Sign.LOOKING} Identical to plan {plan.alike.plan_id} ({became} {moment(plan.alike.at)})."
    if plan.rivals:
        listed = ", ".join(f"{one.plan_id} ({FACES[one.state].words.lower()})" for one in plan.rivals[:RIVALS_SHOWN])
        more = f" and {len(plan.rivals) - RIVALS_SHOWN} more" if len(plan.rivals) > RIVALS_SHOWN else ""
        yield f"{Sign.WARNING} Other plans want the same target: {listed}{more}. Once one has run, the others lapse."


def _wish(plan: PlanCard) -> str:
    """Who wants it so, and why."""
    if plan.wish is None:
        return ""
    return f" {who(plan.wish.by)} asked for it: {inline(plan.wish.why or 'no reason given', 500)}"


def _facts(plan: PlanCard) -> Iterator[tuple[str, list[str]]]:
    yield "Service", [f"{inline(plan.service, 80)} · {inline(plan.environment, 40)}"]
    yield "Targets", list(dict.fromkeys(code(str(step.target)) for step in plan.steps))
    yield "Blast radius", list(dict.fromkeys(inline(step.blast_radius, 300) for step in plan.steps))
    yield "Undo", list(dict.fromkeys(inline(step.undo, 300) for step in plan.steps))


def _waiting(plan: PlanCard) -> Iterator[str]:
    if plan.holder is not None:
        held = plan.holder
        by = f", approved by {', '.join(who(one) for one in held.approved_by[:3])}" if held.approved_by else ""
        yield f"{Sign.LOCKED} Waiting for plan {held.plan_id}, which holds the same target since {moment(held.since)}."
        yield f"{held.plan_id}: {inline(held.title, 200)}{by}"
    else:
        yield FACES[PlanState.APPROVED].meaning
    yield from _note(plan)


def _why(plan: PlanCard) -> Iterator[str]:
    if plan.closing is not None and plan.closing.reason:
        yield f"*Why:* {inline(plan.closing.reason, 1000)}"
    if plan.undoes is not None:
        yield f"{Sign.UNDONE} It takes back what plan {inline(plan.undoes, 64)} did."
    if plan.undone_by is not None:
        words = FACES[plan.undone_by.state].words.lower()
        yield f"{Sign.UNDONE} Plan {plan.undone_by.plan_id} takes it back: {words} {moment(plan.undone_by.at)}."
    yield from _note(plan)


def _note(plan: PlanCard) -> Iterator[str]:
    if plan.note:
        yield f"{Sign.WARNING} {inline(plan.note, 500)}"


def _buttons(plan: PlanCard) -> Iterator[Block]:
    reference = str(plan.reference)
    if plan.state is PlanState.PENDING:
        yield from _answers(plan, reference)
        if plan.undoes is None:
            yield button(ActionId.EDIT, "Edit…", reference)
    if plan.state in AGAIN and plan.can_ask_again:
        yield button(ActionId.ASK_AGAIN, "Ask again", reference)
    if plan.can_undo:
        yield button(ActionId.UNDO, "Undo…", reference)
    if plan.state in DETAILED:
        yield button(ActionId.DETAILS, "Diff & evidence", reference)


def _answers(plan: PlanCard, reference: str) -> Iterator[Block]:
    """Yes and no; in a veto window silence is a yes, so they are called otherwise."""
    question = Confirm(
        title=f"Run it in {plain(plan.environment, 40)}?",
        text=fit([headline(plan.steps, 120), *dict.fromkeys(code(str(s.target), 100) for s in plan.steps)], 300),
        yes="Run it",
    )
    if plan.in_window:
        yield button(ActionId.STOP, "Stop…", reference, style="danger")
        yield button(ActionId.RUN_NOW, "Run now", reference, confirm=question)
    else:
        yield button(ActionId.APPROVE, "Approve", reference, style="primary", confirm=question)
        yield button(ActionId.REJECT, "Reject…", reference, style="danger")


def _small_print(plan: PlanCard) -> Iterator[str]:
    if plan.state is PlanState.PENDING:
        yield from _who_is_asked(plan)
    elif not plan.votes and plan.state in DETAILED:
        yield f"{Sign.LOCKED} {inline(plan.policy, 500)}"
        if plan.fires_at is not None:
            yield f"Its veto window ended {clock(plan.fires_at)}; nobody stopped it."
    ended_by = plan.closing.by if plan.closing is not None else None
    yield from (vote_line(v) for v in plan.votes if v.verdict == "approve" or v.user_id != ended_by)
    yield from _broken_glass(plan)
    if plan.closing is not None:
        by = f" by {who(plan.closing.by)}" if plan.closing.by else ""
        yield f"{FACES[plan.state].words}{by} · {moment(plan.closing.at)}"
    yield f"Incident {plan.incident_id} · version {plan.version} · digest {code(plan.digest[:16])}"


def _who_is_asked(plan: PlanCard) -> Iterator[str]:
    """Who may answer and until when, why they, and how far it is."""
    asked = ", ".join(who(p.id) if plan.ping and p.id else inline(p.name, 80) for p in plan.approvers)
    yield f"{Sign.LOCKED} {inline(plan.policy, 500)}"
    if plan.in_window:
        yield f"{asked or 'Nobody'} may stop it or run it now"
    else:
        yield f"{asked or 'Nobody'} may approve · expires {moment(plan.expires_at)}"
    if plan.widened:
        yield f"Nobody answered in time, so {', '.join(inline(one, 80) for one in plan.widened)} may answer too."
    yield from (f"Fallback used: {inline(each, 150)}, which has nobody now." for each in plan.fallbacks)
    if plan.step_up:
        yield f"{Sign.LOCKED} Approving needs a fresh sign-in; the button sends you there."
    yield from (f"Votes: {inline(each, 150)}" for each in plan.progress)


def _broken_glass(plan: PlanCard) -> Iterator[str]:
    if plan.glass is None:
        return
    broken = plan.glass
    yield f"{Sign.WARNING} Run by {who(broken.user_id)} alone, {clock(broken.at)}, past the quorum: break-glass."
    yield f"Their reason: {inline(broken.reason, 300)}"
    yield f"Reviewed by {who(broken.reviewed_by)}" if broken.reviewed_by else "Not reviewed yet."


def vote_line(vote: VoteLine) -> str:
    """One vote as a line of mrkdwn."""
    sign, done = (Sign.DONE, "Approved") if vote.verdict == "approve" else (Sign.REFUSED, "Rejected")
    reason = f": {inline(vote.reason, 300)}" if vote.reason else ""
    lent = f" on behalf of {' and '.join(who(one) for one in vote.on_behalf_of[:3])}" if vote.on_behalf_of else ""
    signed = ", freshly signed in" if vote.stepped_up else ""
    return f"{sign} {done} by {who(vote.user_id)}{lent} {clock(vote.at)}{signed}{reason}"
