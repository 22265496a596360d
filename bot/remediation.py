"""FLOW 3, durable: claim -> check -> apply -> verify -> undo if it got worse -> record.

No model runs here. Every call to the world is written down before it is made; a step entered again after a crash looks
at the world first, and what cannot be told is left to a person.
"""

from __future__ import annotations

import time
from typing import assert_never

from sqlmodel import Session

from bot import cards, standing
from bot.desk import Desk
from bot.durable import step
from bot.logs import bound
from bot.starting import start_waiting
from storage import audit, executions, incidents, plans
from storage.tables import Execution, ExecutionStatus, IncidentStatus, Phase, Plan, PlanStatus
from tools.criteria import Measurement
from tools.errors import PermanentError, TemporaryError
from tools.previews import RehearsedStep
from tools.verification import measure, worse
from tools.writes import write_for
from tools.writes.write import Applied, Landing, Observed, Reentry, Refused, Stale

PROBES = 3
"""Looks at the world before a write that may have happened is called unknown: its request may still be on the way."""


def remediate(plan_id: int, run: str, desk: Desk) -> str:
    """Carry out an approved plan, verify it, and undo it if the world did not get better. Returns the plan's end."""
    with bound(plan=plan_id):
        baseline = step(claim, plan_id, run, desk)
        if baseline is None:
            return step(status_of, plan_id, desk)
        count = step(count_steps, plan_id, desk)
        for number in range(count):
            ended = step(carry_out, plan_id, number, Phase.APPLY, desk)
            if ended != ExecutionStatus.DONE:
                return _stop_halfway(plan_id, number, ended, desk)
        if step(verify, plan_id, baseline, desk):
            return step(finish, plan_id, PlanStatus.SUCCEEDED, desk)
        return _undo(plan_id, count, desk)


def _stop_halfway(plan_id: int, number: int, ended: str, desk: Desk) -> str:
    """A step did not happen as approved: nothing before it may be left half done."""
    if ended == ExecutionStatus.UNKNOWN:
        return step(finish, plan_id, PlanStatus.NEEDS_HUMAN, desk)
    if number > 0:
        return _undo(plan_id, number, desk)
    return step(finish, plan_id, PlanStatus.STALE if ended == ExecutionStatus.STALE else PlanStatus.FAILED, desk)


def _undo(plan_id: int, count: int, desk: Desk) -> str:
    """Take back the first `count` steps, last one first."""
    if not step(begin_undo, plan_id, count, desk):
        return step(finish, plan_id, PlanStatus.NEEDS_HUMAN, desk)
    for number in reversed(range(count)):
        ended = step(carry_out, plan_id, number, Phase.UNDO, desk)
        if ended == ExecutionStatus.UNKNOWN:
            return step(finish, plan_id, PlanStatus.NEEDS_HUMAN, desk)
        if ended != ExecutionStatus.DONE:
            return step(finish, plan_id, PlanStatus.ROLLBACK_FAILED, desk)
    return step(finish, plan_id, PlanStatus.ROLLED_BACK, desk)


def claim(plan_id: int, run: str, desk: Desk) -> list[int | None] | None:
    """Take the plan, once, if everything people agreed to still stands. The healthy counts before; None when it may
    not run.
    """
    with desk.database.reading() as session:
        plan = plans.get(session, plan_id)
        if plan.status in plans.RUNNING:
            return _baseline(plan, desk) if plan.claim == run else None
    objection = standing.objection(plan, desk)
    baseline = _baseline(plan, desk)
    with desk.database.writing() as session:
        plan, at = plans.lock_for_decision(session, plan_id), desk.now()
        if objection is not None:
            standing.send_back(session, plan, objection, at)
            executions.release_locks(session, plan_id)
        elif not plans.claim(session, plan, run, at):
            return None
        else:
            incidents.move(session, plan.incident_id, IncidentStatus.REMEDIATING, at)
        cards.refresh(session, plan, desk)
    return baseline if objection is None else None


def _baseline(plan: Plan, desk: Desk) -> list[int | None]:
    return [one.healthy for one in measure(plan.proposal.success_criteria, desk.now(), desk.readers)]


def count_steps(plan_id: int, desk: Desk) -> int:
    """How many actions the plan has."""
    with desk.database.reading() as session:
        return len(plans.get(session, plan_id).rehearsal.steps)


