"""Typed views of pods: what their spec asks for, what became of each container, what they wrote and use."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from pydantic import AwareDatetime

from tools.reads.kubernetes.views.around import Condition, VolumeRef
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
    volumes: tuple[VolumeRef, ...] = ()
    tolerates: tuple[str, ...] = ()
    """Tolerations as `key=value:Effect`; a lone `*` tolerates everything."""
    grace: int = 30
    """terminationGracePeriodSeconds."""

    def container(self, name: str) -> Container | None:
        """The container (or init container) of that name."""
        return next((found for found in (*self.containers, *self.init_containers) if found.name == name), None)


class Terminated(Value):
    """How a container ended."""

    reason: str
    exit_code: int
    finished: AwareDatetime | None = None
    message: str = ""
    started: AwareDatetime | None = None
    signal: int | None = None


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
    namespace: str = ""
    """Empty in pictures of before it was kept: the picture's own."""
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
    deleting_since: AwareDatetime | None = None
    """deletionTimestamp: when the grace period ends or ended."""
    finalizers: tuple[str, ...] = ()
    gates: tuple[str, ...] = ()
    """schedulingGates."""
    message: str = ""
    """`status.message`: why the kubelet evicted it."""
    qos: str = ""
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
