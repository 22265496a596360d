"""JSON as Slack's wire carries it, and the few questions the rest of the package asks of it.

Block Kit content stays opaque here: it is kept and handed back as it came. What the workspace reasons about (people,
channels, messages, views) has types of its own in the modules that own them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

JsonObject: TypeAlias = Mapping[str, object]


class SlackError(Exception):
    """A refusal the caller sees as `{"ok": false, "error": code}`, with the details Slack adds to some codes."""

    def __init__(self, code: str, *messages: str) -> None:
        super().__init__(code)
        self.code = code
        self.messages = messages

    def body(self) -> dict[str, object]:
        """The response body."""
        details: dict[str, object] = {"response_metadata": {"messages": list(self.messages)}} if self.messages else {}
        return {"ok": False, "error": self.code, **details}


def words(value: JsonObject, key: str) -> str:
    """The string under a key, or "" when there is none."""
    found = value.get(key)
    return found if isinstance(found, str) else ""


def nested(value: JsonObject, key: str) -> JsonObject:
    """The object under a key, or an empty one."""
    return as_object(value.get(key))


def listed(value: JsonObject, key: str) -> list[JsonObject]:
    """The objects of the list under a key, or none."""
    found = value.get(key)
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []


def as_object(value: object) -> JsonObject:
    """The value itself when it is a JSON object, or an empty one."""
    return value if isinstance(value, Mapping) else {}


def plain_text(text: str) -> JsonObject:
    """A `plain_text` object."""
    return {"type": "plain_text", "text": text}
