"""Rules about pods that should be gone: stuck while terminating, or held on a node that is being drained."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from tools import resources
from tools.diagnosis.kubernetes import citing, owners
from tools.diagnosis.kubernetes.citing import Found
from tools.diagnosis.kubernetes.cordons import OURSELVES
from tools.evidence import Evidence, Severity
from tools.reads.kubernetes.picture import Picture, selects
from tools.reads.kubernetes.views import Budget, Event, Node, Pod
from tools.resources import Resource

PATIENCE = timedelta(minutes=5)
"""How long past its grace period a pod may take to go (fact sheet: grace + 5 min)."""

DRAIN = timedelta(hours=24)
"""A cordon older than this is a habit, not a drain."""

_REFUSED = re.compile(r"disruption budget|PodDisruptionBudget|\bPDB\b", re.IGNORECASE)


def findings(picture: Picture) -> Iterator[Found]:
    """What keeps pods from leaving."""
    stuck = (pod for pod in picture.pods if is_stuck(pod, picture))
    for owner, pods in owners.by_owner(stuck, picture).items():
        yield stuck_terminating(owner, pods, picture)
    drained = any(_is_drained(node, picture) for node in picture.nodes)
    refused = any(_REFUSED.search(event.message) for event in picture.events)
    for budget in picture.budgets if drained or refused else ():
        found = budget_blocks_drain(budget, picture)
        if found is not None:
            yield found


def is_stuck(pod: Pod, picture: Picture) -> bool:
    """Whether a leaving pod is well past its grace period."""
    since = pod.deleting_since
    return since is not None and picture.now - since > timedelta(seconds=pod.asked.grace) + PATIENCE


def stuck_terminating(owner: Resource, pods: tuple[Pod, ...], picture: Picture) -> Found:
    """k8s.stuck_terminating: deletionTimestamp older than the grace period and five minutes; and what holds it."""
    first, node = pods[0], picture.node(pods[0].node)
    since = min(pod.deleting_since for pod in pods if pod.deleting_since)
    return citing.found(
        "k8s.stuck_terminating",
        f"{owner.name} has a pod that does not go",
        f"{owners.told(pods)} should have been gone{owners.clock(since)}: {_holding(first, node)}.",
        resource=owner,
        # A StatefulSet never makes a second pod of the same ordinal, so it waits; others have replaced theirs.
        severity=Severity.SEV2 if first.owner_kind == "StatefulSet" else Severity.SEV4,
        confidence=8 if first.finalizers or (node is not None and not node.ready) else 6,
        since=since,
        evidence=(
            citing.quote(
                picture,
                f"pods/{first.name}",
                "metadata.deletionTimestamp",
                f"{since:%Y-%m-%dT%H:%M:%SZ}, grace {first.asked.grace} s",
                f"{first.name} is past its grace period",
            ),
            _finalizers(first, picture),
            _node(node, picture),
        ),
    )


def budget_blocks_drain(budget: Budget, picture: Picture) -> Found | None:
    """k8s.budget_blocks_drain: no disruption allowed while a cordoned node holds pods of it, or an eviction refused."""
    if budget.allowed > 0:
        return None
    pods = tuple(pod for pod in picture.pods if owners.is_alive(pod) and selects(budget.selector, pod.labels))
    held = tuple(pod for pod in pods if pod.owner_kind != "DaemonSet" and _is_drained(picture.node(pod.node), picture))
    refused = _refusal(budget, pods, picture)
    if not (held or refused):
        return None
    nodes = ", ".join(dict.fromkeys(pod.node for pod in held)) or "a node"
    return citing.found(
        "k8s.budget_blocks_drain",
        f"PodDisruptionBudget {budget.name} holds up a drain",
        f"{nodes} cannot be drained: budget {budget.name} allows no disruption, {_numbers(budget, pods)}.",
        resource=resources.kubernetes(picture.namespace, "PodDisruptionBudget", budget.name),
        severity=Severity.SEV3 if refused else Severity.SEV4,
        confidence=8 if refused else 6,
        since=_cordoned_at(held, picture),
        evidence=(
            citing.quote(
                picture,
                f"poddisruptionbudgets/{budget.name}",
                "status.disruptionsAllowed",
                f"{budget.allowed} (healthy {budget.healthy}, wanted {budget.wanted}, expected {budget.expected})",
                f"{budget.healthy} healthy, {budget.wanted} wanted",
            ),
            citing.event(picture, refused),
            *(_held(pod, picture) for pod in held[:2]),
        ),
    )


def _holding(pod: Pod, node: Node | None) -> str:
    if node is not None and not node.ready:
        return f"its node {node.name} is not ready, so nobody confirms that it stopped"
    if pod.finalizers:
        names = ", ".join(pod.finalizers)
        return f"finalizer {names} has not been removed by the controller that set it"
    on = f" of {pod.node}" if pod.node else ""
    return f"nothing in its status says why; the kubelet{on} has not confirmed that it stopped"


def _is_drained(node: Node | None, picture: Picture) -> bool:
    """Whether somebody other than us took the node out of service lately."""
    if node is None or not node.cordoned or node.cordoned_by == OURSELVES:
        return False
    return node.cordoned_at is None or picture.now - node.cordoned_at < DRAIN


def _refusal(budget: Budget, pods: tuple[Pod, ...], picture: Picture) -> Event | None:
    """The newest event in which somebody was refused an eviction by this budget."""
    names = {pod.name for pod in pods}
    about_it = [
        event
        for event in picture.events
        if event.type == "Warning" and _REFUSED.search(event.message) and "evict" in event.message.lower()
        if (event.kind == "Pod" and event.name in names) or budget.name in event.message
        if not owners.is_older(event.last_seen, owners.RECENT, picture)
    ]
    return about_it[-1] if about_it else None


def _numbers(budget: Budget, pods: tuple[Pod, ...]) -> str:
    unready = [pod.name for pod in pods if not pod.ready]
    counts = f"{budget.healthy} of {budget.expected} pods are healthy and it wants {budget.wanted}"
    return f"{counts}; not ready: {', '.join(unready[:3])}" if unready else f"{counts}, so none can be spared"


def _cordoned_at(pods: tuple[Pod, ...], picture: Picture) -> datetime | None:
    nodes = (picture.node(pod.node) for pod in pods)
    return min((node.cordoned_at for node in nodes if node and node.cordoned_at), default=None)


def _finalizers(pod: Pod, picture: Picture) -> Evidence | None:
    if not pod.finalizers:
        return None
    names = ", ".join(pod.finalizers)
    return citing.quote(picture, f"pods/{pod.name}", "metadata.finalizers", names, f"held by {names}")


def _node(node: Node | None, picture: Picture) -> Evidence | None:
    if node is None:
        return None
    ready = node.condition("Ready")
    said = f"{ready.status} {ready.reason}".strip() if ready else str(node.ready)
    return citing.quote(picture, f"nodes/{node.name}", "status.conditions[Ready]", said, f"{node.name} ready: {said}")


def _held(pod: Pod, picture: Picture) -> Evidence:
    return citing.quote(
        picture, f"pods/{pod.name}", "spec.nodeName", f"{pod.node} (cordoned)", f"{pod.name} is still on {pod.node}"
    )
