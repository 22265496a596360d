"""CloudWatch alarms by SNS and by EventBridge, and their traps."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.alerts import AlertStatus, MalformedAlert, cloudwatch
from bot.alerts.subjects import subject
from tests.bot.alerts.conftest import Payload
from tools.evidence import Severity
from tools.subjects import AwsSubject

SNS, EVENT = "cloudwatch_sns_notification_alarm_signed", "eventbridge_cloudwatch_alarm_state_change"


def body(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode()


def alarm(payload: Payload, **fields: object) -> bytes:
    """The SNS message with fields of the alarm replaced; None takes one out."""
    envelope = payload(SNS)
    inner = json.loads(envelope["Message"]) | fields
    envelope["Message"] = json.dumps({name: value for name, value in inner.items() if value is not None})
    return body(envelope)


def event(payload: Payload, now: str, before: str) -> bytes:
    message = payload(EVENT)
    message["detail"]["state"]["value"] = now
    message["detail"]["previousState"]["value"] = before
    return body(message)


def test_an_alarm_by_sns(payload: Payload) -> None:
    (alert,) = cloudwatch.parse(body(payload(SNS)))

    assert (alert.source, alert.name, alert.status) == ("cloudwatch", "checkout-errors", AlertStatus.FIRING)
    assert alert.service == "checkout"
    assert alert.starts_at == datetime(2026, 11, 21, 9, 29, 18, 587000, UTC)
    assert alert.annotations["description"] == "5xx too high"
    assert "Threshold Crossed" in alert.annotations["reason"]
    assert subject(alert) == AwsSubject(
        region="us-east-1",
        alarm="checkout-errors",
        namespace="AWS/Lambda",
        metric="Errors",
        dimensions={"FunctionName": "checkout"},
    )


def test_the_region_comes_from_the_arn_not_from_its_name_for_people(payload: Payload) -> None:
    (alert,) = cloudwatch.parse(body(payload(SNS)))

    assert alert.labels["region"] == "us-east-1"
    assert alert.generator_url == (
        "https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1#alarmsV2:alarm/checkout-errors"
    )


def test_an_alarm_by_eventbridge(payload: Payload) -> None:
    (alert,) = cloudwatch.parse(body(payload(EVENT)))

    assert (alert.name, alert.status) == ("ServerCpuTooHigh", AlertStatus.FIRING)
    assert alert.starts_at == datetime(2019, 10, 2, 17, 4, 40, 989000, UTC)
    assert subject(alert) == AwsSubject(
        region="us-east-1",
        alarm="ServerCpuTooHigh",
        namespace="AWS/EC2",
        metric="CPUUtilization",
        dimensions={"InstanceId": "i-12345678901234567"},
    )


def test_one_alarm_has_one_fingerprint_in_both_shapes(payload: Payload) -> None:
    same = payload(EVENT)
    same["resources"] = ["arn:aws:cloudwatch:us-east-1:123456789012:alarm:checkout-errors"]

    (by_event,), (by_sns,) = cloudwatch.parse(body(same)), cloudwatch.parse(body(payload(SNS)))

    assert by_event.fingerprint == by_sns.fingerprint == by_sns.group_key


def test_an_arn_that_is_missing_is_built_and_gives_the_same_fingerprint(payload: Payload) -> None:
    (built,), (given,) = cloudwatch.parse(alarm(payload, AlarmArn=None)), cloudwatch.parse(alarm(payload))

    assert built.fingerprint == given.fingerprint
    assert built.labels["region"] == "us-east-1"


def test_ok_resolves_an_alarm(payload: Payload) -> None:
    (alert,) = cloudwatch.parse(alarm(payload, NewStateValue="OK", OldStateValue="ALARM"))

    assert alert.status is AlertStatus.RESOLVED
    assert alert.ends_at == datetime(2026, 11, 21, 9, 29, 18, 587000, UTC)


def test_eventbridge_tells_when_a_resolved_alarm_began(payload: Payload) -> None:
    (alert,) = cloudwatch.parse(event(payload, now="OK", before="ALARM"))

    assert alert.starts_at == datetime(2019, 10, 1, 13, 56, 40, 987000, UTC)
    assert alert.ends_at == datetime(2019, 10, 2, 17, 4, 40, 989000, UTC)


@pytest.mark.parametrize("shape", ["sns", "event"])
def test_insufficient_data_resolves_nothing_and_is_kept_in_a_label(shape: str, payload: Payload) -> None:
    message = (
        alarm(payload, NewStateValue="INSUFFICIENT_DATA")
        if shape == "sns"
        else event(payload, now="INSUFFICIENT_DATA", before="ALARM")
    )

    (alert,) = cloudwatch.parse(message)

    assert alert.status is AlertStatus.FIRING
    assert alert.ends_at is None
    assert alert.labels["state"] == "INSUFFICIENT_DATA"


def test_a_notification_about_something_else_is_no_alert(payload: Payload) -> None:
    assert cloudwatch.parse(body(payload("moto_sns_notification_plain"))) == ()


def test_a_notification_in_plain_words_is_no_alert(payload: Payload) -> None:
    assert cloudwatch.parse(body(payload(SNS) | {"Message": "the backup has finished"})) == ()


def test_an_emulators_spelling_of_dimensions_is_read(payload: Payload) -> None:
    trigger = {"MetricName": "E", "Namespace": "N", "Dimensions": [{"Name": "ServiceName", "Value": "cart"}]}

    (alert,) = cloudwatch.parse(alarm(payload, Trigger=trigger))

    assert alert.service == "cart"


def test_metric_maths_name_their_first_metric(payload: Payload) -> None:
    stat = {"Metric": {"MetricName": "5xx", "Namespace": "Shop", "Dimensions": [{"name": "QueueName", "value": "q"}]}}
    trigger = {"Metrics": [{"Id": "e1", "Expression": "m1/m2"}, {"Id": "m1", "MetricStat": stat}]}

    (alert,) = cloudwatch.parse(alarm(payload, Trigger=trigger))

    assert (alert.labels["metric"], alert.service) == ("5xx", "q")


def test_a_composite_alarm_watches_no_metric_of_its_own(payload: Payload) -> None:
    (alert,) = cloudwatch.parse(alarm(payload, Trigger=None, AlarmRule="ALARM(a) OR ALARM(b)"))

    about = subject(alert)
    assert isinstance(about, AwsSubject)
    assert (about.metric, about.dimensions) == ("", {})


@pytest.mark.parametrize(
    ("name", "severity", "environment"),
    [
        ("prod-web-cpu-high", Severity.SEV3, "prod"),
        ("checkout-p2-latency", Severity.SEV2, None),
        ("staging/orders-critical", Severity.SEV1, "staging"),
        ("product-page-slow", Severity.SEV3, None),
        ("live-stream-low-bitrate", Severity.SEV3, None),
        ("checkout-errors", Severity.SEV3, None),
    ],
)
def test_severity_and_environment_are_read_off_the_alarms_name(
    name: str, severity: Severity, environment: str | None, payload: Payload
) -> None:
    (alert,) = cloudwatch.parse(alarm(payload, AlarmName=name))

    assert (alert.severity, alert.environment) == (severity, environment)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"NewStateValue": "PANIC"}, "state"),
        ({"StateChangeTime": "now"}, "StateChangeTime"),
        ({"AlarmArn": "arn:aws:s3:::bucket"}, "ARN"),
        ({"Trigger": "high"}, "Trigger"),
        ({"Trigger": {"Dimensions": [{"name": "A"}]}}, "Dimensions"),
    ],
)
def test_a_malformed_alarm_names_the_field(fields: dict[str, object], says: str, payload: Payload) -> None:
    with pytest.raises(MalformedAlert, match=says):
        cloudwatch.parse(alarm(payload, **fields))


def test_a_subscription_is_not_an_alert(payload: Payload) -> None:
    with pytest.raises(MalformedAlert, match="Type"):
        cloudwatch.parse(body(payload("cloudwatch_sns_subscription_confirmation_signed")))
