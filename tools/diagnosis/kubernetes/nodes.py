"""Rules about nodes that are ill: not ready, under pressure. Only nodes the namespace's pods need are told of.

Another kubelet version and a pressure condition that is False are nobody's fault. Cordoned nodes are in `cordons`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from tools import resources
from tools.diagnosis.kubernetes import citing, owners
from tools.diagnosis.kubernetes.citing import Found
from tools.diagnosis.kubernetes.cordons import refusal
from tools.evidence import Evidence, Severity
from tools.reads.kubernetes import quantities
from tools.reads.kubernetes.picture import Picture
from tools.reads.kubernetes.views import Condition, Node, Pod
from tools.resources import Resource

NOT_THERE = ("node.kubernetes.io/unreachable", "node.kubernetes.io/not-ready")
"""Taints the control plane puts on a node that is not ready."""

MOST_USERS = 3

_LOW_ON = re.compile(r"low on resource: ([a-z-]{1,40})")
_OWN_LIMIT = re.compile(r"exceeds the (?:total )?limit|ephemeral local storage usage exceeds", re.IGNORECASE)
"""The kubelet also evicts a pod that outgrows its own limits: no node is short of anything then."""


def findings(picture: Picture) -> Iterator[Found]:
    """What is wrong with the nodes under the namespace's pods."""
    for node in picture.nodes:
        found = node_not_ready(node, picture) or node_pressure(node, picture)
        if found is not None:
            yield found


def node_not_ready(node: Node, picture: Picture) -> Found | None:
    """k8s.node_not_ready: Ready is False or Unknown for over a minute, and pods of the namespace need it."""
    ready, pods = node.condition("Ready"), pods_on(node, picture) or _kept_out(node, picture)
    since = ready.since if ready else None
    if node.ready or not pods or not owners.is_older(since or node.created, owners.MOMENT, picture):
        return None
    said = f" ({ready.reason}: {ready.message[:160]})" if ready and ready.reason else ""
    return citing.found(
        "k8s.node_not_ready",
        f"Node {node.name} is not ready",
        f"Node {node.name} has not been ready{owners.clock(since)}{said}; {_needing(pods)}.",
        resource=_resource(node),
        severity=owners.worst(pods, picture),
        confidence=10 if ready else 8,
        since=since,
        evidence=(_condition(node, ready, picture), _taints(node, picture), _pods(node, pods, picture)),
    )


def node_pressure(node: Node, picture: Picture) -> Found | None:
    """k8s.node_pressure: a pressure condition is True, or the node has just evicted pods that are still missed."""
    evicted = evictions(node, picture)
    pods = (*pods_on(node, picture), *evicted)
    conditions = [found for kind in node.pressures if (found := node.condition(kind))]
    if not pods or not (node.pressures or evicted):
        return None
    if conditions and not any(owners.is_older(one.since, owners.MOMENT, picture) for one in conditions):
        return None
    since = min((one.since for one in conditions if one.since), default=None) or _first(evicted, picture)
    return citing.found(
        "k8s.node_pressure",
        f"Node {node.name} is short of {_short_of(node, evicted)}",
        f"Node {node.name} reports {', '.join(node.pressures) or 'no pressure any more'}{owners.clock(since)}"
        f"{_told_evicted(evicted)}{_top_users(node, picture)}.",
        resource=_resource(node),
        severity=owners.worst(evicted, picture) if evicted else Severity.SEV3,
        confidence=9 if node.pressures else 7,
        since=since,
        evidence=(
            *(_condition(node, one, picture) for one in conditions),
            *(_eviction(pod, picture) for pod in evicted[:2]),
            _usage(node, picture),
        ),
    )


def pods_on(node: Node, picture: Picture) -> tuple[Pod, ...]:
    """The namespace's pods on a node, leaving ones included: a lost node keeps them from leaving."""
    done = ("Succeeded", "Failed")
    return tuple(pod for pod in picture.pods if pod.node == node.name and pod.phase not in done)


def evictions(node: Node, picture: Picture) -> tuple[Pod, ...]:
    """The pods a node evicted a short while ago and whose workload still has too few."""
    return tuple(
        pod
        for pod in picture.pods
        if pod.node == node.name
        and pod.reason == "Evicted"
        and not _OWN_LIMIT.search(pod.message)
        and _is_missed(pod, picture)
        and not owners.is_older(_evicted_at(pod, picture), owners.RECENT, picture)
    )


