"""ReplicaSets: as many pods as asked for, the least useful ones going first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from deploy.sandbox.cluster.controllers.claiming import claim, owners_concerned, pod_from_template
from deploy.sandbox.cluster.objects.ownership import Manager
from deploy.sandbox.cluster.objects.refusals import Refusal
from deploy.sandbox.cluster.objects.resources import PODS, REPLICA_SETS
from deploy.sandbox.cluster.objects.shapes import (
    Key,
    Object,
    condition,
    is_finished,
    is_leaving,
    is_ready,
    key_of,
    uid_of,
    without_zeros,
)
from deploy.sandbox.cluster.objects.store import Change
from deploy.sandbox.cluster.plane import Plane

CONTROLLER_MANAGER = Manager("kube-controller-manager")
RETRY_SECONDS = 5.0
_COMPONENT = "replicaset-controller"


class ReplicaSets:
    """The controller of ReplicaSets."""

    interests = (REPLICA_SETS, PODS)

    def __init__(self, plane: Plane) -> None:
        self._plane = plane
        self._refused: dict[str, tuple[float, str]] = {}
        """Set uid -> when creating may be tried again, and why it failed. Refusals name a new pod each time, so trying
        again at once would never come to rest."""

    def concerns(self, change: Change) -> Iterable[Key]:
        """A set itself, or the set of a pod."""
        if change.resource is REPLICA_SETS:
            if change.kind == "DELETED":
                self._refused.pop(uid_of(change.item), None)
            return (key_of(change.item),)
        return owners_concerned(self._plane, change, "ReplicaSet", REPLICA_SETS)

    def reconcile(self, key: Key) -> float | None:
        """Create or delete pods, then count them."""
        owner = self._plane.store.get(REPLICA_SETS, *key)
        if owner is None or is_leaving(owner):
            return None
        pods = [pod for pod in claim(self._plane, owner, PODS) if not is_finished(pod)]
        live = [pod for pod in pods if not is_leaving(pod)]
        missing = owner["spec"]["replicas"] - len(live)
        refusal = self._create(owner, missing)
        for pod in sorted(live, key=_usefulness)[: max(0, -missing)]:
            self._plane.registry.delete(PODS, pod)
            text = f"Deleted pod: {pod['metadata']['name']}"
            self._plane.recorder.normal(owner, "SuccessfulDelete", text, _COMPONENT)
        soon = self._count(key, refusal)
        return self._refused[uid_of(owner)][0] if refusal else soon

    def _create(self, owner: Object, missing: int) -> str:
        retry_at, reason = self._refused.pop(uid_of(owner), (0.0, ""))
        if missing > 0 and self._plane.clock.now() < retry_at:
            self._refused[uid_of(owner)] = (retry_at, reason)
            return reason
        for _ in range(missing):
            try:
                body = pod_from_template(owner, owner["spec"]["template"])
                pod = self._plane.registry.create(PODS, owner["metadata"]["namespace"], body, CONTROLLER_MANAGER)
            except Refusal as refusal:
                text = f"Error creating: {refusal.message}"
                self._plane.recorder.warning(owner, "FailedCreate", text, _COMPONENT)
                self._refused[uid_of(owner)] = (self._plane.clock.now() + RETRY_SECONDS, refusal.message)
                return refusal.message
            text = f"Created pod: {pod['metadata']['name']}"
            self._plane.recorder.normal(owner, "SuccessfulCreate", text, _COMPONENT)
        return ""

    def _count(self, key: Key, refusal: str) -> float | None:
        """Write the counts; returns when a pod becomes available by waiting."""
        owner = self._plane.store.get(REPLICA_SETS, *key)
        if owner is None:
            return None
        pods = [pod for pod in self._plane.store.owned_pods(uid_of(owner)) if not is_finished(pod)]
        live = [pod for pod in pods if not is_leaving(pod)]
        seconds = owner["spec"].get("minReadySeconds", 0)
        available = [pod for pod in live if is_ready(pod) and self._plane.is_available(uid_of(pod), seconds)]
        ready = sum(map(is_ready, live))
        status = without_zeros(
            {
                "replicas": len(live),
                "fullyLabeledReplicas": len(live),
                "readyReplicas": ready,
                "availableReplicas": len(available),
                "terminatingReplicas": len(pods) - len(live),
                "observedGeneration": owner["metadata"]["generation"],
            },
            keep=("replicas", "observedGeneration"),
        )
        if refusal:
            at = self._plane.clock.stamp()
            status["conditions"] = [condition(owner, "ReplicaFailure", True, "FailedCreate", refusal, at)]
        self._plane.registry.write_status(REPLICA_SETS, owner, status)
        return self._soonest(live, seconds) if ready > len(available) else None

    def _soonest(self, pods: Sequence[Object], seconds: int) -> float | None:
        known = (self._plane.runtime.ready_since.get(uid_of(pod)) for pod in pods)
        now = self._plane.clock.now()
        return min((since + seconds for since in known if since is not None and since + seconds > now), default=None)


def _usefulness(pod: Object) -> tuple[bool, bool, bool, float]:
    """Pods to delete come first: unbound, pending, not ready, then the newest."""
    running = (pod.get("status") or {}).get("phase") == "Running"
    return bool(pod["spec"].get("nodeName")), running, is_ready(pod), -int(pod["metadata"]["resourceVersion"])
