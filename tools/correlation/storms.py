"""A storm of alerts in a few lines: what it is made of, what explains most of it, and where it may come from.

A root is only ever called a candidate: the first alerts of a storm are those that are scraped first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta

from tools.correlation.profile import Profile, service
from tools.topology import Topology
from tools.values import Value

PER_MINUTE = 20
"""Beyond so many new alerts in a minute people read a summary, not a thread for each."""
SCRAPE = timedelta(seconds=30)
"""Between two looks of the monitoring: what began within two of them began at the same time."""
MOST_OF_IT = 0.6
"""What so large a share of a storm has in common explains it."""
LEAST = 3
SHOWN = 5


class Tally(Value):
    """How many alerts of a storm name one thing."""

    name: str
    alerts: int


class Candidate(Value):
    """Where a storm may come from."""

    name: str
    above: int
    """How many of the services that alert rest on it."""


class Storm(Value):
    """What a storm is made of."""

    alerts: int
    services: tuple[Tally, ...] = ()
    namespaces: tuple[Tally, ...] = ()
    nodes: tuple[Tally, ...] = ()
    explained: str | None = None
    """One sentence, where a node, a zone or a dependency explains most of it."""
    candidates: tuple[Candidate, ...] = ()
    """Likeliest first, at most three."""


def storm(alerts: Sequence[Profile], topology: Topology) -> Storm:
    """The storm these alerts are."""
    places = [one.place.partition(":")[2] if one.place else None for one in alerts]
    return Storm(
        alerts=len(alerts),
        services=_tallies([one.service or one.workload for one in alerts]),
        namespaces=_tallies(places),
        nodes=_tallies([one.node for one in alerts]),
        explained=next(_explanations(alerts, topology), None),
        candidates=root_candidates(alerts, topology)[:3],
    )


def root_candidates(alerts: Sequence[Profile], topology: Topology) -> tuple[Candidate, ...]:
    """Those that began within two scrape intervals of the first, most upstream first."""
    began: dict[str, Profile] = {}
    for alert in sorted(alerts, key=lambda one: one.since):
        if alert.about is not None:
            began.setdefault(alert.about, alert)
    if not began:
        return ()
    first = min(one.since for one in began.values())
    early = [name for name, alert in began.items() if alert.since - first <= 2 * SCRAPE]
    above = {name: len(_names_above(name, topology) & began.keys()) for name in early}
    below = {name: len(_names_below(name, topology) & began.keys()) for name in early}
    ranked = sorted(early, key=lambda name: (below[name] - above[name], began[name].since, name))
    return tuple(Candidate(name=name, above=above[name]) for name in ranked)


def _explanations(alerts: Sequence[Profile], topology: Topology) -> Iterator[str]:
    for what, named in (("node", [one.node for one in alerts]), ("zone", [one.zone for one in alerts])):
        for name, count in Counter(name for name in named if name).most_common(1):
            if count >= LEAST and count >= MOST_OF_IT * len(alerts):
                yield f"{count} of {len(alerts)} alerts are on the {what} {name}."
    yield from _dependency({one.service or one.workload for one in alerts} - {None}, topology)


def _dependency(alerting: set[str | None], topology: Topology) -> Iterator[str]:
    """What most of the services that alert rest on; of several such things the closest to them."""
    known = {link.target.name for link in topology.links}
    resting = {name: (_names_above(name, topology) | {name}) & alerting for name in known}
    enough = [name for name in known if len(resting[name]) >= max(LEAST, MOST_OF_IT * len(alerting))]
    for name in sorted(enough, key=lambda one: (-len(resting[one]), len(_names_above(one, topology)), one))[:1]:
        yield f"{len(resting[name])} of the {len(alerting)} services that alert are {name} or rest on it."


def _names_above(name: str, topology: Topology) -> set[str]:
    return {one.name for one in topology.above(service(name))}


def _names_below(name: str, topology: Topology) -> set[str]:
    return {one.name for one in topology.below(service(name))}


def _tallies(names: Sequence[str | None]) -> tuple[Tally, ...]:
    counted = Counter(name for name in names if name).most_common(SHOWN)
    return tuple(Tally(name=name, alerts=count) for name, count in counted)
