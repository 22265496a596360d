"""How far trouble reaches in a namespace: what is ill, what is well, what changed and is well, what nobody saw. Pure.

A resource is in one group only. Pods are told by their workloads; those without one speak for themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from tools import resources
from tools.changes import Change
from tools.diagnosis.kubernetes.topology import node, topology
from tools.evidence import Finding
from tools.radius import BlastRadius, Checked
from tools.reads.kubernetes.picture import Picture
from tools.reads.kubernetes.views import Service, Workload
from tools.resources import Resource
from tools.topology import Topology

NO_BLAME = frozenset({"rollout", "scaling", "config"})
"""Sources of changes that are easily blamed."""


def radius(picture: Picture, findings: Iterable[Finding], changes: Iterable[Change]) -> BlastRadius:
    """The four groups. `findings` are all that were found, `changes` those around the onset."""
    around = _Surroundings(picture, tuple(findings), topology(picture))
    affected = around.affected()
    ill = {checked.resource.key for checked in affected}
    changed = tuple(around.changed(changes, ill))
    told = ill | {checked.resource.key for checked in changed}
    healthy = tuple(checked for checked in around.well() if checked.resource.key not in told)
    return BlastRadius(affected=affected, healthy=healthy, changed=changed, unchecked=tuple(_unchecked(picture)))


@dataclass(frozen=True)
class _State:
    """How something does, in a few words."""

    well: bool
    words: str


@dataclass(frozen=True)
class _Surroundings:
    """A picture, what was found in it, and what hangs on what."""

    picture: Picture
    findings: tuple[Finding, ...]
    links: Topology

    def affected(self) -> tuple[Checked, ...]:
        """What findings are on, what rests on that and shows it, and whatever else is not well."""
        found: dict[str, Checked] = {}
        for finding in self.findings:
            found.setdefault(finding.resource.key, Checked(resource=finding.resource, detail=finding.title))
        for finding in self.findings:
            for resource in self.links.above(finding.resource):
                known = self.states.get(resource.key)
                if known and not known[1].well:
                    found.setdefault(resource.key, Checked(resource=resource, detail=known[1].words))
        for resource, state in self.states.values():
            if not state.well:
                found.setdefault(resource.key, Checked(resource=resource, detail=state.words))
        return tuple(found.values())

    def well(self) -> Iterator[Checked]:
        """What was looked at and is well."""
        for resource, state in self.states.values():
            if state.well:
                yield Checked(resource=resource, detail=state.words)

    def changed(self, changes: Iterable[Change], ill: set[str]) -> Iterator[Checked]:
        """What changed around the onset, is well, and bears nothing that is not.

        Without a cause nothing can be acquitted, so nothing is.
        """
        if not self.findings:
            return
        borne = {below.key for finding in self.findings for below in self.links.below(finding.resource)}
        latest = {change.resource.key: change for change in changes if change.source in NO_BLAME}
        for key, change in latest.items():
            state = self.states.get(key)
            if state and state[1].well and key not in ill | borne:
                yield Checked(resource=change.resource, detail=f"{change.what[:160]}; {state[1].words}")

    @cached_property
    def states(self) -> dict[str, tuple[Resource, _State]]:
        """How everything does that a person would ask about."""
        found = [*self._workloads(), *self._naked_pods(), *self._services(), *self._nodes(), *self._claims()]
        known = {resource.key: (resource, state) for resource, state in found}
        for resource in self._ways_in():
            below = [known[one.key] for one in self.links.below(resource) if one.key in known]
            ill = next((f"leads to {one}: {state.words}" for one, state in below if not state.well), "")
            known[resource.key] = (resource, _State(not ill, ill or "all it leads to is well"))
        return known

    def _workloads(self) -> Iterator[tuple[Resource, _State]]:
        for workload in self.picture.workloads:
            yield self._named(workload.kind, workload.name), _of_workload(workload)

    def _naked_pods(self) -> Iterator[tuple[Resource, _State]]:
        for pod in self.picture.pods:
            if not pod.owner_name and not pod.deleting and pod.phase != "Succeeded":
                yield (
                    self._named("Pod", pod.name),
                    _State(pod.ready, "ready" if pod.ready else f"{pod.phase}, not ready"),
                )

    def _services(self) -> Iterator[tuple[Resource, _State]]:
        if not self.picture.has_read("endpointslices"):
            return
        for service in self.picture.services:
            if service.selector and service.type != "ExternalName":
                yield self._named("Service", service.name), self._of_service(service)

    def _of_service(self, service: Service) -> _State:
        endpoints = self.picture.endpoints_of(service.name)
        ready, other = (endpoints.ready, endpoints.not_ready) if endpoints else (0, 0)
        if not (ready or other):
            meant = self.picture.workloads_selected(service.selector)
            idle = bool(meant) and not any(one.wanted for one in meant)
            return _State(idle, "scaled to 0, so it has no endpoints" if idle else "no endpoints")
        words = f"{ready} of {ready + other} endpoints ready" if other else f"{ready} ready endpoints"
        return _State(not other, words)

    def _nodes(self) -> Iterator[tuple[Resource, _State]]:
        """The nodes that carry something of the namespace."""
        used = {pod.node for pod in self.picture.pods if pod.node}
        for found in self.picture.nodes:
            if found.name in used:
                trouble = [*([] if found.ready else ["not ready"]), *found.pressures]
                words = ", ".join([*trouble, *(["cordoned"] if found.cordoned else [])]) or "ready"
                yield node(found.name), _State(not trouble, words)

    def _claims(self) -> Iterator[tuple[Resource, _State]]:
        mounted = {volume.name for pod in self.picture.pods for volume in pod.asked.volumes if not pod.deleting}
        for claim in self.picture.claims:
            if claim.phase != "Bound" and claim.name in mounted:
                yield self._named("PersistentVolumeClaim", claim.name), _State(False, claim.phase or "not bound")

    def _ways_in(self) -> Iterator[Resource]:
        yield from (self._named("Ingress", one.name) for one in self.picture.ingresses)
        yield from (self._named("HTTPRoute", one.name) for one in self.picture.routes)

    def _named(self, kind: str, name: str) -> Resource:
        return resources.kubernetes(self.picture.namespace, kind, name)


def _of_workload(workload: Workload) -> _State:
    if not workload.wanted:
        return _State(True, "scaled to 0" if workload.kind != "DaemonSet" else "wanted on no node")
    words = f"{workload.available} of {workload.wanted} available"
    if workload.paused:
        return _State(workload.available >= workload.wanted, f"{words}, paused")
    updating = "" if workload.rolled_out else f", {workload.updated} updated"
    return _State(workload.available >= workload.wanted, words + updating)


def _unchecked(picture: Picture) -> Iterator[Checked]:
    """Kinds that could not be read, and what lies outside: other namespaces, names outside the cluster."""
    for kind in picture.unread:
        why = next((gap for gap in picture.gaps if gap.startswith(kind)), "could not be read")
        told = why.removeprefix(f"{kind} could not be read: ")
        yield Checked(resource=resources.kubernetes(picture.namespace, kind, "*"), detail=told)
    for service in picture.services:
        if service.type == "ExternalName":
            resource = resources.kubernetes(picture.namespace, "Service", service.name)
            yield Checked(resource=resource, detail="leads out of the cluster")
    beyond = {(backend.namespace, backend.service) for route in picture.routes for backend in route.backends}
    for namespace, name in sorted(beyond):
        if namespace and namespace != picture.namespace:
            yield Checked(resource=resources.kubernetes(namespace, "Service", name), detail="in another namespace")
