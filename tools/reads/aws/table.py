"""READS of AWS: what the model and the command line may ask for, each with the permissions it needs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import Field

from tools.actions import AwsName, Region
from tools.clients import Readers
from tools.clients.aws import AwsReader
from tools.errors import PermanentError
from tools.evidence import Evidence
from tools.reads.aws import alarms, commands, evidence, groups, instances, logs, metrics, services
from tools.reads.aws.around import AROUND
from tools.reads.aws.views import DISK_METRIC, DISK_NAMESPACE, AlarmState
from tools.reads.read import Read
from tools.values import Value

Minutes = Annotated[int, Field(ge=5, le=1440)]


STEPS = {60: 60, 300: 300, 900: 900}
"""Seconds a datapoint stands for, by the most minutes asked about; longer windows are read by the hour."""
MOST_POINTS = 60


class AlarmsIn(Value):
    """Which alarms to list: one state, or both that are not fine."""

    region: Region
    state: AlarmState | None = None


class AlarmNamed(Value):
    """One alarm."""

    region: Region
    alarm: Annotated[str, Field(min_length=1, max_length=255)]


class MetricOf(Value):
    """One metric over the last minutes. `statistic`: Average, Maximum, Minimum, Sum, SampleCount or a percentile."""

    region: Region
    namespace: Annotated[str, Field(min_length=1, max_length=255)]
    metric: Annotated[str, Field(min_length=1, max_length=255)]
    dimensions: Annotated[dict[str, str], Field(max_length=30, default_factory=dict)]
    statistic: Annotated[str, Field(pattern=r"^(Average|Maximum|Minimum|Sum|SampleCount|p[0-9]{1,2}(\.[0-9]+)?)$")] = (
        "Average"
    )
    minutes: Minutes = 60


class CommandOf(Value):
    """One Systems Manager command on one instance."""

    region: Region
    command_id: Annotated[str, Field(pattern=r"^[0-9a-f-]{36}$")]
    instance_id: Annotated[str, Field(pattern=r"^i-[0-9a-f]{8,17}$")]


class GroupNamed(Value):
    """One Auto Scaling group."""

    region: Region
    group: AwsName


class ServiceNamed(Value):
    """One ECS service."""

    region: Region
    cluster: AwsName
    service: AwsName


class LogsOf(Value):
    """Lines of one log group; `pattern` is CloudWatch's plain syntax (`?ERROR ?FATAL`), empty for every line."""

    region: Region
    group: Annotated[str, Field(pattern=r"^[-A-Za-z0-9_/.#]{1,512}$")]
    pattern: Annotated[str, Field(max_length=200)] = logs.TROUBLE
    minutes: Minutes = 15


class InstanceNamed(Value):
    """One EC2 instance."""

    region: Region
    instance_id: Annotated[str, Field(pattern=r"^i-[0-9a-f]{8,17}$")]


