"""What a fresh cluster already has: namespaces, nodes, a storage class, two service accounts and their roles."""

from __future__ import annotations

from collections.abc import Sequence

from deploy.sandbox.cluster.api.access import HOME
from deploy.sandbox.cluster.controllers.nodes import new_node
from deploy.sandbox.cluster.objects.resources import (
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
    NAMESPACES,
    NODES,
    SERVICE_ACCOUNTS,
    STORAGE_CLASSES,
)
from deploy.sandbox.cluster.objects.shapes import Object
from deploy.sandbox.cluster.plane import Plane

_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease", HOME)
_LOOK = ("get", "list")

_READER: tuple[tuple[str, str, Sequence[str]], ...] = (
    (
        "",
        "pods events services configmaps persistentvolumeclaims persistentvolumes nodes namespaces resourcequotas "
        "limitranges",
        _LOOK,
    ),
    ("", "pods/log", ("get",)),
    ("apps", "deployments replicasets statefulsets daemonsets", _LOOK),
    ("batch", "jobs cronjobs", _LOOK),
    ("autoscaling", "horizontalpodautoscalers", _LOOK),
    ("policy", "poddisruptionbudgets", _LOOK),
    ("discovery.k8s.io", "endpointslices", _LOOK),
    ("networking.k8s.io", "ingresses ingressclasses networkpolicies", _LOOK),
    ("storage.k8s.io", "storageclasses", _LOOK),
    ("metrics.k8s.io", "pods nodes", _LOOK),
    ("gateway.networking.k8s.io", "gateways httproutes", _LOOK),
    ("argoproj.io", "applications", _LOOK),
    ("kustomize.toolkit.fluxcd.io", "kustomizations", _LOOK),
    ("helm.toolkit.fluxcd.io", "helmreleases", _LOOK),
    ("admissionregistration.k8s.io", "validatingwebhookconfigurations mutatingwebhookconfigurations", _LOOK),
)
_WRITER: tuple[tuple[str, str, Sequence[str]], ...] = (
    *_READER,
    ("apps", "deployments statefulsets daemonsets deployments/scale statefulsets/scale", ("get", "patch")),
    ("autoscaling", "horizontalpodautoscalers", ("patch",)),
    ("", "services nodes", ("patch",)),
    ("", "pods", ("delete",)),
    ("", "pods/eviction", ("create",)),
)


def furnish(plane: Plane, nodes: int, cpu: str, memory: str) -> None:
    """Create all of it."""
    with plane.store.lock:
        for name in _NAMESPACES:
            plane.registry.create(NAMESPACES, "", {"metadata": {"name": name}})
        for number in range(nodes):
            node = new_node(f"node-{number}", number, cpu, memory, plane.clock.stamp())
            plane.registry.create(NODES, "", node)
        plane.registry.create(STORAGE_CLASSES, "", _storage_class())
        for name, rules in (("sayso-reader", _READER), ("sayso-writer", _WRITER)):
            _account(plane, name, rules)


def _storage_class() -> Object:
    default = {"storageclass.kubernetes.io/is-default-class": "true"}
    return {
        "metadata": {"name": "standard", "annotations": default},
        "provisioner": "sandbox.local/disk",
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "Immediate",
    }


def _account(plane: Plane, name: str, rules: Sequence[tuple[str, str, Sequence[str]]]) -> None:
    listed = [{"apiGroups": [group], "resources": kinds.split(), "verbs": list(verbs)} for group, kinds, verbs in rules]
    subject = {"kind": "ServiceAccount", "namespace": HOME, "name": name}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
    plane.registry.create(SERVICE_ACCOUNTS, HOME, {"metadata": {"name": name}})
    plane.registry.create(CLUSTER_ROLES, "", {"metadata": {"name": name}, "rules": listed})
    binding = {"metadata": {"name": name}, "subjects": [subject], "roleRef": role}
    plane.registry.create(CLUSTER_ROLE_BINDINGS, "", binding)
