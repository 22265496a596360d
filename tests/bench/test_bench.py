"""The bench's own arithmetic, table and arguments. Nothing here is timed."""

from __future__ import annotations

import json
from importlib import import_module

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.__main__ import NAMES, Wanted, parse
from tests.bench.alert_storm import ALERTS, GROUP, PODS, WORKLOADS, _deliveries
from tests.bench.machine import Noise
from tests.bench.report import Report, as_json, quantity, table
from tests.bench.rows import Row, Target, exactly, median, over, percentile, skipped, under

QUIET = Noise(cores=2, load=0.5, calibration_ms=30.0, fsync_ms=1.0)
BUSY = Noise(cores=2, load=7.25, calibration_ms=90.0, fsync_ms=9.0)
ROWS = (
    Row("Alert to plan card", 0.381, "s", "7 stories", under(2)),
    Row("Slack burst: events handled", 999.0, "", "a burst", exactly(1000)),
    Row("Policy decision", 45.9, "µs", "300 decisions"),
    skipped("Core install", "MB", "no package index", under(350)),
)


@pytest.mark.parametrize(
    ("samples", "share", "expected"),
    [
        ([5.0], 0.5, 5.0),
        ([1.0, 2.0, 3.0, 4.0], 0.5, 2.0),
        ([3.0, 1.0, 2.0], 0.5, 2.0),
        ([float(n) for n in range(1, 101)], 0.99, 99.0),
        ([float(n) for n in range(1, 101)], 1.0, 100.0),
        ([1.0, 2.0], 0.0, 1.0),
    ],
)
def test_a_percentile_is_a_sample_by_its_nearest_rank(samples: list[float], share: float, expected: float) -> None:
    assert percentile(samples, share) == expected


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 1))
def test_at_least_its_share_of_the_samples_is_not_above_a_percentile(samples: list[float], share: float) -> None:
    found = percentile(samples, share)

    assert found in samples
    assert sum(each <= found for each in samples) >= share * len(samples)


def test_there_is_no_median_of_nothing() -> None:
    with pytest.raises(ValueError, match="nothing"):
        median([])


@pytest.mark.parametrize(
    ("value", "target", "verdict"),
    [
        (1.99, under(2), "met"),
        (2.0, under(2), "MISSED"),
        (2.01, under(2), "MISSED"),
        (1000.0, exactly(1000), "met"),
        (999.0, exactly(1000), "MISSED"),
        (1001.0, exactly(1000), "MISSED"),
        (40.1, over(40), "met"),
        (40.0, over(40), "MISSED"),
        (7.0, None, ""),
        (None, under(2), "skipped"),
        (None, None, "skipped"),
    ],
)
def test_a_row_says_what_became_of_its_target(value: float | None, target: Target | None, verdict: str) -> None:
    assert Row("anything", value, "s", "somehow", target).verdict == verdict


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (0.38123, "s", "0.381 s"),
        (217.05, "ms", "217 ms"),
        (99.96, "MB", "100 MB"),
        (1000.0, "", "1,000"),
        (0.0, "", "0"),
        (12345.6, "µs", "12,346 µs"),
        (None, "s", "-"),
    ],
)
def test_a_quantity_is_written_as_people_write_it(value: float | None, unit: str, shown: str) -> None:
    assert quantity(value, unit) == shown


def test_the_table_has_a_line_for_every_row_and_names_the_noise() -> None:
    drawn = table(Report(QUIET, QUIET, ROWS, 12.3)).splitlines()

    assert drawn[2].split("  ")[0] == "Alert to plan card"
    assert [line.split()[-3:] for line in drawn if "MISSED" in line] == [["MISSED", "a", "burst"]]
    assert "skipped" in drawn[5]
    assert "load 0.5 on 2 cores" in drawn[7]
    assert drawn[9] == "targets missed: 1; 12 s in all"
    assert len(drawn) == 10


def test_the_columns_of_the_table_stand_under_their_headings() -> None:
    drawn = table(Report(QUIET, QUIET, ROWS, 1.0)).splitlines()
    column = drawn[0].index("how measured")

    assert [line[column:] for line in drawn[2:6]] == [row.how for row in ROWS]


@pytest.mark.parametrize(
    ("before", "after", "quiet"), [(QUIET, QUIET, True), (BUSY, QUIET, False), (QUIET, BUSY, False)]
)
def test_a_busy_machine_is_owned_up_to(before: Noise, after: Noise, quiet: bool) -> None:
    report = Report(before, after, ROWS, 1.0)

    assert ("busy" not in table(report)) is quiet
    assert as_json(report)["quiet"] is quiet


def test_the_json_holds_what_the_table_shows() -> None:
    told = json.loads(json.dumps(as_json(Report(QUIET, BUSY, ROWS, 1.25))))

    assert told["machine"]["after"] == {"cores": 2, "load": 7.25, "calibration_ms": 90.0, "fsync_ms": 9.0}
    assert [row["verdict"] for row in told["rows"]] == ["met", "MISSED", "", "skipped"]
    assert told["rows"][0]["target"] == {"relation": "under", "bound": 2}
    assert told["rows"][3]["value"] is None


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ([], Wanted(NAMES, json=False)),
        (["--json"], Wanted(NAMES, json=True)),
        (["idle_bot"], Wanted(("idle_bot",), json=False)),
        (["alert_storm", "help_command", "--json"], Wanted(("help_command", "alert_storm"), json=True)),
    ],
)
def test_the_command_line_picks_measurements_in_the_order_of_the_bench(words: list[str], wanted: Wanted) -> None:
    assert parse(words) == wanted


def test_an_unknown_measurement_is_refused_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(["idle_bot", "warp_speed"])

    assert ended.value.code == 2
    assert "unknown measurement warp_speed" in capsys.readouterr().err


@pytest.mark.parametrize("name", NAMES)
def test_every_measurement_is_a_module_that_measures(name: str) -> None:
    assert callable(import_module(f"tests.bench.{name}").measure)


def test_the_storm_is_what_it_says() -> None:
    sent = [alert["fingerprint"] for body in _deliveries("2026-11-18T12:00:00Z") for alert in body["alerts"]]  # type: ignore[union-attr,index,call-overload]

    assert len(sent) == ALERTS == 5_000
    assert len(set(map(str, sent))) == WORKLOADS * PODS
    assert len(sent) % GROUP == 0
