"""What goes when something else goes: dependents of deleted owners, owners waiting for theirs, emptied namespaces."""

from __future__ import annotations

from collections.abc import Iterable

from deploy.sandbox.cluster.objects.registry import FOREGROUND
from deploy.sandbox.cluster.objects.resources import NAMESPACES, RESOURCES, SERVICE_ACCOUNTS, Resource
from deploy.sandbox.cluster.objects.shapes import Key, Object, is_leaving, uid_of
from deploy.sandbox.cluster.objects.store import Change
from deploy.sandbox.cluster.plane import Plane


class GarbageCollector:
    """Deletes dependents whose owners are gone, and ends foreground deletions."""

    interests = RESOURCES

    def __init__(self, plane: Plane) -> None:
        self._plane = plane
        self._foreground: dict[str, tuple[Resource, Key]] = {}

    def concerns(self, change: Change) -> Iterable[Key]:
        """Owners that are gone or wait; owners whose last dependent may just have gone."""
        meta = change.item["metadata"]
        if change.kind == "DELETED":
            owners = [owner["uid"] for owner in meta.get("ownerReferences") or [] if owner["uid"] in self._foreground]
            return [Key("", uid) for uid in (meta["uid"], *owners)]
        if FOREGROUND in (meta.get("finalizers") or []):
            key = Key(meta.get("namespace") or "", meta["name"])
            self._foreground[meta["uid"]] = (change.resource, key)
            return (Key("", meta["uid"]),)
        return ()

    def reconcile(self, key: Key) -> float | None:
        """Delete what depends on one owner; let the owner go when nothing does any more."""
        uid = key.name
        dependents = self._plane.store.owned(uid)
        for resource, item in dependents:
            if not is_leaving(item) and not self._other_owner_lives(uid, item):
                self._plane.registry.delete(resource, item)
        if uid in self._foreground and not self._plane.store.owned(uid):
            self._release(uid)
        return None

    def _release(self, uid: str) -> None:
        resource, key = self._foreground.pop(uid)
        owner = self._plane.store.get(resource, *key)
        if owner is not None and uid_of(owner) == uid:
            kept = [name for name in owner["metadata"].get("finalizers") or [] if name != FOREGROUND]
            freed = {**owner, "metadata": {**owner["metadata"], "finalizers": kept}}
            self._plane.registry.update(resource, owner, freed)

    def _other_owner_lives(self, uid: str, item: Object) -> bool:
        """An object with several owners goes with the last of them; only controllers are followed here."""
        others = [owner for owner in item["metadata"].get("ownerReferences") or [] if owner["uid"] != uid]
        return bool(others)


class Namespaces:
    """Gives every namespace its default service account, and empties those that are being deleted."""

    interests = RESOURCES

    def __init__(self, plane: Plane) -> None:
        self._plane = plane

    def concerns(self, change: Change) -> Iterable[Key]:
        """A namespace itself; one being deleted, when something in it goes."""
        meta = change.item["metadata"]
        if change.resource is NAMESPACES:
            return (Key("", meta["name"]),)
        if change.kind != "DELETED" or not change.resource.namespaced:
            return ()
        namespace = self._plane.store.get(NAMESPACES, "", meta["namespace"])
        return (Key("", meta["namespace"]),) if namespace is not None and is_leaving(namespace) else ()

    def reconcile(self, key: Key) -> float | None:
        """Furnish, empty or remove one namespace."""
        namespace = self._plane.store.get(NAMESPACES, "", key.name)
        if namespace is None:
            return None
        if not is_leaving(namespace):
            if self._plane.store.get(SERVICE_ACCOUNTS, key.name, "default") is None:
                self._plane.registry.create(SERVICE_ACCOUNTS, key.name, {"metadata": {"name": "default"}})
            return None
        left = [(kind, item) for kind in RESOURCES if kind.namespaced for item in self._plane.store.all(kind, key.name)]
        for kind, item in left:
            if not is_leaving(item):
                self._plane.registry.delete(kind, item)
        if not any(self._plane.store.all(kind, key.name) for kind in RESOURCES if kind.namespaced):
            self._plane.registry.finish(NAMESPACES, namespace)
        return None
