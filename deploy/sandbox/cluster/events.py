"""Events: what the cluster's parts say happened, one object per thing said, counted when it is said again."""

from __future__ import annotations

from deploy.sandbox.cluster.clock import Clock
from deploy.sandbox.cluster.objects.names import Names
from deploy.sandbox.cluster.objects.resources import EVENTS, NAMESPACES
from deploy.sandbox.cluster.objects.shapes import Object
from deploy.sandbox.cluster.objects.store import Store


class Recorder:
    """Writes core/v1 events and counts repetitions."""

    def __init__(self, store: Store, clock: Clock, names: Names) -> None:
        self._store = store
        self._clock = clock
        self._names = names
        self._known: dict[tuple[str, str, str, str, str], tuple[str, str]] = {}

    def normal(self, about: Object, reason: str, message: str, component: str, part: str = "") -> None:
        """Something went as it should. `part` is the fieldPath of the container meant."""
        self._record(about, "Normal", reason, message, component, part)

    def warning(self, about: Object, reason: str, message: str, component: str, part: str = "") -> None:
        """Something did not."""
        self._record(about, "Warning", reason, message, component, part)

    def _record(self, about: Object, kind: str, reason: str, message: str, component: str, part: str) -> None:
        meta = about["metadata"]
        known = (meta["uid"], kind, reason, message, part)
        place = self._known.get(known)
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
        self._known[known] = (namespace, name)
        self._store.put(EVENTS, self._event(about, kind, reason, message, component, part, namespace, name, at), None)

    def _event(
        self,
        about: Object,
        kind: str,
        reason: str,
        message: str,
        component: str,
        part: str,
        namespace: str,
        name: str,
        at: str,
    ) -> Object:
        meta = about["metadata"]
        involved = {
            "kind": about["kind"],
            "namespace": meta.get("namespace", ""),
            "name": meta["name"],
            "uid": meta["uid"],
            "apiVersion": about["apiVersion"],
            "resourceVersion": meta.get("resourceVersion", ""),
            "fieldPath": part,
        }
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": namespace, "uid": self._names.uid(), "creationTimestamp": at},
            "involvedObject": {field: value for field, value in involved.items() if value},
            "type": kind,
            "reason": reason,
            "message": message,
            "count": 1,
            "firstTimestamp": at,
            "lastTimestamp": at,
            "eventTime": None,
            "source": {"component": component},
            "reportingComponent": component,
            "reportingInstance": "",
        }
