"""How sure a finding may be, from 1 (a guess) to 10: all the arithmetic, in one place.

A finding starts at the strength of its best evidence, gains one point when a second and independent fact says the same
(the rollout changed just that field), and loses for what speaks against it and for what it needed and could not see.
It never gains twice: many weak signs do not make a strong one.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

CONTRADICTION = 3
"""Points lost for each fact that speaks against a finding: its workload is well now, it began after the onset."""
MISSING = 1
"""Points lost for each kind a rule needs that could not be read."""


class Strength(IntEnum):
    """What a finding rests on, at best."""

    STATED = 9
    """The provider's API says it outright: a waiting reason, a condition, an exit by OOMKilled."""
    MATCHED = 8
    """The API says that something is wrong, and text beside it (an event, the scheduler's words) says what."""
    FITTING = 7
    """Several facts of the API fit together, and none of them names the cause."""
    TOLD = 5
    """Only text says so: a log line, an event. Anybody may have written it."""
    OBSERVED = 4
    """Something happened, and nothing shows that it matters now."""


def confidence(strength: int, *, confirmed: bool = False, contradictions: int = 0, missing: int = 0) -> int:
    """Strength, one more when confirmed, less what contradicts and what is missing; within 1 and 10."""
    return max(1, min(10, strength + confirmed - CONTRADICTION * contradictions - MISSING * missing))


def missing(needs: Iterable[str] | None, unread: Iterable[str], *, gaps: int) -> int:
    """How many kinds a rule needs were not read. A rule that does not say what it needs misses one with any gap."""
    if needs is None:
        return 1 if gaps else 0
    return len(set(needs).intersection(unread))
