"""The names under which the resources of a picture appear elsewhere, for finding them in CloudTrail. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tools.reads.aws.views import Picture
from tools.resources import Resource

KINDS: Mapping[str, tuple[str, ...]] = {
    "apigateway": ("Api",),
    "autoscaling": ("AutoScalingGroup",),
    "dynamodb": ("DynamoTable",),
    "ec2": ("Instance", "NatGateway"),
    "ecs": ("EcsService",),
    "elasticloadbalancing": ("LoadBalancer", "TargetGroup"),
    "lambda": ("Function",),
    "rds": ("Database", "DatabaseCluster"),
    "s3": ("Bucket",),
    "sqs": ("Queue",),
}
"""Which kinds the calls of a service are about."""


def names(picture: Picture) -> frozenset[str]:
    """Every name and id; an ECS service also by its own name alone, and by the family of its task definition."""
    return frozenset(name for name, _ in _named(picture))


def touched(source: str, about: tuple[str, ...], picture: Picture) -> Resource | None:
    """The resource of the picture that a call of a service (`ecs.amazonaws.com`) was about."""
    kinds = KINDS.get(source.partition(".")[0], ())
    named = _named(picture)
    return next((one for name, one in named if name in about and one.kind in kinds), None)


def _named(picture: Picture) -> Iterator[tuple[str, Resource]]:
    service = picture.service
    if service is not None:
        family = service.definition.family if service.definition else service.name
        yield from ((name, service.resource) for name in (service.resource.name, service.name, family))
    for resource in _resources(picture):
        yield resource.name, resource
    yield from ((one.id, one.resource) for one in picture.apis)
    yield from ((one.arn, one.resource) for one in picture.certificates)


def _resources(picture: Picture) -> Iterator[Resource]:
    if picture.group is not None:
        yield picture.group.resource
    if picture.instance is not None:
        yield picture.instance.resource
    yield from (one.resource for one in picture.balancers)
    yield from (one.resource for one in picture.target_groups)
    yield from (one.resource for one in picture.functions)
    yield from (one.resource for one in picture.databases)
    yield from (one.resource for one in picture.clusters)
    yield from (one.resource for one in picture.queues)
    yield from (one.resource for one in picture.tables)
    yield from (one.resource for one in picture.buckets)
    yield from (one.resource for one in picture.nats)
    yield from (one.resource for one in picture.apis)