def _kept_out(node: Node, picture: Picture) -> tuple[Pod, ...]:
    """The Pending pods that the scheduler keeps off nodes because those are not ready or not reachable."""
    marks = [taint.split(":")[0].split("=")[0] for taint in node.taints if taint.startswith(NOT_THERE)]
    return tuple(
        pod
        for pod in picture.pods
        if (said := refusal(pod, picture)) and any(mark in reason for reason in said for mark in marks)
    )


def _needing(pods: tuple[Pod, ...]) -> str:
    return (
        f"on it {'is' if len(pods) == 1 else 'are'} {owners.told(pods)}"
        if pods[0].node
        else (f"{owners.told(pods)} cannot be placed there")
    )


def _is_missed(pod: Pod, picture: Picture) -> bool:
    workload = owners.workload_of(pod, picture)
    return workload is not None and workload.available < workload.wanted


def _evicted_at(pod: Pod, picture: Picture) -> datetime | None:
    condition = pod.condition("DisruptionTarget") or pod.condition("Ready")
    if condition is not None and condition.since is not None:
        return condition.since
    event = owners.newest(picture.events_of("Pod", pod.name), "Evicted")
    return event.last_seen if event else None


def _first(pods: tuple[Pod, ...], picture: Picture) -> datetime | None:
    return min((moment for pod in pods if (moment := _evicted_at(pod, picture))), default=None)


def _short_of(node: Node, evicted: tuple[Pod, ...]) -> str:
    if node.pressures:
        return ", ".join(kind.removesuffix("Pressure").lower() for kind in node.pressures)
    match = _LOW_ON.search(evicted[0].message)
    return match[1] if match else "something it did not name"


def _told_evicted(evicted: tuple[Pod, ...]) -> str:
    if not evicted:
        return ""
    match = _LOW_ON.search(evicted[0].message)
    return f"; it evicted {owners.told(evicted)}{f' for lack of {match[1]}' if match else ''}"


def _top_users(node: Node, picture: Picture) -> str:
    top = _users(node, picture) if "MemoryPressure" in node.pressures else ""
    return f"; most memory of ours: {top}" if top else ""


def _users(node: Node, picture: Picture) -> str:
    """The namespace's pods on the node that use most memory now, most first."""
    here = {pod.name for pod in pods_on(node, picture)}
    used: dict[str, Decimal] = {}
    for one in picture.usage:
        if one.pod in here:
            used[one.pod] = used.get(one.pod, Decimal(0)) + one.memory
    top = sorted(used.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_USERS]
    return ", ".join(f"{name} {quantities.memory(size)}" for name, size in top)


def _resource(node: Node) -> Resource:
    return resources.kubernetes("", "Node", node.name)


def _condition(node: Node, found: Condition | None, picture: Picture) -> Evidence:
    said = f"{found.status} {found.reason}: {found.message}" if found else "not True"
    kind = found.type if found else "Ready"
    path = f"status.conditions[{kind}]"
    return citing.quote(picture, f"nodes/{node.name}", path, said, f"{kind} of {node.name} is {said[:60]}")


def _taints(node: Node, picture: Picture) -> Evidence | None:
    marks = [taint for taint in node.taints if taint.startswith("node.kubernetes.io/")]
    if not marks:
        return None
    return citing.quote(picture, f"nodes/{node.name}", "spec.taints", ", ".join(marks), "the node is marked")


def _pods(node: Node, pods: tuple[Pod, ...], picture: Picture) -> Evidence:
    names = ", ".join(pod.name for pod in pods)
    return citing.quote(picture, "pods", f"spec.nodeName={node.name}", names, f"{len(pods)} pods are on {node.name}")


def _eviction(pod: Pod, picture: Picture) -> Evidence:
    return citing.quote(
        picture, f"pods/{pod.name}", "status.message", f"{pod.reason}: {pod.message}", f"{pod.name} was evicted"
    )


def _usage(node: Node, picture: Picture) -> Evidence | None:
    used = next((one for one in picture.node_usage if one.node == node.name), None)
    memory, cores = quantities.memory, quantities.cpu
    whole = f"{memory(used.memory)} of {memory(node.memory)} memory, {cores(used.cpu)} cpu" if used else ""
    text = "; ".join(part for part in (whole, _users(node, picture)) if part)
    return citing.quote(picture, f"nodes/{node.name}", "usage", text, f"{node.name} uses {text}") if text else None
