"""Typed views of what pods belong to: workloads and their revisions, Services and endpoints, and events about any."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import AwareDatetime

from tools.reads.kubernetes.views.around import ClaimTemplate, Condition
from tools.reads.kubernetes.views.pods import Template
from tools.values import Value


class Revision(Value):
    """One generation of a Deployment's pod template: the ReplicaSet that holds it and how many pods it has now."""

    number: int
    replica_set: str
    wanted: int
    ready: int
    available: int
    created: AwareDatetime | None
    template: Template
    conditions: tuple[Condition, ...] = ()
    """Of its ReplicaSet: ReplicaFailure says why pods could not be made."""


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
    changed_by: str = ""
    """The field manager that last wrote the spec, where managedFields tell."""
    changed_at: AwareDatetime | None = None
    service_name: str = ""
    """StatefulSets only: the headless Service their pods' names hang on."""
    claim_templates: tuple[ClaimTemplate, ...] = ()

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
    name: str = ""
    protocol: str = "TCP"


class Service(Value):
    """A Service. Without a selector somebody else fills its endpoints, and nothing here judges it."""

    name: str
    type: str
    selector: Mapping[str, str]
    ports: tuple[ServicePort, ...] = ()
    created: AwareDatetime | None = None
    changed_by: str = ""
    changed_at: AwareDatetime | None = None
    headless: bool = False
    cluster_ip: str = ""
    """Where it answers inside the cluster; programs log this address more often than the name. Empty where headless."""
    addresses: tuple[str, ...] | None = None
    """Where a load balancer answers; None in pictures of before it was kept."""


class Endpoints(Value):
    """All EndpointSlices of one Service, added up."""

    service: str
    ready: int
    not_ready: int
    ports: tuple[int, ...] = ()
    """The container ports traffic would reach; empty although endpoints are ready when a named port is nowhere."""
    pods: tuple[str, ...] = ()
