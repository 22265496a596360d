"""Counting votes against a decision. Pure: the caller resolves people just now and says who is excluded.

People are persons, not Slack accounts: whoever has two accounts has one vote. Where a decision has stages, votes are
counted in the order they were given: a later stage opens when all of the one before is met, and takes only approvals
given after that, by people who served no earlier stage. A rejection counts at any time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import combinations, product
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
        stage = self.obligation.stage
        return self.so_far if stage == 1 else f"{self.so_far} in stage {stage}"

    @property
    def so_far(self) -> str:
        """`1 of 2 from owner, sre-oncall`, whatever the stage."""
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
    rejecting = {vote.person for vote in votes if vote.verdict == "reject"}
    rejected_by = rejecting & eligible(decision, people, excluded)
    progress = _progress(decision, _approving(decision, votes, excluded, now), people)
    if decision.effect is Effect.DENY or rejected_by:
        return Tally(outcome=Outcome.REJECTED, progress=progress, rejected_by=tuple(sorted(rejected_by)))
    done = all(each.met for each in progress)
    return Tally(outcome=Outcome.COMPLETE if done else Outcome.WAITING, progress=progress)


def progress(decision: Decision, approvals: Sequence[Ballot], people: People) -> tuple[Progress, ...]:
    """How far each obligation is with these approvals, taken as they are: for showing what was counted, at any time."""
    return _progress(decision, _in_order(approvals), people)


def not_yet(
    decision: Decision,
    votes: Sequence[Ballot],
    person: str,
    people: People,
    excluded: AbstractSet[str],
    now: datetime,
) -> str | None:
    """Why an approval by somebody who is asked would count for nothing now, in words for them; None when it counts.

    Only where there are stages: in one that is not open yet, or for who served an earlier one. They may still reject.
    """
    progress = _progress(decision, _approving(decision, votes, excluded, now), people)
    opened = min((each.obligation.stage for each in progress if not each.met), default=None)
    if opened is None:
        return None
    served = next((each.obligation.stage for each in progress if person in each.approved_by), opened)
    if served != opened:
        return f"you approved in stage {served}, and nobody serves two stages"
    here = [each for each in progress if each.obligation.stage == opened]
    if person in _members([group for each in here for group in each.obligation.groups], people):
        return None
    return f"stage {opened} is open, and it does not ask you: {'; '.join(str(each) for each in here if not each.met)}"


def eligible(decision: Decision, people: People, excluded: AbstractSet[str]) -> frozenset[str]:
    """Everybody who is asked, in whatever stage: they may reject at any time."""
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
    wanted = _wanted(decision)
    counted = [(each, len(_members(each.groups, people) - excluded)) for each in wanted]
    short = [Shortage(obligation=each, available=have) for each, have in counted if have < each.approvals]
    return tuple(short) or tuple(_across_stages(wanted, people, excluded))


def _across_stages(wanted: Sequence[Obligation], people: People, excluded: AbstractSet[str]) -> Iterator[Shortage]:
    """Demands of different stages that want the same people: each of them can serve in one stage only (Hall, 1935)."""
    stages = _stages(wanted)
    for size in range(2, len(stages) + 1):
        for some in combinations(stages, size):
            for *earlier, last in product(*some):
                line = (*earlier, last)
                have = len(_members([group for each in line for group in each.groups], people) - excluded)
                left = have - sum(each.approvals for each in earlier)
                if left < last.approvals:
                    yield Shortage(obligation=last, available=max(left, 0))
                    return


def thin_rosters(policy: Policy, people: People) -> tuple[str, ...]:
    """Warnings for rules whose groups have nobody to spare: with one person away or excluded they cannot be met."""
    warnings: list[str] = []
    for rule in policy.file.rules:
        if isinstance(rule, Approve | Restrict):
            later = [(stage.approvals, stage.from_) for stage in rule.require.then or ()]
            for approvals, groups in ((rule.require.approvals, rule.require.from_), *later):
                have, needed = len(_members(groups, people)), approvals + 1
                if have < needed:
                    who = f"{have} people in {', '.join(groups)}"
                    warnings.append(f"rule {rule.id}: {who}, {needed} are needed to have one to spare")
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


def _approving(
    decision: Decision, votes: Sequence[Ballot], excluded: AbstractSet[str], now: datetime
) -> tuple[str, ...]:
    """Who approves, each person once, in the order of their latest approval that counts."""
    counting = [each for each in votes if each.verdict == "approve" and _counts(each, decision, now)]
    return tuple(person for person in _in_order(counting) if person not in excluded)


def _in_order(approvals: Sequence[Ballot]) -> tuple[str, ...]:
    in_time = sorted(approvals, key=lambda each: each.at)  # stable: in one moment, as the caller had them
    return tuple(reversed(dict.fromkeys(each.person for each in reversed(in_time))))


def _progress(decision: Decision, approving: Sequence[str], people: People) -> tuple[Progress, ...]:
    """How far each obligation is. Everybody serves the stage that was open when they approved, if it asked them."""
    waiting, progress = list(approving), list[Progress]()
    *earlier, last = _stages(_wanted(decision)) or [()]
    for stage in earlier:
        reached = _reached(stage, (), people)
        served: list[str] = []
        while waiting and not all(each.met for each in reached):
            served.append(waiting.pop(0))
            reached = _reached(stage, served, people)
        progress += reached
    return (*progress, *_reached(last, waiting, people))  # nobody is left waiting while an earlier stage is not met


def _reached(stage: Sequence[Obligation], served: Sequence[str], people: People) -> list[Progress]:
    return [
        Progress(obligation=each, approved_by=tuple(sorted(_members(each.groups, people).intersection(served))))
        for each in stage
    ]


def _stages(wanted: Sequence[Obligation]) -> list[tuple[Obligation, ...]]:
    numbers = sorted({each.stage for each in wanted})
    return [tuple(each for each in wanted if each.stage == number) for number in numbers]


def _members(groups: Sequence[str], people: People) -> frozenset[str]:
    return frozenset(person for group in groups for person in people.get(group, ()))
