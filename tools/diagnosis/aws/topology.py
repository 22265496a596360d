"""What hangs on what in AWS: load balancer, target group, service, task; queue, function; cluster, instance."""

from __future__ import annotations

from collections.abc import Iterator

from tools import resources
from tools.reads.aws.views import Picture
from tools.resources import Resource
from tools.topology import Link, Relation, Topology


def topology(picture: Picture) -> Topology:
    """Every link that was seen, from what needs to what is needed."""
    links = (
        *_apis(picture),
        *_balancers(picture),
        *_targets(picture),
        *_machines(picture),
        *_queues(picture),
        *_databases(picture),
    )
    return Topology(links=tuple(dict.fromkeys(links)))


def _apis(picture: Picture) -> Iterator[Link]:
    for api in picture.apis:
        for name in api.functions:
            known = _function(picture, name) or resources.aws(api.region, "Function", name)
            yield _link(api.resource, Relation.ROUTES_TO, known)


def _balancers(picture: Picture) -> Iterator[Link]:
    for balancer in picture.balancers:
        for group in picture.target_groups:
            if balancer.arn in group.balancers:
                yield _link(balancer.resource, Relation.ROUTES_TO, group.resource)
        for certificate in picture.certificates:
            if certificate.arn in balancer.certificates:
                yield _link(balancer.resource, Relation.DEPENDS_ON, certificate.resource)


def _targets(picture: Picture) -> Iterator[Link]:
    service = picture.service
    for group in picture.target_groups:
        if service is not None and group.arn in service.target_groups:
            yield _link(group.resource, Relation.ROUTES_TO, service.resource)
        for target in group.targets:
            if group.target_type == "instance":
                instance = resources.aws(group.region, "Instance", target.id)
                yield _link(group.resource, Relation.ROUTES_TO, instance)
            elif group.target_type == "lambda" and (function := _function(picture, target.id)):
                yield _link(group.resource, Relation.ROUTES_TO, function)
    for task in service.tasks if service else ():
        assert service is not None
        owned = resources.aws(service.region, "Task", task.id)
        yield _link(service.resource, Relation.OWNS, owned)


def _machines(picture: Picture) -> Iterator[Link]:
    group = picture.group
    if group is None:
        return
    for one in group.instances:
        yield _link(group.resource, Relation.OWNS, resources.aws(group.region, "Instance", one.id))
    # A target group that sends to the instances rests on whoever keeps them.
    kept = {one.id for one in group.instances}
    for front in picture.target_groups:
        if kept & {target.id for target in front.targets}:
            yield _link(front.resource, Relation.ROUTES_TO, group.resource)


def _queues(picture: Picture) -> Iterator[Link]:
    queues = {one.arn: one.resource for one in picture.queues}
    for source in picture.sources:
        function = _function(picture, source.function)
        queue = queues.get(source.source)
        if function and queue:
            yield _link(queue, Relation.ROUTES_TO, function)
    for one in picture.queues:
        if one.dead_letters in queues:
            # What lies among the dead letters does so because of the queue it came from.
            yield _link(queues[one.dead_letters], Relation.DEPENDS_ON, one.resource)
    for function_ in picture.functions:
        if function_.dead_letters in queues:
            yield _link(queues[function_.dead_letters], Relation.DEPENDS_ON, function_.resource)


def _databases(picture: Picture) -> Iterator[Link]:
    known = {one.id: one.resource for one in picture.databases}
    for cluster in picture.clusters:
        for member in cluster.members:
            named = resources.aws(cluster.region, "Database", member)
            yield _link(cluster.resource, Relation.OWNS, known.get(member, named))
    for database in picture.databases:
        source = (database.replica_of or "").rsplit(":", 1)[-1]
        if source in known:
            yield _link(database.resource, Relation.DEPENDS_ON, known[source])


def _function(picture: Picture, arn: str) -> Resource | None:
    name = arn.split(":")[6] if arn.count(":") >= 6 else arn
    return next((one.resource for one in picture.functions if one.name == name), None)


def _link(source: Resource, relation: Relation, target: Resource) -> Link:
    return Link(source=source, relation=relation, target=target)
