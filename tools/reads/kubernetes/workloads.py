"""API server's JSON -> views of Deployments and their revisions, StatefulSets, DaemonSets and autoscalers."""

from __future__ import annotations

from collections.abc import Iterable

from tools.reads.kubernetes import autoscaling
from tools.reads.kubernetes.authorship import last_written
from tools.reads.kubernetes.pods import conditions, template
from tools.reads.kubernetes.raw import flag, items, moment, number, obj, text, texts
from tools.reads.kubernetes.views import Autoscaler, ClaimTemplate, Pod, Revision, Workload
from tools.values import JsonObject

REVISION = "deployment.kubernetes.io/revision"
REVISION_HISTORY = "deployment.kubernetes.io/revision-history"
"""Numbers a ReplicaSet had before: going back to an old template gives its ReplicaSet a new number."""

GITOPS_MANAGERS = ("argocd", "argo-cd", "flux", "kustomize-controller", "helm")
"""Field managers that will put their own values back."""


def deployment(raw: JsonObject, replica_sets: Iterable[JsonObject]) -> Workload:
    """A Deployment with the revisions its ReplicaSets hold, newest first."""
    uid = text(raw, "metadata", "uid")
    revisions = [_revision(found) for found in replica_sets if owned_by(found, uid)]
    return Workload(
        **_shared(raw, "Deployment"),
        wanted=number(raw, "spec", "replicas", default=1),
        replicas=number(raw, "status", "replicas"),
        updated=number(raw, "status", "updatedReplicas"),
        ready=number(raw, "status", "readyReplicas"),
        available=number(raw, "status", "availableReplicas"),
        paused=flag(raw, "spec", "paused"),
        revision=revision_number(raw),
        revisions=tuple(sorted(revisions, key=lambda found: found.number, reverse=True)),
    )


def stateful_set(raw: JsonObject) -> Workload:
    """A StatefulSet. It is up to date when its update revision is the current one."""
    same = text(raw, "status", "updateRevision") == text(raw, "status", "currentRevision")
    return Workload(
        **_shared(raw, "StatefulSet"),
        wanted=number(raw, "spec", "replicas", default=1),
        replicas=number(raw, "status", "replicas"),
        updated=number(raw, "status", "replicas" if same else "updatedReplicas"),
        ready=number(raw, "status", "readyReplicas"),
        available=number(raw, "status", "availableReplicas"),
        service_name=text(raw, "spec", "serviceName"),
        claim_templates=tuple(
            ClaimTemplate(
                name=text(found, "metadata", "name"), storage_class=text(found, "spec", "storageClassName") or None
            )
            for found in items(raw, "spec", "volumeClaimTemplates")
        ),
    )


def daemon_set(raw: JsonObject) -> Workload:
    """A DaemonSet: it wants one pod on every node that fits."""
    return Workload(
        **_shared(raw, "DaemonSet"),
        wanted=number(raw, "status", "desiredNumberScheduled"),
        replicas=number(raw, "status", "currentNumberScheduled"),
        updated=number(raw, "status", "updatedNumberScheduled"),
        ready=number(raw, "status", "numberReady"),
        available=number(raw, "status", "numberAvailable"),
    )


def autoscaler(raw: JsonObject) -> Autoscaler:
    """A HorizontalPodAutoscaler."""
    return Autoscaler(
        name=text(raw, "metadata", "name"),
        target_kind=text(raw, "spec", "scaleTargetRef", "kind"),
        target=text(raw, "spec", "scaleTargetRef", "name"),
        minimum=number(raw, "spec", "minReplicas", default=1),
        maximum=number(raw, "spec", "maxReplicas"),
        current=number(raw, "status", "currentReplicas"),
        desired=number(raw, "status", "desiredReplicas"),
        conditions=conditions(raw),
        metrics=tuple(autoscaling.metrics(raw)),
        last_scaled=moment(raw, "status", "lastScaleTime"),
        created=moment(raw, "metadata", "creationTimestamp"),
        kept_by=text(controller(raw), "kind"),
    )


def adopt(pods: Iterable[Pod], replica_sets: Iterable[JsonObject]) -> tuple[Pod, ...]:
    """The pods with ReplicaSets replaced by the Deployments that own them: people know a pod by its workload."""
    owners: dict[str, tuple[str, str]] = {}
    for found in replica_sets:
        owner = controller(found)
        if text(owner, "kind") == "Deployment":
            owners[text(found, "metadata", "name")] = ("Deployment", text(owner, "name"))
    adopted = []
    for pod in pods:
        kind, name = owners.get(pod.replica_set) or _by_hash(pod)
        adopted.append(pod.model_copy(update={"owner_kind": kind, "owner_name": name}))
    return tuple(adopted)


def _by_hash(pod: Pod) -> tuple[str, str]:
    """Its owner; the Deployment where the ReplicaSet could not be read, whose name the pod's hash label ends."""
    ending = f"-{pod.labels.get('pod-template-hash', '')}"
    if pod.owner_kind == "ReplicaSet" and len(ending) > 1 and pod.owner_name.endswith(ending):
        return "Deployment", pod.owner_name.removesuffix(ending)
    return pod.owner_kind, pod.owner_name


def controller(raw: JsonObject) -> JsonObject:
    """The ownerReference of the controller of an object, or an empty one."""
    return next((found for found in items(raw, "metadata", "ownerReferences") if flag(found, "controller")), {})


def by_owner(raws: Iterable[JsonObject]) -> dict[str, list[JsonObject]]:
    """The objects by the uid of their controller."""
    owned: dict[str, list[JsonObject]] = {}
    for raw in raws:
        owned.setdefault(text(controller(raw), "uid"), []).append(raw)
    return owned


def owned_by(raw: JsonObject, uid: str) -> bool:
    """Whether an object has an ownerReference to that uid."""
    return any(text(found, "uid") == uid for found in items(raw, "metadata", "ownerReferences"))


def revision_number(raw: JsonObject) -> int | None:
    """The revision a Deployment or ReplicaSet is annotated with."""
    written = text(raw, "metadata", "annotations", REVISION)
    return int(written) if written.isdecimal() else None


def managers(raw: JsonObject) -> tuple[str, ...]:
    """Deployment tools among the field managers: their next sync puts their own values back."""
    names = {text(found, "manager") for found in items(raw, "metadata", "managedFields")}
    return tuple(sorted(name for name in names if name.lower().startswith(GITOPS_MANAGERS)))


def _shared(raw: JsonObject, kind: str) -> dict[str, object]:
    wrote = last_written(raw, "spec")
    return {
        "kind": kind,
        "name": text(raw, "metadata", "name"),
        "uid": text(raw, "metadata", "uid"),
        "generation": number(raw, "metadata", "generation"),
        "observed_generation": number(raw, "status", "observedGeneration"),
        "selector": texts(raw, "spec", "selector", "matchLabels"),
        "template": template(obj(raw, "spec", "template")),
        "conditions": conditions(raw),
        "managed_by": managers(raw),
        "created": moment(raw, "metadata", "creationTimestamp"),
        "changed_by": wrote.by,
        "changed_at": wrote.at,
    }


def _revision(raw: JsonObject) -> Revision:
    return Revision(
        number=revision_number(raw) or 0,
        replica_set=text(raw, "metadata", "name"),
        wanted=number(raw, "spec", "replicas"),
        ready=number(raw, "status", "readyReplicas"),
        available=number(raw, "status", "availableReplicas"),
        created=moment(raw, "metadata", "creationTimestamp"),
        template=template(obj(raw, "spec", "template")),
        conditions=conditions(raw),
    )
