"""Events: what the cluster's parts say happened, one object per thing said, counted when it is said again."""

from __future__ import annotations

from typing import NamedTuple

from deploy.sandbox.cluster.clock import Clock
from deploy.sandbox.cluster.objects.names import Names
from deploy.sandbox.cluster.objects.resources import EVENTS, NAMESPACES
from deploy.sandbox.cluster.objects.shapes import Key, Object
from deploy.sandbox.cluster.objects.store import Store


class _Said(NamedTuple):
    """What is said; saying the same of the same object again only counts."""

    kind: str
    reason: str
    message: str
    component: str
    part: str


class Recorder:
    """Writes core/v1 events and counts repetitions."""

    def __init__(self, store: Store, clock: Clock, names: Names) -> None:
        self._store = store
        self._clock = clock
        self._names = names
        self._known: dict[tuple[str, _Said], Key] = {}

    def normal(self, about: Object, reason: str, message: str, component: str, part: str = "") -> None:
        """Something went as it should. `part` is the fieldPath of the container meant."""
        self._record(about, _Said("Normal", reason, message, component, part))

    def warning(self, about: Object, reason: str, message: str, component: str, part: str = "") -> None:
        """Something did not."""
        self._record(about, _Said("Warning", reason, message, component, part))

    def _record(self, about: Object, said: _Said) -> None:
        meta = about["metadata"]
        place = self._known.get((meta["uid"], said))
        before = self._store.get(EVENTS, *place) if place else None
        at = self._clock.stamp()
        if before is not None:
            again = {**before, "metadata": dict(before["metadata"]), "count": before["count"] + 1, "lastTimestamp": at}
            self._store.put(EVENTS, again, before)
            return
        namespace = meta.get("namespace") or "default"
        if self._store.get(NAMESPACES, "", namespace) is None:
            return
        name = f"{meta['name']}.{self._names.suffix()}{self._names.suffix()}"
        self._known[(meta["uid"], said)] = Key(namespace, name)
        head = {"name": name, "namespace": namespace, "uid": self._names.uid(), "creationTimestamp": at}
        self._store.put(EVENTS, {"apiVersion": "v1", "kind": "Event", "metadata": head, **_body(about, said, at)}, None)


def _body(about: Object, said: _Said, at: str) -> Object:
    return {
        "involvedObject": _reference(about, said.part),
        "type": said.kind,
        "reason": said.reason,
        "message": said.message,
        "count": 1,
        "firstTimestamp": at,
        "lastTimestamp": at,
        "eventTime": None,
        "source": {"component": said.component},
        "reportingComponent": said.component,
        "reportingInstance": "",
    }


def _reference(about: Object, part: str) -> Object:
    meta = about["metadata"]
    fields = {
        "kind": about["kind"],
        "namespace": meta.get("namespace", ""),
        "name": meta["name"],
        "uid": meta["uid"],
        "apiVersion": about["apiVersion"],
        "resourceVersion": meta.get("resourceVersion", ""),
        "fieldPath": part,
    }
    return {name: value for name, value in fields.items() if value}
