"""The pieces of Block Kit that sayso uses, as plain dictionaries; shortened to Slack's limits where text varies.

Every mrkdwn text is `verbatim`, so that Slack turns nothing but our own tokens into links or mentions.
What the pieces say belongs to the views.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NotRequired, TypeAlias, TypedDict

from bot.views.text import cut, fit, shorten

Block: TypeAlias = dict[str, object]
"""One block, element or text object, ready for JSON."""


View: TypeAlias = dict[str, object]
"""A modal or a Home tab, as `views.open`, `views.update` and `views.publish` take it."""


class Message(TypedDict):
    """What `chat.postMessage`, `chat.update` and `chat.postEphemeral` take besides channel and time stamp."""

    text: str
    blocks: NotRequired[list[Block]]
    attachments: NotRequired[list[Block]]
    metadata: NotRequired[Block]
    unfurl_links: bool
    unfurl_media: bool


@dataclass(frozen=True)
class Rendering:
    """One rendering of one thing. Its block ids are new each time: Slack keeps stale input state under old ones."""

    kind: str
    subject: str
    number: int

    def part(self, name: str) -> str:
        """The block id of one part of this rendering."""
        return f"{self.kind}:{self.subject[:100]}:r{self.number}:{name[:60]}"


@dataclass(frozen=True)
class Confirm:
    """The question Slack itself asks before it sends a click that changes the world.

    All plain words but `text`, which is ready mrkdwn.
    """

    title: str
    text: str
    yes: str
    no: str = "Cancel"


def message(
    text: str, blocks: Sequence[Block], *, colour: str | None = None, metadata: tuple[str, Block] | None = None
) -> Message:
    """A message that unfurls nothing. `text` is one line without tokens; metadata holds ids only.

    `colour` puts the blocks beside a coloured bar.
    """
    made: Message = {"text": cut(text, 300), "unfurl_links": False, "unfurl_media": False}
    if colour is None:
        made["blocks"] = list(blocks)
    else:
        made["attachments"] = [{"color": colour, "fallback": made["text"], "blocks": list(blocks)}]
    if metadata is not None:
        made["metadata"] = {"event_type": metadata[0], "event_payload": metadata[1]}
    return made


def mrkdwn(text: str) -> Block:
    """Ready mrkdwn."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def words(text: str, *, emoji: bool = False) -> Block:
    """Plain words. `emoji` only where every word is ours."""
    return {"type": "plain_text", "text": text, "emoji": emoji}


def header(block_id: str, text: str) -> Block:
    """A title line; `text` holds our own words and checked ids only."""
    return {"type": "header", "block_id": block_id, "text": words(shorten(text, 150), emoji=True)}


def section(block_id: str, lines: Iterable[str], accessory: Block | None = None) -> Block:
    """Lines of ready mrkdwn."""
    made: Block = {"type": "section", "block_id": block_id, "text": mrkdwn(fit(lines, 3000))}
    return made if accessory is None else {**made, "accessory": accessory}


def speech(block_id: str, label: str, text: str) -> Block:
    """Somebody's own words under a label of ours, where nothing is read as formatting."""
    return {"type": "section", "block_id": block_id, "text": words(f"{label}\n{text}")}


def fields(block_id: str, pairs: Iterable[tuple[str, Iterable[str]]]) -> Block:
    """Labelled facts in two columns: at most ten, each with lines of ready mrkdwn."""
    listed = [mrkdwn(fit([f"*{label}*", *lines], 2000)) for label, lines in pairs]
    return {"type": "section", "block_id": block_id, "fields": listed[:10]}


def preformatted(block_id: str, text: str) -> Block:
    """Text in a fixed-width box, not parsed at all: for diffs and excerpts."""
    box: Block = {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": text}]}
    return {"type": "rich_text", "block_id": block_id, "elements": [box]}


def context(block_id: str, lines: Iterable[str]) -> Block:
    """Small print: one element, lines of ready mrkdwn."""
    return {"type": "context", "block_id": block_id, "elements": [mrkdwn(fit(lines, 2000))]}


def divider(block_id: str) -> Block:
    """A line across."""
    return {"type": "divider", "block_id": block_id}


def button_row(block_id: str, buttons: Sequence[Block]) -> Block:
    """A row of buttons."""
    return {"type": "actions", "block_id": block_id, "elements": list(buttons)}


def button(
    action_id: str,
    label: str,
    value: str,
    *,
    style: Literal["primary", "danger"] | None = None,
    confirm: Confirm | None = None,
) -> Block:
    """A button with our own label; its value holds ids only."""
    made: Block = {"type": "button", "action_id": action_id, "text": words(label, emoji=True), "value": value}
    if style is not None:
        made["style"] = style
    if confirm is not None:
        made["confirm"] = {
            "title": words(shorten(confirm.title, 100)),
            "text": mrkdwn(confirm.text),
            "confirm": words(confirm.yes),
            "deny": words(confirm.no),
            "style": "danger",
        }
    return made
