"""The kinds the cluster knows: their group, name, scope, subresources and the client's model that is their schema."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Resource:
    """One kind, as discovery announces it."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True
    short: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    model: str = ""
    counts_generations: bool = False
    """Whether the API server keeps metadata.generation for the kind."""

    def __hash__(self) -> int:
        return hash((self.group, self.plural))

    @property
    def api_version(self) -> str:
        """`v1`, or `group/version`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self) -> str:
        """`pods`, or `deployments.apps`: how refusals name the kind."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def schema(self) -> str:
        """The name of the official client's model."""
        return self.model or f"{self.version.capitalize()}{self.kind}"


def _core(plural: str, kind: str, *short: str, namespaced: bool = True, sub: str = "", gen: bool = False) -> Resource:
    return Resource("", "v1", plural, kind, namespaced, short, tuple(sub.split()), counts_generations=gen)


def _apps(plural: str, kind: str, *short: str, sub: str = "status") -> Resource:
    return Resource("apps", "v1", plural, kind, True, short, tuple(sub.split()), counts_generations=True)


def _rbac(plural: str, kind: str, namespaced: bool) -> Resource:
    return Resource("rbac.authorization.k8s.io", "v1", plural, kind, namespaced)


NAMESPACES = _core("namespaces", "Namespace", "ns", namespaced=False, sub="status finalize")
NODES = _core("nodes", "Node", "no", namespaced=False, sub="status")
PODS = _core("pods", "Pod", "po", sub="status log eviction binding", gen=True)
SERVICES = _core("services", "Service", "svc", sub="status")
ENDPOINTS = _core("endpoints", "Endpoints", "ep")
EVENTS = Resource("", "v1", "events", "Event", True, ("ev",), model="CoreV1Event")
CONFIG_MAPS = _core("configmaps", "ConfigMap", "cm")
SECRETS = _core("secrets", "Secret")
SERVICE_ACCOUNTS = _core("serviceaccounts", "ServiceAccount", "sa", sub="token")
CLAIMS = _core("persistentvolumeclaims", "PersistentVolumeClaim", "pvc", sub="status")
QUOTAS = _core("resourcequotas", "ResourceQuota", "quota", sub="status")
VOLUMES = _core("persistentvolumes", "PersistentVolume", "pv", namespaced=False, sub="status")
REPLICATION_CONTROLLERS = _core("replicationcontrollers", "ReplicationController", "rc", sub="status scale", gen=True)
LIMIT_RANGES = _core("limitranges", "LimitRange", "limits")
DEPLOYMENTS = _apps("deployments", "Deployment", "deploy", sub="status scale")
REPLICA_SETS = _apps("replicasets", "ReplicaSet", "rs", sub="status scale")
STATEFUL_SETS = _apps("statefulsets", "StatefulSet", "sts", sub="status scale")
DAEMON_SETS = _apps("daemonsets", "DaemonSet", "ds")
REVISIONS = Resource("apps", "v1", "controllerrevisions", "ControllerRevision")
JOBS = Resource("batch", "v1", "jobs", "Job", True, (), ("status",), counts_generations=True)
CRON_JOBS = Resource("batch", "v1", "cronjobs", "CronJob", True, ("cj",), ("status",), counts_generations=True)
AUTOSCALERS = Resource(
    "autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", True, ("hpa",), ("status",)
)
BUDGETS = Resource(
    "policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", True, ("pdb",), ("status",), counts_generations=True
)
INGRESSES = Resource(
    "networking.k8s.io", "v1", "ingresses", "Ingress", True, ("ing",), ("status",), counts_generations=True
)
NETWORK_POLICIES = Resource(
    "networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", True, ("netpol",), counts_generations=True
)
INGRESS_CLASSES = Resource("networking.k8s.io", "v1", "ingressclasses", "IngressClass", False, counts_generations=True)
ENDPOINT_SLICES = Resource("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", counts_generations=True)
LEASES = Resource("coordination.k8s.io", "v1", "leases", "Lease")
STORAGE_CLASSES = Resource("storage.k8s.io", "v1", "storageclasses", "StorageClass", False, ("sc",))
VALIDATING_WEBHOOKS = Resource(
    "admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations", "ValidatingWebhookConfiguration", False
)
MUTATING_WEBHOOKS = Resource(
    "admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations", "MutatingWebhookConfiguration", False
)
ROLES = _rbac("roles", "Role", namespaced=True)
ROLE_BINDINGS = _rbac("rolebindings", "RoleBinding", namespaced=True)
CLUSTER_ROLES = _rbac("clusterroles", "ClusterRole", namespaced=False)
CLUSTER_ROLE_BINDINGS = _rbac("clusterrolebindings", "ClusterRoleBinding", namespaced=False)

RESOURCES: tuple[Resource, ...] = (
    NAMESPACES,
    NODES,
    PODS,
    SERVICES,
    ENDPOINTS,
    EVENTS,
    CONFIG_MAPS,
    SECRETS,
    SERVICE_ACCOUNTS,
    CLAIMS,
    VOLUMES,
    REPLICATION_CONTROLLERS,
    QUOTAS,
    LIMIT_RANGES,
    DEPLOYMENTS,
    REPLICA_SETS,
    STATEFUL_SETS,
    DAEMON_SETS,
    REVISIONS,
    JOBS,
    CRON_JOBS,
    AUTOSCALERS,
    BUDGETS,
    INGRESSES,
    NETWORK_POLICIES,
    INGRESS_CLASSES,
    ENDPOINT_SLICES,
    LEASES,
    STORAGE_CLASSES,
    VALIDATING_WEBHOOKS,
    MUTATING_WEBHOOKS,
    ROLES,
    ROLE_BINDINGS,
    CLUSTER_ROLES,
    CLUSTER_ROLE_BINDINGS,
)

_BY_PLURAL = {(resource.group, resource.plural): resource for resource in RESOURCES}
_BY_KIND = {(resource.api_version, resource.kind): resource for resource in RESOURCES}


def by_plural(group: str, plural: str) -> Resource | None:
    """The kind served under /apis/<group>/.../<plural>."""
    return _BY_PLURAL.get((group, plural))


def by_kind(api_version: str, kind: str) -> Resource | None:
    """The kind a manifest names."""
    return _BY_KIND.get((api_version, kind))
