"""The kinds one look at a namespace may list: those every look lists, and those it lists for a reason.

`essential` ones leave a gap when they cannot be read. Which reason asks for which kind is in `further`.
"""

from __future__ import annotations

from tools.reads.kubernetes.asking import Kind

REPLICA_SETS = Kind("apps/v1", "replicasets", essential=True)
DEPLOYMENTS = Kind("apps/v1", "deployments", essential=True)
PODS = Kind("v1", "pods", essential=True)
EVENTS = Kind("v1", "events", essential=True)
STATEFUL_SETS = Kind("apps/v1", "statefulsets", essential=True)
DAEMON_SETS = Kind("apps/v1", "daemonsets", essential=True)
SERVICES = Kind("v1", "services", essential=True)
ENDPOINT_SLICES = Kind("discovery.k8s.io/v1", "endpointslices", essential=True)
NODES = Kind("v1", "nodes", essential=True, everywhere=True)
AUTOSCALERS = Kind("autoscaling/v2", "horizontalpodautoscalers", essential=True)
CLAIMS = Kind("v1", "persistentvolumeclaims", essential=True)
POD_METRICS = Kind("metrics.k8s.io/v1beta1", "pods", essential=True, label="pod metrics")
JOBS = Kind("batch/v1", "jobs")
CRON_JOBS = Kind("batch/v1", "cronjobs")
INGRESSES = Kind("networking.k8s.io/v1", "ingresses")
NETWORK_POLICIES = Kind("networking.k8s.io/v1", "networkpolicies")

ALWAYS = (
    PODS,  # first, because it is the longest answer and the others can be read meanwhile
    EVENTS,
    REPLICA_SETS,
    DEPLOYMENTS,
    STATEFUL_SETS,
    DAEMON_SETS,
    SERVICES,
    ENDPOINT_SLICES,
    NODES,
    AUTOSCALERS,
    CLAIMS,
    POD_METRICS,
    JOBS,
    CRON_JOBS,
    INGRESSES,
    NETWORK_POLICIES,
)
"""What every look lists: what rules, topology and the list of changes start from. All are small but the first two."""

QUOTAS = Kind("v1", "resourcequotas")
LIMIT_RANGES = Kind("v1", "limitranges")
BUDGETS = Kind("policy/v1", "poddisruptionbudgets")
INGRESS_CLASSES = Kind("networking.k8s.io/v1", "ingressclasses", everywhere=True)
VOLUMES = Kind("v1", "persistentvolumes", everywhere=True)
STORAGE_CLASSES = Kind("storage.k8s.io/v1", "storageclasses", everywhere=True)
NODE_METRICS = Kind("metrics.k8s.io/v1beta1", "nodes", everywhere=True, label="node metrics")
CONFIG_MAPS = Kind("v1", "configmaps", names_only=True)
SECRETS = Kind("v1", "secrets", names_only=True)
VALIDATING = Kind("admissionregistration.k8s.io/v1", "validatingwebhookconfigurations", everywhere=True)
MUTATING = Kind("admissionregistration.k8s.io/v1", "mutatingwebhookconfigurations", everywhere=True)

GATEWAYS = Kind("gateway.networking.k8s.io/v1", "gateways")
ROUTES = Kind("gateway.networking.k8s.io/v1", "httproutes")
APPLICATIONS = Kind("argoproj.io/v1alpha1", "applications", everywhere=True)
KUSTOMIZATIONS = Kind("kustomize.toolkit.fluxcd.io/v1", "kustomizations", everywhere=True)
HELM_RELEASES = Kind("helm.toolkit.fluxcd.io/v2", "helmreleases", everywhere=True)

CUSTOM = (GATEWAYS, ROUTES, APPLICATIONS, KUSTOMIZATIONS, HELM_RELEASES)
"""Listed where the cluster serves their group."""
