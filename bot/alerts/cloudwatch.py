"""CloudWatch alarms, by SNS or by EventBridge: two shapes of the same news, with the same fingerprint.

An SNS body must have been verified (bot.alerts.sns) before it comes here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote

from bot.alerts import AlertStatus, MalformedAlert, ParsedAlert
from bot.alerts import fields as read
from tools.redaction import redact
from tools.values import JsonObject, JsonValue, Value

EVENT = "CloudWatch Alarm State Change"
DIMENSION = "dimension_"
"""Label prefix of an alarm's dimensions, so that they cannot be mistaken for anything else."""
SERVICE_DIMENSIONS = (
    "FunctionName",
    "ServiceName",
    "AutoScalingGroupName",
    "DBClusterIdentifier",
    "DBInstanceIdentifier",
    "QueueName",
    "TableName",
    "ApiName",
    "LoadBalancer",
    "TargetGroup",
    "ClusterName",
    "InstanceId",
)
"""The dimension that names the service, most telling first."""
STATES = {"ALARM": AlertStatus.FIRING, "INSUFFICIENT_DATA": AlertStatus.FIRING, "OK": AlertStatus.RESOLVED}
"""Insufficient data resolves nothing: the alarm is not known to be fine."""


class _Metric(Value):
    """What an alarm watches; empty for composite alarms."""

    namespace: str = ""
    name: str = ""
    dimensions: dict[str, str] = {}  # noqa: RUF012 (pydantic copies defaults)


class _News(Value):
    """An alarm's change of state, in either shape."""

    arn: str
    name: str
    state: str
    metric: _Metric
    annotations: dict[str, str]
    began: datetime | None
    changed: datetime


def parse(body: bytes) -> tuple[ParsedAlert, ...]:
    """The alert of one message; none where it is not about an alarm (SNS topics carry other things, too)."""
    message = read.json_object(body, "the body")
    if message.get("detail-type") == EVENT:
        return (_alert(_from_event(message)),)
    if message.get("Type") == "Notification":
        news = _from_notification(message)
        return (_alert(news),) if news else ()
    raise MalformedAlert("Type must be Notification, or detail-type CloudWatch Alarm State Change")


def fingerprint(arn: str) -> str:
    """The same for every message about one alarm, whichever way it came."""
    return hashlib.sha256(arn.encode()).hexdigest()[:16]


def _alert(news: _News) -> ParsedAlert:
    if news.state not in STATES:
        raise MalformedAlert(f"the state must be one of {', '.join(STATES)}, not {news.state[:40]!r}")
    status = STATES[news.state]
    region, account = _place(news.arn)
    service = next((news.metric.dimensions[one] for one in SERVICE_DIMENSIONS if one in news.metric.dimensions), None)
    key = fingerprint(news.arn)
    labels = {
        "alarm": news.name,
        "arn": news.arn,
        "account": account,
        "region": region,
        "namespace": news.metric.namespace,
        "metric": news.metric.name,
        "state": news.state,
        **{f"{DIMENSION}{name}": value for name, value in news.metric.dimensions.items()},
    }
    return ParsedAlert(
        fingerprint=key,
        source="cloudwatch",
        name=redact(news.name),
        severity=read.severity_in_name(news.name),
        status=status,
        service=redact(service) if service else None,
        environment=read.environment_in_name(news.name),
        labels=read.shown(labels),
        annotations=read.shown(news.annotations),
        starts_at=news.began or news.changed,
        ends_at=news.changed if status is AlertStatus.RESOLVED else None,
        generator_url=_console(region, news.name),
        group_key=key,
    )


def _from_notification(envelope: JsonObject) -> _News | None:
    """An alarm out of an SNS notification, or None where the message is about something else."""
    try:
        message = read.json_object(read.text(envelope, "Message"), "Message")
    except MalformedAlert:
        return None
    if "AlarmName" not in message or "NewStateValue" not in message:
        return None
    name = read.text(message, "AlarmName", "Message")
    return _News(
        arn=read.optional_text(message, "AlarmArn", "Message") or _arn(envelope, message, name),
        name=name,
        state=read.text(message, "NewStateValue", "Message"),
        metric=_metric_of_trigger(message),
        annotations=_said(message, "AlarmDescription", "NewStateReason"),
        # The time an alarm began is only in the message that said so.
        began=None,
        changed=read.moment(message, "StateChangeTime", "Message"),
    )


