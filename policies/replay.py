"""The same cases judged by two policies: which decisions change, and in which direction.

Where the cases come from is the caller's business: the record of the last month, or `policies.grid`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from policies.decisions import Decision
from policies.engine import decide
from policies.explanation import demand
from policies.facts import Facts
from policies.rules import Policy
from policies.strictness import differences
from tools.values import Value

EXAMPLES_MOST = 20
"""Changed decisions a replay keeps whole; all are counted."""


class Direction(StrEnum):
    """How a decision changes, seen from whoever has to agree."""

    LOOSER = "looser"
    STRICTER = "stricter"
    DIFFERENT = "different"
    """Something is asked that was not, and something is not asked any more: no approval of one covers the other."""


@dataclass(frozen=True)
class Change:
    """One case that the two policies decide differently."""

    facts: Facts
    before: Decision
    after: Decision
    direction: Direction

    @property
    def allows_more(self) -> bool:
        """Whether anything that was asked is not asked any more."""
        return self.direction is not Direction.STRICTER

    @property
    def named(self) -> frozenset[str]:
        """The ids of every rule, limit and check that had a part in either decision."""
        matched = {line.rule for one in (self.before, self.after) for line in one.trace if line.matched}
        return frozenset(matched | {reason.rule for one in (self.before, self.after) for reason in one.because})

    def __str__(self) -> str:
        return f"{case(self.facts)}: “{demand(self.before)}” becomes “{demand(self.after)}”"


class Replay(Value):
    """How many decisions were made again, how many change in which direction, and some of them in words."""

    replayed: int
    looser: int
    stricter: int
    different: int
    examples: tuple[str, ...]

    @property
    def changed(self) -> int:
        """Decisions that would not be the same."""
        return self.looser + self.stricter + self.different


def replay(old: Policy, new: Policy, stored: Iterable[Facts]) -> Replay:
    """What changes in decisions that were made."""
    cases = tuple(stored)
    found = changes(old, new, cases)
    counts = {direction: sum(one.direction is direction for one in found) for direction in Direction}
    first = sorted(found, key=lambda one: list(Direction).index(one.direction))[:EXAMPLES_MOST]
    return Replay(
        replayed=len(cases),
        looser=counts[Direction.LOOSER],
        stricter=counts[Direction.STRICTER],
        different=counts[Direction.DIFFERENT],
        examples=tuple(dict.fromkeys(f"{one.direction}: {one}" for one in first)),
    )


def changes(old: Policy, new: Policy, cases: Iterable[Facts]) -> tuple[Change, ...]:
    """The cases whose demands change, in the order given. Other words for the same demands are no change."""
    found: list[Change] = []
    for facts in cases:
        before, after = decide(old, counted_for(old, facts)), decide(new, counted_for(new, facts))
        direction = _direction(before, after)
        if direction is not None:
            found.append(Change(facts=facts, before=before, after=after, direction=direction))
    return tuple(found)


def counted_for(policy: Policy, facts: Facts) -> Facts:
    """The facts with a count for each limit of this policy; zero under one that was not counted then.

    An uncounted limit denies, which would make a policy with a new limit look strict in every case.
    """
    counts = {limit.id: facts.recent.get(limit.id, 0) for limit in policy.file.limits}
    return facts.model_copy(update={"recent": counts})


def case(facts: Facts) -> str:
    """A case in a few words: the action, where, and what is unusual about it."""
    where = f"{facts.action} in {facts.env}"
    told = [f"of {facts.service}"] if facts.service else []
    told += [f"namespace {facts.namespace}"] if facts.namespace else []
    told += [f"x{facts.scale_factor:g}"] if facts.scale_factor != 1 else []
    told += [f"confidence {facts.confidence:g}"] if facts.confidence < 10 else []
    told += ["tainted"] if facts.tainted_args or facts.tainted_sensitive else []
    told += [] if facts.corroborated else ["one source"]
    told += [f"{facts.rollbacks} rollbacks"] if facts.rollbacks else []
    told += [f"{count} under {limit}" for limit, count in facts.recent.items() if count]
    return f"{where} ({', '.join([*told, f'{facts.at:%a %d %b %Y %H:%M %Z}'])})"


def _direction(before: Decision, after: Decision) -> Direction | None:
    less, more = bool(differences(before, after)), bool(differences(after, before))
    if less and more:
        return Direction.DIFFERENT
    if less:
        return Direction.LOOSER
    return Direction.STRICTER if more else None
