"""Typed views of what is around workloads: batch jobs, budgets and quotas, storage, routing, admission, GitOps.

Pods, workloads, Services and nodes are in `picture`. A field is here because a rule, a card or a person needs it.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from pydantic import AwareDatetime

from tools.values import Value


class Condition(Value):
    """One entry of `status.conditions`."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    since: AwareDatetime | None = None


class VolumeRef(Value):
    """A volume a pod mounts: `kind` is ConfigMap, Secret or PersistentVolumeClaim, `name` the object's."""

    volume: str
    kind: str
    name: str
    optional: bool = False


class Written(Value):
    """A ConfigMap, the field manager that last wrote its content, and when."""

    name: str
    by: str
    at: AwareDatetime


class ClaimTemplate(Value):
    """A volumeClaimTemplate of a StatefulSet."""

    name: str
    storage_class: str | None = None


class Job(Value):
    """A Job. `cron_job` names the CronJob that made it."""

    name: str
    uid: str = ""
    cron_job: str = ""
    suspended: bool = False
    wanted: int = 1
    active: int = 0
    succeeded: int = 0
    failed: int = 0
    backoff_limit: int = 6
    created: AwareDatetime | None = None
    completed: AwareDatetime | None = None
    conditions: tuple[Condition, ...] = ()

    def condition(self, kind: str) -> Condition | None:
        """The condition of that type."""
        return next((found for found in self.conditions if found.type == kind), None)


class CronJob(Value):
    """A CronJob. `starting_deadline` is in seconds, None where the spec sets none."""

    name: str
    schedule: str
    time_zone: str = ""
    suspended: bool = False
    starting_deadline: int | None = None
    last_scheduled: AwareDatetime | None = None
    last_succeeded: AwareDatetime | None = None
    created: AwareDatetime | None = None


class Budget(Value):
    """A PodDisruptionBudget: what it protects and how many disruptions it allows right now."""

    name: str
    selector: Mapping[str, str] = {}
    minimum: str = ""
    """`spec.minAvailable` as written: a count or a percentage; empty where unset."""
    maximum: str = ""
    """`spec.maxUnavailable` likewise."""
    allowed: int = 0
    healthy: int = 0
    wanted: int = 0
    expected: int = 0
    conditions: tuple[Condition, ...] = ()


class Quota(Value):
    """A ResourceQuota: quantities by resource name, as the API spells them."""

    name: str
    hard: Mapping[str, str] = {}
    used: Mapping[str, str] = {}


class LimitRange(Value):
    """The limits of one `type` (Container, Pod) in a LimitRange: quantities by resource name."""

    name: str
    type: str
    minimum: Mapping[str, str] = {}
    maximum: Mapping[str, str] = {}
    default: Mapping[str, str] = {}
    default_request: Mapping[str, str] = {}


class NetworkPolicy(Value):
    """A NetworkPolicy: whom it selects and which directions it restricts (`Ingress`, `Egress`)."""

    name: str
    selector: Mapping[str, str] = {}
    selects_all: bool = False
    directions: tuple[str, ...] = ()
    allows_nothing: tuple[str, ...] = ()
    """The directions for which it has no rule at all: nothing passes."""
    created: AwareDatetime | None = None
    changed_by: str = ""
    changed_at: AwareDatetime | None = None


class Backend(Value):
    """What a route leads to: a Service and its port, by number or by name; `namespace` where it is another one."""

    service: str
    port: str = ""
    namespace: str = ""


class IngressRule(Value):
    """One host and path of an Ingress."""

    host: str
    path: str
    backend: Backend


class Ingress(Value):
    """An Ingress. `class_name` is None where neither the spec nor the annotation names one."""

    name: str
    class_name: str | None
    default: Backend | None = None
    rules: tuple[IngressRule, ...] = ()
    tls_secrets: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    created: AwareDatetime | None = None
    changed_by: str = ""
    changed_at: AwareDatetime | None = None


class IngressClass(Value):
    """An IngressClass."""

    name: str
    controller: str
    default: bool = False


class Gateway(Value):
    """A Gateway (gateway.networking.k8s.io)."""

    name: str
    class_name: str
    conditions: tuple[Condition, ...] = ()


class Route(Value):
    """An HTTPRoute: its backends, and what its parents say of it."""

    name: str
    parents: tuple[str, ...] = ()
    backends: tuple[Backend, ...] = ()
    conditions: tuple[Condition, ...] = ()


class StorageClass(Value):
    """A StorageClass. `binding` is `Immediate` or `WaitForFirstConsumer`."""

    name: str
    provisioner: str
    default: bool = False
    binding: str = "Immediate"


class Volume(Value):
    """A PersistentVolume and the claim (`namespace/name`) it is bound to."""

    name: str
    phase: str
    claim: str = ""
    storage_class: str = ""
    capacity: str = ""
    message: str = ""


class Webhook(Value):
    """One admission webhook; `service` is `namespace/name`, empty where it is called by URL.

    `ready` counts ready endpoints of that Service, None where they were not looked at; `exists` likewise.
    """

    configuration: str
    name: str
    mutating: bool
    service: str = ""
    fails_closed: bool = True
    exists: bool | None = None
    ready: int | None = None


class GitOpsApp(Value):
    """An Argo CD Application or a Flux Kustomization/HelmRelease that owns objects of the namespace."""

    kind: str
    name: str
    namespace: str
    sync: str = ""
    """`Synced`, `OutOfSync`; for Flux the Ready condition's status."""
    health: str = ""
    revision: str = ""
    message: str = ""
    changed: AwareDatetime | None = None
    suspended: bool = False


class NodeUsage(Value):
    """What a node uses now: bytes and cores."""

    node: str
    memory: Decimal
    cpu: Decimal


class MetricTarget(Value):
    """One metric of a HorizontalPodAutoscaler: where it is and where it should be, as the API spells both."""

    name: str
    current: str = ""
    target: str = ""


class Node(Value):
    """A machine: what it can hold (bytes, cores), what it refuses, how it feels."""

    name: str
    ready: bool
    cordoned: bool
    memory: Decimal
    cpu: Decimal
    taints: tuple[str, ...] = ()
    pressures: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    cordoned_by: str = ""
    cordoned_at: AwareDatetime | None = None
    pods: int = 0
    """How many pods it may hold at most."""
    version: str = ""
    labels: Mapping[str, str] = {}
    created: AwareDatetime | None = None

    def condition(self, kind: str) -> Condition | None:
        """The condition of that type."""
        return next((found for found in self.conditions if found.type == kind), None)


class Autoscaler(Value):
    """A HorizontalPodAutoscaler and the workload whose count it owns."""

    name: str
    target_kind: str
    target: str
    minimum: int
    maximum: int
    current: int
    desired: int
    conditions: tuple[Condition, ...] = ()
    metrics: tuple[MetricTarget, ...] = ()
    last_scaled: AwareDatetime | None = None
    created: AwareDatetime | None = None
    kept_by: str = ""
    """The kind of the object that made it and keeps it (`ScaledObject` of KEDA); empty where a person did."""

    def condition(self, kind: str) -> Condition | None:
        """The condition of that type."""
        return next((found for found in self.conditions if found.type == kind), None)


class Claim(Value):
    """A PersistentVolumeClaim. `storage_class` is empty where it names none."""

    name: str
    phase: str
    storage_class: str
    volume: str = ""
    requested: str = ""
    created: AwareDatetime | None = None
