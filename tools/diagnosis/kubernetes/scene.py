"""What the alert is about, and what in the namespace hangs on it: the setting in which findings are ranked. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from tools import resources
from tools.diagnosis.kubernetes import around
from tools.diagnosis.kubernetes.catalogue import RULES
from tools.diagnosis.kubernetes.reasons import depends_on
from tools.diagnosis.kubernetes.topology import node, owner, topology
from tools.diagnosis.ranking import Scene
from tools.evidence import Finding
from tools.reads.kubernetes.picture import Picture, selects
from tools.resources import Resource
from tools.topology import Link, Relation, Topology

SAME_NAMED = frozenset({"Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"})
"""Kinds whose name an alert may give where it means a workload."""
SHARED = frozenset({"Node", "Gateway"})
"""What many rest on or hang from: trouble with it concerns the alert only where it explains the alert's own."""


def scene(aim: Aim, onset: datetime | None = None) -> Scene:
    """The ranking's view of what the alert names, with the links that only trouble draws."""
    told = (*_waiting_for(aim.picture), *depends_on(aim.picture))
    links = Topology(links=(*aim.links.links, *told))
    return Scene(rules=RULES, topology=links, onset=onset, concerns=aim.concerns, near=aim.near)


@dataclass(frozen=True)
class Aim:
    """What the alert names, and what belongs to it by the links that objects draw themselves.

    What it merely calls is another application, with alerts of its own.
    """

    picture: Picture
    links: Topology

    @classmethod
    def of(cls, picture: Picture) -> Aim:
        """What rules know of policies, registries and the DNS is drawn too: it concerns whoever rests on it."""
        return cls(picture, topology(picture) + Topology(links=tuple(around.links(picture))))

    def concerns(self, finding: Finding) -> bool:
        """Whether a finding is on what the alert names, or on what exists for its sake (Service, autoscaler, claim)."""
        return self.means(finding.resource)

    def means(self, resource: Resource) -> bool:
        """The same of a resource."""
        return self.is_whole_namespace or resource.key in self._own

    def near(self, finding: Finding) -> bool:
        """Whether it is on something that rests under what the alert names."""
        return finding.resource.key in self._below

    @property
    def is_whole_namespace(self) -> bool:
        """Whether the alert names nothing but the namespace."""
        subject = self.picture.subject
        return not (subject.deployment or subject.service or subject.pod or subject.name)

    @cached_property
    def _own(self) -> frozenset[str]:
        around = [other for resource in self._means for other in self.links.above(resource)]
        under = [other for resource in self._means for other in self.links.below(resource)]
        kept = [one.key for one in (*around, *under) if one.kind not in SHARED]
        return frozenset((*kept, *(resource.key for resource in self._means)))

    @cached_property
    def _below(self) -> frozenset[str]:
        # A Gateway that many hang from is above; being shared it is not the alert's own.
        ways = (self.links.below, self.links.above)
        return frozenset(other.key for resource in self._means for way in ways for other in way(resource))

    @cached_property
    def _means(self) -> tuple[Resource, ...]:
        """A Service that bears a workload's name should lead to it, whatever its selector says."""
        meant = tuple(self._meant())
        names = dict.fromkeys(one.name for one in meant if one.kind in SAME_NAMED)
        led = (resources.kubernetes(self.picture.namespace, "Service", name) for name in names)
        return tuple(dict.fromkeys((*meant, *led)))

    def _meant(self) -> Iterator[Resource]:
        """The objects the alert means: named, owning the named pod, behind the named Service or Ingress."""
        subject, namespace = self.picture.subject, self.picture.namespace
        if subject.kind and subject.name:
            yield resources.kubernetes("" if subject.kind == "Node" else namespace, subject.kind, subject.name)
        yield from self._workloads(subject.deployment)
        if subject.pod:
            yield resources.kubernetes(namespace, "Pod", subject.pod)
            yield from (owner(pod, namespace) for pod in self.picture.pods if pod.name == subject.pod)
        if subject.service:
            yield resources.kubernetes(namespace, "Service", subject.service)
            yield from self._behind(subject.service)

    def _workloads(self, name: str | None) -> Iterator[Resource]:
        """What bears that name. Alerts say "deployment" of many a workload; where there is none it is a Deployment."""
        if not name:
            return
        yield resources.kubernetes(self.picture.namespace, "Deployment", name)
        for workload in self.picture.workloads:
            if workload.name == name and workload.kind in SAME_NAMED:
                yield resources.kubernetes(self.picture.namespace, workload.kind, name)
        yield from (self._batch("Job", name) for job in self.picture.jobs if job.name == name)
        yield from (self._batch("CronJob", name) for cron_job in self.picture.cron_jobs if cron_job.name == name)

    def _batch(self, kind: str, name: str) -> Resource:
        return resources.kubernetes(self.picture.namespace, kind, name)

    def _behind(self, name: str) -> Iterator[Resource]:
        """The workloads behind a Service: those it selects, and the one that bears its name, which it should."""
        service = self.picture.service(name)
        for workload in self.picture.workloads:
            if workload.name == name or (service and selects(service.selector, workload.template.labels)):
                yield resources.kubernetes(self.picture.namespace, workload.kind, workload.name)
        for pod in self.picture.pods:
            if service and not pod.owner_name and selects(service.selector, pod.labels):
                yield owner(pod, self.picture.namespace)


def _waiting_for(picture: Picture) -> Iterator[Link]:
    """A pod no node has taken waits for all of them: a cordoned or lost one may be the reason."""
    for pod in picture.pods:
        if pod.phase == "Pending" and not pod.node and not pod.deleting:
            for machine in picture.nodes:
                source = owner(pod, picture.namespace)
                yield Link(source=source, relation=Relation.RUNS_ON, target=node(machine.name))
