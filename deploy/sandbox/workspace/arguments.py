"""The arguments of one Web API call, whichever way they came: JSON, form, multipart or query string.

In form bodies nested values are JSON strings and booleans are "1" and "0"; past this door that no longer shows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from starlette.datastructures import UploadFile
from starlette.requests import Request

from deploy.sandbox.workspace.wire import JsonObject, SlackError, as_object, listed, nested, words

NESTED = ("blocks", "attachments", "view", "metadata", "files", "chunks", "prompts", "channel_ids")


class Arguments:
    """Typed access to the arguments of one call; what is missing is Slack's `invalid_arguments`."""

    def __init__(self, values: JsonObject) -> None:
        self.values = {key: _unpacked(key, value) for key, value in values.items()}

    def has(self, name: str) -> bool:
        """Whether the argument was given at all, be it empty."""
        return self.values.get(name) is not None

    def word(self, name: str) -> str:
        """An optional string, or ""."""
        value = self.values.get(name)
        return str(value) if isinstance(value, int | float) else words(self.values, name)

    def need(self, name: str) -> str:
        """A string the method cannot do without."""
        if not self.word(name):
            raise SlackError("invalid_arguments", f"[ERROR] missing required field: {name}")
        return self.word(name)

    def flag(self, name: str) -> bool:
        """A boolean; false when absent."""
        return str(self.values.get(name)).lower() in ("true", "1")

    def number(self, name: str, otherwise: int) -> int:
        """A whole number."""
        text = self.word(name)
        if text and not text.isdecimal():
            raise SlackError("invalid_arguments", f"[ERROR] must be a whole number: {name}")
        return int(text) if text else otherwise

    def objects(self, name: str) -> list[JsonObject]:
        """A list of objects; empty when absent."""
        return listed(self.values, name)

    def object(self, name: str) -> JsonObject:
        """An object; empty when absent."""
        return nested(self.values, name)

    def content(self) -> JsonObject:
        """The arguments that say what a message shows, those that were given."""
        return {key: self.values[key] for key in ("text", "blocks", "attachments", "metadata") if self.has(key)}


async def read(request: Request) -> tuple[Arguments, str]:
    """The arguments of a call, and its token from the header or the arguments."""
    content_type = request.headers.get("content-type", "")
    values: dict[str, object] = dict(request.query_params)
    if content_type.startswith("application/json"):
        values |= _json(await request.body())
    elif request.method == "POST":
        form = await request.form()
        values |= {key: value for key, value in form.items() if not isinstance(value, UploadFile)}
    token = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
    given = values.pop("token", "")
    return Arguments(values), token or str(given or "")


def _json(body: bytes) -> Mapping[str, object]:
    try:
        return as_object(json.loads(body or b"{}"))
    except ValueError:
        raise SlackError("invalid_json") from None


def _unpacked(key: str, value: object) -> object:
    if key in NESTED and isinstance(value, str) and value[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except ValueError:
            raise SlackError("invalid_arguments", f"[ERROR] not JSON: {key}") from None
    return value
