"""The summary of an alert storm: one message in its thread, edited in place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.views.blocks import Message, Rendering, message, section
from bot.views.text import code, counted, inline
from tools.correlation.storms import Candidate, Storm, Tally


def summary(incident_id: str, storm: Storm) -> Message:
    """What a storm is made of, what explains most of it, and where it may come from."""
    here = Rendering("storm", incident_id, 0)
    blocks = [section(here.part("storm"), _lines(storm)), section(here.part("roots"), _roots(storm.candidates))]
    return message(f"{incident_id}: {counted(storm.alerts, 'alert')} in one storm", blocks)


def _lines(storm: Storm) -> Iterator[str]:
    yield f"*{counted(storm.alerts, 'alert')} in this storm.* New ones that belong to nothing else are folded in here."
    if storm.explained:
        yield f"*{inline(storm.explained, 300)}*"
    for what, tallies in (("Service", storm.services), ("Namespace", storm.namespaces), ("Node", storm.nodes)):
        if tallies:
            yield f"*{what}:* {_counts(tallies)}"


def _counts(tallies: Sequence[Tally]) -> str:
    return ", ".join(f"{code(one.name, 60)} ×{one.alerts}" for one in tallies)


def _roots(candidates: Sequence[Candidate]) -> Iterator[str]:
    """Candidates only: what is scraped first rings first."""
    if not candidates:
        yield "*Where it may come from:* the alerts do not name services, so I cannot tell."
        return
    yield "*Where it may come from* (candidates: they began first, and lie most upstream):"
    for number, one in enumerate(candidates, start=1):
        above = f", {counted(one.above, 'alerting service')} above it" if one.above else ""
        yield f"{number}. {code(one.name, 60)}{above}"
    yield "Is one of these alerts a trouble of its own? *Joined alerts* on the card takes it out."
