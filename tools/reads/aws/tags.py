"""Whose the resources of a picture are, by their tags, read. Only three are kept, and only what they plainly say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from tools.clients.aws import AwsIdentity, reading
from tools.reads.aws.views import Picture, Tagged, Tags
from tools.redaction import redact
from tools.resources import Resource

KEYS: Mapping[str, tuple[str, ...]] = {
    "service": ("service", "app", "application", "app.kubernetes.io/name", "component"),
    "owner": ("owner", "team", "owned-by", "squad"),
    "environment": ("environment", "env", "stage"),
}
"""How teams name the three, the usual name first; upper or lower case does not matter."""
LONGEST = 60
MOST_RESOURCES = 100
"""Most ARNs one GetResources call takes."""


def tagged(picture: Picture, identity: AwsIdentity) -> tuple[Tagged, ...]:
    """The tags of every resource that can be asked about, in one call; a resource without any is there too."""
    known = dict(_by_arn(picture))
    found: dict[str, Tags] = {}
    if known:
        with reading("tag:GetResources"):
            answer = identity.of("resourcegroupstaggingapi", picture.subject.region).get_resources(
                ResourceARNList=list(known)[:MOST_RESOURCES]
            )
        # What was never tagged does not appear in the answer at all.
        found = {one["ResourceARN"]: kept(one.get("Tags") or []) for one in answer["ResourceTagMappingList"]}
    asked = (Tagged(resource=resource, tags=found.get(arn, Tags())) for arn, resource in known.items())
    return (*_told_already(picture), *asked)


def kept(pairs: Iterable[Mapping[str, str]]) -> Tags:
    """The three, out of a list of `Key` and `Value`."""
    said = {one.get("Key", "").lower(): one.get("Value", "") for one in pairs}
    named = {name: next((said[key] for key in keys if said.get(key)), "") for name, keys in KEYS.items()}
    return Tags(**{name: " ".join(redact(value[:LONGEST]).split()) for name, value in named.items()})


def _told_already(picture: Picture) -> Iterator[Tagged]:
    """EC2 and Auto Scaling tell tags with the thing itself."""
    if picture.group is not None:
        yield Tagged(resource=picture.group.resource, tags=picture.group.tags)
    if picture.instance is not None:
        yield Tagged(resource=picture.instance.resource, tags=picture.instance.tags)


def _by_arn(picture: Picture) -> Iterator[tuple[str, Resource]]:
    if picture.service is not None:
        yield picture.service.arn, picture.service.resource
    yield from ((one.arn, one.resource) for one in picture.functions)
    yield from ((one.arn, one.resource) for one in picture.balancers)
    yield from ((one.arn, one.resource) for one in picture.target_groups)
    yield from ((one.arn, one.resource) for one in picture.queues if one.arn)
    yield from ((one.arn, one.resource) for one in picture.databases if one.arn)
    yield from ((one.arn, one.resource) for one in picture.clusters if one.arn)
    yield from ((one.arn, one.resource) for one in picture.tables if one.arn)
