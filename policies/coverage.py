"""Whether one rule's conditions reach everything another's do. Answers yes only where that is certain.

Used to tell a widened grant and a narrowed restriction from their opposites when a policy changes.
"""

from __future__ import annotations

import fnmatch
import math

from policies.catalogue import Catalogue
from policies.conditions import GLOBS, Comparison, Record, When

TRAITS = ("mutating", "destructive", "reversible")
"""Facts that the catalogue settles for each kind of action."""


def covers(wide: When, narrow: When) -> bool:
    """Whether every case that meets `narrow` certainly meets `wide`."""
    return all(_covers_condition(name, wanted, narrow.given.get(name)) for name, wanted in wide.given.items())


def may_meet(one: When, other: When, catalogue: Catalogue) -> bool:
    """Whether one case could meet both. No only where actions, environments, origins or severities certainly differ."""
    if not _actions(one, catalogue) & _actions(other, catalogue):
        return False
    for name in ("env", "origin", "severity"):
        mine, theirs = one.given.get(name), other.given.get(name)
        if isinstance(mine, tuple) and isinstance(theirs, tuple) and not set(mine) & set(theirs):
            return False
    return True


def _actions(when: When, catalogue: Catalogue) -> frozenset[str]:
    """The kinds of action that meet the conditions about kinds and their traits."""
    flags = {name: wanted for name in TRAITS if (wanted := when.given.get(name)) is not None}
    return frozenset(
        kind
        for kind, traits in catalogue.kinds.items()
        if kind in (when.action or (kind,)) and all(getattr(traits, name) is wanted for name, wanted in flags.items())
    )


def _covers_condition(name: str, wide: object, narrow: object) -> bool:
    if wide == narrow:
        return True
    if isinstance(wide, tuple) and isinstance(narrow, tuple):
        return all(any(_covers_name(name, each, one) for each in wide) for one in narrow)
    if isinstance(wide, Comparison) and isinstance(narrow, Comparison):
        return _floor(wide) <= _floor(narrow) and _ceiling(wide) >= _ceiling(narrow)
    if isinstance(wide, Record) and isinstance(narrow, Record):
        return _as_good(wide, narrow)
    return False


def _covers_name(condition: str, wide: str, narrow: str) -> bool:
    """Patterns are read as text: only `*` in the wider one is sure to take in what the narrower one may hold."""
    if wide == narrow:
        return True
    return condition in GLOBS and not set(wide) & set("?[]") and fnmatch.fnmatchcase(narrow, wide)


def _as_good(one: Record, other: Record) -> bool:
    """Whether a record as good as one asks is always as good as the other does: as many, within no longer."""
    return one.verified >= other.verified and one.within <= other.within


def _floor(comparison: Comparison) -> tuple[float, int]:
    """The least number that holds; `gt` begins just above its bound."""
    bounds = [(comparison.ge, 0), (comparison.gt, 1)]
    return max(((bound, open_) for bound, open_ in bounds if bound is not None), default=(-math.inf, 0))


def _ceiling(comparison: Comparison) -> tuple[float, int]:
    """The greatest number that holds; `lt` ends just below its bound."""
    bounds = [(comparison.le, 0), (comparison.lt, -1)]
    return min(((bound, open_) for bound, open_ in bounds if bound is not None), default=(math.inf, 0))
