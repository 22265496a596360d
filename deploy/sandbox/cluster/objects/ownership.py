"""Who wrote which field: managedFields, and the server-side apply that rests on them.

A field's path is a tuple of FieldsV1 segments: `f:spec`, `k:{"name":"app"}`. Fields written through `status` by the
cluster's own controllers are not tracked: nothing a client does depends on them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from deploy.sandbox.cluster.objects.refusals import Refusal
from deploy.sandbox.cluster.objects.resources import Resource
from deploy.sandbox.cluster.objects.schema import element, field_type, merge_keys
from deploy.sandbox.cluster.objects.shapes import Object, clone

Path: TypeAlias = tuple[str, ...]

_OWNED_METADATA = ("labels", "annotations", "finalizers", "ownerReferences")
_MISSING = object()


@dataclass(frozen=True)
class Manager:
    """Who writes, and how: the key of one managedFields entry."""

    name: str
    operation: str = "Update"
    subresource: str = ""


def leaves(item: Object, model: str) -> dict[Path, Any]:
    """Every field of an object that somebody can own, with its value."""
    found: dict[Path, Any] = {}
    for name, value in item.items():
        if name in ("apiVersion", "kind", "status"):
            continue
        if name == "metadata":
            value = {part: value[part] for part in _OWNED_METADATA if value.get(part)}
        _collect(value, field_type(model, name), (f"f:{name}",), found)
    return {path: value for path, value in found.items() if path != ("f:metadata",)}


def _collect(value: Any, kind: str, path: Path, found: dict[Path, Any]) -> None:
    if isinstance(value, dict) and value:
        for name, item in value.items():
            _collect(item, field_type(kind, name), (*path, f"f:{name}"), found)
    elif isinstance(value, list) and value and merge_keys(kind):
        for item in value:
            _collect(item, element(kind), (*path, _item_segment(item, kind)), found)
    else:
        found[path] = value


def _item_segment(item: Object, kind: str) -> str:
    keys = {name: item.get(name, "TCP" if name == "protocol" else "") for name in merge_keys(kind)}
    return "k:" + json.dumps(keys, separators=(",", ":"), sort_keys=True)


def entries_of(item: Object) -> dict[Manager, set[Path]]:
    """The owned paths of each manager, from metadata.managedFields."""
    return {
        Manager(entry["manager"], entry["operation"], entry.get("subresource", "")): set(_decode(entry["fieldsV1"]))
        for entry in item["metadata"].get("managedFields") or []
    }


def record_update(old: Object | None, new: Object, manager: Manager, resource: Resource, at: str) -> None:
    """Write into `new` that `manager` owns every field it changed, and nobody owns what is gone."""
    before = leaves(old, resource.schema) if old else {}
    after = leaves(new, resource.schema)
    changed = {path for path, value in after.items() if before.get(path, _MISSING) != value}
    if not changed and before.keys() == after.keys():
        return
    owners = entries_of(old) if old else {}
    for other in owners:
        owners[other] = (owners[other] - changed) & after.keys()
    owners.setdefault(manager, set()).update(changed)
    _write(new, owners, manager, resource, at)


def apply(current: Object | None, body: Object, manager: Manager, force: bool, resource: Resource, at: str) -> Object:
    """Server-side apply: `body` merged into `current`, with `manager` owning exactly the fields it sent."""
    mine = leaves(body, resource.schema)
    owners = entries_of(current) if current else {}
    if current is None:
        merged: Object = clone(body)
    else:
        disputed = _conflicts(owners, mine, current, manager, resource)
        if disputed and not force:
            raise _conflict(disputed)
        merged = _merge(current, body, resource.schema)
        _remove_abandoned(merged, owners, manager, mine.keys(), resource)
        for owner, path in disputed:
            owners[owner].discard(path)
    owners[manager] = set(mine)
    after = leaves(merged, resource.schema)
    owners = {owner: paths & after.keys() for owner, paths in owners.items()}
    _write(merged, owners, manager, resource, at)
    return merged


def _conflicts(
    owners: Mapping[Manager, set[Path]], mine: Mapping[Path, Any], current: Object, manager: Manager, resource: Resource
) -> list[tuple[Manager, Path]]:
    before = leaves(current, resource.schema)
    return [
        (owner, path)
        for owner, paths in owners.items()
        if owner != manager
        for path in sorted(paths & mine.keys())
        if before.get(path, _MISSING) != mine[path]
    ]


def _conflict(disputed: list[tuple[Manager, Path]]) -> Refusal:
    many = f"{len(disputed)} conflict{'s' if len(disputed) > 1 else ''}"
    causes = [
        {"reason": "FieldManagerConflict", "message": f'conflict with "{owner.name}"', "field": _dotted(path)}
        for owner, path in disputed
    ]
    listed = ", ".join(f'conflict with "{owner.name}": {_dotted(path)}' for owner, path in disputed)
    return Refusal(409, "Conflict", f"Apply failed with {many}: {listed}", {"causes": causes})


def _dotted(path: Path) -> str:
    text = ""
    for segment in path:
        if segment.startswith("f:"):
            text += "." + segment[2:]
        else:
            text += (
                "[" + ",".join(f"{name}={json.dumps(value)}" for name, value in json.loads(segment[2:]).items()) + "]"
            )
    return text


def _merge(current: Any, body: Any, kind: str) -> Any:
    if isinstance(body, dict) and isinstance(current, dict):
        merged = dict(current)
        for name, value in body.items():
            merged[name] = _merge(current.get(name), value, field_type(kind, name))
        return merged
    if isinstance(body, list) and isinstance(current, list) and merge_keys(kind):
        return _merge_list(current, body, kind)
    return clone(body)


def _merge_list(current: list[Object], body: list[Object], kind: str) -> list[Object]:
    wanted = {_item_segment(item, kind): item for item in body}
    merged = [
        _merge(item, wanted.pop(segment), element(kind)) if (segment := _item_segment(item, kind)) in wanted else item
        for item in current
    ]
    return merged + [clone(item) for item in wanted.values()]


def _remove_abandoned(
    merged: Object, owners: Mapping[Manager, set[Path]], manager: Manager, mine: Iterable[Path], resource: Resource
) -> None:
    """Remove what this manager applied before, no longer sends, and nobody else owns."""
    elsewhere = {path for owner, paths in owners.items() if owner != manager for path in paths}
    gone = owners.get(manager, set()) - set(mine) - elsewhere
    for path in sorted(gone, key=len, reverse=True):
        _remove(merged, path, resource.schema, elsewhere | set(mine))


def _remove(item: Any, path: Path, kind: str, kept: set[Path], at: Path = ()) -> None:
    segment, rest = path[0], path[1:]
    here = (*at, segment)
    if isinstance(item, dict):
        name = segment[2:]
        child = item[name] = clone(item.get(name))
        if rest and child:
            _remove(child, rest, field_type(kind, name), kept, here)
        if not rest or not child:
            item.pop(name, None)
    elif isinstance(item, list):
        for child in [found for found in item if _item_segment(found, kind) == segment]:
            survivors = any(other[: len(here)] == here for other in kept)
            if not rest or not survivors:
                item.remove(child)
            else:
                _remove(child, rest, element(kind), kept, here)


def _write(item: Object, owners: Mapping[Manager, set[Path]], writer: Manager, resource: Resource, at: str) -> None:
    times = {
        Manager(entry["manager"], entry["operation"], entry.get("subresource", "")): entry.get("time")
        for entry in item["metadata"].get("managedFields") or []
    }
    entries = []
    for owner, paths in owners.items():
        if paths:
            entry = {
                "manager": owner.name,
                "operation": owner.operation,
                "apiVersion": resource.api_version,
                "time": at if owner == writer else times.get(owner) or at,
                "fieldsType": "FieldsV1",
                "fieldsV1": _encode(paths),
                "subresource": owner.subresource,
            }
            entries.append({name: value for name, value in entry.items() if value != ""})
    item["metadata"] = {**item["metadata"], "managedFields": entries}


def _encode(paths: Iterable[Path]) -> Object:
    tree: Object = {}
    for path in sorted(paths):
        node = tree
        for segment in path:
            node = node.setdefault(segment, {})
            if segment.startswith("k:"):
                node["."] = {}
    return tree


def _decode(tree: Object, at: Path = ()) -> Iterable[Path]:
    for segment, below in tree.items():
        if segment == ".":
            continue
        if any(name != "." for name in below):
            yield from _decode(below, (*at, segment))
        else:
            yield (*at, segment)
