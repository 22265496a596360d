"""AWS as sayso sees it: frozen views of the few fields that matter. No reading and no judging here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime

from tools.subjects import AwsSubject
from tools.values import Value

Utc = Annotated[AwareDatetime, AfterValidator(lambda at: at.astimezone(UTC))]
"""A time, in UTC whatever it came in: botocore answers some in the machine's own zone."""

DISK_NAMESPACE, DISK_METRIC = "CWAgent", "disk_used_percent"
"""Where the CloudWatch agent reports how full a file system is."""

FRESH = timedelta(minutes=15)
"""An older datapoint says nothing about now."""


class AlarmState(StrEnum):
    """What CloudWatch says of an alarm. INSUFFICIENT_DATA is unknown, never fine."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class Alarm(Value):
    """A CloudWatch alarm; `metric` and `namespace` are None for metric maths and composite alarms."""

    region: str
    name: str
    arn: str
    state: AlarmState
    reason: str
    since: Utc
    description: str
    namespace: str | None
    metric: str | None
    dimensions: dict[str, str]
    statistic: str
    period: int
    """Seconds."""
    threshold: float | None
    comparison: str


class Datapoint(Value):
    """One value of a metric, at the beginning of its period."""

    at: Utc
    value: float


class Series(Value):
    """A metric over a window, oldest datapoint first. No datapoints means unknown, not zero."""

    region: str
    namespace: str
    metric: str
    dimensions: dict[str, str]
    statistic: str
    period: int
    """Seconds."""
    points: tuple[Datapoint, ...]

    @property
    def latest(self) -> Datapoint | None:
        """The newest datapoint, if there is any."""
        return self.points[-1] if self.points else None

    def recent(self, at: datetime) -> tuple[Datapoint, ...]:
        """The datapoints of the last quarter of an hour (three periods, where those are longer)."""
        since = at - max(FRESH, 3 * timedelta(seconds=self.period))
        return tuple(one for one in self.points if one.at >= since)


class GroupInstance(Value):
    """An instance as its Auto Scaling group sees it."""

    id: str
    lifecycle: str
    health: str


class Activity(Value):
    """One thing an Auto Scaling group did or tried to do."""

    status: str
    description: str
    message: str
    started_at: Utc


class ScalingGroup(Value):
    """An Auto Scaling group with its instances and latest activities, newest first."""

    region: str
    name: str
    arn: str
    minimum: int
    maximum: int
    desired: int
    status: str | None
    """Set only while the group is being deleted."""
    suspended: tuple[str, ...]
    instances: tuple[GroupInstance, ...]
    activities: tuple[Activity, ...]

    @property
    def in_service(self) -> int:
        """How many instances serve: in service and healthy."""
        return sum(one.lifecycle == "InService" and one.health == "Healthy" for one in self.instances)


class Deployment(Value):
    """One deployment of an ECS service; the PRIMARY one is the newest."""

    id: str
    status: str
    rollout: str | None
    created_at: Utc
    desired: int
    running: int
    task_definition: str


class EcsService(Value):
    """An ECS service, its deployments, and the log groups its containers write to."""

    region: str
    cluster: str
    name: str
    arn: str
    status: str
    controller: str
    desired: int
    running: int
    task_definition: str
    minimum_healthy: int | None = None
    """Percent of the wanted tasks that keep running during a deployment; None where ECS did not say."""
    deployments: tuple[Deployment, ...]
    log_groups: tuple[str, ...] = ()

    @property
    def primary(self) -> Deployment | None:
        """The newest deployment."""
        return next((one for one in self.deployments if one.status == "PRIMARY"), None)

    @property
    def settled(self) -> bool:
        """Whether no deployment is under way."""
        return len(self.deployments) == 1 and self.deployments[0].rollout in (None, "COMPLETED")


class StoppedTask(Value):
    """A task that ended, and why ECS says it did."""

    id: str
    code: str | None
    reason: str
    stopped_at: Utc | None


class LogLine(Value):
    """One line of a log group, redacted."""

    at: Utc
    group: str
    text: str


class Instance(Value):
    """An EC2 instance. `ping` is what Systems Manager last heard from its agent; None when it knows no such agent."""

    region: str
    id: str
    name: str
    type: str
    state: str
    launched_at: Utc
    checks_failed: tuple[str, ...]
    ping: str | None


class Picture(Value):
    """Everything seen around one alarm at one time. None and empty mean nothing was found; `gaps` says what was not."""

    subject: AwsSubject
    at: Utc
    alarm: Alarm | None = None
    series: tuple[Series, ...] = ()
    group: ScalingGroup | None = None
    service: EcsService | None = None
    stopped_tasks: tuple[StoppedTask, ...] = ()
    log_lines: tuple[LogLine, ...] = ()
    instance: Instance | None = None
    gaps: tuple[str, ...] = ()

    @property
    def watched(self) -> Series | None:
        """The series the alarm watches."""
        wanted = self.subject
        return next(
            (
                one
                for one in self.series
                if one.metric == wanted.metric
                and one.namespace == wanted.namespace
                and one.dimensions == wanted.dimensions
            ),
            None,
        )
