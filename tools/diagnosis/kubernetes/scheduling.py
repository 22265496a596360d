"""Rules about pods no node will take. The scheduler's own sentence is parsed; nodes give the numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

from tools import resources
from tools.diagnosis.confidence import Strength, confidence
from tools.diagnosis.kubernetes import citing
from tools.diagnosis.kubernetes.changes import latest_change
from tools.diagnosis.kubernetes.citing import Found
from tools.evidence import Evidence, Severity
from tools.reads.kubernetes import quantities
from tools.reads.kubernetes.picture import Picture
from tools.reads.kubernetes.views import Condition, Container, Pod, Workload
from tools.resources import Resource

GATED_LONG = timedelta(minutes=10)
"""How long a scheduling gate may stand before it is worth a word."""

_AVAILABLE = re.compile(r"^\d+/\d+ nodes are available: ")
_PASSING = re.compile(r"^Insufficient |Too many pods|were unschedulable|taint.{0,20}node\.kubernetes\.io/")
"""Reasons that come and go with a node's state, unlike labels and affinity."""
_COUNTED = re.compile(r"^(?:(\d+) )?(.+)$")
_CLAIM_ABSENT = re.compile(r'persistentvolumeclaim "([^"]{1,253})" not found')


def unschedulable(pod: Pod, picture: Picture) -> Found | None:
    """Why a Pending pod fits nowhere: k8s.request_exceeds_any_node first, then each reason the scheduler gives."""
    condition = pod.condition("PodScheduled")
    if pod.phase != "Pending" or condition is None or condition.status != "False":
        return None
    if condition.reason == "SchedulingGated":
        return scheduling_gated(pod, condition, picture)
    if condition.reason != "Unschedulable":
        return None
    reasons = scheduler_reasons(condition.message)
    for rule in _RULES:
        result = rule(pod, reasons, picture)
        if result is not None:
            return result
    return None


def scheduling_gated(pod: Pod, condition: Condition, picture: Picture) -> Found | None:
    """k8s.scheduling_gated: somebody holds the pod back on purpose; said after some minutes, as news and no fault."""
    if not pod.gates or pod.created is None or picture.now - pod.created < GATED_LONG:
        return None
    owner, _ = _owner(pod, picture)
    gates = ", ".join(pod.gates)
    return citing.found(
        "k8s.scheduling_gated",
        f"{owner.name} has a pod that is held back",
        f"A pod of {owner.name} is not scheduled on purpose: it waits for {gates}.",
        resource=owner,
        severity=Severity.SEV4,
        confidence=confidence(Strength.STATED),
        since=pod.created,
        evidence=(
            citing.condition(picture, f"pods/{pod.name}", condition),
            citing.quote(picture, f"pods/{pod.name}", "spec.schedulingGates", gates, f"it waits for {gates}"),
        ),
    )


def scheduler_reasons(message: str) -> dict[str, int]:
    """The first sentence of the scheduler's message as reason -> nodes. A node may be counted under several reasons."""
    sentence = _AVAILABLE.sub("", message.split(". ")[0].rstrip("."))
    reasons: dict[str, int] = {}
    for part in re.split(r", (?=\d+ )", sentence):
        match = _COUNTED.match(part.strip())
        if match:
            reasons[match[2]] = int(match[1] or 0)
    return reasons


def excessive_requests(pod: Pod, picture: Picture) -> tuple[tuple[Container, str], ...]:
    """The containers that ask for more of a resource (cpu, memory) than the largest node could ever give."""
    if not picture.nodes:
        return ()
    largest = {"memory": largest_memory(picture), "cpu": max(node.cpu for node in picture.nodes)}
    return tuple(
        (container, resource)
        for container in pod.asked.containers
        for resource, room in largest.items()
        if (quantities.amount(container.requests.get(resource, "")) or Decimal(0)) > room
    )


def largest_memory(picture: Picture) -> Decimal:
    """The memory the largest node offers to pods, in bytes."""
    return max((node.memory for node in picture.nodes), default=Decimal(0))


def _exceeds_any_node(pod: Pod, reasons: dict[str, int], picture: Picture) -> Found | None:
    """k8s.request_exceeds_any_node: a request greater than the largest allocatable; no waiting will help."""
    excessive = excessive_requests(pod, picture)
    if not excessive or not any(reason.startswith("Insufficient") for reason in reasons):
        return None
    container, resource = excessive[0]
    asked = container.requests[resource]
    room = _room(resource, picture)
    return _unplaced(
        pod,
        picture,
        "k8s.request_exceeds_any_node",
        f"Container {container.name} requests {asked} of {resource}; the largest node offers {room}.",
        confidence=confidence(Strength.STATED, confirmed=True),
        more=(
            _spec(pod, picture, container, resource),
            citing.quote(
                picture,
                "nodes",
                f"status.allocatable.{resource}",
                room,
                f"the largest node offers {room} of {resource}",
            ),
        ),
    )


def _no_room(pod: Pod, reasons: dict[str, int], picture: Picture) -> Found | None:
    """k8s.unschedulable_resources: `N Insufficient cpu|memory`, though an empty node could hold the pod."""
    short = sorted(reason.removeprefix("Insufficient ") for reason in reasons if reason.startswith("Insufficient "))
    if not short and "Too many pods" not in reasons:
        return None
    short = short or ["room for another pod"]
    return _unplaced(pod, picture, "k8s.unschedulable_resources", f"No node has enough free {' and '.join(short)}.")


