"""CloudWatch alarms, read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from tools.clients.aws import AwsIdentity, reading
from tools.reads.aws.views import Alarm, AlarmChange, AlarmState
from tools.redaction import redact

MOST_ALARMS = 100
HISTORY = timedelta(hours=6)
MOST_HISTORY = 50


def alarm(region: str, name: str, identity: AwsIdentity) -> Alarm | None:
    """One alarm by its name, metric or composite; None when there is none."""
    with reading("cloudwatch:DescribeAlarms"):
        answer = identity.cloudwatch(region).describe_alarms(
            AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
        )
    found: list[Mapping[str, Any]] = [*(answer.get("MetricAlarms") or []), *(answer.get("CompositeAlarms") or [])]
    return _view(region, found[0]) if found else None


def alarms(region: str, states: tuple[AlarmState, ...], identity: AwsIdentity) -> tuple[Alarm, ...]:
    """The alarms in these states, metric and composite, those that changed last first: at most MOST_ALARMS a state."""
    found: list[Mapping[str, Any]] = []
    for state in states:
        pages = (
            identity.cloudwatch(region)
            .get_paginator("describe_alarms")
            .paginate(StateValue=state.value, AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        )
        with reading("cloudwatch:DescribeAlarms"):
            every = (one for page in pages for one in (*page.get("MetricAlarms", []), *page.get("CompositeAlarms", [])))
            found += islice(every, MOST_ALARMS)
    return tuple(sorted((_view(region, one) for one in found), key=lambda one: one.since, reverse=True))


def history(region: str, name: str, at: datetime, identity: AwsIdentity) -> tuple[AlarmChange, ...]:
    """How an alarm's state changed in the hours up to `at`, oldest first."""
    with reading("cloudwatch:DescribeAlarmHistory"):
        found = identity.cloudwatch(region).describe_alarm_history(
            AlarmName=name,
            AlarmTypes=["MetricAlarm", "CompositeAlarm"],
            HistoryItemType="StateUpdate",
            StartDate=at - HISTORY,
            EndDate=at,
            MaxRecords=MOST_HISTORY,
            ScanBy="TimestampDescending",
        )["AlarmHistoryItems"]
    changes = (_change(one["Timestamp"], one.get("HistoryData", "")) for one in found)
    return tuple(sorted((one for one in changes if one is not None), key=lambda one: one.at))


def _change(at: datetime, data: str) -> AlarmChange | None:
    """One item, whose states are JSON inside of it; None where they are not what is documented."""
    try:
        said = json.loads(data)
        return AlarmChange(
            at=at,
            before=AlarmState(said["oldState"]["stateValue"]),
            after=AlarmState(said["newState"]["stateValue"]),
        )
    except (ValueError, KeyError, TypeError):
        return None


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
