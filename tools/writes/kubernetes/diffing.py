"""What a dry run would change, leaf by leaf, for people. Values are redacted; environment values never appear."""

from __future__ import annotations

from collections.abc import Iterator

from tools.reads.kubernetes.pods import env_source
from tools.reads.kubernetes.raw import items, text
from tools.redaction import redact
from tools.values import JsonObject, JsonValue
from tools.writes.kubernetes.live import canonical
from tools.writes.write import Change

NOISE = frozenset({"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp"})
"""Metadata that says nothing about what is wanted."""

IDENTITIES = ("name", "mountPath", "containerPort", "port", "ip", "topologyKey", "type")
"""Members by which the things in a list are known; a position in a list means nothing to people."""

LONGEST_TEXT = 300


def differences(before: JsonObject, after: JsonObject) -> tuple[Change, ...]:
    """Every leaf that differs, status and bookkeeping left out."""
    return tuple(_walk("", _meant(before), _meant(after)))


def _meant(raw: JsonObject) -> dict[str, JsonValue]:
    kept = {key: value for key, value in raw.items() if key != "status"}
    metadata = kept.get("metadata")
    if isinstance(metadata, dict):
        kept["metadata"] = {key: value for key, value in metadata.items() if key not in NOISE}
    return kept


def _walk(path: str, before: JsonValue, after: JsonValue) -> Iterator[Change]:
    if before == after:
        return
    if path.endswith(".env"):
        yield from _environment(path, before, after)
    elif isinstance(before, dict | None) and isinstance(after, dict | None):
        yield from _members(path, before or {}, after or {})
    elif isinstance(before, list | None) and isinstance(after, list | None) and (key := _identity(before, after)):
        yield from _named(path, key, before or [], after or [])
    else:
        yield Change(path=path, before=_spelled(before), after=_spelled(after))


def _members(path: str, before: dict[str, JsonValue], after: dict[str, JsonValue]) -> Iterator[Change]:
    for key in sorted(before.keys() | after.keys()):
        yield from _walk(f"{path}.{key}" if path else key, before.get(key), after.get(key))


def _named(path: str, key: str, before: list[JsonValue], after: list[JsonValue]) -> Iterator[Change]:
    old, new = _by(key, before), _by(key, after)
    for name in [*old, *(name for name in new if name not in old)]:
        yield from _walk(f"{path}[{name}]", old.get(name), new.get(name))


def _environment(path: str, before: JsonValue, after: JsonValue) -> Iterator[Change]:
    """Environment entries by name and source: a value may be a secret, so not even a changed one is shown."""
    old, new = ({text(found, "name"): found for found in items(side)} for side in (before, after))
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) == new.get(name):
            continue
        was = env_source(old[name]) if name in old else None
        now = env_source(new[name]) if name in new else None
        yield Change(path=f"{path}[{name}]", before=was, after=now if was != now else f"another {now}")


def _identity(before: list[JsonValue] | None, after: list[JsonValue] | None) -> str | None:
    """The member that names every thing in both lists, if there is one and no name comes twice."""
    for key in IDENTITIES:
        sides = (
            [item.get(key) if isinstance(item, dict) else None for item in side] for side in (before or [], after or [])
        )
        if all(None not in names and len({str(name) for name in names}) == len(names) for names in sides):
            return key
    return None


def _by(key: str, side: list[JsonValue]) -> dict[str, JsonValue]:
    return {str(item[key]): item for item in side if isinstance(item, dict)}


def _spelled(value: JsonValue) -> str | None:
    if value is None:
        return None
    return redact(value if isinstance(value, str) else canonical(value))[:LONGEST_TEXT]