def status_of(plan_id: int, desk: Desk) -> str:
    """Where the plan stands."""
    with desk.database.reading() as session:
        return str(plans.get(session, plan_id).status)


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
    return write_for(rehearsed.action).check(rehearsed.action, rehearsed.observed, desk.writers)


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


def verify(plan_id: int, baseline: list[int | None], desk: Desk) -> bool:
    """Watch the criteria until they have held for the watch window, the deadline passes, or things got worse."""
    with desk.database.writing() as session:
        plan = plans.get(session, plan_id)
        if plan.status == PlanStatus.EXECUTING:
            plans.move(session, plan, PlanStatus.VERIFYING, desk.now())
        cards.refresh(session, plan, desk)
    criteria = plan.proposal.success_criteria
    before = [
        Measurement(criterion=one, met=False, healthy=healthy, detail="")
        for one, healthy in zip(criteria, baseline, strict=True)
    ]
    started = held_since = lost_since = time.monotonic()
    while True:
        seen, now = measure(criteria, desk.now(), desk.readers), time.monotonic()
        if not all(one.met for one in seen):
            held_since = now
        if not worse(before, seen):
            lost_since = now
        if now - held_since >= desk.patience.watch and all(one.met for one in seen):
            return _remember_verdict(plan_id, True, seen, desk)
        if now - lost_since > desk.patience.watch or now - started > desk.patience.verify:
            return _remember_verdict(plan_id, False, seen, desk)
        time.sleep(desk.patience.poll)


def _remember_verdict(plan_id: int, verified: bool, seen: tuple[Measurement, ...], desk: Desk) -> bool:
    details = "; ".join(f"{one.criterion}: {'yes' if one.met else 'no'} ({one.detail})" for one in seen)
    with desk.database.writing() as session:
        audit.append(
            session,
            actor=audit.BOT,
            event="plan.verified" if verified else "plan.not_verified",
            subject=f"plan:{plan_id}",
            payload={"measured": details},
            at=desk.now(),
        )
        plan = plans.get(session, plan_id)
        plan.measured = seen
        session.add(plan)
    return verified


def begin_undo(plan_id: int, count: int, desk: Desk) -> bool:
    """Whether what was done can be taken back; the plan is then rolling back."""
    with desk.database.writing() as session:
        plan = plans.get(session, plan_id)
        if plan.status == PlanStatus.ROLLING_BACK:
            return True
        done = plan.rehearsal.steps[:count]
        if not all(write_for(one.action).reversible for one in done):
            plan.outcome = "It did not help, and what was done cannot be taken back by sayso."
            session.add(plan)
            return False
        moved = plans.move(session, plan, PlanStatus.ROLLING_BACK, desk.now())
        cards.refresh(session, plan, desk)
        return moved


def finish(plan_id: int, end: PlanStatus, desk: Desk) -> str:
    """Record how it ended, let others at the resources, and tell everyone."""
    with desk.database.writing() as session:
        plan, at = plans.lock_for_decision(session, plan_id), desk.now()
        if plan.status in plans.RUNNING:
            outcome = _outcome(plan, PlanStatus(end), executions.of_plan(session, plan_id))
            plans.move(session, plan, PlanStatus(end), at, outcome=outcome)
            _move_incident(session, plan, PlanStatus(end), desk)
            desk.metrics.plans.labels(outcome=end).inc()
        executions.release_locks(session, plan_id)
        cards.refresh(session, plan, desk)
    start_waiting(desk)
    return str(end)


def _outcome(plan: Plan, end: PlanStatus, made: list[Execution]) -> str | None:
    """Why it ended so, where its status does not say it all."""
    if end is PlanStatus.SUCCEEDED:
        return None
    errors = [one.error for one in made if one.error]
    return errors[-1] if errors else plan.outcome


def _move_incident(session: Session, plan: Plan, end: PlanStatus, desk: Desk) -> None:
    if end is not PlanStatus.SUCCEEDED:
        note = f"Plan {plan.id} ended as {end.replace('_', ' ')}."
        incidents.move(session, plan.incident_id, IncidentStatus.NEEDS_HUMAN, desk.now(), note=note)
        return
    incidents.move(session, plan.incident_id, IncidentStatus.MITIGATED, desk.now(), note="The fix was verified.")
    if not incidents.firing(session, plan.incident_id):
        incidents.move(session, plan.incident_id, IncidentStatus.RESOLVED, desk.now(), note="The alert has cleared.")
