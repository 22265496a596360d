"""Charts on the evidence card: what Slack draws, and the words that always stand beside the drawing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.views.blocks import Rendering, message
from bot.views.charts import chart_block, chart_words, drawn
from bot.views.evidence import EvidenceReport, report
from bot.views.limits import violations
from tools.charts import Chart, Curve, Point, written
from tools.evidence import Trust, evidence

NINE = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def curve(values: list[float], name: str = "", minutes: float = 1.0) -> Curve:
    points = (Point(at=NINE + timedelta(minutes=minutes * n), value=value) for n, value in enumerate(values))
    return Curve(name=name, points=tuple(points))


def spike(**more: object) -> Chart:
    values = [0.004] * 60
    values[33] = 0.09
    return Chart.model_validate(
        {"title": "HighErrorRate checkout", "unit": "ratio", "curves": (curve(values),), **more}
    )


def drawing(chart: Chart) -> Any:
    block = chart_block(chart, "evd:1:chart")
    assert block is not None
    return cast(Any, block)


def test_a_chart_has_at_most_twenty_moments_and_loses_no_peak() -> None:
    block = drawing(spike(threshold=0.05))

    line, threshold = block["chart"]["series"]
    assert len(block["chart"]["axis_config"]["categories"]) == 20
    assert max(point["value"] for point in line["data"]) == 9.0
    assert {point["value"] for point in threshold["data"]} == {5.0}
    assert block["title"] == "HighErrorRate checkout (%)"


def test_where_low_is_bad_no_trough_is_lost() -> None:
    values = [90.0] * 60
    values[17] = 3.0

    block = drawing(Chart(title="Free disk", unit="%", curves=(curve(values),), comparison="<"))

    assert min(point["value"] for point in block["chart"]["series"][0]["data"]) == 3.0


def test_moments_without_a_value_in_one_line_are_left_out() -> None:
    chart = Chart(title="x", curves=(curve([1, 2, 3, 4, 5], "a"), curve([1, 2, 3], "b")))

    assert drawing(chart)["chart"]["axis_config"]["categories"] == ["09:00", "09:01", "09:02"]


@pytest.mark.parametrize("values", [[], [1.0]])
def test_too_little_to_draw_is_told_in_words_alone(values: list[float]) -> None:
    chart = Chart(title="x", curves=(curve(values),))

    blocks = list(drawn(chart, Rendering("evd", "INC-1", 1)))

    assert [block["type"] for block in blocks] == ["section"]


def test_points_of_the_same_minute_are_told_apart() -> None:
    block = drawing(Chart(title="x", curves=(curve([1, 2, 3], minutes=0.1),)))

    assert block["chart"]["axis_config"]["categories"] == ["09:00:00", "09:00:06", "09:00:12"]


def test_an_evidence_card_with_a_range_says_and_draws_it() -> None:
    piece = evidence(
        tool="prom_query_range",
        query="demo_error_ratio",
        summary="s",
        excerpt=written(spike()),
        at=NINE,
        trust=Trust.STATUS,
    )

    told = report(EvidenceReport(incident_id="INC-1", findings=(), evidence=(piece,)))

    kinds = [block["type"] for block in told["blocks"]]
    place = kinds.index("data_visualization")
    assert kinds[place - 1] == "section"
    assert "HighErrorRate checkout: 0.4 % → 0.4 %" in str(told["blocks"][place - 1])
    assert violations(cast(Any, told)) == []


def test_what_outsiders_wrote_cannot_mention_anybody() -> None:
    chart = Chart(title="<!channel> <@U0ALICE001> `x`", curves=(curve([1, 2], "*<http://evil.example|x>*"),))

    assert "<!channel>" not in chart_words(chart)
    assert "<@U0ALICE001>" not in chart_words(chart)
    assert "<" not in drawing(chart)["title"]


NAMES = st.text(max_size=60)
VALUES = st.lists(st.floats(-1e9, 1e9), max_size=50)


@given(NAMES, st.lists(st.tuples(NAMES, VALUES), min_size=1, max_size=5), st.sampled_from(["", "ratio", "s", "bytes"]))
def test_slack_accepts_every_chart(title: str, curves: list[tuple[str, list[float]]], unit: str) -> None:
    chart = Chart(title=title, unit=unit, curves=tuple(curve(values, name) for name, values in curves), threshold=1.0)

    blocks = list(drawn(chart, Rendering("evd", "INC-1", 1)))

    assert violations(cast(Any, message("x", blocks))) == []
    for block in blocks[1:]:
        names = [one["name"] for one in cast(Any, block)["chart"]["series"]]
        assert len(set(names)) == len(names)
