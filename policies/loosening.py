"""Whether a new version of the policy allows anything that the one in force does not, and what, in sentences.

It does when the files say so, when a decision of the past would be looser, or when one on a fixed grid of cases would:
none of the three alone sees everything. Where it cannot be told, the change counts as looser. Who must then agree is
`bot.policy.policy_change`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from policies import grid
from policies.facts import Facts
from policies.other_changes import other_changes
from policies.promises import broken_promises
from policies.replay import Change, Replay, changes, replay
from policies.rule_changes import Found, rule_changes
from policies.rules import Policy
from tools.values import Value

__all__ = ["Loosening", "Replay", "loosenings", "replay"]

ALIKE_MOST = 5
"""Looser decisions told one by one beside what the files say."""


class Loosening(Value):
    """One thing the new policy allows that the old one does not, and a case in which it shows, where one was found."""

    what: str
    example: str | None = None

    def __str__(self) -> str:
        return f"{self.what} For example {self.example}." if self.example else self.what


def loosenings(old: Policy, new: Policy, replayed: Iterable[Facts]) -> tuple[Loosening, ...]:
    """Everything that got looser; empty only when nothing did. `replayed` are the facts of decisions of the past."""
    if old.sha256 == new.sha256:
        return ()
    looser = [one for one in changes(old, new, (*replayed, *grid.cases(old, new))) if one.allows_more]
    found = list(dict.fromkeys(in_files(old, new)))
    told = [Loosening(what=one.what, example=_example(one, looser)) for one in found]
    about = {one.about for one in found}
    return (*told, *_unexplained([one for one in looser if not one.named & about]))


def in_files(old: Policy, new: Policy) -> Iterator[Found]:
    """What the two files alone show."""
    yield from rule_changes(old, new)
    yield from other_changes(old.file, new.file)
    yield from broken_promises(old.file, new.file)
    for name, traits in new.catalogue.kinds.items():
        if old.catalogue.kinds.get(name) != traits:
            yield Found(f"What is known of the action {name} is not as it was.")


def _example(found: Found, looser: Iterable[Change]) -> str | None:
    """The first case that becomes looser and in which the rule or limit had a part."""
    return next((str(one) for one in looser if found.about in one.named), None)


def _unexplained(looser: list[Change]) -> Iterator[Loosening]:
    """Cases that become looser though no single part of the file does: a few, and how many more."""
    for one in looser[:ALIKE_MOST]:
        yield Loosening(what="Rules together ask less than before.", example=str(one))
    if len(looser) > ALIKE_MOST:
        yield Loosening(what=f"{len(looser) - ALIKE_MOST} more cases of the comparison ask less than before.")
