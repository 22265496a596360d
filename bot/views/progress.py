"""What a running look is doing, one line in the incident's thread, edited in place; at its end, what it did.

Titles and the names of what is read come from outside, so they are made harmless like any other text.
"""

from __future__ import annotations

from collections.abc import Iterator

from bot.views.blocks import Message, Rendering, context, message
from bot.views.ids import Identifier
from bot.views.incident import effort_words
from bot.views.signs import Sign
from bot.views.text import counted, inline
from tools.values import Value


class Progress(Value):
    """How far one look into an incident has come. `seconds` since it began."""

    incident_id: Identifier
    seconds: float
    over: bool = False
    rules: str | None = None
    """What the rules found; empty when they found nothing, None while they still look."""
    reading: str | None = None
    reads: int = 0
    model: str | None = None
    calls: int = 0
    tokens: int = 0
    dollars: float | None = None
    failure: str | None = None
    """Why the rules answered alone though a model was asked."""


def card(progress: Progress) -> Message:
    """The line."""
    told = " · ".join(_parts(progress))
    sign = Sign.SEARCHED if progress.over else Sign.LOOKING
    verb = "Looked for" if progress.over else "Looking…"
    text = f"{sign} {verb} {progress.seconds:.0f} s: {told}" if told else f"{sign} {verb} {progress.seconds:.0f} s"
    here = Rendering("prg", progress.incident_id, 0)
    return message(f"{verb} {progress.seconds:.0f} s", [context(here.part("line"), [text])])


def _parts(progress: Progress) -> Iterator[str]:
    if progress.rules is not None:
        yield f"rules: {inline(progress.rules, 120)}" if progress.rules else "rules: nothing known"
    if progress.over:
        yield from _taken(progress)
        return
    if progress.reading is not None:
        yield f"reading {inline(progress.reading, 120)} ({_ordinal(progress.reads)} read)"
    if progress.model is not None:
        effort = f"call {progress.calls}, {effort_words(0, progress.tokens)}" if progress.calls else "first call"
        yield f"model {inline(progress.model, 60)} thinking ({effort})"


def _taken(progress: Progress) -> Iterator[str]:
    if progress.reads:
        yield counted(progress.reads, "read")
    if progress.model is not None:
        effort = effort_words(progress.calls, progress.tokens, progress.dollars)
        failed = f", {inline(progress.failure, 100)}" if progress.failure else ""
        yield f"model {inline(progress.model, 60)} ({effort}){failed}"


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
