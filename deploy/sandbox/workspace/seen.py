"""What a person sees: messages, modals and the Home tab as values with the questions a test or a demo asks of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from deploy.sandbox.workspace.acks import Ack
from deploy.sandbox.workspace.elements import every
from deploy.sandbox.workspace.wire import JsonObject, listed, nested, words


@dataclass(frozen=True)
class Seen:
    """A message as a person sees it."""

    json: JsonObject

    @property
    def ts(self) -> str:
        """Its id."""
        return words(self.json, "ts")

    @property
    def channel(self) -> str:
        """The channel it stands in."""
        return words(self.json, "channel")

    @property
    def thread_ts(self) -> str:
        """The thread it belongs to, or ""."""
        return words(self.json, "thread_ts")

    @property
    def user(self) -> str:
        """Who wrote it."""
        return words(self.json, "user")

    @property
    def text(self) -> str:
        """Its top-level text."""
        return words(self.json, "text")

    @property
    def blocks(self) -> list[JsonObject]:
        """Its blocks, then those of its attachments."""
        blocks = listed(self.json, "blocks")
        for attachment in listed(self.json, "attachments"):
            blocks = blocks + listed(attachment, "blocks")
        return blocks

    @property
    def everything(self) -> str:
        """All text on it, to look for words in: its text, then every string of its blocks and attachments."""
        return "\n".join([self.text, *_strings([self.json.get("blocks"), self.json.get("attachments")])])

    @property
    def action_ids(self) -> list[str]:
        """What can be clicked or chosen on it."""
        return [words(placed.element, "action_id") for placed in every(self.blocks)]

    @property
    def reactions(self) -> list[str]:
        """The names of the reactions on it."""
        return [words(reaction, "name") for reaction in listed(self.json, "reactions")]


@dataclass(frozen=True)
class OpenView:
    """A modal or a Home tab as a person sees it."""

    json: JsonObject

    @property
    def id(self) -> str:
        """Its id."""
        return words(self.json, "id")

    @property
    def callback_id(self) -> str:
        """The app's name for it."""
        return words(self.json, "callback_id")

    @property
    def title(self) -> str:
        """What stands above it."""
        return words(nested(self.json, "title"), "text")

    @property
    def everything(self) -> str:
        """All text on it."""
        return "\n".join(_strings([self.json.get("title"), self.json.get("blocks")]))

    @property
    def action_ids(self) -> list[str]:
        """What can be clicked, chosen or entered on it."""
        return [words(placed.element, "action_id") for placed in every(listed(self.json, "blocks"))]

    @property
    def asks(self) -> dict[str, str]:
        """What stands above each input, by the id of its block."""
        inputs = (block for block in listed(self.json, "blocks") if words(block, "type") == "input")
        return {words(block, "block_id"): words(nested(block, "label"), "text") for block in inputs}


@dataclass(frozen=True)
class Submission:
    """What a person sees after pressing submit: complaints beside inputs, or the app's ack."""

    errors: Mapping[str, str]
    ack: Ack | None


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
