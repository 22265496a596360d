"""What a crash run came to: what really happened, by the world's journal, held against what the record says.

`lost`: the record says done and the world knows of nothing, or the world was changed and the record says it was not.
`doubled`: one call took effect twice. `unapproved`: something happened to what nobody approved.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlmodel import Session, col, select

from storage import audit, plans
from storage.database import Database
from storage.tables import AuditEntry, Execution, ExecutionStatus, Plan, PlanStatus, ResourceLock
from tests.crash.cases import AFTER, Case, number_of
from tests.crash.world import BEFORE
from tools.actions import ScaleDeployment

Event = dict[str, str | int | float]
"""One line of the world's journal."""
CONTROL = "bare-"
WANTED = {"nobody": PlanStatus.EXPIRED, "reject": PlanStatus.REJECTED}
HAPPENED = (ExecutionStatus.DONE,)
DID_NOT = (ExecutionStatus.FAILED, ExecutionStatus.STALE, ExecutionStatus.INTENDED)


@dataclass(frozen=True)
class Reckoning:
    """The bill. Everything but `needs_human` and the control must come to nothing."""

    lost: tuple[str, ...]
    doubled: tuple[str, ...]
    unapproved: tuple[str, ...]
    wrong: tuple[str, ...]
    """Anything else that is not as it must be: ends, entries, locks, overlaps, the chain."""
    ends: dict[str, int]
    effects: int
    control: tuple[int, int]
    """Unguarded calls, and how many of them took effect more than once."""

    @property
    def needs_human(self) -> int:
        """Plans a person has to look at, because looking at the world did not tell whether a call was made."""
        return self.ends.get(PlanStatus.NEEDS_HUMAN, 0)

    @property
    def clean(self) -> bool:
        """Whether every promise held."""
        return not (self.lost or self.doubled or self.unapproved or self.wrong)

    def __str__(self) -> str:
        calls, repeated = self.control
        ends = ", ".join(f"{count} {end}" for end, count in sorted(self.ends.items()))
        told = (
            f"lost {len(self.lost)} / doubled {len(self.doubled)} / unapproved {len(self.unapproved)} / "
            f"needs_human {self.needs_human}   ({ends}; {self.effects} effects; "
            f"control without guard: {repeated} of {calls} calls doubled)"
        )
        faults = (*self.lost, *self.doubled, *self.unapproved, *self.wrong)
        return "\n".join((told, *(f"  ! {fault}" for fault in faults)))


def reckon(database: Database, journal: Path) -> Reckoning:
    """Hold the record against the journal."""
    happened = [json.loads(line) for line in journal.read_text().splitlines()]
    ours = [each for each in happened if not str(each["key"]).startswith(CONTROL)]
    control = Counter(str(each["key"]) for each in happened if str(each["key"]).startswith(CONTROL) and _took(each))
    effects = Counter(str(each["key"]) for each in ours if _took(each))
    with database.reading() as session:
        every = session.exec(select(Plan).order_by(col(Plan.id))).all()
        calls = session.exec(select(Execution)).all()
        return Reckoning(
            lost=tuple(_lost(calls, effects)),
            doubled=tuple(f"{key} took effect {times} times" for key, times in effects.items() if times > 1),
            unapproved=tuple(_unapproved(session, every, ours)),
            wrong=(*_wrong(session, every, ours), *_interleaved(ours), *_chain(session)),
            ends=dict(Counter(str(plan.status) for plan in every)),
            effects=sum(effects.values()),
            control=(len(control), sum(times > 1 for times in control.values())),
        )


def _took(event: Event) -> bool:
    return event["what"] == "effect"


def _lost(calls: Sequence[Execution], effects: Counter[str]) -> Iterator[str]:
    known = set()
    for call in calls:
        known.add(call.key)
        if call.status in HAPPENED and not effects[call.key]:
            yield f"{call.key} is on record as done, and never took effect"
        if call.status in DID_NOT and effects[call.key]:
            yield f"{call.key} took effect, and is on record as {call.status} ({call.error})"
    yield from (f"{key} took effect, and nobody ever meant it" for key in set(effects) - known)


def _unapproved(session: Session, every: Sequence[Plan], ours: list[Event]) -> Iterator[str]:
    approved = set(session.exec(select(AuditEntry.subject).where(AuditEntry.event == "plan.approved")))
    allowed = {_case(plan).workload for plan in every if f"plan:{plan.id}" in approved}
    touched = {str(each["workload"]) for each in ours}
    yield from (f"{workload} was touched, and nobody had approved that" for workload in sorted(touched - allowed))


def _wrong(session: Session, every: Sequence[Plan], ours: list[Event]) -> Iterator[str]:
    """Every plan at the end it must come to, with one entry that says so; nothing held; two people for each start."""
    for plan in every:
        case = _case(plan)
        usual = WANTED.get(case.answer, PlanStatus.ROLLED_BACK if case.sick else PlanStatus.SUCCEEDED)
        if plan.status not in (usual, PlanStatus.NEEDS_HUMAN) or (case.answer != "approve" and plan.status != usual):
            yield f"P-{plan.id} ({case.workload}) ended as {plan.status}, not {usual}: {plan.outcome}"
        told = Counter(entry.event for entry in audit.latest(session, 200, f"plan:{plan.id}"))
        ends = [f"{event} x{times}" for event, times in told.items() if event in _ENDS for _ in range(times)]
        if len(ends) != 1:
            yield f"P-{plan.id} has {len(ends)} entries of an end: {ends}"
        people = {(vote.user_id, vote.round) for vote in plans.votes(session, plan) if vote.verdict == "approve"}
        if told["plan.executing"] and len(people) != 2:
            yield f"P-{plan.id} ran with the approval of {len(people)}"
        yield from _state(plan, case, ours)
    yield from (f"{lock.resource} is still held by P-{lock.plan_id}" for lock in session.exec(select(ResourceLock)))


_ENDS = {f"plan.{end}" for end in plans.ENDS}


def _state(plan: Plan, case: Case, ours: list[Event]) -> Iterator[str]:
    """Where the workload was left."""
    if plan.status not in (PlanStatus.SUCCEEDED, PlanStatus.ROLLED_BACK):
        return
    if not any(isinstance(action, ScaleDeployment) for action in case.actions):
        return
    scaled = [
        each["replicas"] for each in ours if _took(each) and each["workload"] == case.workload and "replicas" in each
    ]
    left = scaled[-1] if scaled else BEFORE
    if left != (AFTER if plan.status == PlanStatus.SUCCEEDED else BEFORE):
        yield f"P-{plan.id} {plan.status}, and left {case.workload} at {left} replicas"


def _interleaved(ours: list[Event]) -> Iterator[str]:
    """Work on one shared target: a plan that has begun is alone there until it is done."""
    order: dict[str, list[str]] = {}
    for each in ours:
        workload = str(each["workload"])
        at_target = order.setdefault(Case(number_of(workload)).target.key, [])
        if not at_target or at_target[-1] != workload:
            at_target.append(workload)
    for target, turns in order.items():
        yield from (
            f"work on {workload} went on at {target} after another's" for workload, n in Counter(turns).items() if n > 1
        )


def _chain(session: Session) -> Iterator[str]:
    fault = audit.verify_all(session).fault
    if fault is not None:
        yield f"the chain breaks at {fault.seq}: {fault.fault}"


def _case(plan: Plan) -> Case:
    first = plan.proposal.actions[0]
    return Case(number_of(first.deployment))  # type: ignore[union-attr]
