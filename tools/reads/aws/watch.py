"""Which metrics tell how a resource is, by service. Pure: `metrics` reads them, `tools.diagnosis.aws` judges them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from tools.reads.aws.views import (
    Api,
    Bucket,
    Database,
    DynamoTable,
    EcsService,
    Function,
    Instance,
    LoadBalancer,
    NatGateway,
    Picture,
    Queue,
    Stage,
    TargetGroup,
)
from tools.values import Value

MINUTE, FIVE_MINUTES, HOUR = 60, 300, 3600
WINDOWS = {MINUTE: timedelta(hours=3), FIVE_MINUTES: timedelta(days=1), HOUR: timedelta(days=7, hours=1)}


class Wanted(Value):
    """A metric to read; how far back follows from its period."""

    namespace: str
    metric: str
    dimensions: dict[str, str]
    statistic: str
    period: int = MINUTE
    """Seconds."""

    @property
    def window(self) -> timedelta:
        """How far back to read."""
        return WINDOWS[self.period]

    @property
    def percentile(self) -> bool:
        """Whether it is a percentile; those are asked for apart, because not every AWS answers them."""
        return self.statistic.startswith("p")


def wanted(picture: Picture) -> tuple[Wanted, ...]:
    """The metrics of every resource in a picture, each once."""
    found = [one for resource in _resources(picture) for one in _of(resource)]
    found += [one for group in picture.target_groups for one in _of_target_group(group, picture.balancers)]
    found += [one for bucket in picture.buckets for one in _of_bucket(bucket, picture.subject.dimensions)]
    return tuple({repr(one): one for one in found}.values())


def baselines(picture: Picture) -> tuple[Wanted, ...]:
    """The traffic of what is looked at, by the hour, to be compared with the same hour of other days."""
    return tuple(
        one.model_copy(update={"period": HOUR})
        for one in wanted(picture)
        if (one.namespace, one.metric) in TRAFFIC and one.statistic == "Sum"
    )


TRAFFIC = frozenset(
    {
        ("AWS/ApplicationELB", "RequestCount"),
        ("AWS/Lambda", "Invocations"),
        ("AWS/ApiGateway", "Count"),
        ("AWS/SQS", "NumberOfMessagesSent"),
    }
)
"""How much is asked of something, by namespace and metric."""

_Watched = EcsService | Function | Database | LoadBalancer | Queue | DynamoTable | Api | Instance | NatGateway


def _resources(picture: Picture) -> Iterator[_Watched]:
    if picture.service is not None:
        yield picture.service
    if picture.instance is not None:
        yield picture.instance
    yield from picture.functions
    yield from picture.databases
    yield from picture.balancers
    yield from picture.queues
    yield from picture.tables
    yield from picture.apis
    yield from picture.nats


def _of(resource: _Watched) -> tuple[Wanted, ...]:
    match resource:
        case EcsService():
            return _metrics("AWS/ECS", service(resource), {"Average": ("CPUUtilization", "MemoryUtilization")})
        case Function():
            return _metrics("AWS/Lambda", function(resource), FUNCTION)
        case Database():
            return _of_database(resource)
        case LoadBalancer() if resource.kind == "application":
            return _metrics("AWS/ApplicationELB", balancer(resource), BALANCER)
        case Queue():
            return _metrics("AWS/SQS", {"QueueName": resource.name}, QUEUE)
        case DynamoTable():
            return _metrics("AWS/DynamoDB", {"TableName": resource.name}, {"Sum": TABLE})
        case Api():
            return tuple(one for stage in resource.stages for one in _of_stage(resource, stage))
        case Instance():
            return _of_instance(resource)
        case NatGateway():
            return _metrics("AWS/NATGateway", {"NatGatewayId": resource.id}, {"Sum": ("ErrorPortAllocation",)})
        case _:
            return ()


FUNCTION = {
    "Sum": ("Errors", "Invocations", "Throttles", "DeadLetterErrors"),
    "Maximum": ("ConcurrentExecutions", "Duration", "IteratorAge"),
}
BALANCERS = {"application": "AWS/ApplicationELB", "network": "AWS/NetworkELB"}
"""Where CloudWatch keeps the metrics of each kind of load balancer."""
BALANCER = {
    "Sum": ("RequestCount", "HTTPCode_Target_5XX_Count", "HTTPCode_ELB_5XX_Count", "RejectedConnectionCount"),
    "p99": ("TargetResponseTime",),
}
QUEUE = {
    "Maximum": ("ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"),
    "Sum": ("NumberOfMessagesSent", "NumberOfMessagesDeleted"),
}
TABLE = ("ReadThrottleEvents", "WriteThrottleEvents", "ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits")
DATABASE = {
    "Average": (
        "CPUUtilization",
        "DatabaseConnections",
        "FreeableMemory",
        "ReadLatency",
        "WriteLatency",
        "SwapUsage",
        "BurstBalance",
        "DBLoad",
    ),
    "Maximum": ("ReplicaLag",),
}


def service(one: EcsService) -> dict[str, str]:
    """The dimensions of an ECS service."""
    return {"ClusterName": one.cluster, "ServiceName": one.name}


def function(one: Function) -> dict[str, str]:
    """The dimensions of a function, over all its versions."""
    return {"FunctionName": one.name}


def balancer(one: LoadBalancer) -> dict[str, str]:
    """The dimensions of a load balancer."""
    return {"LoadBalancer": one.dimension}


def stage(api: Api, one: Stage) -> dict[str, str]:
    """The dimensions of one stage of an API."""
    return {"ApiName" if api.kind == "REST" else "ApiId": api.name if api.kind == "REST" else api.id, "Stage": one.name}


def _of_database(database: Database) -> tuple[Wanted, ...]:
    at = {"DBInstanceIdentifier": database.id}
    return (*_metrics("AWS/RDS", at, DATABASE), *_metrics("AWS/RDS", at, {"Average": ("FreeStorageSpace",)}, 300))


def _of_stage(api: Api, one: Stage) -> tuple[Wanted, ...]:
    ratios, slow = ("4XXError", "5XXError"), ("Latency", "IntegrationLatency")
    counts: Mapping[str, tuple[str, ...]] = {"Average": ratios, "Sum": ("Count",), "p90": slow}
    if api.kind == "HTTP":
        counts = {"Sum": ("Count", "4xx", "5xx"), "p90": slow}
    return _metrics("AWS/ApiGateway", stage(api, one), counts)


def _of_instance(instance: Instance) -> tuple[Wanted, ...]:
    at = {"InstanceId": instance.id}
    burstable = ("CPUCreditBalance",) if instance.type.startswith("t") else ()
    return (
        *_metrics("AWS/EC2", at, {"Maximum": ("StatusCheckFailed",)}),
        *_metrics("AWS/EC2", at, {"Average": ("CPUUtilization", *burstable)}, FIVE_MINUTES),
    )


def _of_target_group(group: TargetGroup, balancers: tuple[LoadBalancer, ...]) -> tuple[Wanted, ...]:
    front = [one for one in balancers if one.arn in group.balancers and one.kind in BALANCERS]
    counts = {"Maximum": ("UnHealthyHostCount",), "Minimum": ("HealthyHostCount",)}
    return tuple(
        metric
        for one in front
        for metric in _metrics(BALANCERS[one.kind], {**balancer(one), "TargetGroup": group.dimension}, counts)
    )


def _of_bucket(bucket: Bucket, dimensions: dict[str, str]) -> tuple[Wanted, ...]:
    # Request metrics exist per filter only, and the alarm knows which.
    if "FilterId" not in dimensions:
        return ()
    at = {"BucketName": bucket.name, "FilterId": dimensions["FilterId"]}
    return _metrics("AWS/S3", at, {"Average": ("4xxErrors", "5xxErrors"), "Sum": ("AllRequests",)})


def _metrics(
    namespace: str, dimensions: dict[str, str], named: Mapping[str, tuple[str, ...]], period: int = MINUTE
) -> tuple[Wanted, ...]:
    return tuple(
        Wanted(namespace=namespace, metric=metric, dimensions=dimensions, statistic=statistic, period=period)
        for statistic, metrics in named.items()
        for metric in metrics
    )
