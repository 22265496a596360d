"""metrics.k8s.io: what pods and nodes use, from the same table that decides who is killed for using too much."""

from __future__ import annotations

from deploy.sandbox.cluster.kubelet.states import Phase
from deploy.sandbox.cluster.objects.quantities import mebibytes, millicores, quantity
from deploy.sandbox.cluster.objects.shapes import Object, labels_of, uid_of
from deploy.sandbox.cluster.plane import Plane

METRICS_VERSION = "metrics.k8s.io/v1beta1"
_NODE_CPU = 0.05
_NODE_MEMORY = 200 * 2**20


def pod_metrics(plane: Plane, pod: Object) -> Object | None:
    """What a pod's running containers use; None when none runs."""
    containers = [
        {"name": name, "usage": {"cpu": millicores(cpu), "memory": mebibytes(memory)}}
        for name, (cpu, memory) in container_usage(plane, pod).items()
    ]
    if not containers:
        return None
    meta = {name: pod["metadata"][name] for name in ("name", "namespace", "creationTimestamp")}
    return _metrics(plane, "PodMetrics", {**meta, "labels": dict(labels_of(pod))}) | {"containers": containers}


def container_usage(plane: Plane, pod: Object) -> dict[str, tuple[float, float]]:
    """Cores and bytes in use by each running container."""
    used: dict[str, tuple[float, float]] = {}
    for name, container in plane.runtime.containers.get(uid_of(pod), {}).items():
        app = plane.app(container.image)
        if app is not None and container.phase is Phase.RUNNING:
            used[name] = (quantity(app.cpu), app.memory_at(plane.clock.now() - container.since))
    return used


def node_metrics(plane: Plane, node: Object) -> Object:
    """What a node uses: its pods and a little of its own."""
    uses = [
        use for pod in plane.store.pods_on(node["metadata"]["name"]) for use in container_usage(plane, pod).values()
    ]
    cpu, memory = sum(use[0] for use in uses) + _NODE_CPU, sum(use[1] for use in uses) + _NODE_MEMORY
    meta = {"name": node["metadata"]["name"], "labels": dict(labels_of(node))}
    return _metrics(plane, "NodeMetrics", meta) | {"usage": {"cpu": millicores(cpu), "memory": mebibytes(memory)}}


def _metrics(plane: Plane, kind: str, meta: Object) -> Object:
    return {
        "kind": kind,
        "apiVersion": METRICS_VERSION,
        "metadata": meta,
        "timestamp": plane.clock.stamp(),
        "window": "15s",
    }
