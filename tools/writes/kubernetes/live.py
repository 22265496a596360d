"""A target as it is this moment, with the neighbours a decision about it needs. Read here, judged elsewhere.

Environment values pass through as raw JSON on their way back to the API server; they are never copied into a value.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from decimal import Decimal

from tools.clients import Writers
from tools.clients.kubernetes import KubernetesWriter, path_to
from tools.errors import Forbidden, PermanentError
from tools.reads.kubernetes import raw as members
from tools.reads.kubernetes import surroundings, workloads
from tools.reads.kubernetes.asking import list_all
from tools.reads.kubernetes.pods import HASH_LABEL
from tools.reads.kubernetes.views import Autoscaler
from tools.reads.kubernetes.workloads import REVISION_HISTORY
from tools.values import JsonObject, JsonValue

TEMPLATE = "/spec/template"


@dataclass(frozen=True)
class Live:
    """One object as the API server shows it now. `path` is where its patches go; the rest is what stands around it."""

    path: str
    raw: JsonObject
    deployment: JsonObject | None = None
    """The Deployment itself, where `raw` is its scale."""
    replica_sets: tuple[JsonObject, ...] = ()
    autoscalers: tuple[Autoscaler, ...] = ()
    largest_memory: Decimal | None = None
    largest_cpu: Decimal | None = None
    pods_selected: int = 0

    @property
    def uid(self) -> str:
        """Which object this is, even if another one takes its name."""
        return members.text(self.raw, "metadata", "uid")

    @property
    def generation(self) -> int | None:
        """The counter of spec changes, for the kinds that have one."""
        return members.number(self.raw, "metadata", "generation") or None

    @property
    def replicas(self) -> int:
        """How many pods are wanted; an absent count is one for a Deployment and none for a scale."""
        absent = 1 if self.deployment is None else 0
        return members.number(self.raw, "spec", "replicas", default=absent)

    @property
    def template(self) -> JsonObject:
        """The pod template."""
        return members.obj(self.raw, "spec", "template")


@dataclass(frozen=True)
class Place:
    """Where a container stands in a pod template: a JSON pointer to it, and the container."""

    pointer: str
    raw: JsonObject


def identity(writers: Writers) -> KubernetesWriter:
    """The identity that may change Kubernetes. Raises PermanentError where none is configured."""
    if writers.kubernetes is None:
        raise PermanentError("No identity that may change Kubernetes is configured")
    return writers.kubernetes


def deployment(namespace: str, name: str, writer: KubernetesWriter) -> Live:
    """A Deployment with its ReplicaSets. Raises NotFound."""
    path = path_to("apps/v1", "deployments", namespace, name)
    raw = writer.get(path)
    selector = ",".join(
        f"{key}={value}" for key, value in members.texts(raw, "spec", "selector", "matchLabels").items()
    )
    replica_sets = list_all(path_to("apps/v1", "replicasets", namespace), writer, {"labelSelector": selector})
    uid = members.text(raw, "metadata", "uid")
    return Live(path=path, raw=raw, replica_sets=tuple(one for one in replica_sets if workloads.owned_by(one, uid)))


def deployment_with_room(namespace: str, name: str, writer: KubernetesWriter) -> Live:
    """A Deployment, and what the largest node offers; unknown where the identity may not list nodes."""
    found = deployment(namespace, name, writer)
    try:
        nodes = [surroundings.node(raw) for raw in list_all(path_to("v1", "nodes"), writer)]
    except Forbidden:
        nodes = []
    return Live(
        path=found.path,
        raw=found.raw,
        replica_sets=found.replica_sets,
        largest_memory=max((node.memory for node in nodes), default=None),
        largest_cpu=max((node.cpu for node in nodes), default=None),
    )


def scale(namespace: str, name: str, writer: KubernetesWriter) -> Live:
    """The scale of a Deployment, and the autoscalers that own its count."""
    path = path_to("apps/v1", "deployments", namespace, name)
    autoscalers = list_all(path_to("autoscaling/v2", "horizontalpodautoscalers", namespace), writer)
    owners = [workloads.autoscaler(raw) for raw in autoscalers]
    return Live(
        path=f"{path}/scale",
        raw=writer.get(f"{path}/scale"),
        deployment=writer.get(path),
        autoscalers=tuple(one for one in owners if (one.target_kind, one.target) == ("Deployment", name)),
    )


def service(namespace: str, name: str, selector: dict[str, str], writer: KubernetesWriter) -> Live:
    """A Service, and how many pods a selector picks."""
    path = path_to("v1", "services", namespace, name)
    query = {"labelSelector": ",".join(f"{key}={value}" for key, value in sorted(selector.items()))}
    raw = writer.get(path)
    return Live(path=path, raw=raw, pods_selected=len(list_all(path_to("v1", "pods", namespace), writer, query)))


def container(live: Live, name: str) -> Place | None:
    """The container (or init container) of that name in the live template."""
    return container_of(live.template, name)


def container_of(template: JsonObject, name: str) -> Place | None:
    """The container (or init container) of that name in a template."""
    for field in ("containers", "initContainers"):
        for index, found in enumerate(members.items(template, "spec", field)):
            if members.text(found, "name") == name:
                return Place(f"{TEMPLATE}/spec/{field}/{index}", found)
    return None


def revision(live: Live, number: int) -> JsonObject | None:
    """The ReplicaSet that holds a revision, also under a number it had before it was gone back to."""
    for found in live.replica_sets:
        if workloads.revision_number(found) == number:
            return found
    for found in live.replica_sets:
        past = members.text(found, "metadata", "annotations", REVISION_HISTORY).split(",")
        if str(number) in past:
            return found
    return None


def current_revision(live: Live) -> JsonObject | None:
    """The ReplicaSet that holds the live template; None until the controller has made it."""
    wanted = template_digest(live.template)
    same = (found for found in live.replica_sets if template_digest(template_of(found)) == wanted)
    return next(same, None)


def named_revision(live: Live, replica_set: str) -> JsonObject | None:
    """The ReplicaSet of that name."""
    named = (found for found in live.replica_sets if members.text(found, "metadata", "name") == replica_set)
    return next(named, None)


def template_of(replica_set: JsonObject) -> JsonObject:
    """The pod template of a ReplicaSet as its Deployment had it: without the controller's own label."""
    template = dict(members.obj(replica_set, "spec", "template"))
    metadata = dict(members.obj(template, "metadata"))
    metadata["labels"] = {key: value for key, value in members.obj(metadata, "labels").items() if key != HASH_LABEL}
    template["metadata"] = metadata
    return template


def template_digest(template: JsonObject) -> str:
    """A fingerprint of what a template asks for; an absent creationTimestamp and a null one are the same."""
    metadata = {key: value for key, value in members.obj(template, "metadata").items() if key != "creationTimestamp"}
    return digest({**template, "metadata": metadata})


def digest(value: JsonValue | JsonObject) -> str:
    """A fingerprint of any JSON."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def canonical(value: JsonValue | JsonObject) -> str:
    """JSON spelled one way only."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
