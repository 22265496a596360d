"""The metrics of a stand-in cluster, as kube-state-metrics and a few recording rules would have them.

Nothing is made up: every change of a pod or an EndpointSlice in the cluster becomes a point at the moment it happens.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from types import TracebackType
from typing import Self

from deploy.sandbox.cluster import Cluster
from deploy.sandbox.cluster.objects.resources import ENDPOINT_SLICES, PODS
from deploy.sandbox.cluster.objects.shapes import Object
from deploy.sandbox.prometheus.metrics import Metrics
from deploy.sandbox.prometheus.server import Rule

RESTARTS = "namespace_deployment:container_restarts:sum"
NOT_READY = "namespace_deployment:pods_not_ready:count"
ADDRESSES = "kube_endpoint_address_available"
RULES = (
    Rule("KubePodCrashLooping", f"{RESTARTS} > 0", {"severity": "critical"}),
    Rule("KubeContainerOOMKilled", f"{RESTARTS} > 0", {"severity": "critical"}),
    Rule("KubeDeploymentReplicasMismatch", f"{NOT_READY} > 0", {"severity": "warning"}),
    Rule("KubeDeploymentRolloutStuck", f"{NOT_READY} > 0", {"severity": "warning"}),
    Rule("KubePodNotScheduled", f"{NOT_READY} > 0", {"severity": "warning"}),
    Rule("ServiceHasNoEndpoints", f"{ADDRESSES} < 1", {"severity": "critical"}),
)
"""The rules behind the alerts of the stories."""

Place = tuple[str, str]
"""A namespace, and the name of what is in it."""


class ClusterMetrics:
    """Follows a cluster while it runs: `with ClusterMetrics(cluster) as watching: watching.metrics`."""

    def __init__(self, cluster: Cluster) -> None:
        self.metrics = Metrics()
        self._cluster = cluster
        self._changed = threading.Event()
        self._stopping = False
        self._pods: dict[Place, tuple[Place, bool, int]] = {}
        self._restarts: Counter[Place] = Counter()
        self._thread = threading.Thread(target=self._follow, name="cluster-metrics", daemon=True)

    def start(self) -> Self:
        """Read what happened so far, and follow."""
        self._pod_changes = self._cluster.changes(PODS, self._changed.set)
        self._slice_changes = self._cluster.changes(ENDPOINT_SLICES, self._changed.set)
        self._changed.set()
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop following."""
        self._stopping = True
        self._changed.set()
        self._thread.join(timeout=5)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _follow(self) -> None:
        """Sleep until something changes; costs nothing while nothing does."""
        while not self._stopping:
            self._changed.wait()
            self._changed.clear()
            at = time.time()
            for change in self._pod_changes.take():
                self._pod(change.item, at, gone=change.kind == "DELETED")
            for change in self._slice_changes.take():
                self._addresses(change.item, at, gone=change.kind == "DELETED")

    def _pod(self, pod: Object, at: float, *, gone: bool) -> None:
        deployment = _deployment(pod)
        if deployment is None:
            return
        place = (pod["metadata"]["namespace"], pod["metadata"]["name"])
        restarts = sum(one.get("restartCount", 0) for one in pod.get("status", {}).get("containerStatuses", ()))
        before = self._pods.get(place)
        # A counter of the deployment: what a pod added stays when the pod goes.
        self._restarts[deployment] += max(0, restarts - (before[2] if before else 0))
        if gone or pod["metadata"].get("deletionTimestamp"):
            self._pods.pop(place, None)
        else:
            self._pods[place] = (deployment, _is_ready(pod), restarts)
        labels = {"namespace": deployment[0], "deployment": deployment[1]}
        not_ready = sum(owner == deployment and not ready for owner, ready, _ in self._pods.values())
        self.metrics.record(RESTARTS, labels, at, self._restarts[deployment])
        self.metrics.record(NOT_READY, labels, at, not_ready)

    def _addresses(self, found: Object, at: float, *, gone: bool) -> None:
        service = (found["metadata"].get("labels") or {}).get("kubernetes.io/service-name")
        if service is None:
            return
        ready = [one for one in found.get("endpoints") or () if (one.get("conditions") or {}).get("ready", True)]
        labels = {"namespace": found["metadata"]["namespace"], "endpoint": service}
        self.metrics.record(ADDRESSES, labels, at, 0 if gone else len(ready))


def _deployment(pod: Object) -> Place | None:
    """The Deployment a pod belongs to, by its ReplicaSet's name."""
    owner = next((one for one in pod["metadata"].get("ownerReferences") or () if one["kind"] == "ReplicaSet"), None)
    return (pod["metadata"]["namespace"], owner["name"].rpartition("-")[0]) if owner else None


def _is_ready(pod: Object) -> bool:
    conditions = pod.get("status", {}).get("conditions") or ()
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
