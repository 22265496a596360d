"""One call to the world: written down, made at most once, and looked for when nobody knows whether it was made."""

from __future__ import annotations

import time
from typing import assert_never

from sqlmodel import Session

from bot import cards
from bot.desk import Desk
from bot.rehearsal import PATIENT
from storage import exceptions, executions, plans
from storage.tables import Execution, ExecutionStatus, Phase, Plan
from tools.errors import PermanentError, TemporaryError
from tools.previews import RehearsedStep
from tools.writes import write_for
from tools.writes.write import Applied, Landing, Observed, Reentry, Refused, Stale

PROBES = 3
"""Looks at the world before a write that may have happened is called unknown: its request may still be on the way."""


def carry_out(plan_id: int, number: int, phase: Phase, desk: Desk) -> str:
    """Make one call, or take it back: at most once, whatever crashes. Returns how it ended."""
    phase = Phase(phase)
    with desk.database.reading() as session:
        plan = plans.get(session, plan_id)
        known = session.get(Execution, executions.key_of(plan, number, phase))
    if known is not None and known.status not in (ExecutionStatus.INTENDED, ExecutionStatus.CALLING):
        return str(known.status)
    rehearsed = plan.rehearsal.steps[number]
    target = _look_before(rehearsed, phase, desk)
    with desk.database.writing() as session:
        key, mine, hindrance = _take(session, plan_id, number, phase, desk)
    ended = (
        _call_once(rehearsed, hindrance or target, key, phase, desk)
        if mine
        else _look_first(rehearsed, key, phase, desk)
    )
    with desk.database.writing() as session:
        executions.settle(session, key, ended.status, desk.now(), **ended.details())  # what follows at once shows it
    desk.metrics.executions.labels(phase=phase, status=ended.status).inc()
    return str(ended.status)


def _take(session: Session, plan_id: int, number: int, phase: Phase, desk: Desk) -> tuple[str, bool, Stale | None]:
    """Write the intent down and take it: its key, whether the call is ours to make, and why it must not be made."""
    plan = plans.lock_for_decision(session, plan_id)
    key = executions.intend(session, plan, number, phase, desk.now()).key
    mine = executions.take(session, key, desk.durable.executor)
    if number > 0 or phase is Phase.UNDO:  # the claim has just shown that it begins
        cards.refresh(session, plan, desk)
    return key, mine, _hindrance(session, plan, phase)


def _hindrance(session: Session, plan: Plan, phase: Phase) -> Stale | None:
    """Why the next call must not be made, as the record has it: another plan's turn, or people who stopped sayso.

    What was done is taken back even then: that much was approved, and nothing may be left half done.
    """
    if not executions.has_locks(session, plan.id or 0, plans.targets(plan)):
        return Stale(reason="its lock is gone: another plan may be at work there")
    switch = exceptions.stopped(session) if phase is Phase.APPLY else None
    if switch is not None:
        return Stale(reason=f"sayso was stopped by {switch.set_by}: {switch.reason or 'no reason given'}")
    return None


class _Ended:
    """How one call ended, as it is settled."""

    def __init__(
        self, status: ExecutionStatus, *, after: str | None = None, request: str | None = None, error: str | None = None
    ) -> None:
        self.status, self.after, self.request, self.error = status, after, request, error

    def details(self) -> dict[str, str | None]:
        """What is kept besides the status."""
        return {"after": self.after, "request": self.request, "error": self.error}


def _look_before(rehearsed: RehearsedStep, phase: Phase, desk: Desk) -> Observed | Stale | Refused:
    try:
        return _check(rehearsed, phase, desk)
    except (TemporaryError, PermanentError) as error:
        return Refused(reason=f"the target could not be read: {error}")


def _call_once(
    rehearsed: RehearsedStep, target: Observed | Stale | Refused, key: str, phase: Phase, desk: Desk
) -> _Ended:
    match target:
        case Stale(reason=reason):
            return _Ended(ExecutionStatus.STALE, error=reason)
        case Refused(reason=reason):
            return _Ended(ExecutionStatus.FAILED, error=reason)
        case Observed():
            return _call(rehearsed, target, key, phase, desk)
    assert_never(target)


def _check(rehearsed: RehearsedStep, phase: Phase, desk: Desk) -> Observed | Stale | Refused:
    """The live target just before the call. An undo is guarded by the write itself: it only touches what we left
    there.
    """
    if _is_way_back(rehearsed, phase):
        return rehearsed.observed
    return PATIENT(write_for(rehearsed.action).check, rehearsed.action, rehearsed.observed, desk.writers)


def _call(rehearsed: RehearsedStep, target: Observed, key: str, phase: Phase, desk: Desk) -> _Ended:
    write = write_for(rehearsed.action)
    send = write.undo if _is_way_back(rehearsed, phase) else write.apply
    try:
        answer = send(rehearsed.action, target, key, desk.writers)
    except TemporaryError:
        return _look_first(rehearsed, key, phase, desk)  # it may have happened
    except PermanentError as error:
        return _Ended(ExecutionStatus.FAILED, error=str(error))
    match answer:
        case Applied(after=after, request=request):
            return _Ended(ExecutionStatus.DONE, after=after, request=request)
        case Stale(reason=reason):
            return _Ended(ExecutionStatus.STALE, error=reason)
    assert_never(answer)


def _look_first(rehearsed: RehearsedStep, key: str, phase: Phase, desk: Desk) -> _Ended:
    """The call may have been made. Look; send again only what is guarded by the state it would change."""
    write = write_for(rehearsed.action)
    look = write.undone if _is_way_back(rehearsed, phase) else write.landed
    landing = Landing.UNKNOWN
    for _ in range(PROBES):
        try:
            landing = look(rehearsed.action, rehearsed.observed, key, desk.writers)
        except (TemporaryError, PermanentError):
            landing = Landing.UNKNOWN
        if landing is Landing.LANDED:
            return _Ended(ExecutionStatus.DONE, after=None)
        if landing is Landing.NOT_LANDED and write.reentry is Reentry.WANTED_STATE:
            return _send_again(rehearsed, key, phase, desk)
        time.sleep(desk.patience.poll)
    return _Ended(ExecutionStatus.UNKNOWN, error="the call may have been made; looking did not tell")


def _send_again(rehearsed: RehearsedStep, key: str, phase: Phase, desk: Desk) -> _Ended:
    """Send what is guarded by the state it would change. Where the guard holds it off, the first one may have arrived
    meanwhile: look once more.
    """
    write = write_for(rehearsed.action)
    back = _is_way_back(rehearsed, phase)
    look, send = (write.undone, write.undo) if back else (write.landed, write.apply)
    try:
        target = _check(rehearsed, phase, desk)
        answer = send(rehearsed.action, target, key, desk.writers) if isinstance(target, Observed) else target
        if isinstance(answer, Applied):
            return _Ended(ExecutionStatus.DONE, after=answer.after, request=answer.request)
        if look(rehearsed.action, rehearsed.observed, key, desk.writers) is Landing.LANDED:
            return _Ended(ExecutionStatus.DONE)
        return _Ended(ExecutionStatus.STALE, error=answer.reason)
    except TemporaryError as error:
        return _Ended(ExecutionStatus.UNKNOWN, error=f"no answer, twice: {error}")
    except PermanentError as error:
        return _Ended(ExecutionStatus.FAILED, error=str(error))


def _is_way_back(rehearsed: RehearsedStep, phase: Phase) -> bool:
    """Whether the call puts back what was there before: an undo, or the step of a plan that takes another one back."""
    return phase is Phase.UNDO or rehearsed.takes_back
