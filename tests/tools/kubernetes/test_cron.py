"""Which schedules Kubernetes can read, and what is said of the others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.diagnosis.kubernetes.cron import fault


@pytest.mark.parametrize(
    "schedule",
    [
        "0 3 * * *",
        "*/5 * * * *",
        "0,30 8-18/2 * * mon-fri",
        "0 0 1 JAN,jul ?",
        "15 2 * * 7",
        "@hourly",
        "@every 1h30m",
    ],
)
def test_what_kubernetes_can_read_has_no_fault(schedule: str) -> None:
    assert fault(schedule) is None


@pytest.mark.parametrize(
    ("schedule", "says"),
    [
        ("", "0 fields"),
        ("0 3 * *", "4 fields"),
        ("0 0 3 * * *", "6 fields"),
        ("61 3 * * *", "minute 61"),
        ("0 24 * * *", "hour 24"),
        ("0 0 0 * *", "day of month 0"),
        ("*/0 * * * *", "a step of 0"),
        ("0 18-8 * * *", "backwards"),
        ("0 0 * * someday", "only 0 to 7"),
        ("@fortnightly", "no known name"),
        ("0 3 * * 1#2", "not a number"),
    ],
)
def test_what_it_cannot_read_is_explained(schedule: str, says: str) -> None:
    assert says in (fault(schedule) or "")


@given(st.text(max_size=60))
def test_no_text_confuses_it(schedule: str) -> None:
    assert fault(schedule) is None or isinstance(fault(schedule), str)


@given(st.integers(0, 59), st.integers(0, 23), st.integers(1, 31), st.integers(1, 12), st.integers(0, 6))
def test_every_moment_can_be_written(minute: int, hour: int, day: int, month: int, weekday: int) -> None:
    assert fault(f"{minute} {hour} {day} {month} {weekday}") is None
