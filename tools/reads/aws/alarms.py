"""CloudWatch alarms, read."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

from tools.clients.aws import AwsIdentity, reading
from tools.reads.aws.views import Alarm, AlarmState
from tools.redaction import redact

MOST_ALARMS = 100


def alarm(region: str, name: str, identity: AwsIdentity) -> Alarm | None:
    """One alarm by its name, metric or composite; None when there is none."""
    with reading("cloudwatch:DescribeAlarms"):
        answer = identity.cloudwatch(region).describe_alarms(
            AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
        )
    found: list[Mapping[str, Any]] = [*(answer.get("MetricAlarms") or []), *(answer.get("CompositeAlarms") or [])]
    return _view(region, found[0]) if found else None


def alarms(region: str, state: AlarmState, identity: AwsIdentity) -> tuple[Alarm, ...]:
    """The metric alarms in a state, at most MOST_ALARMS of them."""
    pages = identity.cloudwatch(region).get_paginator("describe_alarms").paginate(StateValue=state.value)
    with reading("cloudwatch:DescribeAlarms"):
        found = list(islice((one for page in pages for one in page.get("MetricAlarms", [])), MOST_ALARMS))
    return tuple(_view(region, one) for one in found)


def _view(region: str, raw: Mapping[str, Any]) -> Alarm:
    """Both kinds through one door: a composite alarm simply lacks everything about a metric."""
    return Alarm(
        region=region,
        name=raw["AlarmName"],
        arn=raw["AlarmArn"],
        state=AlarmState(raw["StateValue"]),
        reason=redact(raw.get("StateReason") or ""),
        since=raw["StateUpdatedTimestamp"],
        description=redact(raw.get("AlarmDescription") or ""),
        namespace=raw.get("Namespace") or None,
        metric=raw.get("MetricName") or None,
        dimensions={one["Name"]: one["Value"] for one in raw.get("Dimensions") or []},
        statistic=raw.get("Statistic") or raw.get("ExtendedStatistic") or "Average",
        period=raw.get("Period") or 60,
        threshold=raw.get("Threshold"),
        comparison=raw.get("ComparisonOperator") or "",
    )
