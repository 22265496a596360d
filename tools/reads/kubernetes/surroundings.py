"""API server's JSON -> views of what stands around the pods: Services and endpoints, nodes, claims, events."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from tools.reads.kubernetes import quantities
from tools.reads.kubernetes.picture import Endpoints, Event, Service, ServicePort
from tools.reads.kubernetes.pods import conditions
from tools.reads.kubernetes.raw import flag, items, member, moment, number, obj, text, texts
from tools.reads.kubernetes.views import Claim, Node
from tools.redaction import redact
from tools.values import JsonObject

SERVICE_LABEL = "kubernetes.io/service-name"
PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")


def service(raw: JsonObject) -> Service:
    """A Service. Without a targetPort a Service port leads to the same number."""
    return Service(
        name=text(raw, "metadata", "name"),
        type=text(raw, "spec", "type") or "ClusterIP",
        selector=texts(raw, "spec", "selector"),
        ports=tuple(
            ServicePort(port=number(found, "port"), target=text(found, "targetPort") or text(found, "port"))
            for found in items(raw, "spec", "ports")
        ),
    )


def endpoints(slices: Iterable[JsonObject]) -> tuple[Endpoints, ...]:
    """Ready and other endpoints by Service. A condition that is absent means ready (the API's own rule)."""
    totals: dict[str, list[int]] = {}
    for found in slices:
        count = totals.setdefault(text(found, "metadata", "labels", SERVICE_LABEL), [0, 0])
        for endpoint in items(found, "endpoints"):
            refused = member(endpoint, "conditions", "ready") is False
            count[refused] += 1
    return tuple(Endpoints(service=name, ready=ready, not_ready=other) for name, (ready, other) in totals.items())


def node(raw: JsonObject) -> Node:
    """A node, with the room it offers to pods."""
    states = {found.type: found.status for found in conditions(raw)}
    return Node(
        name=text(raw, "metadata", "name"),
        ready=states.get("Ready") == "True",
        cordoned=flag(raw, "spec", "unschedulable"),
        memory=quantities.amount(text(raw, "status", "allocatable", "memory")) or Decimal(0),
        cpu=quantities.amount(text(raw, "status", "allocatable", "cpu")) or Decimal(0),
        taints=tuple(f"{text(found, 'key')}:{text(found, 'effect')}" for found in items(raw, "spec", "taints")),
        pressures=tuple(kind for kind in PRESSURES if states.get(kind) == "True"),
    )


def claim(raw: JsonObject) -> Claim:
    """A PersistentVolumeClaim."""
    return Claim(
        name=text(raw, "metadata", "name"),
        phase=text(raw, "status", "phase"),
        storage_class=text(raw, "spec", "storageClassName"),
    )


def event(raw: JsonObject) -> Event:
    """A core/v1 event. New-style events keep their count and time in `series` and `eventTime`."""
    about = obj(raw, "involvedObject")
    seen = moment(raw, "lastTimestamp") or moment(raw, "series", "lastObservedTime") or moment(raw, "eventTime")
    return Event(
        kind=text(about, "kind"),
        name=text(about, "name"),
        type=text(raw, "type"),
        reason=text(raw, "reason"),
        message=redact(text(raw, "message")),
        count=max(1, number(raw, "count"), number(raw, "series", "count")),
        last_seen=seen or moment(raw, "metadata", "creationTimestamp"),
    )
