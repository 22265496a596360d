"""How far trouble in AWS reaches: what is ill or rests on it, what is well, what else changed, what nobody saw."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Set

from tools.changes import Change
from tools.diagnosis.aws.changes import ALARM
from tools.diagnosis.aws.health import BAD, Health, Verdict
from tools.diagnosis.aws.topology import topology
from tools.diagnosis.aws.verdicts import health
from tools.evidence import Finding
from tools.radius import BlastRadius, Checked
from tools.reads.aws.views import Picture
from tools.resources import Resource
from tools.topology import Topology

PLAIN = re.compile(r"[\w.@+-]{1,30}(?: [\w.@+-]{1,20})?")
"""An owner that is a name, and no sentence."""
MOST = 20
"""Resources listed of one group: a card is read by people."""


def radius(picture: Picture, findings: Iterable[Finding], changes: Iterable[Change]) -> BlastRadius:
    """Every resource that was seen or is linked to one, in exactly one group."""
    verdicts = health(picture)
    affected = _affected(findings, verdicts, topology(picture))
    changed = _changed(changes, affected)
    healthy = _group(
        Checked(resource=one.resource, detail=one.summary)
        for one in verdicts
        if one.health is Health.HEALTHY and one.resource.key not in affected | changed
    )
    unchecked = _unchecked(verdicts, topology(picture), affected.keys() | changed.keys() | healthy.keys())
    owners = {one.resource.key: one.tags.owner for one in picture.tagged}
    told = [
        tuple(_owned(one, owners.get(one.resource.key, "")) for one in tuple(group.values())[:MOST])
        for group in (affected, healthy, changed, unchecked)
    ]
    return BlastRadius(affected=told[0], healthy=told[1], changed=told[2], unchecked=told[3])


def _affected(findings: Iterable[Finding], verdicts: Iterable[Verdict], links: Topology) -> dict[str, Checked]:
    """What a finding is about, what is ill, and what rests on a finding's resource."""
    found = tuple(findings)
    affected = _group(Checked(resource=one.resource, detail=one.title) for one in found)
    for verdict in verdicts:
        if verdict.health in BAD:
            affected.setdefault(verdict.resource.key, Checked(resource=verdict.resource, detail=verdict.summary))
    for one in found:
        for above in links.above(one.resource):
            affected.setdefault(above.key, Checked(resource=above, detail=f"rests on {one.resource.name}"))
    return affected


def _changed(changes: Iterable[Change], affected: Mapping[str, Checked]) -> dict[str, Checked]:
    """What changed and is not among the ill."""
    return _group(
        Checked(resource=one.resource, detail=one.what)
        for one in changes
        if one.resource.key not in affected and one.source != ALARM
    )


def _unchecked(verdicts: Iterable[Verdict], links: Topology, seen: Set[str]) -> dict[str, Checked]:
    """What could not be judged, and what is known by its links only."""
    unknown = [Checked(resource=one.resource, detail=one.summary) for one in verdicts if one.resource.key not in seen]
    judged = seen | {one.resource.key for one in verdicts}
    linked = [end for link in links.links for end in (link.source, link.target) if end.key not in judged]
    return _group((*unknown, *(Checked(resource=one, detail=_unread(one)) for one in linked)))


def _owned(checked: Checked, owner: str) -> Checked:
    """With whom to call, where a tag says so in a word or two: whoever may tag could write anything else there."""
    if not PLAIN.fullmatch(owner):
        return checked
    return checked.model_copy(update={"detail": f"{checked.detail}; owned by {owner} by its tag"})


def _group(checked: Iterable[Checked]) -> dict[str, Checked]:
    """Each resource once, with what was said of it first."""
    group: dict[str, Checked] = {}
    for one in checked:
        group.setdefault(one.resource.key, one)
    return group


def _unread(resource: Resource) -> str:
    return "runs, not looked into" if resource.kind == "Task" else "known by its links only"