def _from_event(event: JsonObject) -> _News:
    detail = read.as_object(event.get("detail"), "detail")
    state = read.as_object(detail.get("state"), "detail.state")
    before = read.as_object(detail.get("previousState") or {}, "detail.previousState")
    configuration = read.as_object(detail.get("configuration") or {}, "detail.configuration")
    resources = read.as_list(event.get("resources"), "resources")
    if not resources or not isinstance(resources[0], str):
        raise MalformedAlert("resources[0] must be the alarm's ARN")
    ended = state.get("value") == "OK" and before.get("value") == "ALARM"
    return _News(
        arn=read.text({"arn": resources[0]}, "arn", "resources[0]"),
        name=read.text(detail, "alarmName", "detail"),
        state=read.text(state, "value", "detail.state"),
        metric=_metric_of_configuration(configuration),
        annotations={**_said(configuration, "description"), **_said(state, "reason")},
        began=read.moment(before, "timestamp", "detail.previousState") if ended else None,
        changed=read.moment(state, "timestamp", "detail.state"),
    )


def _metric_of_trigger(message: JsonObject) -> _Metric:
    """SNS lists dimensions as name and value; metric maths nest the same under Metrics; composite alarms have none."""
    trigger = read.as_object(message.get("Trigger") or {}, "Message.Trigger")
    listed = _objects(trigger.get("Metrics"), "Message.Trigger.Metrics")
    stats = [read.as_object(one["MetricStat"], "MetricStat") for one in listed if one.get("MetricStat")]
    source = read.as_object(stats[0].get("Metric"), "MetricStat.Metric") if stats else trigger
    pairs = _objects(source.get("Dimensions"), "Message.Trigger.Dimensions")
    return _Metric(
        namespace=read.optional_text(source, "Namespace", "Message.Trigger") or "",
        name=read.optional_text(source, "MetricName", "Message.Trigger") or "",
        # ministack spells the keys as the API does, AWS in lower case.
        dimensions={_either(one, "name", "Name"): _either(one, "value", "Value") for one in pairs},
    )


def _metric_of_configuration(configuration: JsonObject) -> _Metric:
    """EventBridge has dimensions as an object."""
    for n, one in enumerate(_objects(configuration.get("metrics"), "detail.configuration.metrics")):
        if one.get("metricStat"):
            at = f"detail.configuration.metrics[{n}].metricStat"
            metric = read.as_object(read.as_object(one["metricStat"], at).get("metric"), f"{at}.metric")
            return _Metric(
                namespace=read.optional_text(metric, "namespace", at) or "",
                name=read.optional_text(metric, "name", at) or "",
                dimensions=read.texts(metric, "dimensions", at),
            )
    return _Metric()


def _objects(value: JsonValue, what: str) -> list[JsonObject]:
    return [read.as_object(one, what) for one in read.as_list(value or [], what)]


def _either(of: JsonObject, first: str, second: str) -> str:
    return read.text(of, first if first in of else second, "Message.Trigger.Dimensions")


def _said(of: JsonObject, *names: str) -> Mapping[str, str]:
    spelled = {"AlarmDescription": "description", "NewStateReason": "reason"}
    return {spelled.get(name, name): said for name in names if (said := read.optional_text(of, name))}


def _arn(envelope: JsonObject, message: JsonObject, name: str) -> str:
    """The ARN, built: the message's Region is a name for people, the topic's ARN has the code."""
    topic = read.text(envelope, "TopicArn").split(":")
    if len(topic) < 6:
        raise MalformedAlert("TopicArn must be an ARN")
    account = read.optional_text(message, "AWSAccountId", "Message") or topic[4]
    return f"arn:{topic[1]}:cloudwatch:{topic[3]}:{account}:alarm:{name}"


def _place(arn: str) -> tuple[str, str]:
    """Region and account of an alarm's ARN."""
    parts = arn.split(":", 6)
    if len(parts) < 7 or parts[0] != "arn" or parts[2] != "cloudwatch":
        raise MalformedAlert(f"the alarm's ARN is none: {arn[:80]!r}")
    return parts[3], parts[4]


def _console(region: str, name: str) -> str:
    place = f"alarmsV2:alarm/{quote(redact(name), safe='')}"
    return f"https://{quote(region)}.console.aws.amazon.com/cloudwatch/home?region={quote(region)}#{place}"
