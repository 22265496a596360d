"""From one resource to its neighbours: what stands in front of it, what it is made of, what feeds it.

Each function takes what was found so far, adds to it, and asks for everything it can at the same time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from tools.clients.aws import AwsReader
from tools.reads.aws import balancers, databases, edges, functions, groups, instances, logs, nats, services, stores
from tools.reads.aws.asking import Asking
from tools.reads.aws.views import (
    Api,
    Bucket,
    Certificate,
    Database,
    DatabaseCluster,
    DynamoTable,
    EcsService,
    EventSource,
    Function,
    Instance,
    LoadBalancer,
    LogLine,
    NatGateway,
    Queue,
    ScalingGroup,
    StoppedTask,
    TargetGroup,
)

MOST_CONSUMERS = 3
MOST_MEMBERS = 6
MOST_CERTIFICATES = 5


@dataclass
class Sight:
    """Where to look, and what was found so far; the fields below `at` are those of the picture."""

    region: str
    asking: Asking
    reader: AwsReader
    at: datetime
    group: ScalingGroup | None = None
    service: EcsService | None = None
    stopped_tasks: tuple[StoppedTask, ...] = ()
    instance: Instance | None = None
    log_lines: list[LogLine] = field(default_factory=list)
    functions: list[Function] = field(default_factory=list)
    sources: list[EventSource] = field(default_factory=list)
    databases: list[Database] = field(default_factory=list)
    clusters: list[DatabaseCluster] = field(default_factory=list)
    balancers: list[LoadBalancer] = field(default_factory=list)
    target_groups: list[TargetGroup] = field(default_factory=list)
    queues: list[Queue] = field(default_factory=list)
    tables: list[DynamoTable] = field(default_factory=list)
    apis: list[Api] = field(default_factory=list)
    buckets: list[Bucket] = field(default_factory=list)
    nats: list[NatGateway] = field(default_factory=list)
    certificates: list[Certificate] = field(default_factory=list)


def group(sight: Sight, name: str) -> None:
    """An Auto Scaling group."""
    read = partial(groups.group, sight.region, name, sight.reader)
    sight.group = sight.asking.seen(f"Auto Scaling group {name}", read)


def instance(sight: Sight, id_: str) -> None:
    """An instance, and the group that keeps it."""
    found = sight.asking.seen(f"Instance {id_}", partial(instances.instance, sight.region, id_, sight.reader))
    sight.instance = found
    if found is not None and found.group is not None and sight.group is None:
        group(sight, found.group)


def service(sight: Sight, cluster: str, name: str) -> None:
    """An ECS service: its task definitions, tasks, logs, and the target groups in front."""
    region, reader, asking = sight.region, sight.reader, sight.asking
    found = asking.seen(f"ECS service {cluster}/{name}", partial(services.service, region, cluster, name, reader))
    if found is None:
        return
    now = asking.later(
        f"The task definition of {name}", partial(services.definition, region, found.task_definition, reader)
    )
    before = asking.later(
        f"The task definition of {name} before this one",
        partial(services.previous, region, found, reader),
        optional=True,
    )
    running = asking.later(f"The tasks of {name}", partial(services.tasks, region, cluster, name, reader))
    stopped = asking.later(
        f"The stopped tasks of {name}", partial(services.stopped_tasks, region, cluster, name, reader)
    )
    fronts = [
        asking.later(
            f"The target groups of {name}",
            partial(balancers.target_groups, region, reader, TargetGroupArns=list(found.target_groups)),
        )
        for _ in found.target_groups[:1]
    ]
    definition = now.answer()
    written = dict.fromkeys(one.log_group for one in definition.containers if one.log_group) if definition else {}
    _logs(sight, tuple(written))
    sight.service = found.model_copy(
        update={
            "definition": definition,
            "previous": before.answer(),
            "tasks": running.answer() or (),
            "log_groups": tuple(written),
        }
    )
    sight.stopped_tasks = stopped.answer() or ()
    for front in fronts:
        _in_front(sight, front.answer() or ())


def balancer(sight: Sight, dimension: str) -> None:
    """A load balancer by its CloudWatch dimension (`app/web/50dc6c49`), its target groups, and what is behind them."""
    region, reader, asking = sight.region, sight.reader, sight.asking
    name = dimension.split("/")[1] if "/" in dimension else dimension
    found = asking.seen(f"Load balancer {name}", partial(balancers.balancer, region, name, reader))
    if found is None:
        return
    behind = asking.later(
        f"The target groups of {name}", partial(balancers.target_groups, region, reader, LoadBalancerArn=found.arn)
    )
    shown = asking.later(f"The listeners of {name}", partial(balancers.certificates, region, found.arn, reader))
    sight.target_groups += behind.answer() or ()
    certificates = shown.answer() or ()
    sight.balancers.append(found.model_copy(update={"certificates": certificates}))
    for arn in certificates[:MOST_CERTIFICATES]:
        certificate(sight, arn)
    _behind(sight)


def target_group(sight: Sight, dimension: str) -> None:
    """A target group by its CloudWatch dimension (`targetgroup/web/73e2d6bc`), where no load balancer is named."""
    name = dimension.split("/")[1] if "/" in dimension else dimension
    found = sight.asking.seen(
        f"Target group {name}",
        lambda: balancers.target_groups(sight.region, sight.reader, Names=[name]) or None,
    )
    if found is None:
        return
    _in_front(sight, found)
    _behind(sight)


def function(sight: Sight, name: str) -> None:
    """A function: its limits, versions and log, what feeds it, and where its failures go."""
    found = _function(sight, name)
    if found is None:
        return
    arns = [one.source for one in found.sources] + ([found.dead_letters] if found.dead_letters else [])
    for arn in dict.fromkeys(one for one in arns if ":sqs:" in one):
        _queue(sight, arn.rsplit(":", 1)[-1])


def queue(sight: Sight, name: str) -> None:
    """A queue, the one for its dead letters, and the functions that empty it."""
    found = _queue(sight, name)
    if found is None:
        return
    fed = sight.asking.seen(
        f"The queues that leave their dead letters in {name}",
        partial(stores.dead_letters_of, sight.region, name, sight.reader),
    )
    for other in (fed or ())[:MOST_CONSUMERS]:
        _queue(sight, other)
    if found.dead_letters:
        _queue(sight, found.dead_letters.rsplit(":", 1)[-1])
    for one in tuple(sight.queues):
        _consumers(sight, one)


def database(sight: Sight, id_: str) -> None:
    """A DB instance, its events, and its cluster or the instance it copies."""
    found = _database(sight, id_)
    if found is not None and found.cluster:
        cluster(sight, found.cluster)
    if found is not None and found.replica_of:
        _database(sight, found.replica_of.rsplit(":", 1)[-1])


def cluster(sight: Sight, id_: str) -> None:
    """A cluster of databases and its members."""
    region, reader, asking = sight.region, sight.reader, sight.asking
    told = asking.later(f"The events of {id_}", partial(databases.events, region, id_, "db-cluster", sight.at, reader))
    found = asking.seen(f"Database cluster {id_}", partial(databases.cluster, region, id_, reader))
    if found is None:
        return
    sight.clusters.append(found.model_copy(update={"events": told.answer() or ()}))
    for member in found.members[:MOST_MEMBERS]:
        _database(sight, member)


def table(sight: Sight, name: str) -> None:
    """A DynamoDB table."""
    read = partial(stores.table, sight.region, name, sight.reader)
    if found := sight.asking.seen(f"DynamoDB table {name}", read):
        sight.tables.append(found)


def bucket(sight: Sight, name: str) -> None:
    """An S3 bucket."""
    read = partial(stores.bucket, sight.region, name, sight.reader)
    if found := sight.asking.seen(f"Bucket {name}", read):
        sight.buckets.append(found)


def rest_api(sight: Sight, name: str) -> None:
    """A REST API of API Gateway."""
    if found := sight.asking.seen(f"API {name}", partial(edges.rest_api, sight.region, name, sight.reader)):
        _api(sight, found)


def http_api(sight: Sight, id_: str) -> None:
    """An HTTP API of API Gateway."""
    if found := sight.asking.seen(f"API {id_}", partial(edges.http_api, sight.region, id_, sight.reader)):
        _api(sight, found)


def nat(sight: Sight, id_: str) -> None:
    """A NAT gateway."""
    if found := sight.asking.seen(f"NAT gateway {id_}", partial(nats.nat, sight.region, id_, sight.reader)):
        sight.nats.append(found)


def certificate(sight: Sight, arn: str) -> None:
    """A certificate of ACM."""
    if ":acm:" not in arn:
        return
    read = partial(edges.certificate, sight.region, arn, sight.reader)
    if found := sight.asking.seen(f"Certificate {arn.rsplit('/', 1)[-1]}", read):
        sight.certificates.append(found)


def _api(sight: Sight, api: Api) -> None:
    """An API, and the functions that answer for it."""
    read = partial(edges.functions, sight.region, api, sight.reader)
    behind = sight.asking.seen(f"The integrations of {api.name}", read) or ()
    sight.apis.append(api.model_copy(update={"functions": behind}))
    for name in behind[:MOST_CONSUMERS]:
        _function(sight, name)


def _function(sight: Sight, name: str) -> Function | None:
    region, reader, asking = sight.region, sight.reader, sight.asking
    known = next((one for one in sight.functions if one.name == name), None)
    if known is not None:
        return known
    found = asking.seen(f"Function {name}", partial(functions.function, region, name, reader))
    if found is None:
        return None
    reserved = asking.later(
        f"The reserved concurrency of {name}", partial(functions.reserved, region, name, reader), optional=True
    )
    fed = asking.later(f"The event sources of {name}", lambda: functions.sources(region, reader, FunctionName=name))
    aliases = asking.later(f"The aliases of {name}", partial(functions.aliases, region, name, reader))
    versions = asking.later(f"The versions of {name}", partial(functions.versions, region, name, reader))
    _logs(sight, (found.log_group,), pattern=logs.FUNCTION_TROUBLE)
    whole = found.model_copy(
        update={
            "reserved": reserved.answer(),
            "sources": fed.answer() or (),
            "aliases": aliases.answer() or (),
            "versions": versions.answer() or (),
        }
    )
    sight.functions.append(whole)
    return whole


def _queue(sight: Sight, name: str) -> Queue | None:
    known = next((one for one in sight.queues if one.name == name), None)
    if known is not None:
        return known
    found = sight.asking.seen(f"Queue {name}", partial(stores.queue, sight.region, name, sight.reader))
    if found is not None:
        sight.queues.append(found)
    return found


def _consumers(sight: Sight, queue_: Queue) -> None:
    """The functions a queue feeds. What else may read from it, SQS does not know."""
    read = partial(functions.sources, sight.region, sight.reader, EventSourceArn=queue_.arn)
    found = sight.asking.seen(f"The consumers of {queue_.name}", read) or ()
    sight.sources += found
    for one in found[:MOST_CONSUMERS]:
        _function(sight, functions.name_of(one.function))


def _database(sight: Sight, id_: str) -> Database | None:
    region, reader, asking = sight.region, sight.reader, sight.asking
    known = next((one for one in sight.databases if one.id == id_), None)
    if known is not None:
        return known
    told = asking.later(f"The events of {id_}", partial(databases.events, region, id_, "db-instance", sight.at, reader))
    found = asking.seen(f"Database {id_}", partial(databases.database, region, id_, reader))
    if found is None:
        return None
    whole = found.model_copy(update={"events": told.answer() or ()})
    sight.databases.append(whole)
    return whole


def _in_front(sight: Sight, found: tuple[TargetGroup, ...]) -> None:
    """Target groups, and the load balancers before them."""
    known = {one.arn for one in sight.target_groups}
    sight.target_groups += [one for one in found if one.arn not in known]
    for arn in dict.fromkeys(front for one in found for front in one.balancers):
        if arn not in {one.arn for one in sight.balancers}:
            read = partial(balancers.balancer, sight.region, arn, sight.reader)
            front = sight.asking.seen(f"Load balancer {arn.split('/')[-2]}", read)
            sight.balancers += [front] if front else []


def _behind(sight: Sight) -> None:
    """What the target groups lead to: the one with the most ill targets first, because there the cause is."""
    for one in sorted(sight.target_groups, key=lambda one: len(one.unhealthy), reverse=True):
        match one.target_type:
            case "ip" if sight.service is None:
                _service_behind(sight, one)
            case "instance" if one.targets:
                _instances_behind(sight, one)
            case "lambda":
                for target in one.targets[:1]:
                    function(sight, functions.name_of(target.id))
            case _:
                pass


def _service_behind(sight: Sight, group_: TargetGroup) -> None:
    found = sight.asking.seen(
        f"The ECS service behind {group_.name}",
        partial(services.behind, sight.region, group_.arn, sight.reader),
        optional=True,
    )
    if found is not None:
        service(sight, found.cluster, found.name)


def _instances_behind(sight: Sight, group_: TargetGroup) -> None:
    """The service whose tasks run there if there is one, and the illest instance."""
    if sight.service is None:
        _service_behind(sight, group_)
    if sight.instance is None and sight.service is None:
        worst = next(iter(group_.unhealthy), group_.targets[0])
        instance(sight, worst.id)


def _logs(sight: Sight, written: tuple[str, ...], pattern: str = logs.TROUBLE) -> None:
    pending = [
        sight.asking.later(
            f"Log group {one}", partial(logs.lines, sight.region, one, sight.at, sight.reader, pattern=pattern)
        )
        for one in written
    ]
    sight.log_lines += [line for one in pending for line in one.answer() or ()]
