"""Cause before symptom: which findings are causes, what each explains, and in which order to tell them.

Pure, and the same for every provider: it knows roles, times and links, not what any code means. What explains what is
written in the catalogue and drawn in the topology.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property

from tools.diagnosis.rule import ANYTHING, Rule
from tools.evidence import Finding, Role, Severity
from tools.resources import Resource
from tools.topology import Relation, Topology
from tools.values import Value

SLACK = timedelta(minutes=5)
"""How far two clocks, a probe's period and an alert's `for` may lie apart before "later" means later."""
STALE = timedelta(hours=6)
"""What began so long before the onset did not set it off by itself."""
GUESS = 4
"""Confidence (1 to 10) at which a finding is a guess: it never leads over one that was shown."""

_ROLES = (Role.CHANGE, Role.RESOURCE, Role.DEPENDENCY, Role.SYMPTOM)


class Cause(Value):
    """A finding that no other explains, and those it does explain. `concerns`: it is about what the alert names."""

    finding: Finding
    explains: tuple[Finding, ...] = ()
    concerns: bool = True

    @property
    def minor(self) -> bool:
        """Whether it is a guess, or can wait until morning: told, but never a fault to be named beside another."""
        return _is_minor(self.finding)


@dataclass(frozen=True)
class Scene:
    """What the ranking knows beside the findings themselves. `rules` is one provider's catalogue, in its order."""

    rules: Mapping[str, Rule]
    topology: Topology = field(default_factory=Topology)
    onset: datetime | None = None
    concerns: Callable[[Finding], bool] = lambda _: True
    """Whether a finding is on what the alert names."""
    near: Callable[[Finding], bool] = lambda _: False
    """Whether it is on something that rests under what the alert names: the cause where nothing nearer is found."""

    def place(self, code: str) -> int:
        """Where a code stands in the catalogue; unknown ones come last."""
        return self._places.get(code, len(self._places))

    def reasons_of(self, finding: Finding) -> tuple[str, ...]:
        """The codes its rule names as reasons."""
        rule = self.rules.get(finding.code)
        return rule.explained_by if rule else ()

    def rests_on(self, above: Resource, below: Resource) -> bool:
        """Whether a chain of links leads from one down to the other."""
        if above.key not in self._below:
            self._below[above.key] = {resource.key for resource in self.topology.below(above)}
        return below.key in self._below[above.key]

    def calls(self, caller: Resource, called: Resource) -> bool:
        """Whether a written or logged dependency leads from one to the other, or to something that rests on it."""
        targets = self._called.get(caller.key, ())
        return any(target == called or self.rests_on(target, called) for target in targets)

    @cached_property
    def _places(self) -> Mapping[str, int]:
        return {code: place for place, code in enumerate(self.rules)}

    @cached_property
    def _below(self) -> dict[str, set[str]]:
        return {}

    @cached_property
    def _called(self) -> Mapping[str, list[Resource]]:
        called: dict[str, list[Resource]] = {}
        for link in self.topology.links:
            if link.relation is Relation.DEPENDS_ON:
                called.setdefault(link.source.key, []).append(link.target)
        return called


def ranked(findings: Iterable[Finding], scene: Scene) -> tuple[Cause, ...]:
    """The causes, the alert's own first, each with what it explains: a finding stands in one group only."""
    ordered = sorted(findings, key=lambda one: _order(one, scene.concerns(one), scene))
    groups = _groups(ordered, scene)
    about_it = any(scene.concerns(one) for one in ordered)
    causes = [
        Cause(finding=one, explains=rest, concerns=_concerns(reached, scene, about_it=about_it))
        for one, rest, reached in groups
    ]
    return tuple(sorted(causes, key=lambda cause: _order(cause.finding, cause.concerns, scene)))


