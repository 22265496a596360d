"""Which objects a controller owns: those that name it, and orphans its selector picks, which it takes in."""

from __future__ import annotations

from collections.abc import Iterable

from deploy.sandbox.cluster.objects.resources import Resource
from deploy.sandbox.cluster.objects.selectors import selects
from deploy.sandbox.cluster.objects.shapes import (
    Key,
    Object,
    controller_of,
    is_leaving,
    key_of,
    labels_of,
    owned_by,
    uid_of,
)
from deploy.sandbox.cluster.objects.store import Change
from deploy.sandbox.cluster.plane import Plane


def claim(plane: Plane, owner: Object, resource: Resource) -> list[Object]:
    """The objects of a kind the owner controls, oldest first, after adopting orphans and letting strangers go."""
    selector = owner["spec"].get("selector")
    owned = [item for _, item in plane.store.owned(uid_of(owner), resource)]
    kept = [item for item in owned if selects(selector, labels_of(item)) or _release(plane, owner, resource, item)]
    for item in plane.store.all(resource, owner["metadata"]["namespace"]):
        if controller_of(item) is None and not is_leaving(item) and selects(selector, labels_of(item)):
            references = [*(item["metadata"].get("ownerReferences") or []), owned_by(owner)]
            kept.append(_with_owners(plane, resource, item, references))
    return kept


def _release(plane: Plane, owner: Object, resource: Resource, item: Object) -> bool:
    others = [other for other in item["metadata"]["ownerReferences"] if other["uid"] != uid_of(owner)]
    _with_owners(plane, resource, item, others)
    return False


def _with_owners(plane: Plane, resource: Resource, item: Object, references: list[Object]) -> Object:
    meta = {**item["metadata"], "ownerReferences": references}
    return plane.store.put(resource, {**item, "metadata": meta}, item)


def owners_concerned(plane: Plane, change: Change, kind: str, resource: Resource) -> Iterable[Key]:
    """Owners of a kind that a change of a dependent concerns: its controller, or whoever might adopt it."""
    item = change.item
    namespace = item["metadata"].get("namespace", "")
    seen = {owner["uid"]: owner for owner in map(controller_of, (item, change.before or item)) if owner}
    for owner in seen.values():
        if owner["kind"] == kind:
            yield Key(namespace, owner["name"])
    if controller_of(item) is None and change.kind != "DELETED":
        for candidate in plane.store.all(resource, namespace):
            if selects(candidate["spec"].get("selector"), labels_of(item)):
                yield key_of(candidate)


def pod_from_template(owner: Object, template: Object, name: str = "") -> Object:
    """The pod a workload makes from its template; named by generateName unless a name is given."""
    meta = template.get("metadata") or {}
    named = {"name": name} if name else {"generateName": f"{owner['metadata']['name']}-"}
    made = {"labels": meta.get("labels"), "annotations": meta.get("annotations"), "ownerReferences": [owned_by(owner)]}
    return {"metadata": named | {field: value for field, value in made.items() if value}, "spec": template["spec"]}
