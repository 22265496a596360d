"""Fixed cases on which two policies are compared: the catalogue, every environment, and the edges of every condition.

What nobody has asked for yet is not in the record; a change that would allow it is found here.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, time, timedelta
from itertools import islice, product
from typing import TypeAlias

from policies import calendars
from policies.calendars import Calendar
from policies.conditions import GLOBS, Comparison, Record, When
from policies.facts import Facts, Origin
from policies.rules import Policy
from policies.selftest import facts_of
from tools.evidence import Severity

CASES_MOST = 4000
"""Cases looked at, the most telling first: two decisions each, well under a second with the rules that ship."""
ELSEWHERE = "elsewhere"
"""A name that no pattern of anybody's fits."""
EDGES: Mapping[str, tuple[float, float, float]] = {
    "scale_factor": (0.01, 1, float("inf")),
    "confidence": (0.1, 0, 10),
    "pods_affected": (1, 0, float("inf")),
    "rollbacks": (1, 0, float("inf")),
}
"""For each number: how far an edge's neighbours are from it, and the range it has."""
QUIET: Mapping[str, object] = {
    "service": "",
    "namespace": "",
    "team": ELSEWHERE,
    "account": "",
    "region": "",
    "origin": Origin.ALERT,
    "requester": "sayso",
    "severity": Severity.SEV2,
    "scale_factor": 1.0,
    "pods_affected": 1,
    "rollbacks": 0,
    "tainted_args": False,
    "tainted_sensitive": False,
    "corroborated": True,
    "confidence": 10.0,
    "earned": {},
}
"""A case nothing is unusual about, but for its action, environment and time."""

UNKNOWN: tuple[Mapping[str, object], ...] = ({"team": ""}, {"region": ELSEWHERE})
"""What nobody looked up: a team, or the account of something that lies in a region."""

Given: TypeAlias = "Mapping[str, object]"


def cases(old: Policy, new: Policy) -> tuple[Facts, ...]:
    """The grid of two policies, at most `CASES_MOST` cases."""
    return tuple(islice(_distinct(_every(old, new)), CASES_MOST))


def _every(old: Policy, new: Policy) -> Iterator[Facts]:
    base = _quiet(old, new)
    for policy in (old, new):
        yield from (facts_of(policy, test) for test in policy.file.tests)
    every = list(_places(new, base))
    yield from every
    for given in (*UNKNOWN, *_numbers_of_limits(old, new), *_numbers_of_breakers(old, new)):
        yield from (_with(place, given) for place in every)
    for moment in _moments(old, new):
        yield from (_with(place, {"at": moment}) for place in every)
    for policy in (old, new):
        for rule in policy.file.rules:
            yield from _corners(policy, rule.id, rule.when, base)


def _quiet(old: Policy, new: Policy) -> Facts:
    """A case with every fact there is; those not named here come from the old file's first test."""
    base = facts_of(old, old.file.tests[0])
    limits = (limit.id for policy in (old, new) for limit in policy.file.limits)
    uncounted = {"recent": dict.fromkeys(limits, 0), "at": _quiet_time(old, new)}
    return base.model_copy(update={**QUIET, **uncounted})


def _quiet_time(old: Policy, new: Policy) -> datetime:
    """A Wednesday noon in no calendar, if there is one within ten years."""
    noons = [datetime.combine(datetime(2026, 1, 7) + timedelta(weeks=week), time(12)) for week in range(520)]
    every = [(policy, calendar) for policy in (old, new) for calendar in policy.file.calendars.values()]
    for noon in noons:
        at = noon.replace(tzinfo=old.zone)
        if not any(calendars.covers(calendar, policy.zone, at) for policy, calendar in every):
            return at
    return noons[0].replace(tzinfo=old.zone)


def _places(policy: Policy, base: Facts, when: When | None = None) -> Iterator[Facts]:
    """Every action in every environment, as far as conditions name them."""
    actions = (when.action if when is not None else None) or sorted(policy.catalogue.kinds)
    environments = (when.env if when is not None else None) or sorted(policy.catalogue.environments)
    for action, environment in product(actions, environments):
        traits = policy.catalogue.kinds.get(action)
        if traits is not None:
            stated = traits.model_dump(include={"mutating", "destructive", "reversible"})
            yield _with(base, {"action": action, "env": environment, **stated})


