"""Simulated time: how fast it runs, what the time stamps say, how far a test may jump.

Durations (back-off, probes, deadlines) are simulated seconds. Time stamps are the wall's time while the clock runs by
itself, so that a client comparing them with its own clock is not misled by a fast sandbox.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta


class Clock:
    """Simulated seconds since the cluster began. Speed 0 stands still and moves only by jumps."""

    def __init__(self, speed: float, started_at: datetime) -> None:
        self.speed = speed
        self._started_at = started_at
        self._origin = time.monotonic()
        self._jumped = 0.0

    def now(self) -> float:
        """Simulated seconds since the start."""
        return self._jumped + self._real() * self.speed

    def jump_to(self, instant: float) -> None:
        """Go forward to a simulated instant; never back."""
        self._jumped += max(0.0, instant - self.now())

    def wait_for(self, instant: float) -> float:
        """Real seconds until a simulated instant; infinite on a clock that stands still."""
        missing = instant - self.now()
        return max(0.0, missing / self.speed) if self.speed else float("inf")

    def moment(self, ago: float = 0.0) -> datetime:
        """What a time stamp written now says; `ago` is in simulated seconds."""
        running = self._real() if self.speed else 0.0
        return self._started_at + timedelta(seconds=self._jumped + running - ago / (self.speed or 1.0))

    def stamp(self) -> str:
        """Now, as the API writes it: RFC 3339 in whole seconds, UTC."""
        return stamp(self.moment())

    def _real(self) -> float:
        return time.monotonic() - self._origin


def stamp(moment: datetime) -> str:
    """RFC 3339 in whole seconds, UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_stamp(text: str) -> datetime:
    """The moment a time stamp names; fractions of a second are allowed."""
    return datetime.fromisoformat(text)
