"""The modal of an incident's report: what people want to know first, then the draft of a post-mortem to copy."""

from __future__ import annotations

from collections.abc import Iterator

from bot.views.blocks import Block, Rendering, View, context, divider, preformatted, section, words
from bot.views.ids import CallbackId, Identifier
from bot.views.text import inline, plain
from tools.values import Value

PIECE = 2800
"""Characters of the draft in one box."""
PIECES_MOST = 20


class Report(Value):
    """A report as the modal shows it: facts in a few lines, the cause, and the whole draft as Markdown."""

    incident_id: Identifier
    facts: tuple[tuple[str, str], ...]
    cause: str
    draft: str


def modal(report: Report) -> View:
    """Facts, cause, and the draft in boxes, as far as it fits."""
    here = Rendering("rep", report.incident_id, 0)
    facts = [f"*{label}:* {inline(value, 300)}" for label, value in report.facts]
    blocks: list[Block] = [
        section(here.part("facts"), facts),
        section(here.part("cause"), ["*Cause*", inline(report.cause, 1500)]),
        divider(here.part("line")),
        context(
            here.part("hint"),
            [
                f"Draft of a post-mortem. `sayso incidents report {report.incident_id} "
                "--post-mortem -o FILE` writes it to a file."
            ],
        ),
    ]
    pieces = list(_pieces(report.draft))
    blocks += [preformatted(here.part(f"d{number}"), piece) for number, piece in enumerate(pieces[:PIECES_MOST])]
    if len(pieces) > PIECES_MOST:
        blocks.append(context(here.part("more"), ["The rest is in the file that the command writes."]))
    return {
        "type": "modal",
        "callback_id": CallbackId.REPORT,
        "private_metadata": report.incident_id,
        "title": words(plain(f"{report.incident_id} report", 24)),
        "close": words("Close"),
        "blocks": blocks,
    }


def _pieces(draft: str) -> Iterator[str]:
    """The draft in boxes that break between lines."""
    piece: list[str] = []
    for line in draft.splitlines():
        shown = line[:PIECE]
        if piece and sum(len(one) + 1 for one in piece) + len(shown) > PIECE:
            yield "\n".join(piece)
            piece = []
        piece.append(shown)
    if piece:
        yield "\n".join(piece)