def explains(one: Finding, other: Finding, scene: Scene) -> bool:
    """Whether `one` is the reason for `other`.

    On one resource, what is no symptom explains what is, and of two symptoms the earlier in the catalogue. Across
    resources the catalogue names the pairs, a written or logged dependency speaks for itself, and what began clearly
    later explains nothing.
    """
    if one == other:
        return False
    named = scene.reasons_of(other)
    if one.resource == other.resource:
        return one.code in named or _deeper(one, other, scene)
    if _began_after(one, other.since):
        return False
    if other.role in (Role.DEPENDENCY, Role.SYMPTOM) and scene.calls(other.resource, one.resource):
        return True
    return (one.code in named or ANYTHING in named) and scene.rests_on(other.resource, one.resource)


def _deeper(one: Finding, other: Finding, scene: Scene) -> bool:
    """Of two findings on the same resource: the first is the reason, and the second only how it looks."""
    if other.role is not Role.SYMPTOM or _is_minor(one):
        return False
    return one.role is not Role.SYMPTOM or scene.place(one.code) < scene.place(other.code)


def _groups(ordered: Sequence[Finding], scene: Scene) -> list[tuple[Finding, tuple[Finding, ...], tuple[Finding, ...]]]:
    """Each cause, what is told under it, and all it reaches, itself first. Of two causes that reach one effect the
    first is told with it, and both are reasons for it.
    """
    effects = _effects(ordered, scene)
    taken: set[int] = set()
    groups = []
    for root in _roots(effects):
        reached = _reached(root, effects)
        rest = tuple(ordered[at] for at in sorted(reached - taken - {root}))
        groups.append((ordered[root], rest, (ordered[root], *(ordered[at] for at in sorted(reached - {root})))))
        taken |= reached
    return groups


def _effects(ordered: Sequence[Finding], scene: Scene) -> list[list[int]]:
    """For each finding the places of those it explains. Of two that explain each other the one told first does."""
    reasons = [[explains(one, other, scene) for other in ordered] for one in ordered]
    places = range(len(ordered))
    return [[at for at in places if reasons[place][at] and (place < at or not reasons[at][place])] for place in places]


def _roots(effects: Sequence[Sequence[int]]) -> list[int]:
    """Those nothing explains; of a ring, where each explains the next, the one told first."""
    explained = {at for reached in effects for at in reached}
    roots = [place for place in range(len(effects)) if place not in explained]
    covered = {at for root in roots for at in _reached(root, effects)}
    for place in range(len(effects)):
        if place not in covered:
            roots.append(place)
            covered |= _reached(place, effects)
    return sorted(roots)


def _reached(start: int, effects: Sequence[Sequence[int]]) -> set[int]:
    found, waiting = {start}, [start]
    while waiting:
        beyond = [at for at in effects[waiting.pop()] if at not in found]
        found.update(beyond)
        waiting += beyond
    return found


def _concerns(group: Sequence[Finding], scene: Scene, *, about_it: bool) -> bool:
    """On what the alert names, or the reason for something that is; with neither, on what it rests on."""
    return any(scene.concerns(one) for one in group) or (not about_it and scene.near(group[0]))


def _order(finding: Finding, concerns: bool, scene: Scene) -> tuple[object, ...]:
    """Concern, onset, what was shown over guesses, causality, time, severity; the rest only makes it repeatable."""
    return (
        not concerns,
        _began_after(finding, scene.onset),
        _is_minor(finding),
        _ROLES.index(finding.role),
        *_when(finding, scene.onset),
        finding.severity.value,
        scene.place(finding.code),
        finding.resource.key,
    )


def _when(finding: Finding, onset: datetime | None) -> tuple[bool, datetime]:
    """Earlier first; what is stale after what is not, what has no time after what has."""
    if finding.since is None:
        return False, datetime.max.replace(tzinfo=UTC)
    return onset is not None and finding.since < onset - STALE, finding.since


def _began_after(finding: Finding, moment: datetime | None) -> bool:
    return finding.since is not None and moment is not None and finding.since > moment + SLACK


def _is_minor(finding: Finding) -> bool:
    return finding.confidence <= GUESS or finding.severity is Severity.SEV4
