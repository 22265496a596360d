"""One call to the world: written down, made at most once, and looked for when nobody knows whether it was made."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import assert_never

from bot import cards
from bot.desk import Desk
from bot.rehearsal import PATIENT
from storage import executions, plans
from storage.tables import ExecutionStatus, Phase
from tools.errors import PermanentError, TemporaryError
from tools.previews import RehearsedStep
from tools.writes import write_for
from tools.writes.write import Applied, Landing, Observed, Reentry, Refused, Stale

PROBES = 3
"""Looks at the world before a write that may have happened is called unknown: its request may still be on the way."""


def carry_out(plan_id: int, number: int, phase: Phase, desk: Desk) -> str:
    """Make one call, or take it back: at most once, whatever crashes. Returns how it ended."""
    with desk.database.writing() as session:
        plan = plans.get(session, plan_id)
        intent = executions.intend(session, plan, number, phase, desk.now())
        cards.refresh(session, plan, desk)
    if intent.status not in (ExecutionStatus.INTENDED, ExecutionStatus.CALLING):
        return str(intent.status)
    ended = _call_once(plan.rehearsal.steps[number], intent.key, Phase(phase), desk)
    with desk.database.writing() as session:
        executions.settle(session, intent.key, ended.status, desk.now(), **ended.details())
        cards.refresh(session, plans.get(session, plan_id), desk)
    desk.metrics.executions.labels(phase=phase, status=ended.status).inc()
    return str(ended.status)


class _Ended:
    """How one call ended, as it is settled."""

    def __init__(
        self, status: ExecutionStatus, *, after: str | None = None, request: str | None = None, error: str | None = None
    ) -> None:
        self.status, self.after, self.request, self.error = status, after, request, error

    def details(self) -> dict[str, str | None]:
        """What is kept besides the status."""
        return {"after": self.after, "request": self.request, "error": self.error}


def _call_once(rehearsed: RehearsedStep, key: str, phase: Phase, desk: Desk) -> _Ended:
    try:
        target = _check(rehearsed, phase, desk)
    except (TemporaryError, PermanentError) as error:
        target = Refused(reason=f"the target could not be read: {error}")
    with desk.database.writing() as session:
        mine = executions.take(session, key, desk.durable.executor)
    if not mine:
        return _look_first(rehearsed, key, phase, desk)
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
    if phase is Phase.UNDO:
        return rehearsed.observed
    return PATIENT(write_for(rehearsed.action).check, rehearsed.action, rehearsed.observed, desk.writers)


def _call(rehearsed: RehearsedStep, target: Observed, key: str, phase: Phase, desk: Desk) -> _Ended:
    write = write_for(rehearsed.action)
    send = write.apply if phase is Phase.APPLY else write.undo
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
    look = write.landed if phase is Phase.APPLY else write.undone
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
    write = write_for(rehearsed.action)
    try:
        target = _check(rehearsed, phase, desk)
        if not isinstance(target, Observed):
            return _Ended(ExecutionStatus.STALE, error=target.reason)
        send = write.apply if phase is Phase.APPLY else write.undo
        answer = send(rehearsed.action, target, key, desk.writers)
    except TemporaryError as error:
        return _Ended(ExecutionStatus.UNKNOWN, error=f"no answer, twice: {error}")
    except PermanentError as error:
        return _Ended(ExecutionStatus.FAILED, error=str(error))
    if isinstance(answer, Stale):
        return _Ended(ExecutionStatus.STALE, error=answer.reason)
    return _Ended(ExecutionStatus.DONE, after=answer.after, request=answer.request)


def can_be_undone(steps: Iterable[RehearsedStep]) -> bool:
    """Whether everything these steps do can be taken back."""
    return all(write_for(one.action).reversible for one in steps)
