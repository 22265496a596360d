"""How much of what was read is kept whole, and paging through it: a model is shown previews and asks for more.

Everything here works on stored evidence; nothing looks at the world.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Annotated

from pydantic import Field

from tools.evidence import Evidence, EvidenceId, evidence
from tools.values import Value

MOST_OF_A_PIECE, MOST_IN_ALL = 256 * 1024, 2 * 1024 * 1024
"""Characters kept of one piece of evidence, and of an investigation."""
PAGE = 3_000
"""Characters of a piece that are shown at once."""
LEFT_OUT = "\n[… {:,} characters were not kept …]\n"


class Page(Value):
    """Which part of which evidence: from a character on, or the lines that hold some words exactly as written."""

    evidence_id: str
    offset: Annotated[int, Field(ge=0)] = 0
    grep: Annotated[str, Field(max_length=200)] | None = None


def capped(piece: Evidence) -> Evidence:
    """The piece, its excerpt not longer than what is kept: the beginning, and more of the end."""
    too_long = len(piece.excerpt) - MOST_OF_A_PIECE
    if too_long <= 0:
        return piece
    head, tail = MOST_OF_A_PIECE // 4, MOST_OF_A_PIECE - MOST_OF_A_PIECE // 4
    return evidence(
        tool=piece.tool,
        query=piece.query,
        summary=piece.summary,
        excerpt=piece.excerpt[:head] + LEFT_OUT.format(too_long) + piece.excerpt[-tail:],
        at=piece.collected_at,
        trust=piece.trust,
        url=piece.url,
    )


def kept(seen: Sequence[Evidence], quoted: Collection[EvidenceId]) -> tuple[tuple[Evidence, ...], tuple[str, ...]]:
    """What is stored of all that was seen, and a note about what is not: the oldest that nothing quotes goes first."""
    room = MOST_IN_ALL - sum(_size(piece) for piece in seen if piece.id in quoted)
    stays = set(quoted)
    for piece in reversed(seen):
        if piece.id not in stays and _size(piece) <= room:
            stays.add(piece.id)
            room -= _size(piece)
    left = tuple(piece for piece in seen if piece.id in stays)
    gone = len(seen) - len(left)
    note = f"{gone} pieces of evidence that nothing quotes were not kept: together they were too long"
    return left, (note,) if gone else ()


def page(piece: Evidence, asked: Page) -> tuple[str, str]:
    """A part of a piece, and in words which part it is."""
    if asked.grep:
        return _lines_with(piece.excerpt, asked.grep)
    part = piece.excerpt[asked.offset : asked.offset + PAGE]
    end = asked.offset + len(part)
    return part, f"characters {asked.offset:,} to {end:,} of {len(piece.excerpt):,}"


def _lines_with(text: str, words: str) -> tuple[str, str]:
    """Compared letter for letter, capitals aside: no pattern, so nothing a text says can make it slow."""
    found = [line for line in text.split("\n") if words.lower() in line.lower()]
    shown = list(_fitting(found))
    return "\n".join(shown), f"{len(shown)} of {len(found)} lines that hold {words!r}"


def _fitting(lines: Iterable[str]) -> Iterable[str]:
    room = PAGE
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            return
        yield line


def _size(piece: Evidence) -> int:
    return len(piece.excerpt)
