"""AWS resources for the pure tests, a builder a kind: healthy by default, with a word for what can be wrong."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from tests.tools.aws.pictures import NOW, REGION, alarm, subject
from tools.reads.aws.views import (
    Api,
    Bucket,
    Certificate,
    Container,
    ContainerExit,
    Database,
    DatabaseCluster,
    DatabaseEvent,
    Datapoint,
    Deployment,
    DynamoTable,
    EcsService,
    EventSource,
    Function,
    LoadBalancer,
    NatGateway,
    Picture,
    Queue,
    Series,
    ServiceEvent,
    Stage,
    StoppedTask,
    Target,
    TargetGroup,
    TaskDefinition,
    TrailEvent,
    Version,
)
from tools.subjects import AwsSubject

ACCOUNT = f"{REGION}:123456789012"
NEW, OLD = (f"arn:aws:ecs:{ACCOUNT}:task-definition/orders:{n}" for n in (15, 14))
WEB = f"arn:aws:elasticloadbalancing:{ACCOUNT}:loadbalancer/app/web/50dc6c495c0c9188"
GROUP = f"arn:aws:elasticloadbalancing:{ACCOUNT}:targetgroup/orders/73e2d6bc24d8a067"
JOBS, DEAD = (f"arn:aws:sqs:{ACCOUNT}:{name}" for name in ("jobs", "jobs-dead"))
WORKER = f"arn:aws:lambda:{ACCOUNT}:function:worker"
BALANCER = {"LoadBalancer": "app/web/50dc6c495c0c9188"}
FUNCTION, DATABASE, QUEUE = {"FunctionName": "worker"}, {"DBInstanceIdentifier": "db"}, {"QueueName": "jobs"}
SERVICE = {"ClusterName": "prod", "ServiceName": "orders"}


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def metric(
    namespace: str, name: str, statistic: str, dimensions: dict[str, str], values: Sequence[float], period: int = 60
) -> Series:
    """A value a period, the last one a period ago."""
    last = NOW - timedelta(seconds=period)
    points = tuple(
        Datapoint(at=last - timedelta(seconds=period * (len(values) - 1 - n)), value=value)
        for n, value in enumerate(values)
    )
    return Series(
        region=REGION,
        namespace=f"AWS/{namespace}",
        metric=name,
        dimensions=dimensions,
        statistic=statistic,
        period=period,
        points=points,
    )


def seen(about: AwsSubject, rings: bool = True, **found: Any) -> Picture:
    """A picture around an alarm on this subject, which went off four minutes ago."""
    return Picture(subject=about, at=NOW, alarm=alarm(about) if rings else None, **found)


def definition(revision: int = 15, **container: Any) -> TaskDefinition:
    one = {"name": "orders", "image": "orders:2.15.0", "memory": 512, "env": ("DATABASE_URL", "PORT"), **container}
    return TaskDefinition(
        arn=f"arn:aws:ecs:{ACCOUNT}:task-definition/orders:{revision}",
        family="orders",
        revision=revision,
        containers=(Container(**one),),
    )


def service(
    running: int = 3,
    rollout: str = "COMPLETED",
    failed: int = 0,
    age: timedelta = timedelta(days=3),
    events: Sequence[tuple[float, str]] = (),
    before: TaskDefinition | None = None,
) -> EcsService:
    """A service that wants three tasks; `events` as minutes ago and text."""
    deployment = Deployment(
        id="ecs-svc/1",
        status="PRIMARY",
        rollout=rollout,
        created_at=NOW - age,
        desired=3,
        running=running,
        task_definition=NEW,
        failed=failed,
    )
    return EcsService(
        region=REGION,
        cluster="prod",
        name="orders",
        arn=f"arn:aws:ecs:{ACCOUNT}:service/prod/orders",
        status="ACTIVE",
        controller="ECS",
        desired=3,
        running=running,
        task_definition=NEW,
        deployments=(deployment,),
        log_groups=("/ecs/prod/orders",),
        events=tuple(ServiceEvent(at=ago(minutes), text=text) for minutes, text in events),
        target_groups=(GROUP,),
        definition=definition(),
        previous=before,
    )


def stopped(
    reason: str, minutes: float = 3, code: int | None = None, stop: str = "EssentialContainerExited", of: str = NEW
) -> StoppedTask:
    return StoppedTask(
        id=f"task{minutes:g}",
        code=stop,
        reason=reason,
        stopped_at=ago(minutes),
        task_definition=of,
        containers=(ContainerExit(name="orders", code=code, reason=""),),
    )


def function(**more: Any) -> Function:
    usual: dict[str, Any] = {
        "region": REGION,
        "name": "worker",
        "arn": WORKER,
        "runtime": "python3.13",
        "memory": 512,
        "timeout": 30,
        "state": "Active",
        "update": "Successful",
        "modified_at": NOW - timedelta(days=20),
        "log_group": "/aws/lambda/worker",
    }
    return Function(**{**usual, **more})


def calls(errors: Sequence[float], made: Sequence[float] = (30,) * 30) -> tuple[Series, ...]:
    """Errors and invocations of the function, a value a minute."""
    return (
        metric("Lambda", "Errors", "Sum", FUNCTION, errors),
        metric("Lambda", "Invocations", "Sum", FUNCTION, made),
    )


def version(number: int, minutes: float) -> Version:
    return Version(number=str(number), published_at=ago(minutes), code=f"sha{number}")


def source(state: str = "Enabled", result: str = "OK") -> EventSource:
    return EventSource(id="esm-1", source=JOBS, function=WORKER, state=state, result=result, changed_at=ago(25))


def database(status: str = "available", **more: Any) -> Database:
    usual: dict[str, Any] = {
        "region": REGION,
        "id": "db",
        "status": status,
        "engine": "postgres",
        "version": "16.4",
        "instance_class": "db.m6g.large",
        "storage": 100,
        "parameters": "default.postgres16",
    }
    return Database(**{**usual, **more})


def happened(minutes: float, text: str, *categories: str) -> DatabaseEvent:
    return DatabaseEvent(at=ago(minutes), source="db", categories=categories, text=text)


def cluster(writer: str = "db") -> DatabaseCluster:
    return DatabaseCluster(
        region=REGION, id="aurora", status="available", engine="aurora-postgresql", members=("db", "db2"), writer=writer
    )


def balancer() -> LoadBalancer:
    return LoadBalancer(region=REGION, name="web", arn=WEB, kind="application", state="active")


def target_group(*states: str, reason: str = "Target.Timeout", said: str = "Request timed out") -> TargetGroup:
    """A group with a target in each of these states."""
    return TargetGroup(
        region=REGION,
        name="orders",
        arn=GROUP,
        port=8080,
        target_type="ip",
        path="/healthz",
        expected="200",
        balancers=(WEB,),
        targets=tuple(
            Target(
                id=f"10.0.0.{n}",
                port=8080,
                state=state,
                reason=reason if state == "unhealthy" else "",
                description=said if state == "unhealthy" else "",
            )
            for n, state in enumerate(states)
        ),
    )


def requests(errors: Sequence[float], name: str = "HTTPCode_Target_5XX_Count") -> tuple[Series, ...]:
    """A counter of the load balancer, and a thousand requests a minute."""
    return (
        metric("ApplicationELB", name, "Sum", BALANCER, errors),
        metric("ApplicationELB", "RequestCount", "Sum", BALANCER, (1000,) * max(5, len(errors))),
    )


def queue(visible: int = 0, name: str = "jobs", dead_letters: str | None = DEAD, in_flight: int = 2) -> Queue:
    return Queue(
        region=REGION,
        name=name,
        arn=f"arn:aws:sqs:{ACCOUNT}:{name}",
        visible=visible,
        in_flight=in_flight,
        dead_letters=dead_letters,
        most_receives=3 if dead_letters else None,
    )


def ages(*values: float, deleted: float = 5) -> tuple[Series, ...]:
    """The age of the queue's oldest message, and how many are deleted a minute."""
    return (
        metric("SQS", "ApproximateAgeOfOldestMessage", "Maximum", QUEUE, values),
        metric("SQS", "NumberOfMessagesDeleted", "Sum", QUEUE, (deleted,) * 10),
    )


