"""Does a new alert belong to an incident that is open already? An additive score, with its reasons in words.

A wrong join is worse than a missed one: hidden in another incident's thread, a second trouble is nobody's. So what many
alerts of a day share (the namespace, the cluster, a severity, the usual words) never joins by itself: one sign must
tie the two together. Environments are kept apart by the callers, who offer only incidents of the alert's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from tools.changes import Change
from tools.correlation.profile import Profile, service
from tools.evidence import Severity
from tools.resources import Resource
from tools.topology import Topology
from tools.values import Value

SAME_SERVICE, ONE_HOP, SAME_DEPLOY, SAME_NODE, SAME_PLACE = 3.0, 2.0, 2.0, 2.0, 1.0
SAME_SEVERITY, SAME_CLASS = 1.0, 0.5
JOINS_AT = 3.0
ACTIVE = timedelta(minutes=5)
"""An incident takes alerts in only so long after the last one that joined it ..."""
LONGEST = timedelta(minutes=30)
"""... and never later than this after it was opened."""
DEPLOYED = timedelta(minutes=30)
"""A deploy this long before an alert may have caused it."""
LATE = timedelta(minutes=1)
"""A cause may be noticed so much later than its effect, and not more: monitoring looks at each now and then."""
PAGING = frozenset({Severity.SEV1, Severity.SEV2})
WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
EMPTY = (
    "a an and are as at been by for from has have in is it its more not of on or than that the this to was were with"
    " over last minutes minute min hours high low too many kube alert"
)
EMPTY_WORDS = frozenset(EMPTY.split())
ALIKE = 0.5
"""Words are a reason worth telling from this likeness on."""


class Circle(Value):
    """An open incident, as a new alert may join it."""

    incident_id: int
    alerts: tuple[Profile, ...]
    changes: tuple[Change, ...] = ()
    """What its investigation saw change."""
    affected: tuple[Resource, ...] = ()
    """What its investigation found ill, or resting on what is."""


class Match(Value):
    """How well an alert fits an incident, and why."""

    incident_id: int
    score: float
    reasons: tuple[str, ...]
    tie: float
    """The weight of what ties the two together most closely; 0 where they only share what many alerts share."""

    @property
    def joins(self) -> bool:
        """Whether it is enough."""
        return self.tie > 0 and self.score >= JOINS_AT


@dataclass(frozen=True)
class _Sign:
    """One thing that alert and incident share."""

    weight: float
    reason: str | None
    ties: bool = False


@dataclass(frozen=True)
class Neighbours:
    """What is one hop away: what a service needs, and what needs it."""

    needed: frozenset[str]
    needing: frozenset[str]

    def between(self, news: Profile, member: Profile) -> str | None:
        """The neighbour that an alert and another one are about, where one may have caused the other."""
        below, above = self.needed & member.names, self.needing & member.names
        if below and member.since - news.since <= LATE:
            return min(below)
        if above and news.since - member.since <= LATE:
            return min(above)
        return None


def best(news: Profile, circles: Iterable[Circle], topology: Topology) -> Match | None:
    """The incident that a new alert belongs to: the one it is tied to most closely; None where it fits none."""
    matches = [match for circle in circles if (match := score(news, circle, topology)).joins]
    return max(matches, key=lambda match: (match.tie, match.score), default=None)


def score(news: Profile, circle: Circle, topology: Topology) -> Match:
    """How well an alert fits: the alert of the incident it is most like, and what the incident's investigation saw."""
    near = neighbours(news, topology)
    pairs = [tuple(_shared(news, member, near)) for member in circle.alerts] or [()]
    signs = [*max(pairs, key=_weight)]
    if not any(sign.weight == SAME_SERVICE for sign in signs):
        signs += _seen(news, circle, hop_known=any(sign.weight == ONE_HOP and sign.ties for sign in signs))
    return Match(
        incident_id=circle.incident_id,
        score=round(_weight(signs), 2),
        reasons=tuple(sign.reason for sign in sorted(signs, key=lambda s: -s.weight) if sign.reason),
        tie=max((sign.weight for sign in signs if sign.ties), default=0.0),
    )