def _numbers_of_limits(*policies: Policy) -> Iterator[Given]:
    for policy in policies:
        for limit in policy.file.limits:
            yield from ({"recent": {limit.id: count}} for count in (limit.max - 1, limit.max))


def _numbers_of_breakers(*policies: Policy) -> Iterator[Given]:
    for policy in policies:
        if policy.file.breaker is not None:
            most = policy.file.breaker.rollbacks
            yield from ({"rollbacks": count} for count in (most - 1, most))


def _moments(*policies: Policy) -> Iterator[datetime]:
    """The edges of every calendar, and a moment inside."""
    for policy in policies:
        for calendar in policy.file.calendars.values():
            yield from (wall.replace(tzinfo=policy.zone) for wall in _edges_of(calendar))


def _edges_of(calendar: Calendar) -> Iterator[datetime]:
    minute = timedelta(minutes=1)
    if calendar.once is not None:
        opens, closes = calendar.once.from_, calendar.once.to
    else:
        assert calendar.weekly is not None
        opens = datetime(2026, 1, 5) + timedelta(minutes=calendar.weekly.from_)  # a Monday
        closes = opens + timedelta(minutes=(calendar.weekly.to - calendar.weekly.from_) % (7 * 1440))
    yield from (opens, closes - minute, opens + (closes - opens) / 2, opens - minute, closes)


def _corners(policy: Policy, rule: str, when: When, base: Facts) -> Iterator[Facts]:
    """Cases that just meet a rule's conditions, and cases that just miss one of them."""
    witnesses = {_fact(name): list(_witnesses(policy, rule, name, wanted)) for name, wanted in when.given.items()}
    meeting = {name: values[0] for name, values in witnesses.items() if values}
    for place in _places(policy, base, when):
        yield _with(place, meeting)
        for name, values in witnesses.items():
            yield from (_with(place, {**meeting, name: value}) for value in values)


def _fact(condition: str) -> str:
    """The fact a condition asks: `during` the time, `unearned` how much was earned."""
    return {"during": "at", "unearned": "earned"}.get(condition, condition)


def _witnesses(policy: Policy, rule: str, name: str, wanted: object) -> Iterator[object]:
    """Values of one fact at the edges of a condition, one that meets it first."""
    if isinstance(wanted, Record):
        enough, short = {rule: wanted.verified}, {rule: wanted.verified - 1}
        yield from (short, enough)
    elif isinstance(wanted, tuple) and name == "during":
        every = (_edges_of(policy.file.calendars[each]) for each in wanted if each in policy.file.calendars)
        yield from (wall.replace(tzinfo=policy.zone) for walls in every for wall in walls)
    elif isinstance(wanted, Comparison) and name in EDGES:
        around = list(_around(name, wanted))
        yield from sorted(around, key=lambda value: not wanted.holds(value))
    elif isinstance(wanted, bool) and name in QUIET:
        yield from (wanted, not wanted)
    elif isinstance(wanted, tuple) and name in GLOBS:
        yield from (*filter(None, map(_sample, wanted)), ELSEWHERE)
    elif isinstance(wanted, tuple) and name in ("origin", "severity"):
        yield from (Origin(one) if name == "origin" else Severity(one) for one in wanted)


def _around(name: str, comparison: Comparison) -> Iterator[float]:
    step, least, most = EDGES[name]
    whole = name in ("pods_affected", "rollbacks")
    yield from (most,) if name == "scale_factor" else ()
    for _, bound in comparison.bounds:
        for value in (bound - step, bound, bound + step):
            if least <= value <= most and value != float("inf"):
                yield int(value) if whole else value


def _sample(pattern: str) -> str | None:
    """A name that fits a pattern; None where one cannot be made simply."""
    name = pattern.replace("*", "x").replace("?", "x")
    return name if fnmatch.fnmatchcase(name, pattern) else None


def _with(facts: Facts, given: Mapping[str, object]) -> Facts:
    """The case with these facts instead. Counts stand beside those that are there."""
    counts = {
        name: {**getattr(facts, name), **found}
        for name in ("recent", "earned")
        if isinstance(found := given.get(name, {}), Mapping)
    }
    return facts.model_copy(update={**given, **counts})


def _distinct(every: Iterable[Facts]) -> Iterator[Facts]:
    seen: set[str] = set()
    for facts in every:
        key = str(facts.__dict__)  # much cheaper than the model's own words
        if key not in seen:
            seen.add(key)
            yield facts
