"""What hangs on what: which Service leads to which workload, which pod runs on which node, which team owns it.

A link points from what needs to what is needed: a Service needs its Deployment, a pod its node. Values only; the
providers' reads draw the links, correlation and blast radius follow them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import cached_property

from tools.resources import Resource
from tools.values import Value


class Relation(StrEnum):
    """Why one resource needs another."""

    ROUTES_TO = "routes to"
    """Ingress -> Service, load balancer -> target group -> ECS service."""
    SELECTS = "selects"
    """Service -> workload."""
    OWNS = "owns"
    """Workload -> pod, ECS service -> task."""
    RUNS_ON = "runs on"
    """Pod -> node, task -> instance."""
    MOUNTS = "mounts"
    """Workload -> PersistentVolumeClaim."""
    SCALES = "scales"
    """HorizontalPodAutoscaler -> workload."""
    DEPENDS_ON = "depends on"
    """Service -> service, as people wrote it down."""


class Link(Value):
    """One resource needs another."""

    source: Resource
    relation: Relation
    target: Resource


class Topology(Value):
    """Every link that was seen."""

    links: tuple[Link, ...] = ()

    def below(self, resource: Resource) -> tuple[Resource, ...]:
        """All that a resource rests on, directly or through others: where its cause may be. Nearest first."""
        return self._reached(resource, self._needs)

    def above(self, resource: Resource) -> tuple[Resource, ...]:
        """All that rests on a resource, directly or through others: what its failure takes with it. Nearest first."""
        return self._reached(resource, self._needers)

    def __add__(self, other: Topology) -> Topology:
        return Topology(links=tuple(dict.fromkeys((*self.links, *other.links))))

    @cached_property
    def _resources(self) -> Mapping[str, Resource]:
        return {end.key: end for link in self.links for end in (link.source, link.target)}

    @cached_property
    def _needs(self) -> Mapping[str, tuple[str, ...]]:
        return _grouped((link.source.key, link.target.key) for link in self.links)

    @cached_property
    def _needers(self) -> Mapping[str, tuple[str, ...]]:
        return _grouped((link.target.key, link.source.key) for link in self.links)

    def _reached(self, start: Resource, onwards: Mapping[str, tuple[str, ...]]) -> tuple[Resource, ...]:
        """Breadth first, so nearest first; a ring ends where it began."""
        found, waiting = {start.key: None}, deque([start.key])
        while waiting:
            for beyond in onwards.get(waiting.popleft(), ()):
                if beyond not in found:
                    found[beyond] = None
                    waiting.append(beyond)
        return tuple(self._resources[key] for key in found if key != start.key)


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    grouped: dict[str, dict[str, None]] = {}
    for key, value in pairs:
        grouped.setdefault(key, {})[value] = None
    return {key: tuple(values) for key, values in grouped.items()}
