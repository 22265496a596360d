"""The whole picture around one alarm: the alarm, its metric, and the resource its dimensions name.

Whatever cannot be read becomes a gap in plain words; only when nothing answers at all is it an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from tools.clients.aws import AwsReader
from tools.errors import PermanentError, TemporaryError, Unreachable
from tools.reads.aws import alarms, groups, instances, logs, metrics, services
from tools.reads.aws.views import DISK_METRIC, DISK_NAMESPACE, Alarm, Picture, Series
from tools.redaction import redact
from tools.subjects import AwsSubject

Seen = TypeVar("Seen")


class _Gaps:
    """What could not be seen so far, and whether anything answered."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.answered = False
        self.silence: Unreachable | None = None

    def seen(self, what: str, read: Callable[[], Seen | None]) -> Seen | None:
        """What `read` answers; None and a gap when it fails or finds nothing."""
        try:
            answer = read()
        except Unreachable as error:
            self.silence = error
            self.said.append(f"{what} could not be read: {redact(str(error))}")
            return None
        except (PermanentError, TemporaryError) as error:
            self.answered = True
            self.said.append(f"{what} could not be read: {redact(str(error))}")
            return None
        self.answered = True
        if answer is None:
            self.said.append(f"{what} was not found")
        return answer


def look(subject: AwsSubject, at: datetime, reader: AwsReader) -> Picture:
    """Everything known about an alarm's subject at `at`. Raises Unreachable when nothing at all answers."""
    gaps = _Gaps()
    alarm = gaps.seen(f"Alarm {subject.alarm}", partial(alarms.alarm, subject.region, subject.alarm, reader))
    subject = _grounded(subject, alarm)
    seen: dict[str, Any] = {"series": _watched(subject, alarm, at, reader, gaps)}
    match subject.dimensions:
        case {"AutoScalingGroupName": name}:
            seen |= _group(subject, name, reader, gaps)
        case {"ClusterName": cluster, "ServiceName": name}:
            seen |= _service(subject, cluster, name, at, reader, gaps)
        case {"InstanceId": id_}:
            seen |= _instance(subject, id_, at, reader, gaps, seen["series"])
        case _:
            pass
    if gaps.silence is not None and not gaps.answered:
        raise gaps.silence
    return Picture(subject=subject, at=at, alarm=alarm, gaps=tuple(gaps.said), **seen)


def _grounded(subject: AwsSubject, alarm: Alarm | None) -> AwsSubject:
    """The subject as CloudWatch has it: what the alarm watches is read from AWS, not believed from a message."""
    if alarm is None or alarm.metric is None or alarm.namespace is None:
        return subject
    watched = {"namespace": alarm.namespace, "metric": alarm.metric, "dimensions": alarm.dimensions}
    return subject.model_copy(update=watched)


def _watched(
    subject: AwsSubject, alarm: Alarm | None, at: datetime, reader: AwsReader, gaps: _Gaps
) -> tuple[Series, ...]:
    what = f"Metric {subject.namespace} {subject.metric}"
    found = gaps.seen(
        what,
        lambda: metrics.series(
            subject.region,
            subject.namespace,
            subject.metric,
            subject.dimensions,
            at,
            reader,
            statistic=alarm.statistic if alarm else "Average",
            period=alarm.period if alarm else 60,
        ),
    )
    if found is not None and not found.points:
        gaps.said.append(f"{what} has no datapoints in the last hour: unknown, not fine")
    return () if found is None else (found,)


def _group(subject: AwsSubject, name: str, reader: AwsReader, gaps: _Gaps) -> Mapping[str, object]:
    return {
        "group": gaps.seen(f"Auto Scaling group {name}", lambda: groups.group(subject.region, name, reader)),
    }


def _service(
    subject: AwsSubject, cluster: str, name: str, at: datetime, reader: AwsReader, gaps: _Gaps
) -> Mapping[str, object]:
    region = subject.region
    service = gaps.seen(f"ECS service {cluster}/{name}", lambda: services.service(region, cluster, name, reader))
    if service is None:
        return {}
    written = gaps.seen(
        f"The task definition of {name}", lambda: services.log_groups(region, service.task_definition, reader)
    )
    found = [
        gaps.seen(f"Log group {one}", partial(logs.lines, region, one, at, reader, pattern=logs.TROUBLE))
        for one in written or ()
    ]
    stopped = gaps.seen(f"The stopped tasks of {name}", lambda: services.stopped_tasks(region, cluster, name, reader))
    return {
        "service": service.model_copy(update={"log_groups": written or ()}),
        "log_lines": tuple(line for some in found for line in some or ()),
        "stopped_tasks": stopped or (),
    }


def _instance(
    subject: AwsSubject, id_: str, at: datetime, reader: AwsReader, gaps: _Gaps, watched: tuple[Series, ...]
) -> Mapping[str, object]:
    region = subject.region
    found = gaps.seen(f"Instance {id_}", lambda: instances.instance(region, id_, reader))
    disks = gaps.seen(
        f"The disks of {id_}",
        lambda: metrics.dimension_sets(region, DISK_NAMESPACE, DISK_METRIC, {"InstanceId": id_}, reader),
    )
    known = [one.dimensions for one in watched]
    more = [
        gaps.seen(
            f"Disk {one.get('path', '')} of {id_}",
            partial(metrics.series, region, DISK_NAMESPACE, DISK_METRIC, one, at, reader),
        )
        for one in disks or ()
        if one not in known
    ]
    return {"instance": found, "series": (*watched, *(one for one in more if one is not None))}
