"""How well every resource of a picture is."""

from __future__ import annotations

from collections.abc import Iterator

from tools.diagnosis.aws import balancers, databases, edges, functions, machines, services, stores
from tools.diagnosis.aws.health import Verdict
from tools.reads.aws.views import Picture


def health(picture: Picture) -> tuple[Verdict, ...]:
    """A verdict for each resource that was read, in the order in which requests pass them."""
    return tuple(_verdicts(picture))


def _verdicts(picture: Picture) -> Iterator[Verdict]:
    yield from (edges.health_of_api(one, picture) for one in picture.apis)
    yield from (edges.health_of_certificate(one, picture) for one in picture.certificates)
    yield from (balancers.health(one, picture) for one in picture.balancers)
    yield from (balancers.health_of_group(one, picture) for one in picture.target_groups)
    if picture.service is not None:
        yield services.health(picture.service, picture)
    yield from (stores.health_of_queue(one, picture) for one in picture.queues)
    yield from (functions.health(one, picture) for one in picture.functions)
    if picture.group is not None:
        yield machines.health_of_group(picture.group, picture)
    if picture.instance is not None:
        yield machines.health(picture.instance, picture)
    yield from (databases.health(one, picture) for one in picture.databases)
    yield from (stores.health_of_table(one, picture) for one in picture.tables)
    yield from (stores.health_of_bucket(one, picture) for one in picture.buckets)
    yield from (machines.health_of_nat(one, picture) for one in picture.nats)
