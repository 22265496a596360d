"""Nodes: what a fresh one looks like, and what becomes of one whose kubelet falls silent."""

from __future__ import annotations

from collections.abc import Iterable

from deploy.sandbox.cluster.objects.resources import NODES, PODS
from deploy.sandbox.cluster.objects.shapes import Key, Object, condition, is_leaving, is_ready, key_of, status_of
from deploy.sandbox.cluster.objects.store import Change
from deploy.sandbox.cluster.plane import Plane

GRACE_SECONDS = 50.0
"""How long a kubelet may be silent before its node is Unknown."""
EVICTION_SECONDS = 300.0
_UNREACHABLE = "node.kubernetes.io/unreachable"
_COMPONENT = "node-controller"
_PRESSURES = (
    ("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
)


def new_node(name: str, number: int, cpu: str, memory: str, at: str) -> Object:
    """A healthy worker node."""
    room = {"cpu": cpu, "memory": memory, "pods": "110", "ephemeral-storage": "50Gi"}
    address = f"10.0.0.{number + 1}"
    labels = {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "topology.kubernetes.io/zone": f"zone-{'abc'[number % 3]}",
    }
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": {"podCIDR": f"10.244.{number}.0/24"},
        "status": {
            "capacity": room,
            "allocatable": dict(room),
            "addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}],
            "conditions": _healthy({"metadata": {}}, at),
            "nodeInfo": _node_info(name),
        },
    }


def _node_info(name: str) -> Object:
    return {
        "architecture": "amd64",
        "bootID": f"boot-{name}",
        "containerRuntimeVersion": "containerd://2.1.0",
        "kernelVersion": "6.8.0",
        "kubeProxyVersion": "v1.36.2",
        "kubeletVersion": "v1.36.2",
        "machineID": f"machine-{name}",
        "operatingSystem": "linux",
        "osImage": "Sandbox Linux",
        "systemUUID": f"system-{name}",
    }


def _healthy(node: Object, at: str) -> list[Object]:
    kept = [condition(node, kind, False, reason, text, at) for kind, reason, text in _PRESSURES]
    return [*kept, condition(node, "Ready", True, "KubeletReady", "kubelet is posting ready status", at)]


class Nodes:
    """The node lifecycle controller."""

    interests = (NODES,)

    def __init__(self, plane: Plane) -> None:
        self._plane = plane

    def concerns(self, change: Change) -> Iterable[Key]:
        """The node itself."""
        return (key_of(change.item),)

    def reconcile(self, key: Key) -> float | None:
        """Follow one node's silence through Unknown to the eviction of its pods."""
        node = self._plane.store.get(NODES, *key)
        if node is None:
            return None
        since = self._plane.runtime.silent_since.get(key.name)
        now = self._plane.clock.now()
        if since is None:
            if "conditions" in status_of(node) and not is_ready(node):
                self._write(node, _healthy(node, self._plane.clock.stamp()), tainted=False)
            return None
        if now < since + GRACE_SECONDS:
            return since + GRACE_SECONDS
        if is_ready(node):
            self._lose(node)
        if now < since + GRACE_SECONDS + EVICTION_SECONDS:
            return since + GRACE_SECONDS + EVICTION_SECONDS
        self._evict(key.name)
        return None

    def _lose(self, node: Object) -> None:
        at, text = self._plane.clock.stamp(), "Kubelet stopped posting node status."
        kinds = [kind for kind, _, _ in _PRESSURES] + ["Ready"]
        lost = [condition(node, kind, None, "NodeStatusUnknown", text, at) for kind in kinds]
        self._write(node, lost, tainted=True)
        name = node["metadata"]["name"]
        self._plane.recorder.normal(node, "NodeNotReady", f"Node {name} status is now: NodeNotReady", _COMPONENT)
        for pod in self._plane.store.pods_on(name):
            changed = [entry for entry in status_of(pod).get("conditions") or [] if entry["type"] != "Ready"]
            unready = condition(pod, "Ready", False, "NodeNotReady", "Node is not ready", at)
            self._plane.runtime.ready_since.pop(pod["metadata"]["uid"], None)
            self._plane.registry.write_status(PODS, pod, {**status_of(pod), "conditions": [*changed, unready]})
            self._plane.recorder.warning(pod, "NodeNotReady", "Node is not ready", _COMPONENT)

    def _write(self, node: Object, conditions: list[Object], tainted: bool) -> None:
        others = [taint for taint in node["spec"].get("taints") or [] if taint["key"] != _UNREACHABLE]
        added = [{"key": _UNREACHABLE, "effect": effect} for effect in ("NoSchedule", "NoExecute")] if tainted else []
        spec = {name: value for name, value in node["spec"].items() if name != "taints"}
        if others or added:
            spec["taints"] = [*others, *added]
        status = {**status_of(node), "conditions": conditions}
        self._plane.store.put(NODES, {**node, "metadata": dict(node["metadata"]), "spec": spec, "status": status}, node)

    def _evict(self, name: str) -> None:
        """Pods without an own toleration leave after five minutes; without a kubelet they stay Terminating."""
        for pod in self._plane.store.pods_on(name):
            if not is_leaving(pod):
                self._plane.registry.delete(PODS, pod)
