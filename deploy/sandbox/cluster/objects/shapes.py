"""The shape every Kubernetes object shares: metadata, labels, owners, conditions.

Objects are plain JSON, as on the wire, and never changed once stored: whoever wants to change one makes a copy first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

Object: TypeAlias = dict[str, Any]
"""One Kubernetes object, or a part of one, as JSON."""


class Key(NamedTuple):
    """Where an object of some kind lives. The namespace of a cluster-wide object is empty."""

    namespace: str
    name: str


def key_of(item: Mapping[str, Any]) -> Key:
    """The namespace and name of an object."""
    return Key(item["metadata"].get("namespace") or "", item["metadata"]["name"])


def clone(value: Any) -> Any:
    """A deep copy of a JSON value; several times faster than copy.deepcopy."""
    if isinstance(value, dict):
        return {name: clone(item) if item.__class__ in _CONTAINERS else item for name, item in value.items()}
    if isinstance(value, list):
        return [clone(item) if item.__class__ in _CONTAINERS else item for item in value]
    return value


_CONTAINERS = (dict, list)


def labels_of(item: Object) -> Mapping[str, str]:
    """An object's labels, perhaps none."""
    return item["metadata"].get("labels") or {}


def annotations_of(item: Object) -> Mapping[str, str]:
    """An object's annotations, perhaps none."""
    return item["metadata"].get("annotations") or {}


def uid_of(item: Object) -> str:
    """The identity of an object, which no other object ever has."""
    return str(item["metadata"]["uid"])


def status_of(item: Object) -> Object:
    """An object's status, perhaps empty."""
    return item.get("status") or {}


def is_leaving(item: Object) -> bool:
    """Whether deletion has begun."""
    return bool(item["metadata"].get("deletionTimestamp"))


def controller_of(item: Object) -> Object | None:
    """The owner reference of the controller, if one controls the object."""
    return next((owner for owner in item["metadata"].get("ownerReferences") or [] if owner.get("controller")), None)


def owned_by(owner: Object) -> Object:
    """The owner reference that makes `owner` the controller of another object."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def condition_of(item: Object, kind: str) -> Object | None:
    """The condition of one type, if the status has it."""
    return next((found for found in status_of(item).get("conditions") or [] if found["type"] == kind), None)


def condition(item: Object, kind: str, holds: bool | None, reason: str, message: str, at: str) -> Object:
    """A condition as it should read now; its transition time stays while its status does. None means Unknown."""
    status = "Unknown" if holds is None else "True" if holds else "False"
    before = condition_of(item, kind)
    since = before["lastTransitionTime"] if before and before["status"] == status else at
    fresh = {"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": since}
    return {name: value for name, value in fresh.items() if value}


def is_ready(pod: Object) -> bool:
    """Whether a pod's Ready condition is True."""
    found = condition_of(pod, "Ready")
    return found is not None and found["status"] == "True"


def is_finished(pod: Object) -> bool:
    """Whether a pod has ended for good."""
    return status_of(pod).get("phase") in ("Succeeded", "Failed")


def without_zeros(counts: Mapping[str, Any], keep: Iterable[str] = ()) -> Object:
    """Counts as the API writes them: zero is left out, except where the schema requires the field."""
    kept = set(keep)
    return {name: value for name, value in counts.items() if value or name in kept}
