"""EndpointSlices, and the deprecated Endpoints beside them: which pods answer for a Service, and on which ports."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from deploy.sandbox.cluster.kubelet.probes import port_number
from deploy.sandbox.cluster.objects.resources import ENDPOINT_SLICES, ENDPOINTS, PODS, SERVICES
from deploy.sandbox.cluster.objects.selectors import selects
from deploy.sandbox.cluster.objects.shapes import (
    Key,
    Object,
    is_finished,
    is_leaving,
    is_ready,
    key_of,
    labels_of,
    owned_by,
    status_of,
    uid_of,
)
from deploy.sandbox.cluster.objects.store import Change
from deploy.sandbox.cluster.plane import Plane

SERVICE_NAME = "kubernetes.io/service-name"


class EndpointSlices:
    """The controller of EndpointSlices and Endpoints."""

    interests = (SERVICES, PODS)

    def __init__(self, plane: Plane) -> None:
        self._plane = plane

    def concerns(self, change: Change) -> Iterable[Key]:
        """A Service itself, or those that select a pod whose readiness, labels or address changed."""
        if change.resource is SERVICES:
            return (key_of(change.item),)
        before = change.before
        if before is not None and change.kind == "MODIFIED" and _answer(before) == _answer(change.item):
            return ()
        labels = [labels_of(change.item), labels_of(before or change.item)]
        return [
            key_of(service)
            for service in self._plane.store.all(SERVICES, change.item["metadata"]["namespace"])
            if any(_selects(service, candidate) for candidate in labels)
        ]

    def reconcile(self, key: Key) -> float | None:
        """Write what answers for one Service now."""
        service = self._plane.store.get(SERVICES, *key)
        if service is None:
            if (left := self._plane.store.get(ENDPOINTS, *key)) is not None:
                self._plane.registry.delete(ENDPOINTS, left)
            return None
        if not service["spec"].get("selector"):
            return None
        pods = [
            pod
            for pod in self._plane.store.all(PODS, key.namespace)
            if _selects(service, labels_of(pod)) and status_of(pod).get("podIP") and not is_finished(pod)
        ]
        pods.sort(key=lambda pod: str(pod["metadata"]["name"]))
        self._write_slice(service, pods)
        self._write_endpoints(service, pods)
        return None

    def _write_slice(self, service: Object, pods: Sequence[Object]) -> None:
        fresh = {"endpoints": [_endpoint(pod) for pod in pods] or None, "ports": _ports(service, pods) or None}
        before = next((item for _, item in self._plane.store.owned(uid_of(service), ENDPOINT_SLICES)), None)
        namespace = service["metadata"]["namespace"]
        if before is None:
            meta = {
                "generateName": f"{service['metadata']['name']}-",
                "labels": {
                    SERVICE_NAME: service["metadata"]["name"],
                    "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
                },
                "ownerReferences": [owned_by(service)],
            }
            body = {"metadata": meta, "addressType": "IPv4", **fresh}
            self._plane.registry.create(ENDPOINT_SLICES, namespace, body)
        else:
            self._plane.registry.update(ENDPOINT_SLICES, before, {**before, **fresh})

    def _write_endpoints(self, service: Object, pods: Sequence[Object]) -> None:
        ready = [_address(pod) for pod in pods if is_ready(pod) and not is_leaving(pod)]
        waiting = [_address(pod) for pod in pods if not is_ready(pod) and not is_leaving(pod)]
        groups = {"addresses": ready, "notReadyAddresses": waiting, "ports": _ports(service, pods)}
        subset = {name: value for name, value in groups.items() if value}
        fresh = {"subsets": [subset]} if ready or waiting else {}
        namespace, name = service["metadata"]["namespace"], service["metadata"]["name"]
        before = self._plane.store.get(ENDPOINTS, namespace, name)
        if before is None:
            self._plane.registry.create(ENDPOINTS, namespace, {"metadata": {"name": name}, **fresh})
        else:
            kept = {field: value for field, value in before.items() if field != "subsets"}
            self._plane.registry.update(ENDPOINTS, before, {**kept, **fresh})


def _selects(service: Object, labels: object) -> bool:
    selector = service["spec"].get("selector")
    return isinstance(labels, dict) and bool(selector) and selects({"matchLabels": selector}, labels)


def _answer(pod: Object) -> tuple[object, ...]:
    ready, labels = is_ready(pod), labels_of(pod)
    return ready, is_leaving(pod), is_finished(pod), status_of(pod).get("podIP"), dict(labels)


def _endpoint(pod: Object) -> Object:
    leaving, ready = is_leaving(pod), is_ready(pod)
    return {
        "addresses": [pod["status"]["podIP"]],
        "conditions": {"ready": ready and not leaving, "serving": ready, "terminating": leaving},
        "nodeName": pod["spec"].get("nodeName"),
        "targetRef": _reference(pod),
    }


def _address(pod: Object) -> Object:
    return {"ip": pod["status"]["podIP"], "nodeName": pod["spec"].get("nodeName"), "targetRef": _reference(pod)}


def _reference(pod: Object) -> Object:
    meta = pod["metadata"]
    return {"kind": "Pod", "name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"]}


def _ports(service: Object, pods: Sequence[Object]) -> list[Object]:
    """The Service's ports as the pods have them. A name that no container port has leaves the port out."""
    found = []
    for port in service["spec"].get("ports") or []:
        number = _target(port.get("targetPort", port["port"]), pods)
        if number is not None:
            found.append({"name": port.get("name", ""), "port": number, "protocol": port.get("protocol", "TCP")})
    return found


def _target(target: int | str, pods: Sequence[Object]) -> int | None:
    if isinstance(target, int):
        return target
    numbers = (port_number(target, container) for pod in pods for container in pod["spec"]["containers"])
    return next((number for number in numbers if number is not None), None)
