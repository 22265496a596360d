"""How well a resource is, from numbers: limits, windows, traffic, and what is unknown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tests.tools.aws.pictures import NOW
from tests.tools.aws.resources import metric
from tools.diagnosis.aws.health import BAD, Health, counter, judged, ratio, surge, unusual
from tools.diagnosis.aws.thresholds import THRESHOLDS
from tools.reads.aws.views import Datapoint, Series

WHERE = {"Name": "x"}


def values(*given: float, period: int = 60) -> Series:
    return metric("X", "M", "Average", WHERE, given, period)


@pytest.mark.parametrize(
    ("check", "given", "health"),
    [
        pytest.param("ecs.cpu", (79.9,) * 5, Health.HEALTHY, id="just below"),
        pytest.param("ecs.cpu", (80,) * 5, Health.HEALTHY, id="the limit itself is allowed"),
        pytest.param("ecs.cpu", (80.1,) * 5, Health.DEGRADED, id="just above"),
        pytest.param("rds.cpu", (90.1,) * 5, Health.UNHEALTHY, id="above the second limit"),
        pytest.param("rds.cpu", (90.1,) * 4 + (89,), Health.DEGRADED, id="not in every window above the second"),
        pytest.param("rds.cpu", (95, 95, 95, 95, 10), Health.HEALTHY, id="four of five windows"),
        pytest.param("sqs.age", (10, 301, 10, 301, 301), Health.UNHEALTHY, id="three of five windows"),
        pytest.param("sqs.age", (10, 301, 10, 10, 301), Health.HEALTHY, id="two of five windows"),
        pytest.param("ec2.status_check", (0, 1), Health.HEALTHY, id="one failed check"),
        pytest.param("ec2.status_check", (1, 1), Health.UNHEALTHY, id="the limit counts where the table says so"),
        pytest.param("rds.memory", (9.9,) * 5, Health.UNHEALTHY, id="low is bad"),
        pytest.param("rds.memory", (10,) * 5, Health.HEALTHY, id="not low enough"),
        pytest.param("sqs.age", (), Health.UNKNOWN, id="no datapoints"),
        pytest.param("sqs.age", (301, 301), Health.UNKNOWN, id="too few windows to tell that it is bad"),
        pytest.param("sqs.age", (10, 10, 10), Health.HEALTHY, id="windows enough to tell that it is not"),
    ],
)
def test_a_metric_is_held_against_its_limit(check: str, given: Sequence[float], health: Health) -> None:
    assert judged(check, values(*given), NOW, "it").health is health


def test_a_metric_nobody_read_is_unknown() -> None:
    assert judged("ecs.cpu", None, NOW, "CPU").health is Health.UNKNOWN


def test_old_datapoints_say_nothing_about_now() -> None:
    later = NOW + timedelta(minutes=30)

    assert judged("ecs.cpu", values(*(99,) * 10), later, "CPU").health is Health.UNKNOWN


@pytest.mark.parametrize(
    ("errors", "made", "health"),
    [
        pytest.param((1, 1, 1, 1, 1), (19, 0, 0, 0, 0), Health.UNKNOWN, id="19 calls"),
        pytest.param((4, 4, 4, 4, 4), (4, 4, 4, 4, 4), Health.UNHEALTHY, id="20 calls"),
        pytest.param((1, 1, 1, 1, 1), (100,) * 5, Health.HEALTHY, id="exactly one percent"),
        pytest.param((2, 2, 2, 2, 2), (100,) * 5, Health.DEGRADED, id="two percent"),
        pytest.param((0, 0, 0, 6, 6), (100,) * 5, Health.UNHEALTHY, id="above five percent in two of five"),
        pytest.param((0, 0, 0, 0, 90), (100,) * 5, Health.HEALTHY, id="one bad minute"),
        pytest.param((), (100,) * 5, Health.HEALTHY, id="no datapoint of errors where there is traffic"),
        pytest.param((3,), (), Health.UNKNOWN, id="no traffic at all"),
    ],
)
def test_a_ratio_needs_traffic_and_windows(errors: Sequence[float], made: Sequence[float], health: Health) -> None:
    reason = ratio("lambda.errors", values(*errors), values(*made), NOW, "errors")

    assert reason.health is health


def test_too_little_traffic_is_said() -> None:
    reason = ratio("lambda.errors", values(9), values(19), NOW, "the error ratio")

    assert reason.said == "not enough traffic to tell the error ratio (19 of 20 requests)"


@pytest.mark.parametrize(
    ("part", "whole", "health"),
    [
        pytest.param((), (10,) * 5, Health.HEALTHY, id="nothing to count, and traffic"),
        pytest.param((), (), Health.UNKNOWN, id="nothing at all"),
        pytest.param((3, 3, 3), (), Health.UNHEALTHY, id="counted although nothing else is"),
    ],
)
def test_a_counter_that_is_silent_is_zero_only_where_something_else_speaks(
    part: Sequence[float], whole: Sequence[float], health: Health
) -> None:
    assert counter("alb.elb_5xx", values(*part), values(*whole), NOW, "5xx").health is health


def test_it_began_with_the_first_bad_datapoint_in_a_row() -> None:
    reason = judged("sqs.age", values(400, 10, 10, 301, 10, 301, 301, 301), NOW, "age")

    assert reason.since == NOW - timedelta(minutes=5)


@given(some.lists(some.floats(0, 100, allow_nan=False, width=32), max_size=12), some.sampled_from(sorted(THRESHOLDS)))
def test_more_bad_windows_never_make_it_better(given: list[float], check: str) -> None:
    limit = THRESHOLDS[check]
    bound = limit.critical if limit.critical is not None else limit.warn
    assert bound is not None
    worst = bound - 1 if limit.below else bound + 1

    before = judged(check, values(*given, period=limit.period), NOW, "it").health
    after = judged(check, values(*given, *(worst,) * limit.windows, period=limit.period), NOW, "it").health

    assert after in BAD
    assert before in Health


def week(*sums: float) -> Series:
    """The same hour of the days before, the latest last."""
    points = tuple(
        Datapoint(at=NOW - timedelta(hours=1, days=len(sums) - n), value=value) for n, value in enumerate(sums)
    )
    return values().model_copy(update={"points": points, "period": 3600})


def test_traffic_is_compared_with_the_same_hour_of_other_days() -> None:
    usual = week(100, 110, 95, 105, 100, 90, 100)

    assert unusual(104, usual, NOW) == pytest.approx(0.4)
    assert surge(104, usual, NOW) is None
    assert surge(900, usual, NOW) == "900 in the last hour, usually about 100 at this hour"


def test_three_days_are_too_few_to_call_anything_unusual() -> None:
    assert unusual(900, week(100, 100, 100), NOW) is None


def test_every_limit_names_its_source_and_can_be_reached() -> None:
    for check, limit in THRESHOLDS.items():
        assert limit.source, check
        assert 1 <= limit.breaching <= limit.windows, check
        assert limit.warn is not None or limit.critical is not None, check
