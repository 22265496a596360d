"""What a measurement hands back: rows of numbers with what was hoped for, and the arithmetic on raw samples.

Nothing here measures, and nothing here prints.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Unit = Literal["s", "ms", "µs", "MB", "%", "x", "/s", ""]
Verdict = Literal["met", "MISSED", "skipped", ""]


@dataclass(frozen=True)
class Target:
    """What a number is held against: less (`under`), more (`over`), or exactly (`equal`) a bound."""

    relation: Literal["under", "over", "equal"]
    bound: float

    def holds(self, value: float) -> bool:
        """Whether the value is as hoped. `under` and `over` are strict: 2 s is not under 2 s."""
        match self.relation:
            case "under":
                return value < self.bound
            case "over":
                return value > self.bound
            case "equal":
                return value == self.bound


@dataclass(frozen=True)
class Row:
    """One measured number. `value` None: it could not be measured here, and `how` says why."""

    what: str
    value: float | None
    unit: Unit
    how: str
    target: Target | None = None

    @property
    def verdict(self) -> Verdict:
        """What became of the target; empty where a number is only told."""
        if self.value is None:
            return "skipped"
        if self.target is None:
            return ""
        return "met" if self.target.holds(self.value) else "MISSED"


def under(bound: float) -> Target:
    """The value is hoped to stay under this."""
    return Target("under", bound)


def over(bound: float) -> Target:
    """The value is hoped to exceed this."""
    return Target("over", bound)


def exactly(bound: float) -> Target:
    """The value is hoped to be this, neither more nor less."""
    return Target("equal", bound)


def skipped(what: str, unit: Unit, why: str, target: Target | None = None) -> Row:
    """A number this machine cannot give."""
    return Row(what, None, unit, why, target)


def percentile(samples: Sequence[float], share: float) -> float:
    """The smallest sample that at least `share` (0 to 1) of all samples do not exceed: the nearest-rank percentile."""
    if not samples:
        raise ValueError("there is no percentile of nothing")
    rank = max(1, math.ceil(share * len(samples)))
    return sorted(samples)[rank - 1]


def median(samples: Sequence[float]) -> float:
    """The nearest-rank p50."""
    return percentile(samples, 0.5)
