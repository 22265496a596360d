"""Where objects are kept: by kind and name, by owner, by node, with a log of changes that watches read.

The store knows nothing of rules. Callers hold `lock` around every read-then-write; `registry` is the door for writes.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from deploy.sandbox.cluster.objects.refusals import expired
from deploy.sandbox.cluster.objects.resources import PODS, Resource
from deploy.sandbox.cluster.objects.shapes import Key, Object, key_of


class Change(NamedTuple):
    """One step in the life of an object."""

    revision: int
    resource: Resource
    kind: str
    """ADDED, MODIFIED or DELETED."""
    item: Object
    before: Object | None


class Subscription:
    """The changes of one kind from some revision on, as they come. `wake` is called, in any thread, on each."""

    def __init__(self, resource: Resource, backlog: Iterable[Change], wake: Callable[[], None]) -> None:
        self.resource = resource
        self.wake = wake
        self.closed = False
        self._waiting = deque(backlog)

    def offer(self, change: Change) -> None:
        """Add a change and wake the reader."""
        self._waiting.append(change)
        self.wake()

    def take(self) -> Iterator[Change]:
        """The changes not taken yet."""
        while self._waiting:
            yield self._waiting.popleft()

    def close(self) -> None:
        """Tell the reader that no more will come."""
        self.closed = True
        self.wake()


class Store:
    """All objects of the cluster, in memory."""

    def __init__(self, kept_changes: int) -> None:
        self.lock = threading.RLock()
        self.revision = 100
        self.on_change: Callable[[Change], None] = lambda change: None
        self._objects: dict[Resource, dict[str, dict[str, Object]]] = {}
        self._by_owner: dict[str, dict[tuple[Resource, Key], None]] = {}
        self._by_node: dict[str, dict[Key, None]] = {}
        self._log: deque[Change] = deque()
        self._kept_changes = kept_changes
        self._forgotten = self.revision
        self._subscriptions: list[Subscription] = []

    def get(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """One object, or None."""
        return self._objects.get(resource, {}).get(namespace if resource.namespaced else "", {}).get(name)

    def all(self, resource: Resource, namespace: str | None = None) -> list[Object]:
        """The objects of a kind, everywhere or in one namespace, in no order."""
        spaces = self._objects.get(resource, {})
        if namespace is not None and resource.namespaced:
            return list(spaces.get(namespace, {}).values())
        return [item for space in spaces.values() for item in space.values()]

    def owned(self, uid: str, resource: Resource | None = None) -> list[tuple[Resource, Object]]:
        """The objects that name this uid as an owner, oldest first."""
        places = self._by_owner.get(uid, {})
        found = [(kind, self.get(kind, *key)) for kind, key in places if resource is None or kind is resource]
        return [(kind, item) for kind, item in found if item is not None]

    def owned_pods(self, uid: str) -> list[Object]:
        """The pods that name this uid as an owner, oldest first."""
        return [pod for _, pod in self.owned(uid, PODS)]

    def pods_on(self, node: str) -> list[Object]:
        """The pods bound to a node."""
        found = (self.get(PODS, *key) for key in self._by_node.get(node, {}))
        return [pod for pod in found if pod is not None]

    def next_revision(self) -> str:
        """The resourceVersion of the change about to be kept."""
        self.revision += 1
        return str(self.revision)

    def put(self, resource: Resource, item: Object, before: Object | None) -> Object:
        """Keep an object under a new resourceVersion."""
        item["metadata"]["resourceVersion"] = self.next_revision()
        key = key_of(item)
        if before is not None:
            self._unindex(resource, key, before)
        self._objects.setdefault(resource, {}).setdefault(key.namespace, {})[key.name] = item
        self._index(resource, key, item)
        self._announce(Change(self.revision, resource, "MODIFIED" if before else "ADDED", item, before))
        return item

    def remove(self, resource: Resource, item: Object) -> Object:
        """Forget an object; returns its last state."""
        key = key_of(item)
        before = self._objects[resource][key.namespace].pop(key.name)
        self._unindex(resource, key, before)
        last = {**item, "metadata": {**item["metadata"], "resourceVersion": self.next_revision()}}
        self._announce(Change(self.revision, resource, "DELETED", last, before))
        return last

    def subscribe(self, resource: Resource, since: int, wake: Callable[[], None]) -> Subscription:
        """Every change of a kind after a revision; a 410 when the log no longer reaches back that far."""
        if since < self._forgotten:
            raise expired(since, self._forgotten)
        backlog = [change for change in self._log if change.revision > since and change.resource is resource]
        subscription = Subscription(resource, backlog, wake)
        self._subscriptions.append(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Stop offering changes."""
        self._subscriptions.remove(subscription)

    def close_subscriptions(self) -> None:
        """End every watch."""
        for subscription in self._subscriptions:
            subscription.close()

    def _announce(self, change: Change) -> None:
        self._log.append(change)
        while len(self._log) > self._kept_changes:
            self._forgotten = self._log.popleft().revision
        for subscription in self._subscriptions:
            if subscription.resource is change.resource:
                subscription.offer(change)
        self.on_change(change)

    def _index(self, resource: Resource, key: Key, item: Object) -> None:
        for owner in item["metadata"].get("ownerReferences") or []:
            self._by_owner.setdefault(owner["uid"], {})[(resource, key)] = None
        if resource is PODS and (node := item["spec"].get("nodeName")):
            self._by_node.setdefault(node, {})[key] = None

    def _unindex(self, resource: Resource, key: Key, item: Object) -> None:
        for owner in item["metadata"].get("ownerReferences") or []:
            owned = self._by_owner.get(owner["uid"], {})
            owned.pop((resource, key), None)
            if not owned:
                self._by_owner.pop(owner["uid"], None)
        if resource is PODS and (node := item["spec"].get("nodeName")):
            self._by_node.get(node, {}).pop(key, None)
