"""The whole picture around one alarm: the alarm, its metric, the resource its dimensions name, and its neighbours.

Whatever cannot be read becomes a gap in plain words; only when nothing answers at all is it an error.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from tools.clients.aws import AwsReader
from tools.reads.aws import alarms, follow, metrics, tags, trail, watch
from tools.reads.aws.asking import Asking, Pending
from tools.reads.aws.follow import Sight
from tools.reads.aws.naming import names
from tools.reads.aws.views import DISK_METRIC, DISK_NAMESPACE, Alarm, AlarmChange, EventSource, Picture, Series, Tagged
from tools.subjects import AwsSubject

SECONDS = 8.0
"""How long one look may take."""
NOT_NAMES = frozenset({"FilterId", "Stage", "path", "device", "fstype", "AvailabilityZone", "ClusterName", "Operation"})
"""Dimensions that do not name the resource somebody would change."""


def look(
    subject: AwsSubject, at: datetime, reader: AwsReader, seconds: float = SECONDS, *, measured: bool = True
) -> Picture:
    """Everything known about an alarm's subject at `at`; `measured` with the metrics, tags, history and CloudTrail.

    A subject without an alarm is a resource somebody asked about. Raises Unreachable when nothing at all answers.
    """
    with Asking(seconds) as asking:
        alarm = _alarm(subject, reader, asking)
        subject = _grounded(subject, alarm)
        watched = _watched(subject, alarm, at, reader, asking)
        recorded = _recorded(subject, alarm, at, reader, asking) if measured else None
        rang = _history(alarm, at, reader, asking) if measured and alarm else None
        sight = Sight(subject.region, asking, reader, at)
        series = _with_its_gap(watched, subject, asking) if watched else ()
        _follow(subject, sight)
        picture = _painted(subject, alarm, sight)
        owned = _owned(picture, reader, asking) if measured and names(picture) else None
        seen = _numbers(picture, series, at, sight) if measured else {}
        told = {"tagged": (owned.answer() if owned else None) or (), "history": (rang.answer() if rang else None) or ()}
        record = (recorded.answer() if recorded else None) or trail.Record()
        events = trail.about(record, names(picture) | {*_names(subject)})
        asking.gaps += [record.gap] if record.gap else []
        if asking.silence is not None and not asking.answered:
            raise asking.silence
    return picture.model_copy(update={**seen, **told, "trail": events, "gaps": tuple(asking.gaps)})


def _alarm(subject: AwsSubject, reader: AwsReader, asking: Asking) -> Alarm | None:
    if not subject.alarm:
        return None
    return asking.seen(f"Alarm {subject.alarm}", partial(alarms.alarm, subject.region, subject.alarm, reader))


def _owned(picture: Picture, reader: AwsReader, asking: Asking) -> Pending[tuple[Tagged, ...]]:
    return asking.later("The tags", partial(tags.tagged, picture, reader))


def _history(alarm: Alarm, at: datetime, reader: AwsReader, asking: Asking) -> Pending[tuple[AlarmChange, ...]]:
    read = partial(alarms.history, alarm.region, alarm.name, at, reader)
    return asking.later(f"The history of alarm {alarm.name}", read)


def _numbers(
    picture: Picture, watched: tuple[Series, ...], at: datetime, sight: Sight
) -> dict[str, tuple[Series, ...]]:
    """The alarm's metric, every disk, the metrics of every resource, and the traffic of the last week."""
    series = (*watched, *_disks(picture, watched, at, sight.reader, sight.asking))
    return {
        "series": (*series, *_measured(watch.wanted(picture), at, sight)),
        "baselines": _measured(watch.baselines(picture), at, sight),
    }


def _grounded(subject: AwsSubject, alarm: Alarm | None) -> AwsSubject:
    """The subject as CloudWatch has it: what the alarm watches is read from AWS, not believed from a message."""
    if alarm is None or alarm.metric is None or alarm.namespace is None:
        return subject
    watched = {"namespace": alarm.namespace, "metric": alarm.metric, "dimensions": alarm.dimensions}
    return subject.model_copy(update=watched)


def _watched(
    subject: AwsSubject, alarm: Alarm | None, at: datetime, reader: AwsReader, asking: Asking
) -> Pending[Series] | None:
    if not subject.metric:
        return None
    read = partial(
        metrics.series,
        subject.region,
        subject.namespace,
        subject.metric,
        subject.dimensions,
        at,
        reader,
        statistic=alarm.statistic if alarm else "Average",
        period=alarm.period if alarm else 60,
    )
    return asking.later(f"Metric {subject.namespace} {subject.metric}", read)


def _with_its_gap(watched: Pending[Series], subject: AwsSubject, asking: Asking) -> tuple[Series, ...]:
    found = watched.answer()
    if found is not None and not found.points:
        what = f"Metric {subject.namespace} {subject.metric}"
        asking.gaps.append(f"{what} has no datapoints in the last hour: unknown, not fine")
    return () if found is None else (found,)


