"""From what an alert or a pod says about itself to what it is about: labels -> subject, pod -> its Deployment."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tools.clients.kubernetes import KubernetesSource, NotFound, path_to
from tools.reads.kubernetes.raw import text
from tools.reads.kubernetes.workloads import controller
from tools.subjects import KubernetesSubject

NAMESPACE_LABELS = ("namespace", "exported_namespace", "kubernetes_namespace", "k8s_namespace_name")
DEPLOYMENT_LABELS = ("deployment", "exported_deployment", "k8s_deployment_name")
POD_LABELS = ("pod", "exported_pod", "pod_name", "k8s_pod_name")
SERVICE_LABELS = ("exported_service", "service", "service_name", "job")
"""Where exporters put names, the likeliest first. `job` is nearly always named after the Service that is scraped."""

EXPORTERS = frozenset({"kube-state-metrics", "node-exporter", "kubelet", "cadvisor", "prometheus", "apiserver"})
"""`service` and `job` of an alert made from an exporter's metrics name the exporter, not what is ill."""

_POD_OF_DEPLOYMENT = re.compile(r"^(?P<deployment>[a-z0-9][-a-z0-9.]*)-[a-z0-9]{6,10}-[a-z0-9]{5}$")
_NAME = re.compile(r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$")


def subject_of(labels: Mapping[str, str], default_namespace: str | None = None) -> KubernetesSubject | None:
    """What an alert's labels are about, or None without a namespace. Values that cannot be object names are ignored."""
    namespace = _first(labels, NAMESPACE_LABELS) or default_namespace
    if namespace is None:
        return None
    pod = _first(labels, POD_LABELS)
    return KubernetesSubject(
        namespace=namespace,
        deployment=_first(labels, DEPLOYMENT_LABELS) or (deployment_of_pod_name(pod) if pod else None),
        service=_first(labels, SERVICE_LABELS),
        pod=pod,
    )


def deployment_of_pod_name(pod: str) -> str | None:
    """The Deployment a pod name points to (`web-7d9c5bf7c9-x2x4z` -> `web`): a guess, for alerts on pods now gone."""
    match = _POD_OF_DEPLOYMENT.match(pod)
    return match["deployment"] if match else None


def resolved(subject: KubernetesSubject, reader: KubernetesSource) -> KubernetesSubject:
    """The subject with the Deployment that really owns its pod, by ownerReferences; unchanged when the pod is gone."""
    if subject.pod is None:
        return subject
    try:
        owner = controller(reader.get(path_to("v1", "pods", subject.namespace, subject.pod)))
        if text(owner, "kind") == "ReplicaSet":
            owner = controller(reader.get(path_to("apps/v1", "replicasets", subject.namespace, text(owner, "name"))))
    except NotFound:
        return subject
    name = text(owner, "name") if text(owner, "kind") == "Deployment" else None
    return subject.model_copy(update={"deployment": name}) if name else subject


def _first(labels: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    for name in names:
        value = labels.get(name, "")
        if _NAME.match(value) and value not in EXPORTERS:
            return value
    return None
