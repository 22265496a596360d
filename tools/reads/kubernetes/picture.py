"""What was seen of one namespace at one moment, as typed views: the only input of `tools.diagnosis.kubernetes`.

Views hold what rules, cards and people need, never an environment variable's value, a Secret or a ConfigMap's content.
Text that strangers can write (logs, events, messages) is redacted before it gets here.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from pydantic import AwareDatetime

from tools.subjects import KubernetesSubject
from tools.values import Value


class EnvEntry(Value):
    """An environment variable of a container: where it comes from in words, and a fingerprint to compare by."""

    name: str
    source: str
    fingerprint: str


class ContainerPort(Value):
    """A port a container declares."""

    name: str | None
    number: int


class Probe(Value):
    """How the kubelet asks a container whether it is well. `path` and `port` are as written in the spec."""

    handler: str
    path: str | None = None
    port: str | None = None
    initial_delay: int = 0
    period: int = 10
    timeout: int = 1
    failure_threshold: int = 3


class Container(Value):
    """A container as a pod template asks for it. `requests` and `limits` are quantities by resource name."""

    name: str
    image: str
    env: tuple[EnvEntry, ...] = ()
    env_from: tuple[str, ...] = ()
    ports: tuple[ContainerPort, ...] = ()
    requests: Mapping[str, str] = {}
    limits: Mapping[str, str] = {}
    liveness: Probe | None = None
    readiness: Probe | None = None
    startup: Probe | None = None
    command: str = ""


class Template(Value):
    """The pod a workload wants: its labels and containers, and what ties it to nodes and registries."""

    labels: Mapping[str, str]
    containers: tuple[Container, ...]
    init_containers: tuple[Container, ...] = ()
    node_selector: Mapping[str, str] = {}
    pull_secrets: tuple[str, ...] = ()
    service_account: str = ""

    def container(self, name: str) -> Container | None:
        """The container (or init container) of that name."""
        return next((found for found in (*self.containers, *self.init_containers) if found.name == name), None)


class Condition(Value):
    """One entry of `status.conditions`."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    since: AwareDatetime | None = None


class Revision(Value):
    """One generation of a Deployment's pod template: the ReplicaSet that holds it and how many pods it has now."""

    number: int
    replica_set: str
    wanted: int
    ready: int
    available: int
    created: AwareDatetime | None
    template: Template


class Workload(Value):
    """A Deployment, StatefulSet or DaemonSet. `revisions` (Deployments only): newest first, with the current one."""

    kind: str
    name: str
    uid: str
    generation: int
    observed_generation: int
    wanted: int
    replicas: int
    updated: int
    ready: int
    available: int
    paused: bool = False
    selector: Mapping[str, str]
    template: Template
    conditions: tuple[Condition, ...] = ()
    revision: int | None = None
    revisions: tuple[Revision, ...] = ()
    managed_by: tuple[str, ...] = ()
    created: AwareDatetime | None = None

    @property
    def rolled_out(self) -> bool:
        """Every wanted replica is of the current template and available (the rule of `kubectl rollout status`)."""
        observed = self.observed_generation >= self.generation
        return observed and self.updated == self.replicas == self.available == self.wanted

    def condition(self, kind: str) -> Condition | None:
        """The condition of that type."""
        return next((found for found in self.conditions if found.type == kind), None)

    @property
    def current(self) -> Revision | None:
        """The revision that holds the template the Deployment wants now."""
        return next((found for found in self.revisions if found.number == self.revision), None)

    @property
    def previous(self) -> Revision | None:
        """The newest older revision, preferring one whose pods are available right now: that one is known to work."""
        older = [found for found in self.revisions if self.revision is not None and found.number < self.revision]
        return next((found for found in older if found.available), older[0] if older else None)


class Terminated(Value):
    """How a container ended."""

    reason: str
    exit_code: int
    finished: AwareDatetime | None = None


class ContainerState(Value):
    """What the kubelet says of one container (or init container) of a pod."""

    name: str
    init: bool
    ready: bool
    restarts: int
    waiting: str = ""
    message: str = ""
    running_since: AwareDatetime | None = None
    terminated: Terminated | None = None
    last: Terminated | None = None