def neighbours(news: Profile, topology: Topology) -> Neighbours:
    """The services one hop from an alert's."""
    own = {service(name).key for name in news.names}
    needed = {link.target.name for link in topology.links if link.source.key in own}
    needing = {link.source.name for link in topology.links if link.target.key in own}
    return Neighbours(needed=frozenset(needed) - news.names, needing=frozenset(needing) - news.names)


def _shared(news: Profile, member: Profile, near: Neighbours) -> Iterator[_Sign]:
    if same := _same_service(news, member):
        yield _Sign(SAME_SERVICE, f"same service, {same}", ties=True)
    elif hop := near.between(news, member):
        yield _Sign(ONE_HOP, f"one hop from {hop}", ties=True)
    if news.node is not None and news.node == member.node:
        yield _Sign(SAME_NODE, f"same node, {news.node}", ties=True)
    if news.place is not None and news.place == member.place:
        yield _Sign(SAME_PLACE, f"same {_kind_of(news.place)}, {news.place.partition(':')[2]}")
    elif news.cluster is not None and news.cluster == member.cluster:
        yield _Sign(SAME_PLACE, f"same cluster, {news.cluster}")
    likeness = alike(news, member)
    yield _Sign(likeness, "much the same words" if likeness >= ALIKE else None)
    if news.severity == member.severity:
        yield _Sign(SAME_SEVERITY, None)
    elif (news.severity in PAGING) == (member.severity in PAGING):
        yield _Sign(SAME_CLASS, None)


def _same_service(news: Profile, member: Profile) -> str | None:
    """The name both go by; two namespaces or two regions may each have a service of the same name."""
    apart = news.place is not None and member.place is not None and news.place != member.place
    if apart and _kind_of(news.place or "") == _kind_of(member.place or ""):
        return None
    return min(news.names & member.names, default=None)


def _seen(news: Profile, circle: Circle, *, hop_known: bool) -> Iterator[_Sign]:
    """What the incident's own investigation has to do with the alert."""
    deploy = next(
        (one for one in reversed(circle.changes) if _is_about(one.resource, news) and _recent(one, news)), None
    )
    if deploy is not None:
        yield _Sign(SAME_DEPLOY, f"{deploy.resource.name} was changed {_before(deploy.at, news.since)}", ties=True)
    ill = next((one for one in circle.affected if _is_about(one, news)), None)
    if ill is not None and not hop_known:
        yield _Sign(ONE_HOP, f"{ill.name} is in its blast radius", ties=True)


def _is_about(resource: Resource, news: Profile) -> bool:
    if resource.kind == "Node":
        return resource.name == news.node
    return resource.name in news.names and news.place in (None, f"{resource.provider}:{resource.scope}")


def _recent(change: Change, news: Profile) -> bool:
    return timedelta() <= news.since - change.at <= DEPLOYED


def _before(change: datetime, alert: datetime) -> str:
    minutes = int((alert - change).total_seconds() // 60)
    return f"{minutes} min earlier" if minutes else "less than a minute earlier"


def alike(news: Profile, member: Profile) -> float:
    """How much of their words two alerts share, 0 to 1, the names of services and places left out."""
    one, other = _words(news), _words(member)
    return round(len(one & other) / len(one | other), 2) if one and other else 0.0


def _words(alert: Profile) -> frozenset[str]:
    names = {part.lower() for name in (*alert.names, alert.place or "") for part in WORD.findall(name)}
    return frozenset(word.lower() for word in WORD.findall(alert.text)) - names - EMPTY_WORDS


def _kind_of(place: str) -> str:
    return "region" if place.startswith("aws:") else "namespace"


def _weight(signs: Iterable[_Sign]) -> float:
    return sum(sign.weight for sign in signs)
