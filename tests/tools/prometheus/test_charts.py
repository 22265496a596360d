"""A chart in words, and through a piece of evidence and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.charts import Chart, Curve, Point, amount, chart_of, sentence, written
from tools.evidence import Evidence, Trust, evidence

NINE = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def curve(*values: float, name: str = "", step: float = 60.0) -> Curve:
    return Curve(
        name=name,
        points=tuple(Point(at=NINE + timedelta(seconds=step * n), value=value) for n, value in enumerate(values)),
    )


def piece(tool: str, excerpt: str, summary: str = "", query: str = "") -> Evidence:
    return evidence(
        tool=tool, query=query, summary=summary, excerpt=excerpt, at=NINE + timedelta(hours=1), trust=Trust.STATUS
    )


def test_a_ratio_that_rose_is_told_in_one_sentence() -> None:
    chart = Chart(
        title="HighErrorRate checkout",
        measures="demo_error_ratio",
        unit="ratio",
        curves=(curve(0.004, 0.004, 0.005, 0.004, 0.091, 0.082),),
        threshold=0.05,
        onset=NINE + timedelta(minutes=4),
    )

    assert sentence(chart) == (
        "HighErrorRate checkout: demo_error_ratio 0.4 % → 8.2 % since 09:04 UTC, threshold > 5 %; "
        "highest 9.1 % at 09:04."
    )


def test_of_several_the_worst_one_is_told_and_named() -> None:
    curves = (curve(9, 8, name="web-1"), curve(9, 2, name="web-2"))

    told = sentence(Chart(title="Free disk", unit="%", curves=curves, threshold=5, comparison="<"))

    assert told == "Free disk (web-2): 9 % → 2 %, threshold < 5 %."


def test_no_values_are_told_as_none() -> None:
    assert sentence(Chart(title="x", curves=(Curve(name="", points=()),))) == "x: no values were recorded."


@pytest.mark.parametrize(
    ("value", "unit", "told"),
    [
        (0.004, "ratio", "0.4 %"),
        (12_345.6, "", "12,346"),
        (0, "", "0"),
        (0.00001234, "", "0.000012"),
        (3 * 1024**3 / 2, "bytes", "1.5 GiB"),
        (512, "bytes", "512 B"),
        (0.25, "s", "0.25 s"),
        (-4.0, "", "-4"),
    ],
)
def test_amounts_read_as_people_say_them(value: float, unit: str, told: str) -> None:
    assert amount(value, unit) == told


def test_a_gap_stays_a_gap() -> None:
    points = (*curve(1, 2).points, Point(at=NINE + timedelta(minutes=9), value=3.0))
    chart = Chart(title="gappy", curves=(Curve(name="a", points=points),))

    assert chart_of([piece("prom_query_range", written(chart))]) == chart


NUMBERS = st.floats(-1e9, 1e9).map(lambda value: float(f"{value:.6g}"))


@given(
    st.lists(st.lists(NUMBERS, max_size=40), min_size=1, max_size=5),
    st.sampled_from(["", "ratio", "s"]),
    st.none() | NUMBERS,
    st.integers(1, 3600),
)
def test_a_chart_survives_being_written_down(
    values: list[list[float]], unit: str, threshold: float | None, step: int
) -> None:
    curves = tuple(curve(*one, name=f'pod="web-{n}"', step=step) for n, one in enumerate(values))
    chart = Chart(title="t", unit=unit, curves=curves, threshold=threshold, onset=NINE)

    assert chart_of([piece("prom_query_range", written(chart))]) == chart


@given(st.text(max_size=300))
def test_no_text_makes_reading_a_chart_fail(text: str) -> None:
    chart_of([piece("prom_query_range", text), piece("aws_metric", text)])


def test_a_cloudwatch_metric_is_a_chart_with_its_alarms_threshold() -> None:
    metric = piece(
        "aws_metric", "09:58 61.0\n09:59 88.5", "CPUUtilization (Average, 60 s) is 88.5", "eu AWS/EC2 CPUUtilization"
    )
    alarm = piece("aws_alarm", "state: ALARM\nrule: Average of AWS/EC2 CPUUtilization GreaterThanThreshold 80.0\nx")

    chart = chart_of([metric, alarm])

    assert chart is not None
    assert (chart.threshold, chart.comparison, chart.unit) == (80.0, ">", "%")
    assert [(point.at.hour, point.at.minute, point.value) for point in chart.curves[0].points] == [
        (9, 58, 61.0),
        (9, 59, 88.5),
    ]
    assert chart_of([metric]) is not None
    assert chart_of([piece("aws_metric", "no datapoints"), alarm]) is None