class Pod(Value):
    """A pod, its owner resolved through its ReplicaSet. `asked` is its spec, `states` what became of it."""

    name: str
    uid: str
    labels: Mapping[str, str]
    phase: str
    reason: str = ""
    node: str = ""
    owner_kind: str = ""
    owner_name: str = ""
    replica_set: str = ""
    created: AwareDatetime | None
    deleting: bool = False
    conditions: tuple[Condition, ...] = ()
    states: tuple[ContainerState, ...] = ()
    asked: Template

    @property
    def ready(self) -> bool:
        """Whether the pod may receive traffic."""
        return any(found.type == "Ready" and found.status == "True" for found in self.conditions)

    def condition(self, kind: str) -> Condition | None:
        """The condition of that type."""
        return next((found for found in self.conditions if found.type == kind), None)


class Event(Value):
    """A core/v1 event about one object."""

    kind: str
    name: str
    type: str
    reason: str
    message: str
    count: int
    last_seen: AwareDatetime | None


class ServicePort(Value):
    """A port of a Service and the container port it leads to (a number or a name)."""

    port: int
    target: str


class Service(Value):
    """A Service. Without a selector somebody else fills its endpoints, and nothing here judges it."""

    name: str
    type: str
    selector: Mapping[str, str]
    ports: tuple[ServicePort, ...] = ()


class Endpoints(Value):
    """All EndpointSlices of one Service, added up."""

    service: str
    ready: int
    not_ready: int


class Node(Value):
    """A machine: what it can hold (bytes, cores), what it refuses, how it feels."""

    name: str
    ready: bool
    cordoned: bool
    memory: Decimal
    cpu: Decimal
    taints: tuple[str, ...] = ()
    pressures: tuple[str, ...] = ()


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


class Claim(Value):
    """A PersistentVolumeClaim."""

    name: str
    phase: str
    storage_class: str


class Log(Value):
    """The last lines of one container, of its current or its previous run; redacted."""

    pod: str
    container: str
    previous: bool
    lines: tuple[str, ...]


class Usage(Value):
    """What a container uses now: bytes and cores."""

    pod: str
    container: str
    memory: Decimal
    cpu: Decimal


class Picture(Value):
    """One namespace as it was seen. `now` is the later of our clock and the newest time the cluster mentions.

    `gaps` say in plain words what could not be read, `unread` which kinds those are (`endpointslices`).
    """

    subject: KubernetesSubject
    at: AwareDatetime
    now: AwareDatetime
    workloads: tuple[Workload, ...] = ()
    pods: tuple[Pod, ...] = ()
    services: tuple[Service, ...] = ()
    endpoints: tuple[Endpoints, ...] = ()
    events: tuple[Event, ...] = ()
    nodes: tuple[Node, ...] = ()
    autoscalers: tuple[Autoscaler, ...] = ()
    claims: tuple[Claim, ...] = ()
    config_maps: tuple[str, ...] = ()
    logs: tuple[Log, ...] = ()
    usage: tuple[Usage, ...] = ()
    gaps: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def namespace(self) -> str:
        """The namespace that was looked at."""
        return self.subject.namespace

    def workload(self, kind: str, name: str) -> Workload | None:
        """The workload of that kind and name."""
        return next((found for found in self.workloads if (found.kind, found.name) == (kind, name)), None)

    def deployment(self, name: str) -> Workload | None:
        """The Deployment of that name."""
        return self.workload("Deployment", name)

    def service(self, name: str) -> Service | None:
        """The Service of that name."""
        return next((found for found in self.services if found.name == name), None)

    def endpoints_of(self, service: str) -> Endpoints | None:
        """The endpoints of a Service, where slices could be read."""
        return next((found for found in self.endpoints if found.service == service), None)

    def events_of(self, kind: str, name: str) -> tuple[Event, ...]:
        """The events about one object, oldest first."""
        return tuple(found for found in self.events if (found.kind, found.name) == (kind, name))


def selects(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Whether a Service's selector picks pods with these labels. An empty selector picks nothing here."""
    return bool(selector) and all(labels.get(key) == value for key, value in selector.items())
