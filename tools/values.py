"""What every value of `tools` is made from. Only the base and the shape of raw JSON belong here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from pydantic import BaseModel, ConfigDict

JsonValue: TypeAlias = "str | int | float | bool | list[JsonValue] | dict[str, JsonValue] | None"
"""Any JSON as `json.loads` returns it. Stays inside the module that parses it."""

JsonObject: TypeAlias = Mapping[str, JsonValue]
"""A JSON object read from outside."""


class Value(BaseModel):
    """A frozen value. An unknown field is an error: a typo must never pass for a default."""

    model_config = ConfigDict(frozen=True, extra="forbid")
