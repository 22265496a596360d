"""Looking at the sandbox account over the wire: pictures, gaps, the model's reads, and measurements."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from deploy.sandbox.aws import Aws
from tools.clients import Readers
from tools.clients.aws import AwsReader, AwsWriter
from tools.criteria import AlarmOk, CapacityInService, ServiceStable
from tools.errors import PermanentError, Unreachable
from tools.reads.aws import criteria, logs, services
from tools.reads.aws.look import look
from tools.reads.aws.table import READS
from tools.reads.aws.views import AlarmState
from tools.subjects import AwsSubject

REGION = "eu-west-1"


def about(alarm: str, namespace: str, metric: str, **dimensions: str) -> AwsSubject:
    return AwsSubject(region=REGION, alarm=alarm, namespace=namespace, metric=metric, dimensions=dimensions)


FLEET = about("prod-web-cpu-high", "AWS/EC2", "CPUUtilization", AutoScalingGroupName="prod-web")
ORDERS = about("prod-orders-db-errors", "Shop/Orders", "DatabaseErrors", ClusterName="prod", ServiceName="orders")


@pytest.fixture(scope="module", autouse=True)
def broken(aws: Aws) -> None:
    """Two faults to look at."""
    aws.break_("asg-cpu")
    aws.break_("ecs-connections")
    aws.break_("disk-full")


def test_a_fleet_is_seen_with_its_alarm_metric_and_instances(reader: AwsReader, now: datetime) -> None:
    picture = look(FLEET, now, reader)

    assert picture.gaps == ()
    assert picture.alarm is not None
    assert picture.alarm.state is AlarmState.ALARM
    assert picture.group is not None
    assert (picture.group.minimum, picture.group.desired, picture.group.maximum) == (2, 2, 6)
    assert picture.group.in_service == 2
    assert picture.watched is not None
    assert picture.watched.latest is not None
    assert picture.watched.latest.value == 95


def test_a_service_is_seen_with_its_deployments_and_what_its_log_says(reader: AwsReader, now: datetime) -> None:
    picture = look(ORDERS, now, reader)

    assert picture.gaps == ()
    assert picture.service is not None
    assert picture.service.settled
    assert picture.service.log_groups == ("/ecs/prod/orders",)
    assert any("remaining connection slots" in line.text for line in picture.log_lines)


def test_a_task_that_stopped_is_seen_with_its_reason(aws: Aws, reader: AwsReader, writer: AwsWriter) -> None:
    ecs = writer.ecs(REGION)
    place: Any = {"awsvpcConfiguration": {"subnets": [_subnet(writer)], "securityGroups": [_security_group(writer)]}}
    asked: Any = {"cluster": "prod", "taskDefinition": "orders", "launchType": "FARGATE", "networkConfiguration": place}
    own = ecs.run_task(**asked, group="service:orders")["tasks"][0]["taskArn"]
    other = ecs.run_task(**asked, group="service:billing")["tasks"][0]["taskArn"]
    for task in (own, other):
        ecs.stop_task(cluster="prod", task=task, reason="OutOfMemoryError: container killed")

    stopped = services.stopped_tasks(REGION, "prod", "orders", reader)

    assert [task.id for task in stopped] == [own.rsplit("/", 1)[-1]]
    assert "OutOfMemoryError" in stopped[0].reason


def test_an_instance_is_seen_with_its_agent_and_every_disk(aws: Aws, reader: AwsReader, now: datetime) -> None:
    cpu = about("prod-reports-cpu", "AWS/EC2", "CPUUtilization", InstanceId=aws.instance_id)

    picture = look(cpu, now, reader)

    assert picture.instance is not None
    assert (picture.instance.state, picture.instance.ping, picture.instance.name) == (
        "running",
        "Online",
        "prod-reports",
    )
    disks = [one for one in picture.series if one.metric == "disk_used_percent"]
    assert [disk.dimensions["path"] for disk in disks] == ["/"]


def test_what_an_alarm_watches_is_read_from_aws_and_not_believed(reader: AwsReader, now: datetime) -> None:
    lie = FLEET.model_copy(update={"dimensions": {"AutoScalingGroupName": "somebody-elses"}})

    picture = look(lie, now, reader)

    assert picture.group is not None
    assert picture.group.name == "prod-web"


def test_what_is_not_there_is_a_gap(reader: AwsReader, now: datetime) -> None:
    picture = look(about("no-such", "AWS/EC2", "CPUUtilization", AutoScalingGroupName="gone"), now, reader)

    assert picture.gaps == (
        "Alarm no-such was not found",
        "Metric AWS/EC2 CPUUtilization has no datapoints in the last hour: unknown, not fine",
        "Auto Scaling group gone was not found",
    )


def test_what_must_not_be_read_is_a_gap_that_names_the_permission(aws: Aws, reader: AwsReader, now: datetime) -> None:
    aws.spoil_next("DescribeAutoScalingGroups", "refuse")

    picture = look(FLEET, now, reader)

    assert picture.group is None
    (gap,) = picture.gaps
    assert "autoscaling:DescribeAutoScalingGroups is not permitted" in gap


def test_when_nothing_answers_at_all_it_is_an_error(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    nobody = AwsReader.from_profile("sayso-reader")

    with pytest.raises(Unreachable):
        look(FLEET, now, nobody)


def test_log_lines_are_redacted_and_the_newest_are_kept(writer: AwsWriter, reader: AwsReader, now: datetime) -> None:
    client = writer.logs(REGION)
    client.create_log_group(logGroupName="/busy")
    client.create_log_stream(logGroupName="/busy", logStreamName="s")
    start = int((now - timedelta(minutes=5)).timestamp() * 1000)
    texts = [f"ERROR number {n} password=hunter{'2' * 12}" for n in range(120)]
    events: Any = [{"timestamp": start + n, "message": text} for n, text in enumerate(texts)]
    client.put_log_events(logGroupName="/busy", logStreamName="s", logEvents=events)

    found = logs.lines(REGION, "/busy", now, reader, pattern=logs.TROUBLE)

    assert len(found) == logs.MOST_LINES
    assert found[-1].text.startswith("ERROR number 119 ")
    assert not any("hunter" in line.text for line in found)


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("aws_alarms", {"region": REGION}, "alarms of eu-west-1: ALARM or INSUFFICIENT_DATA"),
        ("aws_alarm", {"region": REGION, "alarm": "prod-fx-rates-skew"}, "prod-fx-rates-skew is OK"),
        (
            "aws_metric",
            {
                "region": REGION,
                "namespace": "AWS/EC2",
                "metric": "CPUUtilization",
                "dimensions": {"AutoScalingGroupName": "prod-web"},
            },
            "CPUUtilization (Average, 60 s) is 95.0",
        ),
        ("aws_asg", {"region": REGION, "group": "prod-web"}, "2 instances in service"),
        ("aws_ecs_service", {"region": REGION, "cluster": "prod", "service": "orders"}, "3 of 3 tasks run"),
        ("aws_logs", {"region": REGION, "group": "/ecs/prod/orders"}, "20 matching lines"),
    ],
)
def test_every_read_answers_with_evidence(
    name: str, arguments: dict[str, object], says: str, readers: Readers, now: datetime
) -> None:
    read = next(one for one in READS if one.name == name)

    found = read.run(read.arguments.model_validate(arguments), now, readers)

    assert says in " ".join(one.summary for one in found)
    assert {one.tool for one in found} <= {"aws_stopped_tasks", *(one.name for one in READS)}


def test_the_instance_read_tells_how_full_the_disks_are(aws: Aws, readers: Readers, now: datetime) -> None:
    read = next(one for one in READS if one.name == "aws_instance")

    found = read.run(read.arguments(region=REGION, instance_id=aws.instance_id), now, readers)

    assert [one.tool for one in found] == ["aws_instance", "aws_metric"]
    assert "96.0" in found[1].summary


def test_reads_are_named_once_and_name_their_permissions() -> None:
    names = [read.name for read in READS]

    assert len(set(names)) == len(names)
    assert all(read.permissions for read in READS)


@pytest.mark.parametrize(
    "arguments",
    [
        {"region": "eu-west-1; rm", "group": "web"},
        {"region": REGION, "group": ""},
        {"region": REGION, "group": "web", "shell": "true"},
    ],
)
def test_a_read_refuses_arguments_that_name_nothing(arguments: dict[str, str]) -> None:
    read = next(one for one in READS if one.name == "aws_asg")

    with pytest.raises(ValidationError):
        read.arguments.model_validate(arguments)


def test_a_read_without_aws_says_so(now: datetime) -> None:
    read = next(one for one in READS if one.name == "aws_alarms")

    with pytest.raises(PermanentError, match="not configured"):
        read.run(read.arguments(region=REGION), now, Readers(kubernetes=None, aws=None))


@pytest.mark.parametrize(
    ("criterion", "met", "healthy", "says"),
    [
        (AlarmOk(region=REGION, alarm="prod-fx-rates-skew"), True, None, "has been OK"),
        (AlarmOk(region=REGION, alarm="prod-web-cpu-high"), False, None, "has been ALARM"),
        (AlarmOk(region=REGION, alarm="no-such"), False, None, "not found"),
        (CapacityInService(region=REGION, group="prod-web", count=2), True, 2, "2 in service of 2"),
        (CapacityInService(region=REGION, group="prod-web", count=3), False, 2, "2 in service of 2"),
        (CapacityInService(region=REGION, group="gone", count=1), False, None, "not found"),
        (ServiceStable(region=REGION, cluster="prod", service="orders"), True, 3, "PRIMARY COMPLETED"),
        (ServiceStable(region=REGION, cluster="prod", service="gone"), False, None, "not found"),
    ],
)
def test_criteria_are_measured(
    criterion: criteria.AwsCriterion, met: bool, healthy: int | None, says: str, reader: AwsReader, now: datetime
) -> None:
    measured = criteria.measure(criterion, now, reader)

    assert (measured.met, measured.healthy) == (met, healthy)
    assert says in measured.detail


def test_insufficient_data_is_not_ok(writer: AwsWriter, reader: AwsReader, now: datetime) -> None:
    name = "unknown-for-now"
    writer.cloudwatch(REGION).put_metric_alarm(
        AlarmName=name, ComparisonOperator="GreaterThanThreshold", EvaluationPeriods=1, Threshold=1,
        Namespace="Shop", MetricName="Sales", Period=60, Statistic="Sum",
    )  # fmt: skip
    writer.cloudwatch(REGION).set_alarm_state(AlarmName=name, StateValue="INSUFFICIENT_DATA", StateReason="none")

    measured = criteria.measure(AlarmOk(region=REGION, alarm=name), now, reader)

    assert not measured.met
    assert "INSUFFICIENT_DATA" in measured.detail


def _subnet(writer: AwsWriter) -> str:
    return writer.ec2(REGION).describe_subnets()["Subnets"][0]["SubnetId"]


def _security_group(writer: AwsWriter) -> str:
    return writer.ec2(REGION).describe_security_groups()["SecurityGroups"][0]["GroupId"]
