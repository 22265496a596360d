"""The Home tab: what needs the viewer, what is open, what came of it lately, and whether every part answers.

The caller leaves out what the viewer may not see; a button here opens the same modal as on a card.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, TypeVar

from pydantic import AwareDatetime, Field

from bot.views.blocks import Block, Rendering, View, button, context, divider, header, section
from bot.views.ids import ActionId, CallbackId, PlanReference
from bot.views.lists import IncidentRow, PartHealth, PlanRow, incident_line, part_line, plan_line
from bot.views.text import moment
from tools.values import Value

NEEDS_MOST, INCIDENTS_MOST, OUTCOMES_MOST, PARTS_MOST = 15, 20, 10, 10

RowT = TypeVar("RowT")


class Needed(Value):
    """A plan that the viewer may decide."""

    plan: PlanRow
    reference: PlanReference


class Home(Value):
    """All that one person's Home tab shows. `render` rises with every publication."""

    render: Annotated[int, Field(ge=0)]
    needs_you: tuple[Needed, ...] = ()
    open_incidents: tuple[IncidentRow, ...] = ()
    outcomes: tuple[PlanRow, ...] = ()
    """Plans that ended, newest first."""
    parts: tuple[PartHealth, ...] = ()
    updated_at: AwareDatetime


def view(home: Home) -> View:
    """The Home tab of one person."""
    here = Rendering("home", "tab", home.render)
    blocks = [
        *_part(here, "Needs you", home.needs_you, NEEDS_MOST, _needed, "Nothing waits for you."),
        divider(here.part("line1")),
        *_part(here, "Open incidents", home.open_incidents, INCIDENTS_MOST, _open, "All quiet."),
        divider(here.part("line2")),
        *_part(here, "Recent outcomes", home.outcomes, OUTCOMES_MOST, _outcome, "Nothing has been carried out yet."),
        divider(here.part("line3")),
        header(here.part("health"), "Health"),
        section(here.part("parts"), [part_line(part) for part in home.parts[:PARTS_MOST]]),
        context(here.part("foot"), [f"Updated {moment(home.updated_at)} · `/sayso help` says what I can do"]),
    ]
    return {"type": "home", "callback_id": CallbackId.HOME, "private_metadata": "", "blocks": blocks}


def _part(
    here: Rendering, title: str, rows: Sequence[RowT], most: int, draw: Callable[[str, RowT], Block], nothing: str
) -> Iterator[Block]:
    """A titled list of rows, cut at `most`, or the sentence that says there are none."""
    name = title.lower().replace(" ", "-")
    yield header(here.part(name), f"{title} ({len(rows)})" if rows else title)
    if not rows:
        yield section(here.part(f"{name}.none"), [nothing])
    yield from (draw(here.part(f"{name}.{number}"), row) for number, row in enumerate(rows[:most]))
    if len(rows) > most:
        yield context(here.part(f"{name}.more"), [f"… and {len(rows) - most} more"])


def _needed(block_id: str, needed: Needed) -> Block:
    review = button(ActionId.DETAILS, "Review", str(needed.reference), style="primary")
    return section(block_id, [plan_line(needed.plan)], accessory=review)


def _open(block_id: str, row: IncidentRow) -> Block:
    return section(block_id, [incident_line(row)])


def _outcome(block_id: str, row: PlanRow) -> Block:
    return section(block_id, [plan_line(row)])
