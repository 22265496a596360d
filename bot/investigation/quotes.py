"""Every claim cites a real span: whether words a model says it read are in the evidence that we stored.

A quote proves that the text exists, not that it is true. How far it may be believed follows from who could have
written the evidence (`ceiling`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, NamedTuple

from pydantic import Field

from tools.evidence import Evidence, EvidenceId, Trust
from tools.values import Value

LEAST_CHARACTERS = 3
"""Shorter quotes are in any text; `0/3` is the shortest that says something."""

NOTHING_QUOTED, ONLY_TEXT, ONE_SOURCE, CORROBORATED = 3, 5, 8, 10


class Quote(Value):
    """Words of one piece of evidence, letter for letter. `start` counts code points of the stored excerpt."""

    evidence_id: str
    quote: Annotated[str, Field(max_length=2000)]
    start: Annotated[int, Field(ge=0)] | None = None


class Cited(NamedTuple):
    """A quote that stands, and the evidence it stands in."""

    evidence: Evidence
    quote: str

    @property
    def lines(self) -> str:
        """The lines of the evidence in which the quote stands, whole."""
        excerpt = self.evidence.excerpt
        start = max(0, excerpt.find(self.quote))
        end = excerpt.find("\n", start + len(self.quote))
        return excerpt[excerpt.rfind("\n", 0, start) + 1 : end if end >= 0 else len(excerpt)]


def fault(quote: Quote, evidence: Mapping[EvidenceId, Evidence]) -> str | None:
    """Why a quote is not accepted, in words; None when it stands in the evidence exactly as quoted."""
    found = evidence.get(EvidenceId(quote.evidence_id))
    if found is None:
        return f"{quote.evidence_id} is no evidence of this investigation"
    if len(quote.quote.strip()) < LEAST_CHARACTERS:
        return "the quote is too short to say anything"
    if quote.start is not None:
        stands = found.excerpt[quote.start : quote.start + len(quote.quote)] == quote.quote
    else:
        stands = quote.quote in found.excerpt
    return None if stands else f"{quote.evidence_id} does not say that, or not there"


def ceiling(cited: Iterable[Evidence]) -> int:
    """The highest confidence (1 to 10) that what was quoted can carry, however sure the model says it is.

    Text that an outsider could have written carries 5 alone (below the 7 under which the rules ask people), one
    trusted source 8, and only a trusted source with a second one beside it 10.
    """
    pieces = tuple(cited)
    if not pieces:
        return NOTHING_QUOTED
    if all(piece.trust is Trust.TEXT for piece in pieces):
        return ONLY_TEXT
    return CORROBORATED if len({piece.tool for piece in pieces}) > 1 else ONE_SOURCE
