"""Everything around workloads, asked in turn: nodes, storage, the network, what should leave, Services and routes.

The rules live in their own modules. Here is only the order, what one needs to know of another's findings, and which
workloads rest on the things that only rules know of.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from tools import resources
from tools.diagnosis.kubernetes import (
    cordons,
    endpoints,
    isolation,
    leaving,
    mounts,
    nodes,
    owners,
    ports,
    routing,
    services,
    shared,
    storage,
)
from tools.diagnosis.kubernetes.citing import Found
from tools.evidence import Finding
from tools.reads.kubernetes.picture import Picture, selects
from tools.resources import Resource
from tools.topology import Link, Relation


def findings(picture: Picture, known: Collection[Finding]) -> Iterator[Found]:
    """What is wrong around the workloads; `known` is what has been found about the workloads themselves."""
    # What holds pods back comes first: a Service without endpoints is told only when none of it explains why.
    around = [*nodes.findings(picture), *cordons.findings(picture)]
    around += [*storage.findings(picture), *mounts.findings(picture)]
    around += [*shared.findings(picture), *isolation.findings(picture), *leaving.findings(picture)]
    yield from around
    yield from services.findings(picture)
    yield from ports.findings(picture)
    ill = {finding.resource for finding in known} | {one.finding.resource for one in around}
    yield from endpoints.findings(picture, ill)
    yield from routing.findings(picture)


def links(picture: Picture) -> Iterator[Link]:
    """What workloads rest on without naming it, as rules see it: policies, DNS, registries; and who rests on them."""
    for policy in picture.network_policies:
        target = resources.kubernetes(picture.namespace, "NetworkPolicy", policy.name)
        cut_off = (trouble.pod for trouble in isolation.troubles(policy, picture))
        yield from (_under(source, target) for source in owners.by_owner(cut_off, picture))
    yield from (_under(source, target) for source, target in shared.rests(picture))
    yield from (_above("PodDisruptionBudget", *pair, picture) for pair in _protected(picture))
    yield from (_above(kind, name, target, picture) for kind, name, target in routing.meant(picture))


def _protected(picture: Picture) -> Iterator[tuple[str, Resource]]:
    for budget in picture.budgets:
        pods = (pod for pod in picture.pods if selects(budget.selector, pod.labels))
        yield from ((budget.name, owner) for owner in owners.by_owner(pods, picture))


def _under(source: Resource, target: Resource) -> Link:
    return Link(source=source, relation=Relation.RUNS_ON, target=target)


def _above(kind: str, name: str, target: Resource, picture: Picture) -> Link:
    source = resources.kubernetes(picture.namespace, kind, name)
    return Link(source=source, relation=Relation.ROUTES_TO, target=target)
