"""`sayso investigate` of an AWS resource nobody raised an alarm about, over the sandbox's account."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bot.cli import sayso
from deploy.sandbox.aws import Aws
from tools.clients.aws import AwsWriter

REGION = "eu-west-1"


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    """An account in which the orders service has lost its database, the fleet is well, and two queues wait."""
    with Aws() as sandbox, pytest.MonkeyPatch.context() as environment:
        for name in [name for name in os.environ if name.startswith(("AWS_", "SAYSO_"))]:
            environment.delenv(name)
        for name, value in sandbox.environment().items():
            environment.setenv(name, value)
        sqs = AwsWriter.from_profile("sayso-writer").of("sqs", REGION)
        sqs.create_queue(QueueName="mail", tags={"team": "team-mail"})
        sqs.create_queue(QueueName="mail-dead")
        sandbox.break_("ecs-connections")
        sandbox.tick(3)
        yield sandbox


def ask(*words: str) -> Result:
    return CliRunner().invoke(sayso, ["investigate", *words])


def test_a_service_is_judged_without_an_alarm_and_told_to_its_fix(aws: Aws) -> None:
    told = ask("ecs/prod/orders")

    assert told.exit_code == 0
    assert told.stdout.startswith("ecs/prod/orders in eu-west-1: orders gets no database connections")
    assert "aws.ecs_db_connection_errors" in told.stdout
    assert "Force a new deployment of prod/orders" in told.stdout
    assert "alarm" not in told.stdout.lower()


def test_what_is_well_is_said_to_be_well_with_what_was_looked_at(aws: Aws) -> None:
    told = ask("asg/prod-web").stdout

    assert told.startswith("asg/prod-web in eu-west-1: nothing wrong was found")
    assert "Looked at, and well: AutoScalingGroup prod-web: 2 of 2 instances" in told
    assert "CPUUtilization (Average, 60 s) is 45.0" in told
    assert "Could not see" not in told


def test_silence_is_no_clean_bill_of_health(aws: Aws) -> None:
    told = ask(aws.instance_id).stdout

    assert told.startswith(f"ec2/{aws.instance_id} in eu-west-1: no fault was found, but too little is known")
    assert "could not be judged" in told


def test_the_reach_names_the_owner_from_the_tags(aws: Aws) -> None:
    assert "owned by team-mail by its tag" in " ".join(ask("sqs/mail").stdout.split())


def test_another_region_is_another_place(aws: Aws) -> None:
    told = ask("sqs/mail", "--region", "eu-central-1")

    assert told.exit_code == 2
    assert "There is no sqs/mail in eu-central-1. There is nothing of that kind in eu-central-1." in told.output


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("ecs/prod/ordrs", "There is no ecs/prod/ordrs in eu-west-1. Near: ecs/prod/orders."),
        ("asg/prod-wep", "Near: asg/prod-web."),
        ("sqs/mial", "Near: sqs/mail"),
        ("target-group/web", "There is nothing of that kind in eu-west-1."),
        ("ec2/i-0123456789abcdef0", "There are: ec2/i-"),
        ("alarm/prod-web-cpu", "There is no alarm prod-web-cpu in eu-west-1. Near: alarm/prod-web-cpu-high"),
        ("ecs/orders", "An ECS service is named with its cluster: ecs/CLUSTER/SERVICE, not ecs/orders."),
        ("ec2/web", "An instance is named by its id"),
        ("lambda/", "lambda needs a name: lambda/NAME."),
        ("labmda/worker", "Did you mean lambda/worker?"),
        ("labmda/worker", "of AWS alarm/NAME, ecs/CLUSTER/SERVICE, lambda/NAME"),
    ],
)
def test_a_name_nobody_knows_or_a_form_that_cannot_be_ends_with_what_could(aws: Aws, target: str, says: str) -> None:
    told = ask(target)

    assert told.exit_code == 2
    assert says in told.output


def test_what_may_not_be_read_is_said_and_is_no_health(aws: Aws) -> None:
    aws.spoil_next("GetQueueUrl", "refuse")

    told = ask("sqs/mail")

    assert told.exit_code == 2
    assert "Queue mail could not be read: sqs:GetQueueUrl is not permitted" in told.output


def test_the_near_names_may_be_missing_and_the_error_stands(aws: Aws) -> None:
    aws.spoil_next("ListQueues", "refuse")

    told = ask("sqs/mial")

    assert told.exit_code == 2
    assert "There is no sqs/mial in eu-west-1." in told.output


def test_a_dump_is_no_account(aws: Aws, tmp_path: Path) -> None:
    told = ask("sqs/mail", "--from-dump", str(tmp_path))

    assert told.exit_code == 2
    assert "leave --from-dump out" in told.output


def test_a_region_is_asked_for_where_none_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)

    told = ask("sqs/mail")

    assert told.exit_code == 2
    assert "Say in which region" in told.output
