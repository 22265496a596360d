"""Reading members of an API server's JSON. Absent, null and of the wrong type all read as empty: objects have holes.

Only the modules that parse Kubernetes objects use this; past them there are typed views.
"""

from __future__ import annotations

from datetime import datetime

from tools.values import JsonObject, JsonValue

EMPTY: JsonObject = {}


def member(value: JsonValue | JsonObject, *path: str) -> JsonValue:
    """What lies at a path of keys, or None."""
    found = value
    for key in path:
        if not isinstance(found, dict):
            return None
        found = found.get(key)
    return found  # type: ignore[return-value]  # a JsonObject is a JsonValue once it is a dict


def obj(value: JsonValue | JsonObject, *path: str) -> JsonObject:
    """The object at a path, or an empty one."""
    found = member(value, *path)
    return found if isinstance(found, dict) else EMPTY


def items(value: JsonValue | JsonObject, *path: str) -> tuple[JsonObject, ...]:
    """The objects of the list at a path."""
    found = member(value, *path)
    return tuple(item for item in found if isinstance(item, dict)) if isinstance(found, list) else ()


def text(value: JsonValue | JsonObject, *path: str) -> str:
    """The text at a path, or an empty one; a number is spelled out (ports may be either)."""
    found = member(value, *path)
    if isinstance(found, str):
        return found
    return str(found) if isinstance(found, int | float) and not isinstance(found, bool) else ""


def texts(value: JsonValue | JsonObject, *path: str) -> dict[str, str]:
    """The object at a path as names and texts: labels, selectors, quantities."""
    return {key: text(found) for key, found in obj(value, *path).items()}


def number(value: JsonValue | JsonObject, *path: str, default: int = 0) -> int:
    """The whole number at a path; counts that are absent are zero."""
    found = member(value, *path)
    return found if isinstance(found, int) and not isinstance(found, bool) else default


def flag(value: JsonValue | JsonObject, *path: str) -> bool:
    """Whether the path holds true."""
    return member(value, *path) is True


def moment(value: JsonValue | JsonObject, *path: str) -> datetime | None:
    """The time at a path (RFC 3339, always UTC in this API), or None."""
    try:
        found = datetime.fromisoformat(text(value, *path))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
