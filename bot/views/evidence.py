"""The first message in an incident's thread: what was found, the evidence for it, and what could not be seen.

Excerpts are untrusted and shown unparsed. Only an address that a provider's own API gave becomes a link.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated

from pydantic import Field

from bot.views import around, charts, feedback
from bot.views.blocks import (
    Block,
    Message,
    Rendering,
    button,
    button_row,
    context,
    header,
    message,
    preformatted,
    section,
)
from bot.views.ids import ActionId, Identifier
from bot.views.incident import Mind, confidence_words, mind_words
from bot.views.signs import SEVERITY, Sign
from bot.views.text import clock, code, counted, excerpt, inline, link
from tools.changes import Change
from tools.charts import chart_of
from tools.evidence import Evidence, Finding, Trust
from tools.radius import BlastRadius
from tools.values import Value

FINDINGS_MOST, EVIDENCE_PER_FINDING, OTHERS_MOST = 6, 2, 10
EXCERPT_MOST = 700


class EvidenceReport(Value):
    """What one investigation saw and concluded."""

    incident_id: Identifier
    render: Annotated[int, Field(ge=0)] = 0
    findings: tuple[Finding, ...]
    evidence: tuple[Evidence, ...]
    gaps: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    """What else people may want to know: what is ill nearby, and what was left out of a model's answer."""
    mind: Mind | None = None
    look: Annotated[int, Field(ge=1)] = 1
    """Which look into the incident this is."""
    changes: tuple[Change, ...] = ()
    radius: BlastRadius | None = None
    reminders: tuple[around.Reminder, ...] = ()
    voices: tuple[feedback.Voice, ...] = ()
    """What people thought of it, oldest first."""


def report(seen: EvidenceReport) -> Message:
    """The findings with their evidence, then what else was read, then the gaps."""
    here = Rendering("evd", seen.incident_id, seen.render)
    blocks = [header(here.part("head"), f"{Sign.SEARCHED} {counted(len(seen.findings), 'finding')}")]
    blocks += findings(seen.findings[:FINDINGS_MOST], seen.evidence, here, EVIDENCE_PER_FINDING, EXCERPT_MOST)
    blocks += charts.drawn(chart_of(seen.evidence), here)
    blocks += _around(seen, here)
    if others := list(_others(seen)):
        blocks.append(section(here.part("others"), others))
    if seen.gaps:
        gaps = (f"• {inline(gap, 300)}" for gap in seen.gaps)
        blocks.append(section(here.part("gaps"), [f"{Sign.WARNING} *Could not see*", *gaps]))
    if seen.remarks:
        remarks = (f"• {inline(remark, 300)}" for remark in seen.remarks[:OTHERS_MOST])
        blocks.append(section(here.part("remarks"), ["*Also*", *remarks]))
    if seen.mind is not None:
        blocks.append(context(here.part("mind"), [f"Investigated by {mind_words(seen.mind)}"]))
    if seen.voices:
        blocks.append(context(here.part("voices"), feedback.voices(seen.voices)))
    blocks.append(button_row(here.part("act"), list(_buttons(seen))))
    told = ", ".join(inline(finding.title, 80) for finding in seen.findings[:2])
    return message(counted(len(seen.findings), "finding") + (f": {told}" if told else ""), blocks)


def findings(
    found: Sequence[Finding], evidence: Iterable[Evidence], here: Rendering, each: int, most: int
) -> Iterator[Block]:
    """Every finding, followed by at most `each` of its pieces of evidence with `most` characters of excerpt."""
    by_id = {piece.id: piece for piece in evidence}
    for number, finding in enumerate(found):
        yield section(here.part(f"f{number}"), _statement(finding))
        cited = [by_id[key] for key in dict.fromkeys(finding.evidence_ids) if key in by_id]
        for place, piece in enumerate(cited[:each]):
            yield context(here.part(f"f{number}.{place}"), [_source(piece)])
            yield preformatted(here.part(f"f{number}.{place}.text"), excerpt(piece.excerpt, most))


def _statement(finding: Finding) -> Iterator[str]:
    yield f"{SEVERITY[finding.severity]} *{inline(finding.title, 200)}* ({confidence_words(finding.confidence)})"
    yield inline(finding.statement, 800)
    yield f"{code(str(finding.resource))} · rule {code(finding.code, 60)}"


def _source(piece: Evidence) -> str:
    """Where a piece of evidence comes from, and whether outsiders could have written it."""
    trusted = piece.trust is Trust.STATUS
    doubt = "" if trusted else " · text that outsiders can write"
    name = link(piece.url if trusted else None, piece.summary)
    return f"{name} · {code(piece.tool, 60)} {inline(piece.query, 200)} · {clock(piece.collected_at)}{doubt}"


def _around(seen: EvidenceReport, here: Rendering) -> Iterator[Block]:
    """What changed before it, how far it reaches, what it is like."""
    if seen.changes:
        yield section(here.part("changes"), ["*What changed around it*", *around.changes(seen.changes)])
    if seen.radius is not None and (reached := list(around.groups(seen.radius))):
        yield section(here.part("reach"), reached)
    if seen.reminders:
        yield section(here.part("before"), ["*Seen before*", *around.reminders(seen.reminders)])


def _buttons(seen: EvidenceReport) -> Iterator[Block]:
    yield from feedback.buttons(f"{seen.incident_id}:{seen.look}")
    yield button(ActionId.REPORT, "Report", seen.incident_id)


def _others(seen: EvidenceReport) -> Iterator[str]:
    """What was read but is cited by no finding: nothing is hidden from a person who wants to check."""
    cited = {key for finding in seen.findings for key in finding.evidence_ids}
    others = [piece for piece in seen.evidence if piece.id not in cited]
    if others:
        yield "*Also read*"
    yield from (f"• {_source(piece)}" for piece in others[:OTHERS_MOST])
    if len(others) > OTHERS_MOST:
        yield f"… and {len(others) - OTHERS_MOST} more"