def table(read: int | None = 10) -> DynamoTable:
    return DynamoTable(region=REGION, name="carts", status="ACTIVE", read_capacity=read, write_capacity=read)


def api(rate: float | None = None) -> Api:
    return Api(region=REGION, id="a1b2c3", name="shop", kind="REST", stages=(Stage(name="prod", rate=rate, burst=10),))


def answers(share: float, count: float = 600, family: str = "5XXError") -> tuple[Series, ...]:
    """A share of errors, and requests a minute, of the API's stage."""
    where = {"ApiName": "shop", "Stage": "prod"}
    return (
        metric("ApiGateway", family, "Average", where, (share,) * 6),
        metric("ApiGateway", "Count", "Sum", where, (count,) * 6),
    )


def bucket() -> Bucket:
    return Bucket(region=REGION, name="media", public=False, blocked=True, lifecycle_rules=1)


def nat(state: str = "available") -> NatGateway:
    return NatGateway(region=REGION, id="nat-0a1b2c3d", state=state)


def certificate(days: float, renewal: str | None = None) -> Certificate:
    return Certificate(
        region=REGION,
        arn=f"arn:aws:acm:{ACCOUNT}:certificate/c1",
        domain="shop.example.com",
        status="ISSUED",
        expires_at=NOW + timedelta(days=days),
        renewal=renewal,
        in_use=True,
    )


def recorded(name: str, minutes: float, *about: str, error: str | None = None) -> TrailEvent:
    return TrailEvent(
        id=f"{name}-{minutes:g}",
        at=ago(minutes),
        name=name,
        source="ecs.amazonaws.com",
        by="arn:aws:sts::123456789012:assumed-role/deployer/ci",
        about=about,
        parameters=("desiredCount=3", "service"),
        error=error,
    )


ON_SERVICE = subject("AWS/ECS", "RunningTaskCount", **SERVICE)
ON_BALANCER = subject("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", **BALANCER)
ON_FUNCTION = subject("AWS/Lambda", "Errors", **FUNCTION)
ON_DATABASE = subject("AWS/RDS", "CPUUtilization", **DATABASE)
ON_QUEUE = subject("AWS/SQS", "ApproximateAgeOfOldestMessage", **QUEUE)
ON_TABLE = subject("AWS/DynamoDB", "ReadThrottleEvents", TableName="carts")
ON_API = subject("AWS/ApiGateway", "5XXError", ApiName="shop", Stage="prod")
ON_BUCKET = subject("AWS/S3", "5xxErrors", BucketName="media", FilterId="all")
ON_NAT = subject("AWS/NATGateway", "ErrorPortAllocation", NatGatewayId="nat-0a1b2c3d")
ON_CERTIFICATE = subject(
    "AWS/CertificateManager", "DaysToExpiry", CertificateArn=f"arn:aws:acm:{ACCOUNT}:certificate/c1"
)
