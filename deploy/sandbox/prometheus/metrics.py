"""What was measured: every series as the moments its value changed. Asking for a moment gives what held then."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Mapping

Labels = tuple[tuple[str, str], ...]


class Metrics:
    """Series by name and labels. Threads may write and read at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._series: dict[str, dict[Labels, list[tuple[float, float]]]] = {}

    def record(self, name: str, labels: Mapping[str, str], at: float, value: float) -> None:
        """From this moment (Unix seconds) on the series has this value. Moments come in order."""
        with self._lock:
            steps = self._series.setdefault(name, {}).setdefault(tuple(sorted(labels.items())), [])
            if not steps or steps[-1][1] != value:
                steps.append((at, value))

    def value(self, name: str, labels: Labels, at: float) -> float | None:
        """What a series was at a moment; None before it began."""
        with self._lock:
            return _held(self._series.get(name, {}).get(labels, []), at)

    def labels(self, name: str) -> tuple[Labels, ...]:
        """The series under a name."""
        with self._lock:
            return tuple(self._series.get(name, {}))


def _held(steps: list[tuple[float, float]], at: float) -> float | None:
    place = bisect_right(steps, (at, float("inf")))
    return steps[place - 1][1] if place else None