def _tainted(pod: Pod, reasons: dict[str, int], picture: Picture) -> Found | None:
    """k8s.untolerated_taint: `N node(s) had untolerated taint(s)`."""
    if not any("untolerated taint" in reason for reason in reasons):
        return None
    return _unplaced(
        pod, picture, "k8s.untolerated_taint", "Every node that could take it has a taint it does not tolerate."
    )


def _cordoned(pod: Pod, reasons: dict[str, int], picture: Picture) -> Found | None:
    """k8s.nodes_cordoned: `N node(s) were unschedulable`."""
    if not any("were unschedulable" in reason for reason in reasons):
        return None
    nodes = [node for node in picture.nodes if node.cordoned]
    names = ", ".join(node.name for node in nodes) or "some"
    return _unplaced(
        pod,
        picture,
        "k8s.nodes_cordoned",
        f"Nodes that could take it are cordoned: {names}.",
        more=tuple(
            citing.quote(picture, f"nodes/{node.name}", "spec.unschedulable", "true", f"{node.name} is cordoned")
            for node in nodes
        ),
    )


def _no_affinity(pod: Pod, reasons: dict[str, int], picture: Picture) -> Found | None:
    """k8s.affinity_unsatisfied: `didn't match Pod's node affinity/selector`.

    Where only some nodes do not match and the others are full, ill or cordoned, the selector is as it was meant and
    the state of the others is the news; unless the last rollout changed the selector.
    """
    if not any("affinity" in reason for reason in reasons):
        return None
    _, workload = _owner(pod, picture)
    altered = workload is not None and any(one.field.startswith("nodeSelector") for one in latest_change(workload))
    if not altered and any(_PASSING.search(reason) for reason in reasons):
        return None
    return _unplaced(
        pod, picture, "k8s.affinity_unsatisfied", "No node matches the node selector or affinity it asks for."
    )


def _no_claim(pod: Pod, reasons: dict[str, int], picture: Picture) -> Found | None:
    """k8s.claim_unbound: unbound immediate PersistentVolumeClaims, or a claim that does not exist."""
    for reason in reasons:
        absent = _CLAIM_ABSENT.search(reason)
        if absent:
            return _unplaced(pod, picture, "k8s.claim_unbound", f"Its volume claim {absent[1]} does not exist.")
        if "unbound immediate PersistentVolumeClaims" in reason:
            return _unplaced(pod, picture, "k8s.claim_unbound", "A volume claim it needs is not bound to a volume.")
    return None


Rule = Callable[[Pod, dict[str, int], Picture], Found | None]

_RULES: tuple[Rule, ...] = (_exceeds_any_node, _no_claim, _no_affinity, _cordoned, _no_room, _tainted)
"""Narrowest cause first. Control-plane nodes are nearly always tainted, so a taint is the last thing to blame."""


def _unplaced(
    pod: Pod,
    picture: Picture,
    code: str,
    why: str,
    *,
    confidence: int = Strength.MATCHED,
    more: tuple[Evidence | None, ...] = (),
) -> Found:
    owner, workload = _owner(pod, picture)
    return citing.found(
        code,
        f"{owner.name} has a pod no node will take",
        f"A pod of {owner.name} cannot be scheduled. {why}",
        resource=owner,
        severity=citing.severity_of(workload),
        confidence=confidence,
        since=_since(pod),
        evidence=(*_refusal(pod, picture), *more, citing.what_changed(picture, workload) if workload else None),
    )


def _refusal(pod: Pod, picture: Picture) -> tuple[Evidence | None, ...]:
    """The scheduler's own words, as the pod's status and as the newest event."""
    condition = pod.condition("PodScheduled")
    said = condition.message if condition else ""
    events = [event for event in picture.events_of("Pod", pod.name) if event.reason == "FailedScheduling"]
    return (
        citing.quote(
            picture,
            f"pods/{pod.name}",
            "status.conditions[PodScheduled].message",
            said,
            "the scheduler's own words",
        ),
        citing.event(picture, events[-1] if events else None),
    )


def _since(pod: Pod) -> datetime | None:
    """Since when no node takes it; since it was made, where the condition has no time."""
    condition = pod.condition("PodScheduled")
    return condition.since if condition is not None and condition.since is not None else pod.created


def _owner(pod: Pod, picture: Picture) -> tuple[Resource, Workload | None]:
    kind, name = (pod.owner_kind, pod.owner_name) if pod.owner_name else ("Pod", pod.name)
    return resources.kubernetes(picture.namespace, kind, name), picture.workload(kind, name)


def _spec(pod: Pod, picture: Picture, container: Container, resource: str) -> Evidence:
    path = f"spec.containers[{container.name}].resources.requests.{resource}"
    asked = container.requests[resource]
    return citing.quote(picture, f"pods/{pod.name}", path, asked, f"{container.name} requests {asked} of {resource}")


def _room(resource: str, picture: Picture) -> str:
    if resource == "memory":
        return quantities.memory(largest_memory(picture))
    return quantities.cpu(max(node.cpu for node in picture.nodes))
