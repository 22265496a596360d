"""Calendars: spells of wall-clock time in the policy's zone, `from` inclusive and `to` exclusive.

A bound that a clock change skips or repeats is read the way that makes the spell longer: a freeze never flickers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from tools.values import Value

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WEEK = timedelta(days=7)


def _minute_of_week(text: object) -> int:
    match = re.fullmatch(r"(\w{3}) ([01][0-9]|2[0-3]):([0-5][0-9])", text) if isinstance(text, str) else None
    if match is None or match[1] not in _DAYS:
        raise ValueError(f'{text!r} is not a time of the week such as "Fri 16:00"')
    return _DAYS.index(match[1]) * 1440 + int(match[2]) * 60 + int(match[3])


def _wall_clock(text: object) -> datetime:
    if not isinstance(text, str) or not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d", text):
        raise ValueError(f'{text!r} is not a local time such as "2026-12-21T00:00"')
    return datetime.fromisoformat(text)


MinuteOfWeek = Annotated[int, BeforeValidator(_minute_of_week)]
"""Minutes since Monday 00:00, written `Fri 16:00`."""
WallClock = Annotated[datetime, BeforeValidator(_wall_clock)]
"""A local time without a zone; the policy's zone applies."""


class Weekly(Value):
    """The same spell every week; it may run over the end of the week."""

    model_config = ConfigDict(strict=True)

    from_: MinuteOfWeek = Field(alias="from")
    to: MinuteOfWeek

    @model_validator(mode="after")
    def _has_length(self) -> Self:
        if self.from_ == self.to:
            raise ValueError("`from` and `to` are the same moment")
        return self


class Once(Value):
    """One spell."""

    model_config = ConfigDict(strict=True)

    from_: WallClock = Field(alias="from")
    to: WallClock

    @model_validator(mode="after")
    def _has_length(self) -> Self:
        if self.from_ >= self.to:
            raise ValueError("`from` must be before `to`")
        return self


class Calendar(Value):
    """A named stretch of time. No veto window may touch one that is a freeze."""

    model_config = ConfigDict(strict=True)

    freeze: bool = False
    weekly: Weekly | None = None
    once: Once | None = None

    @model_validator(mode="after")
    def _one_pattern(self) -> Self:
        if (self.weekly is None) == (self.once is None):
            raise ValueError("a calendar has exactly one of `weekly` and `once`")
        return self


def covers(calendar: Calendar, zone: ZoneInfo, at: datetime) -> bool:
    """Whether an aware moment lies in the calendar."""
    return touches(calendar, zone, at, at)


def touches(calendar: Calendar, zone: ZoneInfo, start: datetime, end: datetime) -> bool:
    """Whether any moment from `start` to `end`, both included and aware, lies in the calendar."""
    for opens, closes in _spells(calendar, zone, start, end):
        if _first(opens, zone) <= end and start < _last(closes, zone):
            return True
    return False


def _spells(calendar: Calendar, zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The spells near an interval, in wall-clock time."""
    if calendar.once is not None:
        yield calendar.once.from_, calendar.once.to
    if calendar.weekly is not None:
        local = start.astimezone(zone).replace(tzinfo=None)
        monday = datetime.combine(local.date() - timedelta(days=local.weekday()), time())
        length = timedelta(minutes=(calendar.weekly.to - calendar.weekly.from_) % (7 * 1440))
        for week in range(-1, (end - start) // _WEEK + 2):
            opens = monday + week * _WEEK + timedelta(minutes=calendar.weekly.from_)
            yield opens, opens + length


def _first(wall: datetime, zone: ZoneInfo) -> datetime:
    return min(_instants(wall, zone))


def _last(wall: datetime, zone: ZoneInfo) -> datetime:
    return max(_instants(wall, zone))


def _instants(wall: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Both readings of a wall-clock time; they differ only around a clock change (PEP 495)."""
    early, late = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return early, late
