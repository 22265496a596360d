"""The AWS sandbox as a world: alarms follow from it, the right calls mend it, and it tells the bot as AWS would."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.alerts import AlertStatus, ParsedAlert, cloudwatch, sns
from bot.alerts.subjects import subject
from deploy.sandbox.aws import Aws
from deploy.sandbox.aws.scenarios import scenarios
from deploy.sandbox.aws.seed import ACCOUNT
from tests.deploy.aws.conftest import Webhook
from tools.clients import Writers
from tools.clients.aws import AwsReader, AwsWriter
from tools.diagnosis.aws import diagnose
from tools.reads.aws import alarms, criteria
from tools.reads.aws.look import look
from tools.reads.aws.views import AlarmState
from tools.remedies.aws import remedy
from tools.subjects import AwsSubject
from tools.writes.aws import WRITES
from tools.writes.write import Applied, Observed

REGION = "eu-west-1"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    with Aws() as sandbox:
        for name, value in sandbox.environment().items():
            monkeypatch.setenv(name, value)
        yield sandbox


@pytest.fixture
def reader(aws: Aws) -> AwsReader:
    return AwsReader.from_profile("sayso-reader")


def state(reader: AwsReader, alarm: str) -> str:
    found = alarms.alarm(REGION, alarm, reader)
    assert found is not None
    return found.state.value


def news(aws: Aws) -> ParsedAlert:
    """The latest alert the sandbox sent, as the bot would read it."""
    (alert,) = cloudwatch.parse(json.dumps(aws.deliveries[-1].body).encode())
    return alert


def never(topic: str, token: str) -> None:
    """For messages that confirm nothing."""
    pytest.fail(f"{topic} was confirmed")


def carry_out(scenario: str, aws: Aws, reader: AwsReader) -> list[Any]:
    """From the alert to the fix, as the bot's rules would do it; the criteria to measure."""
    alert, writers = news(aws), Writers(kubernetes=None, aws=AwsWriter.from_profile("sayso-writer"))
    about = subject(alert)
    assert isinstance(about, AwsSubject)
    picture = look(about, datetime.now(UTC), reader)
    (finding,) = diagnose(picture).findings
    assert finding.code == scenarios()[scenario].expected.finding
    fix = remedy(finding, picture)
    (action,) = fix.actions
    assert action.kind == scenarios()[scenario].expected.action
    write = WRITES[type(action)]
    seen = write.observe(action, writers)
    assert isinstance(seen, Observed)
    assert isinstance(write.apply(action, seen, f"key-{scenario}", writers), Applied)
    return list(fix.success_criteria)


def test_every_fault_is_fixed_by_what_the_rules_propose_and_by_one_call(aws: Aws, reader: AwsReader) -> None:
    for scenario in ("asg-cpu", "ecs-connections", "disk-full"):
        alarm, effects = scenarios()[scenario].alarm, len(aws.effects)
        aws.break_(scenario)
        assert state(reader, alarm) == "ALARM"
        aws.tick(3)
        assert state(reader, alarm) == "ALARM", "a fault does not go away by itself"

        wanted = carry_out(scenario, aws, reader)
        aws.tick(2)

        assert state(reader, alarm) == "OK"
        assert all(criteria.measure(one, datetime.now(UTC), reader).met for one in wanted)
        assert news(aws).status is AlertStatus.RESOLVED
        assert [effect.identity for effect in aws.effects[effects:]] == ["sandbox-writer"]


def test_the_metric_nobody_knows_stays_in_alarm(aws: Aws, reader: AwsReader) -> None:
    aws.break_("unknown-metric")
    about = subject(news(aws))
    assert isinstance(about, AwsSubject)

    diagnosis = diagnose(look(about, datetime.now(UTC), reader))
    aws.tick(5)

    assert diagnosis.findings == ()
    assert diagnosis.evidence
    assert state(reader, "prod-fx-rates-skew") == "ALARM"
    assert aws.effects == ()


def test_too_little_capacity_lowers_the_load_but_not_the_alarm(aws: Aws, reader: AwsReader) -> None:
    aws.break_("asg-cpu")
    client = AwsWriter.from_profile("sayso-writer").autoscaling(REGION)

    client.update_auto_scaling_group(AutoScalingGroupName="prod-web", MinSize=1)
    client.set_desired_capacity(AutoScalingGroupName="prod-web", DesiredCapacity=1)
    aws.tick()
    worse = state(reader, "prod-web-cpu-high")
    client.set_desired_capacity(AutoScalingGroupName="prod-web", DesiredCapacity=3)
    aws.tick()

    assert worse == "ALARM"
    assert state(reader, "prod-web-cpu-high") == "OK"
    assert [effect.action for effect in aws.effects] == [
        "UpdateAutoScalingGroup",
        "SetDesiredCapacity",
        "SetDesiredCapacity",
    ]


