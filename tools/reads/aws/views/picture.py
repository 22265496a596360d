"""Everything seen around one alarm, as one value. No reading and no judging here."""

from __future__ import annotations

from datetime import datetime

from tools.reads.aws.views.balancers import LoadBalancer, TargetGroup
from tools.reads.aws.views.basics import Alarm, AlarmChange, LogLine, Series, Utc
from tools.reads.aws.views.databases import Database, DatabaseCluster
from tools.reads.aws.views.edges import Api, Certificate
from tools.reads.aws.views.functions import EventSource, Function
from tools.reads.aws.views.machines import Instance, NatGateway, ScalingGroup
from tools.reads.aws.views.services import EcsService, StoppedTask
from tools.reads.aws.views.stores import Bucket, DynamoTable, Queue
from tools.reads.aws.views.tags import Tagged
from tools.reads.aws.views.trail import TrailEvent
from tools.subjects import AwsSubject
from tools.values import Value


class Picture(Value):
    """Everything seen around one alarm at one time. None and empty mean nothing was found; `gaps` says what was not."""

    subject: AwsSubject
    at: Utc
    onset: Utc | None = None
    """When the trouble was first noticed: the first alert of the incident; else the alarm's own state tells."""
    alarm: Alarm | None = None
    history: tuple[AlarmChange, ...] = ()
    """How the alarm's state changed in the last hours, oldest first."""
    series: tuple[Series, ...] = ()
    baselines: tuple[Series, ...] = ()
    """Hourly sums of the last week, for what is compared with the same hour of other days."""
    group: ScalingGroup | None = None
    service: EcsService | None = None
    stopped_tasks: tuple[StoppedTask, ...] = ()
    log_lines: tuple[LogLine, ...] = ()
    instance: Instance | None = None
    functions: tuple[Function, ...] = ()
    sources: tuple[EventSource, ...] = ()
    """Who consumes the queues, as event source mappings."""
    databases: tuple[Database, ...] = ()
    clusters: tuple[DatabaseCluster, ...] = ()
    balancers: tuple[LoadBalancer, ...] = ()
    target_groups: tuple[TargetGroup, ...] = ()
    queues: tuple[Queue, ...] = ()
    tables: tuple[DynamoTable, ...] = ()
    apis: tuple[Api, ...] = ()
    buckets: tuple[Bucket, ...] = ()
    nats: tuple[NatGateway, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    trail: tuple[TrailEvent, ...] = ()
    """Newest first."""
    tagged: tuple[Tagged, ...] = ()
    gaps: tuple[str, ...] = ()

    @property
    def began(self) -> datetime:
        """When the trouble was first noticed, by whatever noticed it; the moment of the picture where nothing did."""
        return self.onset or (self.alarm.since if self.alarm else self.at)

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

    def metric(
        self, namespace: str, metric: str, statistic: str, dimensions: dict[str, str], period: int = 60
    ) -> Series | None:
        """One series of the picture, the longest if it was read twice; it may hold no datapoints."""
        wanted = (namespace, metric, statistic, dimensions, period)
        found = [one for one in self.series if _named(one) == wanted]
        return max(found, key=lambda one: len(one.points), default=None)

    def baseline(self, namespace: str, metric: str, dimensions: dict[str, str]) -> Series | None:
        """The hourly sums of a week of one counter."""
        wanted = (namespace, metric, "Sum", dimensions, 3600)
        return next((one for one in self.baselines if _named(one) == wanted), None)


def _named(series: Series) -> tuple[object, ...]:
    return series.namespace, series.metric, series.statistic, series.dimensions, series.period
