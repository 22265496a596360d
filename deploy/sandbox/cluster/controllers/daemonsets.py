"""DaemonSets: one pod on every node that will have it, replaced one at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from deploy.sandbox.cluster.controllers.claiming import claim, owners_concerned, pod_from_template
from deploy.sandbox.cluster.controllers.placement import Load, load_of, misfits
from deploy.sandbox.cluster.controllers.replicasets import CONTROLLER_MANAGER
from deploy.sandbox.cluster.controllers.statefulsets import REVISION_LABEL
from deploy.sandbox.cluster.objects.names import template_hash
from deploy.sandbox.cluster.objects.quantities import count_of
from deploy.sandbox.cluster.objects.refusals import Refusal
from deploy.sandbox.cluster.objects.resources import DAEMON_SETS, NODES, PODS
from deploy.sandbox.cluster.objects.shapes import (
    Key,
    Object,
    is_finished,
    is_leaving,
    is_ready,
    key_of,
    labels_of,
    without_zeros,
)
from deploy.sandbox.cluster.objects.store import Change
from deploy.sandbox.cluster.plane import Plane

_COMPONENT = "daemonset-controller"
_TOLERATED = ("not-ready", "unreachable", "disk-pressure", "memory-pressure", "pid-pressure", "unschedulable")


class DaemonSets:
    """The controller of DaemonSets."""

    interests = (DAEMON_SETS, PODS, NODES)

    def __init__(self, plane: Plane) -> None:
        self._plane = plane

    def concerns(self, change: Change) -> Iterable[Key]:
        """A set itself, the set of a pod, or every set when a node comes, goes or changes."""
        if change.resource is DAEMON_SETS:
            return (key_of(change.item),)
        if change.resource is PODS:
            return owners_concerned(self._plane, change, "DaemonSet", DAEMON_SETS)
        return [key_of(item) for item in self._plane.store.all(DAEMON_SETS)]

    def reconcile(self, key: Key) -> float | None:
        """Make what is missing, delete what is too much, replace what is outdated, count."""
        owner = self._plane.store.get(DAEMON_SETS, *key)
        if owner is None or is_leaving(owner):
            return None
        wanted = [node["metadata"]["name"] for node in self._plane.store.all(NODES) if _wants(owner, node)]
        pods = claim(self._plane, owner, PODS)
        live = [pod for pod in pods if not is_leaving(pod)]
        for pod in live:
            if is_finished(pod) or pod["spec"].get("nodeName") not in wanted:
                self._plane.registry.delete(PODS, pod)
        for node in wanted:
            if not any(pod["spec"].get("nodeName") == node for pod in pods):
                self._create(owner, node)
        self._replace_outdated(owner, live, len(wanted))
        self._report(key, wanted)
        return None

    def _create(self, owner: Object, node: str) -> None:
        body = pod_from_template(owner, owner["spec"]["template"])
        labels = {**(body["metadata"].get("labels") or {}), REVISION_LABEL: template_hash(owner["spec"]["template"])}
        body["metadata"]["labels"] = labels
        body["spec"] = {**_daemon_spec(owner), "nodeName": node}
        try:
            pod = self._plane.registry.create(PODS, owner["metadata"]["namespace"], body, CONTROLLER_MANAGER)
        except Refusal as refusal:
            text = f"Error creating: {refusal.message}"
            self._plane.recorder.warning(owner, "FailedCreate", text, _COMPONENT)
            return
        text = f"Created pod: {pod['metadata']['name']}"
        self._plane.recorder.normal(owner, "SuccessfulCreate", text, _COMPONENT)

    def _replace_outdated(self, owner: Object, live: Sequence[Object], wanted: int) -> None:
        strategy = owner["spec"].get("updateStrategy") or {}
        if strategy.get("type") == "OnDelete":
            return
        bound = (strategy.get("rollingUpdate") or {}).get("maxUnavailable", 1)
        room = max(1, count_of(bound, wanted, round_up=True)) - (wanted - sum(map(is_ready, live)))
        newest = template_hash(owner["spec"]["template"])
        outdated = [pod for pod in live if labels_of(pod).get(REVISION_LABEL) != newest]
        broken = [pod for pod in outdated if not is_ready(pod)]
        working = [pod for pod in outdated if is_ready(pod)]
        for pod in [*broken, *working[: max(0, room)]]:
            self._plane.registry.delete(PODS, pod)

    def _report(self, key: Key, wanted: Sequence[str]) -> None:
        owner = self._plane.store.get(DAEMON_SETS, *key)
        if owner is None:
            return
        owned = self._plane.store.owned_pods(owner["metadata"]["uid"])
        pods = [pod for pod in owned if not is_leaving(pod) and pod["spec"].get("nodeName") in wanted]
        ready = sum(map(is_ready, pods))
        newest = template_hash(owner["spec"]["template"])
        counts = {
            "observedGeneration": owner["metadata"]["generation"],
            "desiredNumberScheduled": len(wanted),
            "currentNumberScheduled": len(pods),
            "numberReady": ready,
            "numberAvailable": ready,
            "numberUnavailable": len(wanted) - ready,
            "numberMisscheduled": 0,
            "updatedNumberScheduled": sum(1 for pod in pods if labels_of(pod).get(REVISION_LABEL) == newest),
        }
        kept = ("desiredNumberScheduled", "currentNumberScheduled", "numberReady", "numberMisscheduled")
        self._plane.registry.write_status(DAEMON_SETS, owner, without_zeros(counts, keep=kept))


def _daemon_spec(owner: Object) -> Object:
    """The template's pod spec with the tolerations every daemon gets."""
    spec = owner["spec"]["template"]["spec"]
    added = [
        {"key": f"node.kubernetes.io/{name}", "operator": "Exists", "effect": effect}
        for name in _TOLERATED
        for effect in (("NoExecute",) if name in ("not-ready", "unreachable") else ("NoSchedule",))
    ]
    unreachable = {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoSchedule"}
    return {**spec, "tolerations": [*(spec.get("tolerations") or []), *added, unreachable]}


def _wants(owner: Object, node: Object) -> bool:
    """Whether a node takes this daemon: its selector and taints decide, its free room does not."""
    pod = {"metadata": {}, "spec": _daemon_spec(owner)}
    return not [why for why in misfits(pod, load_of([pod]), node, Load()) if why.startswith("node(s)")]
