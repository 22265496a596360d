"""Pictures of AWS for the pure tests: healthy by default, with a word for each thing that can be wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tools.reads.aws.views import (
    Activity,
    Alarm,
    AlarmState,
    Datapoint,
    Deployment,
    EcsService,
    GroupInstance,
    Instance,
    LogLine,
    Picture,
    ScalingGroup,
    Series,
)
from tools.subjects import AwsSubject

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
REGION = "eu-west-1"
LOG_GROUP = "/ecs/prod/orders"


def subject(namespace: str, metric: str, **dimensions: str) -> AwsSubject:
    return AwsSubject(region=REGION, alarm="rings", namespace=namespace, metric=metric, dimensions=dimensions)


def alarm(
    about: AwsSubject,
    threshold: float = 80,
    state: AlarmState = AlarmState.ALARM,
    comparison: str = "GreaterThanThreshold",
) -> Alarm:
    return Alarm(
        region=REGION,
        name=about.alarm,
        arn=f"arn:aws:cloudwatch:{REGION}:123456789012:alarm:{about.alarm}",
        state=state,
        reason="Threshold Crossed",
        since=NOW - timedelta(minutes=4),
        description="",
        namespace=about.namespace,
        metric=about.metric,
        dimensions=about.dimensions,
        statistic="Average",
        period=60,
        threshold=threshold,
        comparison=comparison,
    )


def series(about: AwsSubject, *values: float, age: timedelta = timedelta()) -> Series:
    """A value a minute, the last one `age` ago."""
    last = NOW - age
    points = tuple(
        Datapoint(at=last - timedelta(minutes=len(values) - 1 - n), value=value) for n, value in enumerate(values)
    )
    return Series(
        region=REGION,
        namespace=about.namespace,
        metric=about.metric,
        dimensions=about.dimensions,
        statistic="Average",
        period=60,
        points=points,
    )


def group(in_service: int = 2, desired: int = 2, maximum: int = 6, failed: tuple[timedelta, ...] = ()) -> ScalingGroup:
    """A group; `failed` are the ages of its failed activities."""
    return ScalingGroup(
        region=REGION,
        name="web",
        arn="arn:aws:autoscaling:web",
        minimum=1,
        maximum=maximum,
        desired=desired,
        status=None,
        suspended=(),
        instances=tuple(
            GroupInstance(id=f"i-{n:08x}", lifecycle="InService", health="Healthy") for n in range(in_service)
        ),
        activities=tuple(
            Activity(status="Failed", description="Launching", message="quota", started_at=NOW - age) for age in failed
        ),
    )


def service(age: timedelta = timedelta(days=3), rollout: str = "COMPLETED") -> EcsService:
    """A service on one deployment of this age."""
    deployment = Deployment(
        id="ecs-svc/1",
        status="PRIMARY",
        rollout=rollout,
        created_at=NOW - age,
        desired=3,
        running=3,
        task_definition="orders:1",
    )
    return EcsService(
        region=REGION,
        cluster="prod",
        name="orders",
        arn="arn:aws:ecs:orders",
        status="ACTIVE",
        controller="ECS",
        desired=3,
        running=3,
        task_definition="orders:1",
        deployments=(deployment,),
        log_groups=(LOG_GROUP,),
    )


def lines(text: str, count: int, log_group: str = LOG_GROUP) -> tuple[LogLine, ...]:
    """The same line every half minute, the last one now."""
    return tuple(
        LogLine(at=NOW - timedelta(seconds=30 * (count - 1 - n)), group=log_group, text=text) for n in range(count)
    )


def instance(state: str = "running", ping: str | None = "Online") -> Instance:
    return Instance(
        region=REGION,
        id="i-0123456789abcdef0",
        name="reports",
        type="m6i.large",
        state=state,
        launched_at=NOW - timedelta(days=30),
        checks_failed=(),
        ping=ping,
    )


CPU = subject("AWS/EC2", "CPUUtilization", AutoScalingGroupName="web")
ERRORS = subject("Shop/Orders", "DatabaseErrors", ClusterName="prod", ServiceName="orders")
DISK = subject("CWAgent", "disk_used_percent", InstanceId="i-0123456789abcdef0", path="/")
FATAL = "FATAL: remaining connection slots are reserved for roles with the SUPERUSER attribute"


def busy_group(in_service: int = 2, desired: int = 2, maximum: int = 6, cpu: float = 95) -> Picture:
    """A group at this CPU."""
    return Picture(
        subject=CPU,
        at=NOW,
        alarm=alarm(CPU),
        series=(series(CPU, 40, cpu, cpu, cpu),),
        group=group(in_service, desired, maximum),
    )


def starved_service(count: int = 6, text: str = FATAL, age: timedelta = timedelta(days=3)) -> Picture:
    """A service whose log says this, so often."""
    return Picture(
        subject=ERRORS,
        at=NOW,
        alarm=alarm(ERRORS, threshold=5),
        series=(series(ERRORS, 14, 14),),
        service=service(age),
        log_lines=lines(text, count),
    )


def full_disk(used: float = 96, path: str = "/", state: str = "running", ping: str | None = "Online") -> Picture:
    """An instance with one disk."""
    about = DISK.model_copy(update={"dimensions": {**DISK.dimensions, "path": path}})
    return Picture(
        subject=about,
        at=NOW,
        alarm=alarm(about, threshold=90),
        series=(series(about, used, used),),
        instance=instance(state, ping),
    )
