"""The patch formats that need no memory of who wrote what: JSON patch, merge patch, strategic merge patch.

Server-side apply needs that memory and lives in `ownership`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from deploy.sandbox.cluster.objects.refusals import rejected_patch
from deploy.sandbox.cluster.objects.schema import element, field_type, map_value, merge_keys
from deploy.sandbox.cluster.objects.shapes import Object, clone

_ORDER = "$setElementOrder/"
_DELETE_PRIMITIVES = "$deleteFromPrimitiveList/"


def json_patch(current: Object, operations: Sequence[Object]) -> Object:
    """RFC 6902. A test that does not hold, like any other failure, is a 422 with a text that does not say which."""
    import jsonpatch

    try:
        patched = jsonpatch.apply_patch(current, operations)
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, TypeError, KeyError) as error:
        raise rejected_patch() from error
    if not isinstance(patched, dict):
        raise rejected_patch()
    return patched


def merge_patch(current: Any, patch: Any) -> Any:
    """RFC 7386: maps merge, null removes, everything else replaces."""
    if not isinstance(patch, dict):
        return clone(patch)
    merged = dict(current) if isinstance(current, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def strategic_patch(current: Object, patch: Object, kind: str) -> Object:
    """Kubernetes' own: like a merge patch, but lists of named things merge item by item. `kind` is the schema type."""
    directive = patch.get("$patch")
    if directive == "replace":
        return {name: clone(value) for name, value in patch.items() if name != "$patch"}
    if directive == "delete":
        return {}
    merged: Object = dict(current)
    for name, value in patch.items():
        if name.startswith(_DELETE_PRIMITIVES):
            listed = name.removeprefix(_DELETE_PRIMITIVES)
            merged[listed] = [item for item in merged.get(listed) or [] if item not in value]
        elif not name.startswith("$"):
            _patch_field(merged, name, value, field_type(kind, name), patch.get(_ORDER + name))
    for name in patch:
        if name.startswith(_ORDER) and name.removeprefix(_ORDER) not in patch:
            _reorder_field(merged, name.removeprefix(_ORDER), patch[name], kind)
    if "$retainKeys" in patch:
        merged = {name: value for name, value in merged.items() if name in patch["$retainKeys"]}
    return merged


def _patch_field(merged: Object, name: str, value: Any, kind: str, order: list[Any] | None) -> None:
    if value is None:
        merged.pop(name, None)
    elif isinstance(value, list) and merge_keys(kind):
        merged[name] = _patch_list(merged.get(name) or [], value, kind, order)
    elif isinstance(value, list) and name == "finalizers":
        merged[name] = list(dict.fromkeys([*(merged.get(name) or []), *value]))
    elif isinstance(value, dict) and not map_value(kind):
        before = merged.get(name)
        merged[name] = strategic_patch(before if isinstance(before, dict) else {}, value, kind)
    else:
        merged[name] = merge_patch(merged.get(name), value)


def _patch_list(current: list[Object], patch: list[Object], kind: str, order: list[Any] | None) -> list[Object]:
    if any(item.get("$patch") == "replace" for item in patch):
        return [clone(item) for item in patch if "$patch" not in item]
    name = merge_keys(kind)[0]
    kept, added = list(current), []
    for item in patch:
        if name not in item:
            raise rejected_patch(f"map: {item} does not contain declared merge key: {name}")
        place = next((index for index, other in enumerate(kept) if other.get(name) == item[name]), None)
        if item.get("$patch") == "delete":
            kept = [other for index, other in enumerate(kept) if index != place]
        elif place is None:
            added.append(strategic_patch({}, item, element(kind)))
        else:
            kept[place] = strategic_patch(kept[place], item, element(kind))
    merged = added + kept  # the server puts new items in front of those it has
    return _in_order(merged, current, order, name) if order else merged


def _reorder_field(merged: Object, name: str, order: list[Any], kind: str) -> None:
    keys = merge_keys(field_type(kind, name))
    if keys and isinstance(merged.get(name), list):
        merged[name] = _in_order(merged[name], merged[name], order, keys[0])


def _in_order(merged: list[Object], current: list[Object], order: list[Any], name: str) -> list[Object]:
    """Listed items in the listed order; the server's own keep their place among those the server had."""
    wanted = {item.get(name): index for index, item in enumerate(order)}
    had = {item.get(name): index for index, item in enumerate(current)}
    listed = sorted((item for item in merged if item.get(name) in wanted), key=lambda item: wanted[item.get(name)])
    others = [item for item in merged if item.get(name) not in wanted]
    result: list[Object] = []
    for item in listed:
        place = had.get(item.get(name))
        while place is not None and others and had.get(others[0].get(name), 0) < place:
            result.append(others.pop(0))
        result.append(item)
    return result + others