def _alarms(asked: AlarmsIn, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
    states = (asked.state,) if asked.state else (AlarmState.ALARM, AlarmState.INSUFFICIENT_DATA)
    found = alarms.alarms(asked.region, states, _aws(readers))
    return (evidence.of_alarms(asked.region, found, " or ".join(states), at),)


def _alarm(asked: AlarmNamed, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
    found = alarms.alarm(asked.region, asked.alarm, _aws(readers))
    return (evidence.of_alarm(found, at),) if found else ()


def _metric(asked: MetricOf, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
    found = metrics.series(
        asked.region,
        asked.namespace,
        asked.metric,
        asked.dimensions,
        at,
        _aws(readers),
        statistic=asked.statistic,
        # Long windows in long steps: a thousand datapoints help nobody.
        period=next((step for most, step in STEPS.items() if asked.minutes <= most), 3600),
        window=timedelta(minutes=asked.minutes),
    )
    return (evidence.of_series(found, at, MOST_POINTS),)


def _group(asked: GroupNamed, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
    found = groups.group(asked.region, asked.group, _aws(readers))
    return (evidence.of_group(found, at),) if found else ()


def _service(asked: ServiceNamed, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
    reader = _aws(readers)
    found = services.service(asked.region, asked.cluster, asked.service, reader)
    if found is None:
        return ()
    stopped = services.stopped_tasks(asked.region, asked.cluster, asked.service, reader)
    return (evidence.of_service(found, at), evidence.of_stopped_tasks(found, stopped, at))


def _logs(asked: LogsOf, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
    window = timedelta(minutes=asked.minutes)
    found = logs.lines(asked.region, asked.group, at, _aws(readers), pattern=asked.pattern, window=window)
    return (evidence.of_lines(asked.region, asked.group, found, at),)


def _instance(asked: InstanceNamed, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
    reader = _aws(readers)
    found = instances.instance(asked.region, asked.instance_id, reader)
    if found is None:
        return ()
    known = {"InstanceId": asked.instance_id}
    disks = metrics.dimension_sets(asked.region, DISK_NAMESPACE, DISK_METRIC, known, reader)
    series = (metrics.series(asked.region, DISK_NAMESPACE, DISK_METRIC, one, at, reader) for one in disks)
    return (evidence.of_instance(found, at), *(evidence.of_series(one, at) for one in series))


def _command(asked: CommandOf, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
    found = commands.command(asked.region, asked.command_id, asked.instance_id, _aws(readers))
    return (evidence.of_command(found, at),) if found else ()


def _aws(readers: Readers) -> AwsReader:
    if readers.aws is None:
        raise PermanentError("AWS is not configured")
    return readers.aws


READS: tuple[Read[Any], ...] = (
    Read(
        name="aws_alarms",
        description="CloudWatch alarms of a region with since when and why; default those in ALARM or without data.",
        arguments=AlarmsIn,
        run=_alarms,
        permissions=("cloudwatch:DescribeAlarms",),
    ),
    Read(
        name="aws_alarm",
        description="One CloudWatch alarm: state, rule, dimensions and CloudWatch's reason.",
        arguments=AlarmNamed,
        run=_alarm,
        permissions=("cloudwatch:DescribeAlarms",),
    ),
    Read(
        name="aws_metric",
        description="Any CloudWatch metric over the last minutes, at most 60 datapoints.",
        arguments=MetricOf,
        run=_metric,
        permissions=("cloudwatch:GetMetricStatistics",),
    ),
    Read(
        name="aws_asg",
        description="An Auto Scaling group: minimum, desired, maximum, instances, latest activities.",
        arguments=GroupNamed,
        run=_group,
        permissions=("autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeScalingActivities"),
    ),
    Read(
        name="aws_ecs_service",
        description="An ECS service: counts, deployments, and the tasks that stopped lately with their reasons.",
        arguments=ServiceNamed,
        run=_service,
        permissions=("ecs:DescribeServices", "ecs:ListTasks", "ecs:DescribeTasks"),
    ),
    Read(
        name="aws_logs",
        description="The newest lines of a CloudWatch log group that match plain terms.",
        arguments=LogsOf,
        run=_logs,
        permissions=("logs:FilterLogEvents",),
    ),
    Read(
        name="aws_instance",
        description="An EC2 instance: state, status checks, Systems Manager agent, how full its disks are.",
        arguments=InstanceNamed,
        run=_instance,
        permissions=(
            "ec2:DescribeInstances",
            "ec2:DescribeInstanceStatus",
            "ssm:DescribeInstanceInformation",
            "cloudwatch:ListMetrics",
            "cloudwatch:GetMetricStatistics",
        ),
    ),
    Read(
        name="aws_ssm_command",
        description="What became of a Systems Manager command on an instance, and its last lines.",
        arguments=CommandOf,
        run=_command,
        permissions=("ssm:GetCommandInvocation",),
    ),
    *AROUND,
)
"""Every AWS read."""
