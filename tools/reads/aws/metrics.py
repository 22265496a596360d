"""CloudWatch metrics, read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any

from tools.clients.aws import AwsIdentity, reading
from tools.reads.aws.views import Datapoint, Series
from tools.reads.aws.watch import Wanted

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.literals import StatisticType

PLAIN: tuple[StatisticType, ...] = ("Average", "Maximum", "Minimum", "SampleCount", "Sum")
WINDOW = timedelta(hours=1)
MOST_SERIES = 10
MOST_QUERIES = 500
"""Most metrics one GetMetricData call takes."""
MOST_PAGES = 10


def series(
    region: str,
    namespace: str,
    metric: str,
    dimensions: dict[str, str],
    at: datetime,
    identity: AwsIdentity,
    *,
    statistic: str = "Average",
    period: int = 60,
    window: timedelta = WINDOW,
) -> Series:
    """A metric's datapoints in the window up to `at`. Statistics other than the plain five are percentiles (`p99`)."""
    asked: Any = {"Statistics": [statistic]} if statistic in PLAIN else {"ExtendedStatistics": [statistic]}
    with reading("cloudwatch:GetMetricStatistics"):
        answer = identity.cloudwatch(region).get_metric_statistics(
            Namespace=namespace,
            MetricName=metric,
            Dimensions=[{"Name": name, "Value": value} for name, value in sorted(dimensions.items())],
            StartTime=at - window,
            EndTime=at,
            Period=max(60, period),
            **asked,
        )
    points = (_point(dict(raw), statistic) for raw in answer["Datapoints"])
    return Series(
        region=region,
        namespace=namespace,
        metric=metric,
        dimensions=dimensions,
        statistic=statistic,
        period=max(60, period),
        points=tuple(sorted((one for one in points if one is not None), key=lambda one: one.at)),
    )


def many(region: str, wanted: Sequence[Wanted], at: datetime, identity: AwsIdentity) -> tuple[Series, ...]:
    """Many metrics in few calls, each over the window of its period. One without datapoints is there, and empty."""
    by_period = groupby(sorted(wanted, key=lambda one: one.period), key=lambda one: one.period)
    found: list[Series] = []
    for _, group in by_period:
        for chunk in _chunks(list(group)):
            found += _chunk(region, chunk, at, identity)
    return tuple(found)


def _chunks(wanted: list[Wanted]) -> Iterator[list[Wanted]]:
    for start in range(0, len(wanted), MOST_QUERIES):
        yield wanted[start : start + MOST_QUERIES]


def _chunk(region: str, wanted: list[Wanted], at: datetime, identity: AwsIdentity) -> list[Series]:
    pages = (
        identity.cloudwatch(region)
        .get_paginator("get_metric_data")
        .paginate(
            MetricDataQueries=[_query(n, one) for n, one in enumerate(wanted)],
            StartTime=at - wanted[0].window,
            EndTime=at,
            ScanBy="TimestampAscending",
        )
    )
    points: dict[str, set[Datapoint]] = {}
    with reading("cloudwatch:GetMetricData"):
        for page in islice(pages, MOST_PAGES):
            for one in page["MetricDataResults"]:
                pairs = zip(one.get("Timestamps", []), one.get("Values", []), strict=False)
                points.setdefault(one.get("Id", ""), set()).update(Datapoint(at=when, value=v) for when, v in pairs)
    return [
        Series(
            region=region,
            points=tuple(sorted(points.get(f"m{n}", ()), key=lambda point: point.at)),
            **one.model_dump(),
        )
        for n, one in enumerate(wanted)
    ]


def _query(number: int, wanted: Wanted) -> Any:
    return {
        "Id": f"m{number}",
        "MetricStat": {
            "Metric": {
                "Namespace": wanted.namespace,
                "MetricName": wanted.metric,
                "Dimensions": [{"Name": name, "Value": value} for name, value in sorted(wanted.dimensions.items())],
            },
            "Period": wanted.period,
            "Stat": wanted.statistic,
        },
    }


def dimension_sets(
    region: str, namespace: str, metric: str, some: dict[str, str], identity: AwsIdentity
) -> tuple[dict[str, str], ...]:
    """The full dimensions under which a metric exists, where only some are known (an instance, but not its disks)."""
    with reading("cloudwatch:ListMetrics"):
        answer = identity.cloudwatch(region).list_metrics(
            Namespace=namespace,
            MetricName=metric,
            Dimensions=[{"Name": name, "Value": value} for name, value in sorted(some.items())],
        )
    sets: list[dict[str, str]] = []
    for found in answer["Metrics"]:
        named = {one["Name"]: one["Value"] for one in found.get("Dimensions", [])}
        # Not everything that answers like AWS lists a metric once.
        if named not in sets:
            sets.append(named)
    return tuple(sets[:MOST_SERIES])


def _point(raw: dict[str, Any], statistic: str) -> Datapoint | None:
    value = raw.get(statistic, (raw.get("ExtendedStatistics") or {}).get(statistic))
    return None if value is None else Datapoint(at=raw["Timestamp"], value=float(value))
