"""PodDisruptionBudgets: how many pods are healthy, how many must be, and what that leaves for evictions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from deploy.sandbox.cluster.objects.quantities import count_of
from deploy.sandbox.cluster.objects.resources import (
    BUDGETS,
    DEPLOYMENTS,
    PODS,
    REPLICA_SETS,
    STATEFUL_SETS,
    Resource,
    by_kind,
)
from deploy.sandbox.cluster.objects.selectors import selects
from deploy.sandbox.cluster.objects.shapes import (
    Key,
    Object,
    condition,
    controller_of,
    is_finished,
    is_leaving,
    is_ready,
    key_of,
    labels_of,
)
from deploy.sandbox.cluster.objects.store import Change
from deploy.sandbox.cluster.plane import Plane

_SCALABLE: tuple[Resource, ...] = (DEPLOYMENTS, REPLICA_SETS, STATEFUL_SETS)


@dataclass(frozen=True)
class Healthy:
    """A budget's arithmetic."""

    expected: int
    healthy: int
    needed: int

    @property
    def allowed(self) -> int:
        """How many pods may be disrupted now."""
        return max(0, self.healthy - self.needed) if self.expected else 0


def healthy_pods(plane: Plane, budget: Object) -> Healthy:
    """Count what a budget protects. Percentages are of what the owners ask for, as on the real server."""
    spec = budget["spec"]
    pods = [
        pod
        for pod in plane.store.all(PODS, budget["metadata"]["namespace"])
        if selects(spec.get("selector"), labels_of(pod)) and not is_finished(pod)
    ]
    healthy = sum(1 for pod in pods if is_ready(pod) and not is_leaving(pod))
    if spec.get("maxUnavailable") is not None:
        expected = _wanted_by_owners(plane, pods)
        return Healthy(expected, healthy, max(0, expected - count_of(spec["maxUnavailable"], expected, round_up=True)))
    least = spec.get("minAvailable", 1)
    expected = _wanted_by_owners(plane, pods) if isinstance(least, str) else len(pods)
    return Healthy(expected, healthy, count_of(least, expected, round_up=True))


def _wanted_by_owners(plane: Plane, pods: Iterable[Object]) -> int:
    owners: dict[str, int] = {}
    for pod in pods:
        owner = _root(plane, pod)
        owners[owner["metadata"]["uid"]] = owner["spec"].get("replicas", 1) if owner is not pod else 1
    return sum(owners.values())


def _root(plane: Plane, item: Object) -> Object:
    """The outermost controller that says how many there should be."""
    reference = controller_of(item)
    resource = by_kind(reference["apiVersion"], reference["kind"]) if reference else None
    if reference is None or resource not in _SCALABLE:
        return item
    owner = plane.store.get(resource, item["metadata"]["namespace"], reference["name"])
    return _root(plane, owner) if owner is not None else item


class Budgets:
    """The controller of PodDisruptionBudgets: it only counts; the eviction call decides."""

    interests = (BUDGETS, PODS)

    def __init__(self, plane: Plane) -> None:
        self._plane = plane

    def concerns(self, change: Change) -> Iterable[Key]:
        """A budget itself, or those that select a pod."""
        if change.resource is BUDGETS:
            return (key_of(change.item),)
        return [
            key_of(budget)
            for budget in self._plane.store.all(BUDGETS, change.item["metadata"]["namespace"])
            if selects(budget["spec"].get("selector"), labels_of(change.item))
        ]

    def reconcile(self, key: Key) -> float | None:
        """Write one budget's arithmetic."""
        budget = self._plane.store.get(BUDGETS, *key)
        if budget is None:
            return None
        found = healthy_pods(self._plane, budget)
        reason = "SufficientPods" if found.allowed else "InsufficientPods"
        at = self._plane.clock.stamp()
        generation = budget["metadata"]["generation"]
        allowed = condition(budget, "DisruptionAllowed", found.allowed > 0, reason, "", at)
        status = {
            "observedGeneration": generation,
            "expectedPods": found.expected,
            "currentHealthy": found.healthy,
            "desiredHealthy": found.needed,
            "disruptionsAllowed": found.allowed,
            "conditions": [allowed | {"message": "", "observedGeneration": generation}],
        }
        self._plane.registry.write_status(BUDGETS, budget, status)
        return None
