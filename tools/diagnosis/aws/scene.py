"""What an alarm is about among the resources of its picture, and what the ranking needs to know of the rest."""

from __future__ import annotations

from collections.abc import Iterator

from tools.diagnosis.aws.catalogue import RULES
from tools.diagnosis.aws.topology import topology
from tools.diagnosis.ranking import Scene
from tools.evidence import Finding
from tools.reads.aws.views import Picture
from tools.resources import Resource


def scene(picture: Picture) -> Scene:
    """The catalogue, the links, when it began, and what the alarm names."""
    links = topology(picture)
    named = {one.key for one in subjects(picture)}
    below = {one.key for subject in subjects(picture) for one in links.below(subject)}

    def concerns(finding: Finding) -> bool:
        return finding.resource.key in named

    def near(finding: Finding) -> bool:
        return finding.resource.key in below

    return Scene(rules=RULES, topology=links, onset=picture.began, concerns=concerns, near=near)


def subjects(picture: Picture) -> tuple[Resource, ...]:
    """The resources the alarm's dimensions name, or somebody asked about, as far as they were found."""
    return tuple(_named(picture))


def _named(picture: Picture) -> Iterator[Resource]:
    values = {value for name, value in picture.subject.dimensions.items() if name != "ClusterName"}
    if picture.service is not None and picture.service.name in values:
        yield picture.service.resource
    if picture.group is not None and picture.group.name in values:
        yield picture.group.resource
    if picture.instance is not None and picture.instance.id in values:
        yield picture.instance.resource
    yield from (one.resource for one in picture.balancers if {one.name, one.dimension} & values)
    yield from (one.resource for one in picture.target_groups if {one.name, one.dimension} & values)
    yield from (one.resource for one in picture.functions if one.name in values)
    yield from (one.resource for one in picture.queues if one.name in values)
    yield from (one.resource for one in picture.tables if one.name in values)
    yield from (one.resource for one in picture.buckets if one.name in values)
    yield from (one.resource for one in picture.databases if one.id in values)
    yield from (one.resource for one in picture.clusters if one.id in values)
    yield from (one.resource for one in picture.nats if one.id in values)
    yield from (one.resource for one in picture.apis if {one.name, one.id} & values)
    yield from (one.resource for one in picture.certificates if one.arn in values)
