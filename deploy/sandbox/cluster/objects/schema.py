"""The official client's models, read as a schema: which fields exist, of what type, and how their lists merge.

The models are never instantiated here: they know the field names and types, and that is all that is taken from them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from deploy.sandbox.cluster.objects.shapes import Object

_LIST = re.compile(r"^[lL]ist\[(.+)\]$")
_MAP = re.compile(r"^(?:Dict\[str, (.+)\]|dict\(str, (.+)\))$")
_PRIMITIVES: Mapping[str, tuple[type, ...]] = {
    "str": (str,),
    "datetime": (str,),
    "date": (str,),
    "bool": (bool,),
    "int": (int,),
    "float": (int, float),
}
_GO_NAMES = {"str": "string", "int": "int32", "bool": "bool", "float": "float64", "datetime": "Time"}
_MERGE_KEYS: Mapping[str, tuple[str, ...]] = {
    "V1Container": ("name",),
    "V1EphemeralContainer": ("name",),
    "V1EnvVar": ("name",),
    "V1Volume": ("name",),
    "V1VolumeMount": ("mountPath",),
    "V1VolumeDevice": ("devicePath",),
    "V1ContainerPort": ("containerPort", "protocol"),
    "V1LocalObjectReference": ("name",),
    "V1ServicePort": ("port", "protocol"),
    "V1HostAlias": ("ip",),
    "V1OwnerReference": ("uid",),
    "V1TopologySpreadConstraint": ("topologyKey",),
    "V1NodeAddress": ("type",),
}
_QUANTITY_MAPS = frozenset({"limits", "requests", "hard", "used", "capacity", "allocatable", "usage"})
_QUANTITY_MAPS_OF_LIMIT_RANGES = frozenset({"max", "min", "default", "defaultRequest", "maxLimitRequestRatio"})


@cache
def fields(model: str) -> Mapping[str, str]:
    """JSON name -> type of every field of a model; empty for what is not a model."""
    from kubernetes.client import models

    declared = getattr(models, model, None) if model.isidentifier() else None
    types: Mapping[str, str] | None = getattr(declared, "openapi_types", None)
    if declared is None or types is None:
        return {}
    return {declared.attribute_map[name]: kind for name, kind in types.items()}


@cache
def element(kind: str) -> str:
    """The type of a list's items, or nothing when the type is not a list."""
    found = _LIST.match(kind)
    return found[1] if found else ""


@cache
def map_value(kind: str) -> str:
    """The type of a map's values, or nothing when the type is not a map."""
    found = _MAP.match(kind)
    return (found[1] or found[2]) if found else ""


def field_type(kind: str, name: str) -> str:
    """The type of one field of a model or one entry of a map; nothing when the schema does not know it."""
    return map_value(kind) or fields(kind).get(name, "")


@cache
def merge_keys(list_kind: str) -> tuple[str, ...]:
    """What identifies an item of a list that merges item by item; the first is the strategic patch's key."""
    item = element(list_kind)
    if item.endswith("Condition"):
        return ("type",)
    return _MERGE_KEYS.get(item, ())


@dataclass
class Reading:
    """A body read against its schema: what remains of it, what was unknown, and the first thing of a wrong type."""

    unknown: list[str] = field(default_factory=list)
    mistyped: str = ""

    def of(self, body: Object, model: str) -> Object:
        """The body without unknown fields, which are remembered."""
        cleaned: Object = self._model(body, model, "")
        return {name: body[name] for name in ("apiVersion", "kind") if name in body} | cleaned

    def _value(self, value: Any, kind: str, path: str, owner: str) -> Any:
        if value is None or kind in ("object", ""):
            return value
        if item := element(kind):
            return self._list(value, kind, item, path, owner)
        if entry := map_value(kind):
            return self._map(value, entry, path, owner)
        if kind in _PRIMITIVES:
            return self._primitive(value, kind, path, owner)
        return self._model(value, kind, path) if fields(kind) else value

    def _model(self, value: Any, model: str, path: str) -> Any:
        if not isinstance(value, dict):
            self._mistype(value, path, model, model)
            return value
        known = fields(model)
        prefix = f"{path}." if path else ""
        self.unknown += [prefix + name for name in value if name not in known and name not in ("apiVersion", "kind")]
        return {
            name: self._value(item, known[name], prefix + name, model) for name, item in value.items() if name in known
        }

    def _list(self, value: Any, kind: str, item: str, path: str, owner: str) -> Any:
        if not isinstance(value, list):
            self._mistype(value, path, kind, owner)
            return value
        return [self._value(entry, item, f"{path}[{index}]", owner) for index, entry in enumerate(value)]

    def _map(self, value: Any, entry: str, path: str, owner: str) -> Any:
        if not isinstance(value, dict):
            self._mistype(value, path, "map", owner)
            return value
        if _holds_quantities(path, owner):  # a bare number is a quantity too; the server writes it back as a string
            return {name: str(item) if type(item) in (int, float) else item for name, item in value.items()}
        return {name: self._value(item, entry, f"{path}.{name}", owner) for name, item in value.items()}

    def _primitive(self, value: Any, kind: str, path: str, owner: str) -> Any:
        if not isinstance(value, _PRIMITIVES[kind]) or (isinstance(value, bool) and kind != "bool"):
            self._mistype(value, path, kind, owner)
        return value

    def _mistype(self, value: Any, path: str, kind: str, owner: str) -> None:
        found = "object" if isinstance(value, dict) else "array" if isinstance(value, list) else _json_name(value)
        if not self.mistyped:
            wanted = _GO_NAMES.get(kind, kind)
            struct = re.sub(r"^(Core)?V\d+", "", owner)
            self.mistyped = f"json: cannot unmarshal {found} into Go struct field {struct}.{path} of type {wanted}"


def _json_name(value: object) -> str:
    if isinstance(value, bool):
        return "bool"
    return "string" if isinstance(value, str) else "number"


def _holds_quantities(path: str, owner: str) -> bool:
    name = path.rsplit(".", 1)[-1]
    return name in _QUANTITY_MAPS or (owner == "V1LimitRangeItem" and name in _QUANTITY_MAPS_OF_LIMIT_RANGES)
