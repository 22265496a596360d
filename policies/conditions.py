"""The `when` of a rule: what it may ask of the facts, and why it does not match. Effects are not known here."""

from __future__ import annotations

import fnmatch
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from policies.durations import Duration, in_words
from tools.values import Value

Name = Annotated[str, Field(min_length=1)]
Names = Annotated[tuple[Name, ...], Field(min_length=1)]
"""Alternatives: one of them must fit."""
Bound = Annotated[float, Field(allow_inf_nan=True)]

GLOBS = frozenset({"service", "namespace", "team", "account", "region", "requester"})
"""Conditions whose alternatives are shell patterns. Actions and environments are named in full, so that a grant never
reaches one that did not exist when it was written."""

_SIGNS = {"lt": "<", "le": "<=", "gt": ">", "ge": ">="}


class Comparison(Value):
    """Bounds on a number; all that are given must hold."""

    model_config = ConfigDict(strict=True)

    lt: Bound | None = None
    le: Bound | None = None
    gt: Bound | None = None
    ge: Bound | None = None

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if not self.bounds:
            raise ValueError("a comparison needs at least one of lt, le, gt, ge")
        if any(math.isnan(bound) for _, bound in self.bounds):
            raise ValueError("NaN is not a bound")
        return self

    @property
    def bounds(self) -> tuple[tuple[str, float], ...]:
        """The given bounds as (operator, number)."""
        every = (("lt", self.lt), ("le", self.le), ("gt", self.gt), ("ge", self.ge))
        return tuple((operator, bound) for operator, bound in every if bound is not None)

    def holds(self, number: float) -> bool:
        """Whether the number is within every bound."""
        return (
            (self.lt is None or number < self.lt)
            and (self.le is None or number <= self.le)
            and (self.gt is None or number > self.gt)
            and (self.ge is None or number >= self.ge)
        )

    def __str__(self) -> str:
        return " and ".join(f"{_SIGNS[operator]} {bound:g}" for operator, bound in self.bounds)


class Record(Value):
    """A record to be earned: so many plans verified, within so long, since the last that failed."""

    model_config = ConfigDict(strict=True)

    verified: Annotated[int, Field(ge=1, le=100)]
    within: Duration

    def __str__(self) -> str:
        return f"{self.verified} verified within {in_words(self.within)}"


class When(Value):
    """The conditions of a rule. All must hold; `during` holds while any of its calendars does.

    `unearned` holds until the record is earned, for this kind of action on this service in this environment, and again
    from the first failure on.
    """

    model_config = ConfigDict(strict=True)

    action: Names | None = None
    env: Names | None = None
    service: Names | None = None
    namespace: Names | None = None
    team: Names | None = None
    account: Names | None = None
    region: Names | None = None
    origin: Names | None = None
    severity: Names | None = None
    requester: Names | None = None
    during: Names | None = None
    mutating: bool | None = None
    destructive: bool | None = None
    reversible: bool | None = None
    tainted_args: bool | None = None
    tainted_sensitive: bool | None = None
    corroborated: bool | None = None
    scale_factor: Comparison | None = None
    pods_affected: Comparison | None = None
    confidence: Comparison | None = None
    rollbacks: Comparison | None = None
    unearned: Record | None = None

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if not self.given:
            raise ValueError("a rule without conditions would match everything; give at least one")
        return self

    @property
    def given(self) -> Mapping[str, Names | bool | Comparison | Record]:
        """The conditions that were written, in the order of this class."""
        return {name: value for name, value in self if value is not None}


@dataclass(frozen=True)
class Condition:
    """One compiled condition: the fact it asks, what it needs in words, and the test."""

    fact: str
    needs: str
    holds: Callable[[object], bool]
    counted_for: str | None = None
    """The rule the fact is counted for, where each rule has a count of its own; what was not counted is zero."""

    def found(self, circumstances: Mapping[str, object]) -> object:
        """What the circumstances say to this condition."""
        value = circumstances[self.fact]
        if self.counted_for is None:
            return value
        return value.get(self.counted_for, 0) if isinstance(value, Mapping) else 0


def compiled(when: When, rule: str) -> tuple[Condition, ...]:
    """The conditions of a rule, ready to be asked many times."""
    return tuple(_condition(name, wanted, rule) for name, wanted in when.given.items())


def first_failure(conditions: tuple[Condition, ...], circumstances: Mapping[str, object]) -> str | None:
    """Why the conditions do not hold, by the first that fails; None when all hold."""
    for condition in conditions:
        found = condition.found(circumstances)
        if not condition.holds(found):
            return f"{condition.fact} is {_shown(found)}, the rule needs {condition.needs}"
    return None


def _condition(name: str, wanted: Names | bool | Comparison | Record, rule: str) -> Condition:
    if isinstance(wanted, Record):
        return Condition("earned", f"fewer than {wanted}", _short_of(wanted.verified), counted_for=rule)
    if isinstance(wanted, Comparison):
        return Condition(name, str(wanted), _within(wanted))
    if isinstance(wanted, bool):
        return Condition(name, _shown(wanted), lambda found: found is wanted)
    needs = " or ".join(wanted)
    if name == "during":
        return Condition(name, needs, _overlapping(frozenset(wanted)))
    if name in GLOBS:
        return Condition(name, needs, _fitting(wanted))
    return Condition(name, needs, frozenset(wanted).__contains__)


def _short_of(verified: int) -> Callable[[object], bool]:
    return lambda found: not (isinstance(found, int) and found >= verified)


def _within(comparison: Comparison) -> Callable[[object], bool]:
    return lambda found: isinstance(found, int | float) and comparison.holds(found)


def _overlapping(names: frozenset[str]) -> Callable[[object], bool]:
    return lambda found: isinstance(found, frozenset) and not names.isdisjoint(found)


def _fitting(patterns: Iterable[str]) -> Callable[[object], bool]:
    fits = re.compile("|".join(fnmatch.translate(pattern) for pattern in patterns)).match
    return lambda found: isinstance(found, str) and fits(found) is not None


def _shown(found: object) -> str:
    """A fact as the policy file would write it."""
    if isinstance(found, bool):
        return "true" if found else "false"
    if isinstance(found, float):
        return f"{found:g}"
    if isinstance(found, frozenset):
        return " and ".join(sorted(found)) or "none"
    return str(found) or "empty"