def _recorded(
    subject: AwsSubject, alarm: Alarm | None, at: datetime, reader: AwsReader, asking: Asking
) -> Pending[trail.Record]:
    """CloudTrail is slow and knows names only: it is asked at once, and waited for last."""
    onset = alarm.since if alarm else at
    read = partial(trail.events, subject.region, next(iter(_names(subject)), None), onset, at, reader)
    return asking.later("What changed (CloudTrail)", read if _names(subject) else trail.Record)


def _names(subject: AwsSubject) -> tuple[str, ...]:
    """The names of what the alarm watches, as a person would say them."""
    return tuple(
        value.split("/")[1] if value.count("/") > 1 else value
        for name, value in sorted(subject.dimensions.items())
        if name not in NOT_NAMES
    )


def _follow(subject: AwsSubject, sight: Sight) -> None:
    """The most telling dimension wins: an alarm on a service of a load balancer names both."""
    match subject.dimensions:
        case {"AutoScalingGroupName": name}:
            follow.group(sight, name)
        case {"ClusterName": cluster, "ServiceName": name}:
            follow.service(sight, cluster, name)
        case {"InstanceId": id_}:
            follow.instance(sight, id_)
        case {"LoadBalancer": name}:
            follow.balancer(sight, name)
        case _:
            _follow_one(subject, sight)


def _follow_one(subject: AwsSubject, sight: Sight) -> None:
    for dimension, follows in FOLLOWS.items():
        if dimension in subject.dimensions:
            follows(sight, subject.dimensions[dimension])
            return


FOLLOWS: dict[str, Callable[[Sight, str], None]] = {
    "TargetGroup": follow.target_group,
    "FunctionName": follow.function,
    "DBInstanceIdentifier": follow.database,
    "DBClusterIdentifier": follow.cluster,
    "QueueName": follow.queue,
    "TableName": follow.table,
    "ApiName": follow.rest_api,
    "ApiId": follow.http_api,
    "BucketName": follow.bucket,
    "NatGatewayId": follow.nat,
    "CertificateArn": follow.certificate,
}
"""From a CloudWatch dimension to what follows it."""


def _painted(subject: AwsSubject, alarm: Alarm | None, sight: Sight) -> Picture:
    return Picture(
        subject=subject,
        at=sight.at,
        alarm=alarm,
        group=sight.group,
        service=sight.service,
        stopped_tasks=sight.stopped_tasks,
        instance=sight.instance,
        log_lines=tuple(sight.log_lines),
        functions=tuple(sight.functions),
        sources=tuple({one.id: one for one in (*sight.sources, *_fed(sight))}.values()),
        databases=tuple(sight.databases),
        clusters=tuple(sight.clusters),
        balancers=tuple(sight.balancers),
        target_groups=tuple(sight.target_groups),
        queues=tuple(sight.queues),
        tables=tuple(sight.tables),
        apis=tuple(sight.apis),
        buckets=tuple(sight.buckets),
        nats=tuple(sight.nats),
        certificates=tuple(sight.certificates),
    )


def _fed(sight: Sight) -> tuple[EventSource, ...]:
    return tuple(one for function in sight.functions for one in function.sources)


def _disks(
    picture: Picture, known: tuple[Series, ...], at: datetime, reader: AwsReader, asking: Asking
) -> tuple[Series, ...]:
    """Every file system of the instance: the alarm watches one, and another may be fuller."""
    if picture.instance is None:
        return ()
    region, id_ = picture.subject.region, picture.instance.id
    disks = asking.seen(
        f"The disks of {id_}",
        lambda: metrics.dimension_sets(region, DISK_NAMESPACE, DISK_METRIC, {"InstanceId": id_}, reader),
    )
    seen = [one.dimensions for one in known]
    pending = [
        asking.later(
            f"Disk {one.get('path', '')} of {id_}",
            partial(metrics.series, region, DISK_NAMESPACE, DISK_METRIC, one, at, reader),
        )
        for one in disks or ()
        if one not in seen
    ]
    return tuple(found for one in pending if (found := one.answer()) is not None)


def _measured(wanted: tuple[watch.Wanted, ...], at: datetime, sight: Sight) -> tuple[Series, ...]:
    """Percentiles apart, so that an AWS which does not know them still answers the rest."""
    plain = [one for one in wanted if not one.percentile]
    percentiles = [one for one in wanted if one.percentile]
    pending = [
        sight.asking.later(what, partial(metrics.many, sight.region, some, at, sight.reader))
        for what, some in (("The metrics of the resources", plain), ("The percentiles of the metrics", percentiles))
        if some
    ]
    return tuple(series for one in pending for series in one.answer() or ())
