"""Modals: why a plan is approved or rejected, what it rests on, what happened in an incident, and waiting or failing.

A modal is opened at once with `loading` and filled in later: a trigger lives three seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated

from pydantic import AwareDatetime, Field

from bot.views import evidence as evidence_view
from bot.views.blocks import Block, Message, Rendering, View, context, divider, preformatted, section, words
from bot.views.ids import (
    REASON_BLOCK,
    REASON_INPUT,
    REASON_LEAST,
    REASON_MOST,
    TARGET_BLOCK,
    TARGET_INPUT,
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


def approve(reference: PlanReference, *, reason: bool = True, targets: Sequence[str] = ()) -> View:
    """Asks for the reason of an approval, where the policy wants one with each, and to have the names of `targets`
    typed, where something would be destroyed.
    """
    hints = ["The policy wants a reason with each approval. It goes on the record."] if reason else []
    hints += [f"{Sign.WARNING} This destroys something for good. Type what it is done to."] if targets else []
    inputs = [_typed_again(number, target) for number, target in enumerate(targets)]
    blocks = [section("hint", hints), *inputs, *([why()] if reason else [])]
    return asking(CallbackId.APPROVE, "Approve", reference, blocks)


def reject(reference: PlanReference) -> View:
    """Asks for the reason that a rejection is recorded with."""
    hint = "One rejection is final: the plan will not run. The reason goes on the record."
    return asking(CallbackId.REJECT, "Reject", reference, [section("hint", [hint]), why()])


def stop(reference: PlanReference) -> View:
    """Asks why a plan that would run by itself must not."""
    hint = "Stopping is final: the plan will not run. The reason goes on the record."
    return asking(CallbackId.REJECT, "Stop", reference, [section("hint", [hint]), why()])


def target_errors(typed: Mapping[str, str], targets: Sequence[str]) -> dict[str, str]:
    """What to answer with where a target's name was not typed as it is; empty when all were."""
    blocks = {f"{TARGET_BLOCK}{number}": target for number, target in enumerate(targets)}
    return {
        block: f"Type {plain(target, 100)} exactly, or press Cancel."
        for block, target in blocks.items()
        if typed.get(block, "").strip() != target
    }


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


def answer(title: str, told: Message) -> View:
    """What came of a submission, in the modal that it was made in."""
    return _modal(CallbackId.NOTICE, title, "", told["blocks"])


def working(title: str, sentence: str, external_id: str) -> View:
    """Stands while something slow is done. It is found again by `external_id` once Slack shows it, and never before."""
    shown = _modal(CallbackId.LOADING, title, "", [section("load", [f"{Sign.WAITING} {inline(sentence, 500)}"])])
    return shown | {"external_id": external_id}


def asking(callback: CallbackId, verb: str, reference: PlanReference, blocks: list[Block]) -> View:
    """A modal about one plan that is submitted with `verb`, or cancelled."""
    view = _modal(callback, f"{verb} {reference.plan_id}", str(reference), blocks, close="Cancel")
    return view | {"submit": words(verb)}


def why() -> Block:
    """Where a reason is typed."""
    element: Block = {
        "type": "plain_text_input",
        "action_id": REASON_INPUT,
        "multiline": True,
        "min_length": REASON_LEAST,
        "max_length": REASON_MOST,
    }
    return {"type": "input", "block_id": REASON_BLOCK, "label": words("Why?"), "element": element}


def _typed_again(number: int, target: str) -> Block:
    element: Block = {"type": "plain_text_input", "action_id": TARGET_INPUT, "max_length": 300}
    label = words(f"Type {plain(target, 200)}")
    return {"type": "input", "block_id": f"{TARGET_BLOCK}{number}", "label": label, "element": element}


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
