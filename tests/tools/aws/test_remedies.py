"""Findings become bounded actions, or advice where a person has to act."""

from __future__ import annotations

from datetime import timedelta
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tests.tools.aws.pictures import busy_group, full_disk, group, starved_service
from tools.actions import CleanUpLogs, ForceNewDeployment, SetDesiredCapacity
from tools.criteria import AlarmOk, CapacityInService, ServiceStable
from tools.diagnosis.aws import diagnose
from tools.reads.aws.views import Picture
from tools.remedies import Remedy
from tools.remedies.aws import remedy

RINGS = AlarmOk(region="eu-west-1", alarm="rings")


def fix(picture: Picture) -> Remedy:
    finding = diagnose(picture).findings[0]
    return remedy(finding, picture)


def test_a_busy_group_grows_to_what_its_load_needs() -> None:
    found = fix(busy_group(in_service=2, desired=2, cpu=95))

    assert found.actions == (SetDesiredCapacity(region="eu-west-1", group="web", desired=4),)
    assert found.success_criteria == (CapacityInService(region="eu-west-1", group="web", count=4), RINGS)


@given(in_service=some.integers(1, 60), spare=some.integers(1, 60), cpu=some.floats(80, 100, allow_nan=False, width=32))
def test_a_group_never_more_than_doubles_nor_passes_its_maximum(in_service: int, spare: int, cpu: float) -> None:
    picture = busy_group(in_service, in_service, in_service + spare, cpu)

    (action,) = fix(picture).actions

    assert isinstance(action, SetDesiredCapacity)
    assert in_service < action.desired <= min(2 * in_service, in_service + spare)
    assert action.desired <= max(in_service + 1, ceil(in_service * cpu / 60) + 1)


def test_starved_tasks_are_replaced() -> None:
    found = fix(starved_service())

    assert found.actions == (ForceNewDeployment(region="eu-west-1", cluster="prod", service="orders"),)
    assert found.success_criteria == (ServiceStable(region="eu-west-1", cluster="prod", service="orders"), RINGS)


@pytest.mark.parametrize("path", ["/", "/var", "/var/log"])
def test_a_full_disk_that_holds_logs_is_cleaned_up(path: str) -> None:
    found = fix(full_disk(path=path))

    assert found.actions == (CleanUpLogs(region="eu-west-1", instance_id="i-0123456789abcdef0", older_than_days=7),)
    assert found.success_criteria == (RINGS,)


@pytest.mark.parametrize(
    ("picture", "says"),
    [
        pytest.param(busy_group(6, 6, 6), "maximum", id="at the maximum"),
        pytest.param(
            busy_group().model_copy(update={"group": group(1, 2, failed=(timedelta(minutes=1),))}),
            "failed activities",
            id="cannot launch",
        ),
        pytest.param(starved_service(age=timedelta(minutes=10)), "did not help", id="a restart did not help"),
        pytest.param(full_disk(path="/data"), "does not hold /var/log", id="a data disk"),
        pytest.param(full_disk(ping="ConnectionLost"), "cannot reach", id="the agent is lost"),
        pytest.param(full_disk(ping=None), "cannot reach", id="no agent"),
    ],
)
def test_where_a_person_has_to_act_there_is_advice_and_no_action(picture: Picture, says: str) -> None:
    found = fix(picture)

    assert found.actions == ()
    assert says in found.advice


def test_the_disk_of_a_stopped_machine_is_left_alone() -> None:
    picture = full_disk(state="stopped")

    found = [remedy(finding, picture) for finding in diagnose(picture).findings]

    assert [one.finding.code for one in found] == ["aws.ec2_not_running", "aws.disk_full"]
    assert [one.actions for one in found] == [(), ()]


def test_a_name_no_action_can_hold_is_left_to_people() -> None:
    odd = group().model_copy(update={"name": "web (old) fleet"})

    found = fix(busy_group().model_copy(update={"group": odd}))

    assert found.actions == ()
    assert "by hand" in found.advice


def test_a_finding_nobody_knows_a_fix_for_is_left_to_people() -> None:
    picture = full_disk()
    (finding,) = diagnose(picture).findings

    found = remedy(finding.model_copy(update={"code": "aws.something_new"}), picture)

    assert (found.actions, found.success_criteria) == ((), ())
