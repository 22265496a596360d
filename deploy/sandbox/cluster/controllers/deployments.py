"""Deployments: one ReplicaSet a template, rolled from the old ones to the new one within the strategy's bounds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from deploy.sandbox.cluster.controllers.claiming import claim, owners_concerned
from deploy.sandbox.cluster.controllers.deployment_status import Progress, deployment_status
from deploy.sandbox.cluster.controllers.replicasets import CONTROLLER_MANAGER
from deploy.sandbox.cluster.controllers.rollouts import Size, new_size, old_sizes, room_of
from deploy.sandbox.cluster.objects.names import template_hash
from deploy.sandbox.cluster.objects.resources import DEPLOYMENTS, REPLICA_SETS
from deploy.sandbox.cluster.objects.shapes import (
    Key,
    Object,
    annotations_of,
    clone,
    is_leaving,
    key_of,
    labels_of,
    owned_by,
    status_of,
    uid_of,
)
from deploy.sandbox.cluster.objects.store import Change
from deploy.sandbox.cluster.plane import Plane

REVISION = "deployment.kubernetes.io/revision"
HASH_LABEL = "pod-template-hash"
_OWN_ANNOTATIONS = ("deployment.kubernetes.io/", "kubectl.kubernetes.io/last-applied-configuration")
_COMPONENT = "deployment-controller"


class Deployments:
    """The controller of Deployments."""

    interests = (DEPLOYMENTS, REPLICA_SETS)

    def __init__(self, plane: Plane) -> None:
        self._plane = plane
        self._progress: dict[str, Progress] = {}

    def concerns(self, change: Change) -> Iterable[Key]:
        """A Deployment itself, or that of a ReplicaSet."""
        if change.resource is DEPLOYMENTS:
            if change.kind == "DELETED":
                self._progress.pop(uid_of(change.item), None)
            return (key_of(change.item),)
        return owners_concerned(self._plane, change, "Deployment", DEPLOYMENTS)

    def reconcile(self, key: Key) -> float | None:
        """One step of the rollout, and the status it leaves."""
        deployment = self._plane.store.get(DEPLOYMENTS, *key)
        if deployment is None or is_leaving(deployment):
            return None
        sets = sorted(claim(self._plane, deployment, REPLICA_SETS), key=revision_of)
        new = next((item for item in sets if template_of(item) == deployment["spec"]["template"]), None)
        if deployment["spec"].get("paused"):
            self._scale_paused(deployment, sets)
        else:
            new = self._newest(deployment, new, sets)
            self._roll(deployment, new, [item for item in sets if uid_of(item) != uid_of(new)])
        return self._report(key, new)

    def _newest(self, deployment: Object, new: Object | None, sets: Sequence[Object]) -> Object:
        """The ReplicaSet of the current template, made or brought forward to the highest revision."""
        highest = max(map(revision_of, sets), default=0)
        if new is None:
            return self._create(deployment, highest + 1)
        wanted = self._annotations(deployment, revision_of(new) if revision_of(new) == highest else highest + 1)
        if any(annotations_of(new).get(name) != value for name, value in wanted.items()):
            meta = {**new["metadata"], "annotations": {**annotations_of(new), **wanted}}
            return self._plane.store.put(REPLICA_SETS, {**new, "metadata": meta}, new)
        return new

    def _annotations(self, deployment: Object, revision: int) -> dict[str, str]:
        copied = {
            name: value for name, value in annotations_of(deployment).items() if not name.startswith(_OWN_ANNOTATIONS)
        }
        room = room_of(deployment["spec"])
        return copied | {
            REVISION: str(revision),
            "deployment.kubernetes.io/desired-replicas": str(room.replicas),
            "deployment.kubernetes.io/max-replicas": str(room.replicas + room.surge),
        }

    def _create(self, deployment: Object, revision: int) -> Object:
        meta, spec = deployment["metadata"], deployment["spec"]
        template: Object = clone(spec["template"])
        label = template_hash(template)
        template["metadata"] = template.get("metadata") or {}
        template["metadata"]["labels"] = {**(template["metadata"].get("labels") or {}), HASH_LABEL: label}
        selector: Object = clone(spec["selector"])
        selector["matchLabels"] = {**(selector.get("matchLabels") or {}), HASH_LABEL: label}
        body = {
            "metadata": {
                "name": f"{meta['name']}-{label}",
                "labels": template["metadata"]["labels"],
                "annotations": self._annotations(deployment, revision),
                "ownerReferences": [owned_by(deployment)],
            },
            "spec": {"replicas": 0, "selector": selector, "template": template},
        }
        if "minReadySeconds" in spec:
            body["spec"]["minReadySeconds"] = spec["minReadySeconds"]
        return self._plane.registry.create(REPLICA_SETS, meta["namespace"], body, CONTROLLER_MANAGER)

    def _roll(self, deployment: Object, new: Object, olds: Sequence[Object]) -> None:
        spec = deployment["spec"]
        room = room_of(spec)
        if spec["strategy"]["type"] == "Recreate":
            for old in olds:
                self._scale(deployment, old, 0)
            if not any(self._plane.store.owned_pods(uid_of(old)) for old in olds):
                self._scale(deployment, new, room.replicas)
        else:
            new = self._scale(deployment, new, new_size(room, _size(new), [_size(old) for old in olds]))
            sizes = old_sizes(room, _size(new), [_size(old) for old in olds])
            for old, size in zip(olds, sizes, strict=True):
                self._scale(deployment, old, size)
        self._forget_history(spec, [old for old in olds if not _size(old).wanted and not _size(old).actual])

    def _scale_paused(self, deployment: Object, sets: Sequence[Object]) -> None:
        """A paused Deployment still follows a change of its replicas, with the template it stopped at."""
        active = [item for item in sets if _size(item).wanted] or list(sets[-1:])
        if len(active) == 1:
            self._scale(deployment, active[0], deployment["spec"]["replicas"])

    def _scale(self, deployment: Object, item: Object, size: int) -> Object:
        before = item["spec"]["replicas"]
        if before == size:
            return item
        direction = "up" if size > before else "down"
        text = f"Scaled {direction} replica set {item['metadata']['name']} from {before} to {size}"
        self._plane.recorder.normal(deployment, "ScalingReplicaSet", text, _COMPONENT)
        meta = {**item["metadata"], "generation": item["metadata"]["generation"] + 1}
        scaled = {**item, "metadata": meta, "spec": {**item["spec"], "replicas": size}}
        return self._plane.store.put(REPLICA_SETS, scaled, item)

    def _forget_history(self, spec: Object, idle: Sequence[Object]) -> None:
        for item in idle[: max(0, len(idle) - spec.get("revisionHistoryLimit", 10))]:
            self._plane.registry.delete(REPLICA_SETS, item)

    def _report(self, key: Key, new: Object | None) -> float | None:
        deployment = self._plane.store.get(DEPLOYMENTS, *key)
        if deployment is None:
            return None
        sets = [item for _, item in self._plane.store.owned(uid_of(deployment), REPLICA_SETS)]
        if new is not None:
            new = self._plane.store.get(REPLICA_SETS, *key_of(new))
        now, stamp = self._plane.clock.now(), self._plane.clock.stamp()
        before = self._progress.get(uid_of(deployment))
        status, progress = deployment_status(deployment, new, sets, before, now, stamp)
        self._progress[uid_of(deployment)] = progress
        reported = {**deployment, "metadata": dict(deployment["metadata"]), "status": status}
        if new is not None:
            revision = {REVISION: annotations_of(new)[REVISION]}
            reported["metadata"]["annotations"] = {**annotations_of(deployment), **revision}
        if reported != deployment:
            self._plane.store.put(DEPLOYMENTS, reported, deployment)
        return progress.late_at


def revision_of(item: Object) -> int:
    """A ReplicaSet's place in its Deployment's history."""
    return int(annotations_of(item).get(REVISION, "0"))


def template_of(item: Object) -> Object:
    """A ReplicaSet's template without the label that tells it from its siblings."""
    template = item["spec"]["template"]
    labels = {name: value for name, value in labels_of(template).items() if name != HASH_LABEL}
    return {**template, "metadata": {**template["metadata"], "labels": labels}}


def _size(item: Object) -> Size:
    status = status_of(item)
    return Size(item["spec"]["replicas"], status.get("replicas", 0), status.get("availableReplicas", 0))
