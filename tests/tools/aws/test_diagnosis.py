"""Rules over pictures: what they find, and when they stay silent."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.tools.aws.pictures import (
    CPU,
    DISK,
    ERRORS,
    NOW,
    alarm,
    busy_group,
    full_disk,
    group,
    lines,
    series,
    service,
    starved_service,
    subject,
)
from tools.diagnosis.aws import diagnose
from tools.reads.aws.views import AlarmState, Picture

SKEW = subject("Vendor/FxRates", "QuoteSkew", Feed="ecb")


@pytest.mark.parametrize(
    ("picture", "code"),
    [
        pytest.param(busy_group(), "aws.asg_cpu_high", id="busy with room"),
        pytest.param(busy_group(6, 6, 6), "aws.asg_at_max", id="busy at the maximum"),
        pytest.param(busy_group(cpu=80), "aws.asg_cpu_high", id="exactly at the threshold"),
        pytest.param(
            busy_group().model_copy(update={"group": group(1, 2, failed=(timedelta(minutes=5),))}),
            "aws.asg_launch_failing",
            id="cannot launch",
        ),
        pytest.param(starved_service(), "aws.ecs_db_connection_errors", id="slots reserved"),
        pytest.param(
            starved_service(text="TimeoutError: QueuePool limit of size 5 overflow 10 reached"),
            "aws.ecs_db_connection_errors",
            id="pool empty",
        ),
        pytest.param(
            starved_service(text="ERROR 1040 (HY000): Too many connections"), "aws.ecs_db_connection_errors", id="mysql"
        ),
        pytest.param(
            starved_service(age=timedelta(minutes=10)),
            "aws.ecs_db_connection_errors_persist",
            id="also after a restart",
        ),
        pytest.param(full_disk(), "aws.disk_full", id="disk full"),
        pytest.param(full_disk(used=90), "aws.disk_full", id="just full"),
    ],
)
def test_a_known_fault_is_found_with_its_evidence(picture: Picture, code: str) -> None:
    diagnosis = diagnose(picture)

    (finding,) = diagnosis.findings
    assert finding.code == code
    assert finding.evidence_ids
    assert set(finding.evidence_ids) <= {one.id for one in diagnosis.evidence}


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(busy_group(cpu=79), id="below the threshold"),
        pytest.param(busy_group(in_service=2, desired=4), id="more instances are on their way"),
        pytest.param(
            busy_group().model_copy(update={"group": group(1, 2, failed=(timedelta(hours=3),))}), id="an old failure"
        ),
        pytest.param(
            busy_group(cpu=20).model_copy(
                update={"alarm": alarm(CPU, threshold=10, comparison="LessThanThreshold")},
            ),
            id="an alarm on too little load",
        ),
        pytest.param(
            busy_group().model_copy(update={"series": (series(CPU, 95, 95, age=timedelta(minutes=40)),)}),
            id="datapoints from long ago",
        ),
        pytest.param(busy_group().model_copy(update={"series": (series(CPU),)}), id="no datapoints"),
        pytest.param(busy_group().model_copy(update={"group": None}), id="the group was not found"),
        pytest.param(busy_group().model_copy(update={"alarm": alarm(CPU, state=AlarmState.OK)}), id="over by itself"),
        pytest.param(starved_service(count=2), id="two lines are no pattern"),
        pytest.param(starved_service(text="ERROR KeyError: 'price'"), id="another error"),
        pytest.param(
            starved_service().model_copy(update={"service": service(timedelta(minutes=1), "IN_PROGRESS")}),
            id="a deployment has only begun",
        ),
        pytest.param(
            starved_service().model_copy(update={"log_lines": lines("too many connections", 9, "/ecs/prod/other")}),
            id="another service's log",
        ),
        pytest.param(full_disk(used=89.9), id="room on the disk"),
        pytest.param(full_disk().model_copy(update={"instance": None}), id="the instance is gone"),
        pytest.param(
            full_disk().model_copy(update={"series": (series(DISK, 96, age=timedelta(hours=2)),)}),
            id="the agent went silent",
        ),
    ],
)
def test_nothing_is_found_where_nothing_is_known(picture: Picture) -> None:
    assert diagnose(picture).findings == ()


def test_a_metric_without_a_rule_keeps_its_evidence_and_finds_nothing() -> None:
    picture = Picture(subject=SKEW, at=NOW, alarm=alarm(SKEW, threshold=1), series=(series(SKEW, 0.2, 4.2),))

    diagnosis = diagnose(picture)

    assert diagnosis.findings == ()
    assert [one.tool for one in diagnosis.evidence] == ["aws_alarm", "aws_metric"]
    assert "4.2" in diagnosis.evidence[1].excerpt


def test_insufficient_data_is_said_and_not_taken_for_fine() -> None:
    picture = Picture(
        subject=ERRORS, at=NOW, alarm=alarm(ERRORS, state=AlarmState.INSUFFICIENT_DATA), gaps=("Logs were not read",)
    )

    diagnosis = diagnose(picture)

    assert diagnosis.gaps[0] == "Logs were not read"
    assert "unknown, not fine" in diagnosis.gaps[1]


def test_log_lines_are_evidence_anybody_could_have_written() -> None:
    evidence = {one.tool: one.trust for one in diagnose(starved_service()).evidence}

    assert evidence["aws_logs"] == "text"
    assert evidence["aws_ecs_service"] == "status"


def test_a_fullest_disk_is_named_even_when_the_alarm_watches_another() -> None:
    logs = DISK.model_copy(update={"dimensions": {**DISK.dimensions, "path": "/var"}})
    picture = full_disk(used=40).model_copy(update={"series": (series(DISK, 40), series(logs, 97))})

    (finding,) = diagnose(picture).findings

    assert "97 % of /var" in finding.statement
