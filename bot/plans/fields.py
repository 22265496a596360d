"""The fields of an action that a person may change: how each is asked for, and what was typed -> another action.

Read off the action models themselves, so that an action added to `tools.actions` can be edited without a word here but
its hints. What an action is done to is never among them: another target is another plan. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, TypeAlias

import pydantic
from pydantic import TypeAdapter, ValidationError

from tools.actions import Action
from tools.values import JsonObject, JsonValue, Value

FIXED = frozenset({"kind", "namespace", "deployment", "service", "region", "group", "cluster", "instance_id"})
"""What names the action and its target."""
NUMBER = re.compile(r"[0-9]{1,9}")
HINTS = {
    "container": "The container's name, as the Deployment has it.",
    "variable": "The variable's name. Its value comes from the revision, never from here.",
    "revision": "The number of the revision whose value comes back.",
    "to_revision": "The number of the revision to go back to; it must still be kept.",
    "memory_request": "A quantity such as 512Mi or 2Gi. Left empty, it stays as it is.",
    "memory_limit": "A quantity such as 512Mi or 2Gi. Left empty, it stays as it is.",
    "cpu_request": "A quantity such as 250m or 1.5. Left empty, it stays as it is.",
    "cpu_limit": "A quantity such as 250m or 1.5. Left empty, it stays as it is.",
    "image": "An image that some revision of this Deployment ran in this container.",
    "probe": "Which probe is to ask something else.",
    "path": "Begins with a slash, such as /healthz. Left empty, it stays as it is.",
    "port": "A number, or the name of a port the container declares. Left empty, it stays as it is.",
    "selector": "The labels of the pods, one a line, such as app=checkout.",
    "replicas": "How many pods there should be.",
    "desired": "How many instances there should be, within the group's own minimum and maximum.",
    "older_than_days": "Only rotated logs older than so many days are deleted.",
}
"""What to type, in words, by field; also what is said when it was something else."""

Complaints: TypeAlias = Mapping[str, str]
"""What is wrong with what was typed, by field."""
_UNREADABLE = object()


class FieldKind(StrEnum):
    """How a field is asked for."""

    NUMBER = "number"
    TEXT = "text"
    CHOICE = "choice"
    LABELS = "labels"
    """Pairs, typed as `key=value`, one a line."""


class Field(Value):
    """One field of an action as a form asks for it. `value` is how it stands, as text; empty when it is absent."""

    name: Annotated[str, pydantic.Field(pattern=r"^[a-z][a-z_]{0,40}$")]
    kind: FieldKind
    value: str
    optional: bool = False
    choices: Annotated[tuple[str, ...], pydantic.Field(max_length=100)] = ()
    least: int | None = None
    most: int | None = None

    @property
    def label(self) -> str:
        """What stands above the input."""
        words = self.name.replace("_", " ")
        return (words[0].upper() + words[1:]).replace("Cpu", "CPU")

    @property
    def hint(self) -> str:
        """What to type."""
        bounds = f" From {self.least} to {self.most}." if self.least is not None and self.most is not None else ""
        return HINTS.get(self.name, "") + bounds


def fields_of(action: Action) -> tuple[Field, ...]:
    """The fields of an action that may be changed, in the order the action has them."""
    properties = type(action).model_json_schema()["properties"]
    values = action.model_dump(mode="json")
    return tuple(_fields(properties, values))


def retyped(action: Action, typed: Mapping[str, str]) -> Action | Complaints:
    """The action with what was typed in place of what it had; what was not typed at all stays."""
    fields = fields_of(action)
    given = {field.name: _read(field, typed[field.name].strip()) for field in fields if field.name in typed}
    unread = {field.name: field.hint for field in fields if field.name in given and given[field.name] is _UNREADABLE}
    if unread:
        return unread
    try:
        made = TypeAdapter[Action](Action).validate_python({**action.model_dump(), **given})
    except ValidationError as error:
        wrong = {str(one["loc"][1]) for one in error.errors() if len(one["loc"]) > 1}
        return {field.name: field.hint for field in fields if field.name in wrong or not wrong}
    left_open = [field.name for field in fields if field.optional]
    if left_open and all(getattr(made, name) is None for name in left_open):
        return {left_open[0]: "Nothing would be left to do: give at least one of these."}
    return made


def _fields(properties: Mapping[str, JsonObject], values: JsonObject) -> Iterator[Field]:
    for name, declared in properties.items():
        shape, optional = _shape(declared)
        if name in FIXED or "const" in shape:
            continue
        value = values[name]
        common = {"name": name, "optional": optional, "value": _spelled(value)}
        if isinstance(choices := shape.get("enum"), list):
            yield Field.model_validate({**common, "kind": FieldKind.CHOICE, "choices": tuple(choices)})
        elif shape.get("type") == "integer":
            bounds = {"least": shape.get("minimum"), "most": shape.get("maximum")}
            yield Field.model_validate({**common, "kind": FieldKind.NUMBER, **bounds})
        else:
            kind = FieldKind.LABELS if shape.get("type") == "object" else FieldKind.TEXT
            yield Field.model_validate({**common, "kind": kind})


def _shape(declared: JsonObject) -> tuple[JsonObject, bool]:
    """What a value must be, and whether it may be absent."""
    alternatives = declared.get("anyOf")
    if not isinstance(alternatives, list):
        return declared, False
    shapes = [one for one in alternatives if isinstance(one, dict) and one.get("type") != "null"]
    return shapes[0], len(shapes) < len(alternatives)


def _spelled(value: JsonValue) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{key}={value[key]}" for key in sorted(value))
    return "" if value is None else str(value)


def _read(field: Field, typed: str) -> object:
    """What was typed as the field's own kind of value; whether it is a good one, the action's model says."""
    match field.kind:
        case FieldKind.NUMBER:
            return int(typed) if NUMBER.fullmatch(typed) else _UNREADABLE
        case FieldKind.LABELS:
            pairs = [line.partition("=") for line in typed.splitlines() if line.strip()]
            labels = {key.strip(): value.strip() for key, _, value in pairs}
            return labels if len(labels) == len(pairs) else _UNREADABLE
        case FieldKind.TEXT | FieldKind.CHOICE:
            return None if field.optional and not typed else typed
