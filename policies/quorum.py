"""Counting votes against a decision. Pure: the caller resolves people just now and says who is excluded.

People are persons, not Slack accounts: whoever has two accounts has one vote.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, TypeAlias

from pydantic import AwareDatetime

from policies.decisions import Decision, Effect, Obligation
from policies.rules import Approve, Policy, Restrict
from tools.values import Value

People: TypeAlias = Mapping[str, AbstractSet[str]]
"""Who is in each group at this moment: person ids by group name. A group that is not here has nobody."""


class Ballot(Value):
    """What one person said. A reason or a fresh sign-in that is not stated was not given."""

    person: str
    verdict: Literal["approve", "reject"]
    at: AwareDatetime
    reason: str | None = None
    stepped_up: bool = False


class Outcome(StrEnum):
    """Where the votes stand."""

    WAITING = "waiting"
    COMPLETE = "complete"
    REJECTED = "rejected"


class Progress(Value):
    """How far one obligation is: who of its groups approved, in the order of their ids."""

    obligation: Obligation
    approved_by: tuple[str, ...]

    @property
    def met(self) -> bool:
        """Whether enough people approved."""
        return len(self.approved_by) >= self.obligation.approvals

    def __str__(self) -> str:
        wanted = self.obligation.approvals
        return f"{min(len(self.approved_by), wanted)} of {wanted} from {', '.join(self.obligation.groups)}"


class Tally(Value):
    """The votes as they count: the outcome, each obligation's progress, and who rejected."""

    outcome: Outcome
    progress: tuple[Progress, ...]
    rejected_by: tuple[str, ...] = ()


class Shortage(Value):
    """An obligation that can never be met: too few people could vote for it."""

    obligation: Obligation
    available: int

    def __str__(self) -> str:
        groups = ", ".join(self.obligation.groups)
        return (
            f"{self.obligation.rule} needs {self.obligation.approvals} from {groups}, and {self.available} could vote"
        )


def tally(
    decision: Decision, votes: Sequence[Ballot], people: People, excluded: AbstractSet[str], now: datetime
) -> Tally:
    """Count the votes of the people who may vote now.

    One eligible rejection is final. An approval counts while it is younger than the decision's expiry, and only with
    the reason and sign-in the decision asks for. No vote moves a denial, and a window's approval means "run it now".
    """
    rejected_by = _persons(votes, "reject") & eligible(decision, people, excluded)
    approving = _persons([each for each in votes if _counts(each, decision, now)], "approve") - excluded
    progress = tuple(
        Progress(obligation=each, approved_by=tuple(sorted(approving & _members(each.groups, people))))
        for each in _wanted(decision)
    )
    if decision.effect is Effect.DENY or rejected_by:
        return Tally(outcome=Outcome.REJECTED, progress=progress, rejected_by=tuple(sorted(rejected_by)))
    done = all(each.met for each in progress)
    return Tally(outcome=Outcome.COMPLETE if done else Outcome.WAITING, progress=progress)


def eligible(decision: Decision, people: People, excluded: AbstractSet[str]) -> frozenset[str]:
    """Everybody whose vote could count now."""
    if decision.effect is Effect.DENY:
        return frozenset()
    asked = {group for each in decision.obligations for group in each.groups}
    return frozenset(_members((*asked, *decision.veto_from), people) - excluded)


def exclusions(decision: Decision, steerers: AbstractSet[str], barred: AbstractSet[str]) -> frozenset[str]:
    """Whose votes count for nothing.

    `steerers` asked for the plan, instructed or edited it, and are out when the decision says `not_requester`;
    `barred` are out always (who lately edited a rule that matched).
    """
    return frozenset(barred | steerers if decision.not_requester else barred)


def shortages(decision: Decision, people: People, excluded: AbstractSet[str]) -> tuple[Shortage, ...]:
    """The obligations too few people could ever meet. A plan with one must not be offered: nobody could answer it."""
    counted = [(each, len(_members(each.groups, people) - excluded)) for each in _wanted(decision)]
    return tuple(Shortage(obligation=each, available=have) for each, have in counted if have < each.approvals)


def thin_rosters(policy: Policy, people: People) -> tuple[str, ...]:
    """Warnings for rules whose groups have nobody to spare: with one person away or excluded they cannot be met."""
    warnings: list[str] = []
    for rule in policy.file.rules:
        if isinstance(rule, Approve | Restrict):
            have, needed = len(_members(rule.require.from_, people)), rule.require.approvals + 1
            if have < needed:
                groups = ", ".join(rule.require.from_)
                warnings.append(f"rule {rule.id}: {have} people in {groups}, {needed} are needed to have one to spare")
    return tuple(warnings)


def _wanted(decision: Decision) -> tuple[Obligation, ...]:
    """What votes can meet. Somebody must at least be there to stop a window, or to let it run now."""
    if decision.effect is not Effect.AUTO_AFTER:
        return decision.obligations
    return (Obligation(rule=decision.because[0].rule, approvals=1, groups=decision.veto_from),)


def _counts(ballot: Ballot, decision: Decision, now: datetime) -> bool:
    if decision.expires_s is not None and ballot.at + timedelta(seconds=decision.expires_s) <= now:
        return False
    if decision.reason and not (ballot.reason and ballot.reason.strip()):
        return False
    return ballot.stepped_up or not decision.step_up


def _persons(votes: Sequence[Ballot], verdict: Literal["approve", "reject"]) -> frozenset[str]:
    return frozenset(vote.person for vote in votes if vote.verdict == verdict)


def _members(groups: Sequence[str], people: People) -> frozenset[str]:
    return frozenset(person for group in groups for person in people.get(group, ()))
