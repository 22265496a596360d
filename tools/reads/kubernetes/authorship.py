"""Who last wrote what people mean by an object, and when, from its managedFields. Parsing only."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from tools.reads.kubernetes.raw import items, member, moment, text
from tools.values import JsonObject


class Authorship(NamedTuple):
    """A field manager (`kubectl-edit`, `argocd-controller`) and when it last wrote; empty and None where unknown."""

    by: str = ""
    at: datetime | None = None


def last_written(raw: JsonObject, *path: str) -> Authorship:
    """The newest writer of the field at a path (`spec`, or `spec`, `unschedulable`).

    Status and scale are written through subresources, by controllers: those are not who changed the object.
    """
    wrote = [
        Authorship(text(entry, "manager"), moment(entry, "time"))
        for entry in items(raw, "metadata", "managedFields")
        if not text(entry, "subresource") and _covers(entry, path)
    ]
    dated = [one for one in wrote if one.at is not None]
    return max(dated, key=lambda one: one.at.timestamp() if one.at else 0.0, default=Authorship())


def keys_of(raw: JsonObject, field: str) -> tuple[str, ...]:
    """The keys that writers own below a field (`data`): a ConfigMap's keys, with no value ever read."""
    found: set[str] = set()
    for entry in items(raw, "metadata", "managedFields"):
        owned = member(entry, "fieldsV1", f"f:{field}")
        if isinstance(owned, dict):
            found |= {name.removeprefix("f:") for name in owned if name.startswith("f:")}
    return tuple(sorted(found))


def _covers(entry: JsonObject, path: tuple[str, ...]) -> bool:
    return member(entry, "fieldsV1", *(f"f:{name}" for name in path)) is not None
