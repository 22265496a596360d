"""When a calendar is in force: inclusive start, exclusive end, wall-clock time, and what a clock change does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.calendars import Calendar, covers, touches
from tests.policies.samples import MOMENTS

LONDON = ZoneInfo("Europe/London")
WEEKEND = Calendar.model_validate({"freeze": True, "weekly": {"from": "Fri 16:00", "to": "Mon 08:00"}})


def once(start: str, end: str) -> Calendar:
    """A single spell."""
    return Calendar.model_validate({"once": {"from": start, "to": end}})


def weekly(start: str, end: str) -> Calendar:
    """A spell every week."""
    return Calendar.model_validate({"weekly": {"from": start, "to": end}})


@pytest.mark.parametrize(
    ("local", "frozen"),
    [
        ("2026-11-20T15:59:59", False),
        ("2026-11-20T16:00:00", True),
        ("2026-11-22T12:00:00", True),
        ("2026-11-23T07:59:59", True),
        ("2026-11-23T08:00:00", False),
        ("2026-11-25T12:00:00", False),
        # The weekends of both clock changes: the bounds stay on the wall clock.
        ("2026-03-27T15:59:59", False),
        ("2026-03-27T16:00:00", True),
        ("2026-03-30T07:59:59", True),
        ("2026-03-30T08:00:00", False),
        ("2026-10-23T15:59:59", False),
        ("2026-10-23T16:00:00", True),
        ("2026-10-26T07:59:59", True),
        ("2026-10-26T08:00:00", False),
    ],
)
def test_a_weekend_freeze_begins_and_ends_on_the_wall_clock(local: str, frozen: bool) -> None:
    at = datetime.fromisoformat(local).replace(tzinfo=LONDON)

    assert covers(WEEKEND, LONDON, at) is frozen


def test_the_zone_of_the_question_does_not_matter() -> None:
    at = datetime(2026, 7, 3, 15, 0, tzinfo=UTC)  # 16:00 in London

    assert covers(WEEKEND, LONDON, at)
    assert covers(WEEKEND, LONDON, at.astimezone(ZoneInfo("Asia/Tokyo")))
    assert not covers(WEEKEND, ZoneInfo("UTC"), at)


@pytest.mark.parametrize(
    ("utc", "inside"),
    [
        ("2026-10-25T00:29", False),
        ("2026-10-25T00:30", True),  # 01:30 summer time, the first of two
        ("2026-10-25T01:00", True),  # 01:00 again, winter time: the wall clock alone would say "not yet"
        ("2026-10-25T01:44", True),
        ("2026-10-25T01:45", False),  # 01:45 the second time
    ],
)
def test_an_hour_that_comes_twice_does_not_interrupt_a_calendar(utc: str, inside: bool) -> None:
    calendar = once("2026-10-25T01:30", "2026-10-25T01:45")

    assert covers(calendar, LONDON, datetime.fromisoformat(utc).replace(tzinfo=UTC)) is inside


def test_a_calendar_in_an_hour_that_is_skipped_is_never_lost() -> None:
    calendar = once("2026-03-29T01:15", "2026-03-29T01:45")  # the clocks go from 01:00 to 02:00

    assert covers(calendar, LONDON, datetime(2026, 3, 29, 1, 0, tzinfo=UTC))


@pytest.mark.parametrize(
    ("start", "minutes", "touched"),
    [
        ("2026-11-20T15:54", 5, False),
        ("2026-11-20T15:55", 5, True),
        ("2026-11-20T15:56", 5, True),
        ("2026-11-23T07:59", 5, True),
        ("2026-11-23T08:00", 5, False),
        ("2026-11-17T12:00", 7 * 24 * 60, True),
        ("2026-11-23T08:00", 4 * 24 * 60, False),
    ],
)
def test_an_interval_touches_a_calendar_it_reaches_into(start: str, minutes: int, touched: bool) -> None:
    begins = datetime.fromisoformat(start).replace(tzinfo=LONDON)

    assert touches(WEEKEND, LONDON, begins, begins + timedelta(minutes=minutes)) is touched


@given(at=MOMENTS, minutes=st.integers(0, 20 * 24 * 60), inner=st.floats(0, 1))
def test_an_interval_touches_whatever_covers_a_moment_of_it(at: datetime, minutes: int, inner: float) -> None:
    end = at + timedelta(minutes=minutes)

    if covers(WEEKEND, LONDON, at + (end - at) * inner):
        assert touches(WEEKEND, LONDON, at, end)


@given(at=MOMENTS)
def test_a_week_is_split_between_a_calendar_and_its_complement(at: datetime) -> None:
    complement = weekly("Mon 08:00", "Fri 16:00")

    assert covers(WEEKEND, LONDON, at) is not covers(complement, LONDON, at)


@pytest.mark.parametrize(
    "pattern",
    [
        {"weekly": {"from": "Fri 16:00", "to": "Fri 16:00"}},
        {"weekly": {"from": "Friday 16:00", "to": "Mon 08:00"}},
        {"weekly": {"from": "Fri 24:00", "to": "Mon 08:00"}},
        {"weekly": {"from": "Fri 16:00"}},
        {"once": {"from": "2026-12-21T00:00", "to": "2026-12-21T00:00"}},
        {"once": {"from": "2026-12-21T00:00Z", "to": "2026-12-22T00:00Z"}},
        {"once": {"from": "2026-02-30T00:00", "to": "2026-12-22T00:00"}},
        {},
    ],
)
def test_a_calendar_that_makes_no_sense_is_refused(pattern: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        Calendar.model_validate(pattern)
