"""Modals: why a plan is approved or rejected, what it rests on, what happened in an incident, and waiting or failing.

A modal is opened at once with `loading` and filled in later: a trigger lives three seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated

from pydantic import AwareDatetime, Field

from bot.views import evidence as evidence_view
from bot.views.blocks import Block, Rendering, View, context, divider, preformatted, section, words
from bot.views.ids import (
    REASON_BLOCK,
    REASON_INPUT,
    REASON_LEAST,
    REASON_MOST,
    CallbackId,
    Identifier,
    PlanReference,
)
from bot.views.plan import PlanCard
from bot.views.signs import Sign
from bot.views.steps import Step, checks, diff, outline
from bot.views.text import code, excerpt, inline, moment, plain, shorten, who
from tools.evidence import Evidence, Finding
from tools.values import Value

DIFF_PER_STEP, EXCERPT_MOST, FINDINGS_MOST, EVIDENCE_PER_FINDING = 2500, 1200, 6, 3
TIMELINE_MOST = 60
"""Entries a timeline shows, the newest."""
LINES_PER_SECTION = 10


class TimelineEntry(Value):
    """One thing that happened: when, who did it (a Slack id or a name), and what, in words."""

    at: AwareDatetime
    actor: str
    event: str


class Timeline(Value):
    """What happened in an incident, oldest first."""

    incident_id: Identifier
    render: Annotated[int, Field(ge=0)] = 0
    entries: tuple[TimelineEntry, ...]


def approve(reference: PlanReference) -> View:
    """Asks for the reason of an approval, where the policy wants one with each."""
    hint = "The policy wants a reason with each approval. It goes on the record."
    return _why(CallbackId.APPROVE, "Approve", reference, hint)


def reject(reference: PlanReference) -> View:
    """Asks for the reason that a rejection is recorded with."""
    hint = "One rejection is final: the plan will not run. The reason goes on the record."
    return _why(CallbackId.REJECT, "Reject", reference, hint)


def reason_errors(reason: str | None) -> dict[str, str]:
    """What to answer a submitted reason with (`response_action: errors`); empty when the reason will do."""
    if len((reason or "").strip()) < REASON_LEAST:
        return {REASON_BLOCK: "Say in a few words why, so that others can learn from it."}
    return {}


def details(plan: PlanCard, findings: Sequence[Finding], evidence: Iterable[Evidence]) -> View:
    """Everything a plan rests on: each step with its whole diff and dry run, and each finding with its evidence."""
    here = Rendering("det", plan.plan_id, plan.render)
    blocks = [block for number, step in enumerate(plan.steps) for block in _step(number, step, here)]
    if plan.criteria:
        blocks.append(section(here.part("checks"), ["*Success means*", *checks(plan.criteria)]))
    blocks.append(section(here.part("policy"), [f"*Policy:* {inline(plan.policy, 500)}"]))
    blocks.append(divider(here.part("line")))
    found = findings[:FINDINGS_MOST]
    blocks += evidence_view.findings(found, evidence, here, EVIDENCE_PER_FINDING, EXCERPT_MOST)
    blocks.append(context(here.part("digest"), [f"Version {plan.version} · digest {code(plan.digest)}"]))
    return _modal(CallbackId.DETAILS, f"Plan {plan.plan_id}", str(plan.reference), blocks)


def timeline(incident: Timeline) -> View:
    """What happened in an incident, oldest first, as far as it fits."""
    here = Rendering("tml", incident.incident_id, incident.render)
    shown = incident.entries[-TIMELINE_MOST:]
    left_out = len(incident.entries) - len(shown)
    lines = [f"{left_out} earlier entries are in the audit record"] if left_out else []
    lines += [f"{moment(e.at)} · {who(e.actor)} · {inline(e.event, 160)}" for e in shown]
    lines = lines or ["Nothing has happened yet."]
    chunks = [lines[at : at + LINES_PER_SECTION] for at in range(0, len(lines), LINES_PER_SECTION)]
    blocks = [section(here.part(f"p{number}"), chunk) for number, chunk in enumerate(chunks)]
    return _modal(CallbackId.TIMELINE, f"{incident.incident_id} timeline", incident.incident_id, blocks)


def loading(title: str, metadata: str) -> View:
    """Stands until the content is ready. `metadata` holds the ids the content will be for."""
    return _modal(CallbackId.LOADING, title, metadata, [section("load", [f"{Sign.WAITING} Loading…"])])


def error(correlation_id: str, sentence: str) -> View:
    """Says that something failed, with the id under which the log tells what."""
    lines = [f"{Sign.WARNING} {inline(sentence, 500)}", f"Tell whoever runs sayso: {code(correlation_id, 80)}"]
    return _modal(CallbackId.ERROR, "That did not work", "", [section("error", lines)])


def notice(sentence: str) -> View:
    """Says that there is nothing to show; nobody need be told."""
    return _modal(CallbackId.NOTICE, "Nothing to show", "", [section("notice", [inline(sentence, 500)])])


def _why(callback: CallbackId, verb: str, reference: PlanReference, hint: str) -> View:
    element: Block = {
        "type": "plain_text_input",
        "action_id": REASON_INPUT,
        "multiline": True,
        "min_length": REASON_LEAST,
        "max_length": REASON_MOST,
    }
    why: Block = {"type": "input", "block_id": REASON_BLOCK, "label": words("Why?"), "element": element}
    blocks = [section("hint", [hint]), why]
    view = _modal(callback, f"{verb} {reference.plan_id}", str(reference), blocks, close="Cancel")
    return view | {"submit": words(verb)}


def _modal(callback: CallbackId, title: str, metadata: str, blocks: list[Block], close: str = "Close") -> View:
    return {
        "type": "modal",
        "callback_id": callback,
        "private_metadata": shorten(metadata, 3000),
        "title": words(plain(title, 24)),
        "close": words(close),
        "blocks": blocks,
    }


def _step(number: int, step: Step, here: Rendering) -> Iterator[Block]:
    yield section(here.part(f"s{number}"), outline([step]))
    yield preformatted(here.part(f"s{number}.diff"), diff([step], DIFF_PER_STEP))
    facts = [
        f"*Dry run:* {inline(step.dry_run, 300)}",
        f"*Blast radius:* {inline(step.blast_radius, 300)}",
        f"*Undo:* {inline(step.undo, 300)}",
        "*The same by hand:*",
    ]
    yield section(here.part(f"s{number}.facts"), facts)
    yield preformatted(here.part(f"s{number}.hand"), excerpt(step.command, 800))
