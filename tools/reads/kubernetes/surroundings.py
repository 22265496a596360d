"""API server's JSON -> views of what stands around the pods: Services and endpoints, nodes, events. Parsing only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from tools.reads.kubernetes import quantities
from tools.reads.kubernetes.authorship import last_written
from tools.reads.kubernetes.pods import conditions
from tools.reads.kubernetes.raw import flag, items, member, moment, number, obj, text, texts
from tools.reads.kubernetes.views import Endpoints, Event, Node, NodeUsage, Service, ServicePort
from tools.redaction import redact
from tools.values import JsonObject

SERVICE_LABEL = "kubernetes.io/service-name"
PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")


def service(raw: JsonObject) -> Service:
    """A Service. Without a targetPort a Service port leads to the same number."""
    wrote, cluster_ip = last_written(raw, "spec"), text(raw, "spec", "clusterIP")
    return Service(
        name=text(raw, "metadata", "name"),
        type=text(raw, "spec", "type") or "ClusterIP",
        selector=texts(raw, "spec", "selector"),
        ports=tuple(
            ServicePort(
                port=number(found, "port"),
                target=text(found, "targetPort") or text(found, "port"),
                name=text(found, "name"),
                protocol=text(found, "protocol") or "TCP",
            )
            for found in items(raw, "spec", "ports")
        ),
        created=moment(raw, "metadata", "creationTimestamp"),
        changed_by=wrote.by,
        changed_at=wrote.at,
        headless=cluster_ip == "None",
        cluster_ip="" if cluster_ip == "None" else cluster_ip,
        addresses=tuple(
            text(found, "ip") or text(found, "hostname") for found in items(raw, "status", "loadBalancer", "ingress")
        ),
    )


@dataclass
class _Tally:
    """What the slices of one Service add up to."""

    ready: int = 0
    not_ready: int = 0
    ports: dict[int, None] = field(default_factory=dict)
    pods: dict[str, None] = field(default_factory=dict)


def endpoints(slices: Iterable[JsonObject]) -> tuple[Endpoints, ...]:
    """Ready and other endpoints by Service. A condition that is absent means ready (the API's own rule)."""
    tallies: dict[str, _Tally] = {}
    for found in slices:
        tally = tallies.setdefault(text(found, "metadata", "labels", SERVICE_LABEL), _Tally())
        listed = items(found, "endpoints")
        if listed:
            tally.ports |= dict.fromkeys(_ports(found))
        for endpoint in listed:
            if member(endpoint, "conditions", "ready") is False:
                tally.not_ready += 1
            else:
                tally.ready += 1
            if text(endpoint, "targetRef", "kind") == "Pod":
                tally.pods[text(endpoint, "targetRef", "name")] = None
    return tuple(
        Endpoints(
            service=name,
            ready=tally.ready,
            not_ready=tally.not_ready,
            ports=tuple(tally.ports),
            pods=tuple(tally.pods),
        )
        for name, tally in tallies.items()
    )


def node(raw: JsonObject) -> Node:
    """A node, with the room it offers to pods."""
    felt = conditions(raw)
    states = {found.type: found.status for found in felt}
    cordoned = flag(raw, "spec", "unschedulable")
    cordon = last_written(raw, "spec", "unschedulable")
    return Node(
        name=text(raw, "metadata", "name"),
        ready=states.get("Ready") == "True",
        cordoned=cordoned,
        memory=quantities.amount(text(raw, "status", "allocatable", "memory")) or Decimal(0),
        cpu=quantities.amount(text(raw, "status", "allocatable", "cpu")) or Decimal(0),
        taints=tuple(f"{text(found, 'key')}:{text(found, 'effect')}" for found in items(raw, "spec", "taints")),
        pressures=tuple(kind for kind in PRESSURES if states.get(kind) == "True"),
        conditions=felt,
        cordoned_by=cordon.by if cordoned else "",
        cordoned_at=cordon.at if cordoned else None,
        pods=int(quantities.amount(text(raw, "status", "allocatable", "pods")) or 0),
        version=text(raw, "status", "nodeInfo", "kubeletVersion"),
        labels=texts(raw, "metadata", "labels"),
        created=moment(raw, "metadata", "creationTimestamp"),
    )


def node_usage(raw: JsonObject) -> NodeUsage:
    """What a node uses, from metrics.k8s.io."""
    return NodeUsage(
        node=text(raw, "metadata", "name"),
        memory=quantities.amount(text(raw, "usage", "memory")) or Decimal(0),
        cpu=quantities.amount(text(raw, "usage", "cpu")) or Decimal(0),
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


def _ports(raw: JsonObject) -> Iterator[int]:
    for found in items(raw, "ports"):
        if number(found, "port"):
            yield number(found, "port")