def test_an_alarm_is_told_once_a_change_and_signed(aws: Aws, webhook: Webhook) -> None:
    aws.notify(webhook.url)
    certificates = sns.Certificates()

    aws.break_("asg-cpu")
    aws.tick(3)

    (body,) = webhook.bodies
    door = sns.Door(topics=frozenset({aws.topic_arn}), allow_loopback=True)
    accepted = sns.receive(body, door, certificates, datetime.now(UTC), never, lambda _: False)
    assert accepted.kind == "notification"
    assert webhook.headers[0]["x-amz-sns-message-type"] == "Notification"
    (alert,) = cloudwatch.parse(body)
    assert (alert.name, alert.status, alert.service) == ("prod-web-cpu-high", AlertStatus.FIRING, "prod-web")
    assert alert.environment == "prod"
    assert alert.labels["arn"] == f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:prod-web-cpu-high"


def test_a_sandbox_message_is_refused_without_the_development_switch(aws: Aws, webhook: Webhook) -> None:
    aws.notify(webhook.url)
    aws.break_("disk-full")
    door = sns.Door(topics=frozenset({aws.topic_arn}))

    with pytest.raises(sns.NotFromSns, match="bad SigningCertURL"):
        sns.receive(webhook.bodies[0], door, sns.Certificates(), datetime.now(UTC), never, lambda _: False)


def test_a_subscription_is_offered_and_confirmed_over_the_api(aws: Aws, webhook: Webhook, reader: AwsReader) -> None:
    aws.notify(webhook.url)
    door = sns.Door(topics=frozenset({aws.topic_arn}), allow_loopback=True)

    aws.offer_subscription()
    accepted = sns.receive(
        webhook.bodies[0], door, sns.Certificates(), datetime.now(UTC), reader.confirm_subscription, lambda _: False
    )

    assert accepted.kind == "confirmed"


def test_both_shapes_of_an_alarm_have_the_same_fingerprint(aws: Aws, webhook: Webhook) -> None:
    aws.notify(webhook.url)
    aws.break_("asg-cpu")
    aws.notify(webhook.url, "eventbridge", {"Authorization": "Bearer EXAMPLE"})
    AwsWriter.from_profile("sayso-writer").autoscaling(REGION).set_desired_capacity(
        AutoScalingGroupName="prod-web", DesiredCapacity=4
    )

    aws.tick()

    (firing,), (resolved,) = (cloudwatch.parse(body) for body in webhook.bodies)
    assert firing.fingerprint == resolved.fingerprint
    assert (firing.status, resolved.status) == (AlertStatus.FIRING, AlertStatus.RESOLVED)
    assert firing.labels | {"state": "OK"} == resolved.labels
    assert resolved.starts_at < resolved.ends_at if resolved.ends_at else False
    assert webhook.headers[1]["authorization"] == "Bearer EXAMPLE"


def test_a_bot_that_does_not_answer_is_told_again(aws: Aws, webhook: Webhook) -> None:
    webhook.status = 503
    aws.notify(webhook.url)

    aws.break_("disk-full")
    aws.tick()
    webhook.status = 200
    aws.tick(3)

    (delivery,) = aws.deliveries
    assert (delivery.tries, delivery.delivered) == (3, True)
    assert len({message["MessageId"] for message in webhook.messages}) == 1


def test_one_sandbox_runs_at_a_time_and_the_next_starts_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    with Aws() as first:
        first.break_("asg-cpu")
        with pytest.raises(RuntimeError, match="one AWS sandbox"):
            Aws().start()

    with Aws() as second:
        for name, value in second.environment().items():
            monkeypatch.setenv(name, value)
        reader = AwsReader.from_profile("sayso-reader")
        assert {one.name for one in alarms.alarms(REGION, (AlarmState.ALARM,), reader)} == set()
        assert second.effects == ()
        assert second.deliveries == ()


def test_time_passes_by_itself_where_it_is_asked_to(webhook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    with Aws(every=0.02, webhook_url=webhook.url) as aws:
        for name, value in aws.environment().items():
            monkeypatch.setenv(name, value)
        aws.break_("disk-full")

        AwsWriter.from_profile("sayso-writer").ssm(REGION).send_command(
            InstanceIds=[aws.instance_id], DocumentName="sayso-CleanUpLogs"
        )

        deadline = datetime.now(UTC) + timedelta(seconds=10)
        while len(webhook.bodies) < 2 and datetime.now(UTC) < deadline:
            aws.wait(0.02)
        assert [cloudwatch.parse(body)[0].status.value for body in webhook.bodies] == ["firing", "resolved"]


def test_the_stories_name_what_the_sandbox_breaks() -> None:
    told = scenarios()

    assert list(told) == ["asg-cpu", "ecs-connections", "disk-full", "unknown-metric"]
    assert [one.story for one in told.values()] == [8, 9, 10, 11]
