"""StatefulSets: numbered pods, made one after another, replaced from the last to the first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from deploy.sandbox.cluster.controllers.claiming import claim, owners_concerned, pod_from_template
from deploy.sandbox.cluster.controllers.replicasets import CONTROLLER_MANAGER, RETRY_SECONDS
from deploy.sandbox.cluster.objects.names import template_hash
from deploy.sandbox.cluster.objects.refusals import Refusal
from deploy.sandbox.cluster.objects.resources import CLAIMS, PODS, STATEFUL_SETS
from deploy.sandbox.cluster.objects.shapes import (
    Key,
    Object,
    is_finished,
    is_leaving,
    is_ready,
    key_of,
    labels_of,
    status_of,
    uid_of,
    without_zeros,
)
from deploy.sandbox.cluster.objects.store import Change
from deploy.sandbox.cluster.plane import Plane

REVISION_LABEL = "controller-revision-hash"
_COMPONENT = "statefulset-controller"


class StatefulSets:
    """The controller of StatefulSets."""

    interests = (STATEFUL_SETS, PODS)

    def __init__(self, plane: Plane) -> None:
        self._plane = plane

    def concerns(self, change: Change) -> Iterable[Key]:
        """A set itself, or the set of a pod."""
        if change.resource is STATEFUL_SETS:
            return (key_of(change.item),)
        return owners_concerned(self._plane, change, "StatefulSet", STATEFUL_SETS)

    def reconcile(self, key: Key) -> float | None:
        """One step: make the next missing pod, remove the last superfluous one, or replace the last outdated one."""
        owner = self._plane.store.get(STATEFUL_SETS, *key)
        if owner is None or is_leaving(owner):
            return None
        pods = {ordinal_of(pod): pod for pod in claim(self._plane, owner, PODS)}
        refused = self._step(owner, pods)
        self._report(key)
        return self._plane.clock.now() + RETRY_SECONDS if refused else None

    def _step(self, owner: Object, pods: dict[int, Object]) -> bool:
        wanted = owner["spec"]["replicas"]
        ordered = owner["spec"].get("podManagementPolicy") != "Parallel"
        for ordinal in range(wanted):
            pod = pods.get(ordinal)
            if pod is not None and is_finished(pod):
                self._plane.registry.delete(PODS, pod)
            elif pod is None and not self._create(owner, ordinal):
                return True
            if ordered and (pod is None or is_leaving(pod) or not is_ready(pod)):
                return False
        for ordinal in sorted((number for number in pods if number >= wanted), reverse=True):
            if not is_leaving(pods[ordinal]):
                self._plane.registry.delete(PODS, pods[ordinal])
            if ordered:
                return False
        self._replace_outdated(owner, pods)
        return False

    def _create(self, owner: Object, ordinal: int) -> bool:
        namespace, name = owner["metadata"]["namespace"], f"{owner['metadata']['name']}-{ordinal}"
        body = pod_from_template(owner, owner["spec"]["template"], name)
        labels = {REVISION_LABEL: revision_of(owner), "apps.kubernetes.io/pod-index": str(ordinal)}
        body["metadata"]["labels"] = {**(body["metadata"].get("labels") or {}), **labels}
        volumes = [self._claim(owner, template, name) for template in owner["spec"].get("volumeClaimTemplates") or []]
        if volumes:
            body["spec"] = {**body["spec"], "volumes": [*(body["spec"].get("volumes") or []), *volumes]}
        try:
            self._plane.registry.create(PODS, namespace, body, CONTROLLER_MANAGER)
        except Refusal as refusal:
            text = f"create Pod {name} in StatefulSet {owner['metadata']['name']} failed error: {refusal.message}"
            self._plane.recorder.warning(owner, "FailedCreate", text, _COMPONENT)
            return False
        text = f"create Pod {name} in StatefulSet {owner['metadata']['name']} successful"
        self._plane.recorder.normal(owner, "SuccessfulCreate", text, _COMPONENT)
        return True

    def _claim(self, owner: Object, template: Object, pod: str) -> Object:
        """A pod's own claim, made once and kept over restarts; returns the volume that uses it."""
        namespace, volume = owner["metadata"]["namespace"], template["metadata"]["name"]
        name = f"{volume}-{pod}"
        if self._plane.store.get(CLAIMS, namespace, name) is None:
            body = {"metadata": {"name": name, "labels": dict(labels_of(owner))}, "spec": template["spec"]}
            self._plane.registry.create(CLAIMS, namespace, body, CONTROLLER_MANAGER)
        return {"name": volume, "persistentVolumeClaim": {"claimName": name}}

    def _replace_outdated(self, owner: Object, pods: dict[int, Object]) -> None:
        strategy = owner["spec"].get("updateStrategy") or {}
        if strategy.get("type") == "OnDelete" or any(not is_ready(pod) or is_leaving(pod) for pod in pods.values()):
            return
        first = (strategy.get("rollingUpdate") or {}).get("partition", 0)
        for ordinal in sorted(pods, reverse=True):
            if ordinal >= first and labels_of(pods[ordinal]).get(REVISION_LABEL) != revision_of(owner):
                self._plane.registry.delete(PODS, pods[ordinal])
                return

    def _report(self, key: Key) -> None:
        owner = self._plane.store.get(STATEFUL_SETS, *key)
        if owner is None:
            return
        pods = [pod for pod in self._plane.store.owned_pods(uid_of(owner)) if not is_leaving(pod)]
        self._plane.registry.write_status(STATEFUL_SETS, owner, _status(owner, pods))


def _status(owner: Object, pods: Sequence[Object]) -> Object:
    newest, before = revision_of(owner), status_of(owner)
    updated = [pod for pod in pods if labels_of(pod).get(REVISION_LABEL) == newest]
    ready = sum(map(is_ready, pods))
    done = len(updated) == len(pods) == owner["spec"]["replicas"] == ready
    current = newest if done or not before.get("currentRevision") else before["currentRevision"]
    counts = {
        "observedGeneration": owner["metadata"]["generation"],
        "replicas": len(pods),
        "readyReplicas": ready,
        "availableReplicas": ready,
        "currentReplicas": sum(1 for pod in pods if labels_of(pod).get(REVISION_LABEL) == current),
        "updatedReplicas": len(updated),
        "currentRevision": current,
        "updateRevision": newest,
    }
    return without_zeros(counts, keep=("replicas", "availableReplicas"))


def ordinal_of(pod: Object) -> int:
    """The number at the end of a pod's name."""
    return int(pod["metadata"]["name"].rsplit("-", 1)[-1])


def revision_of(owner: Object) -> str:
    """The name of the revision a set's template stands for."""
    return f"{owner['metadata']['name']}-{template_hash(owner['spec']['template'])}"
