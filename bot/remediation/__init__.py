"""FLOW 3, durable: claim -> check -> apply -> verify -> undo if it got worse -> record.

No model runs here. Every call to the world is written down before it is made (`calling`); a step entered again after a
crash looks at the world first, and what cannot be told is left to a person.
"""

from __future__ import annotations

import structlog
from sqlmodel import Session

from bot import cards
from bot.desk import Desk
from bot.durable import step
from bot.logs import bound
from bot.memory.remembering import remember
from bot.plans import superseding, undoing
from bot.rehearsal import can_be_taken_back
from bot.remediation.calling import carry_out
from bot.remediation.claiming import claim
from bot.remediation.verifying import verify
from bot.starting import start_next
from storage import executions, incidents, ledger, plans
from storage.tables import Execution, ExecutionStatus, IncidentStatus, Phase, Plan, PlanStatus

log = structlog.get_logger(__name__)


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


def count_steps(plan_id: int, desk: Desk) -> int:
    """How many actions the plan has."""
    with desk.database.reading() as session:
        return len(plans.get(session, plan_id).rehearsal.steps)


def status_of(plan_id: int, desk: Desk) -> str:
    """Where the plan stands."""
    with desk.database.reading() as session:
        return str(plans.get(session, plan_id).status)


def begin_undo(plan_id: int, count: int, desk: Desk) -> bool:
    """Whether what was done can be taken back; the plan is then rolling back."""
    with desk.database.writing() as session:
        plan = plans.get(session, plan_id)
        if plan.status == PlanStatus.ROLLING_BACK:
            return True
        if not can_be_taken_back(plan.rehearsal.steps[:count]):
            plan.outcome = _why_it_stays(plan)
            session.add(plan)
            return False
        moved = plans.move(session, plan, PlanStatus.ROLLING_BACK, desk.now())
        cards.refresh(session, plan, desk)
        return moved


def _why_it_stays(plan: Plan) -> str:
    """What is left as it is, though it did not turn out as it should."""
    if plan.undoes is not None:
        return "It was taken back as asked, and the checks do not hold. sayso leaves it so; a person has to look."
    return "It did not help, and what was done cannot be taken back by sayso."


def finish(plan_id: int, end: PlanStatus, desk: Desk) -> str:
    """Record how it ended, let others at the resources, and tell everyone."""
    with desk.database.writing() as session:
        plan, at = plans.lock_for_decision(session, plan_id), desk.now()
        if plan.status in plans.RUNNING:
            outcome = _outcome(plan, PlanStatus(end), executions.of_plan(session, plan_id))
            plans.move(session, plan, PlanStatus(end), at, outcome=outcome)
            ledger.close(session, plan, at)
            _move_incident(session, plan, PlanStatus(end), desk)
            desk.metrics.plans.labels(outcome=end).inc()
        executions.release_locks(session, plan_id)
        cards.refresh(session, plan, desk)
    superseding.recheck_siblings(plan, desk)
    start_next(desk)
    return str(end)


def leave_to_people(plan_id: int, desk: Desk) -> str:
    """sayso itself failed half way. What was done so far is on record; only a person can tell what is left to do."""
    return finish(plan_id, PlanStatus.NEEDS_HUMAN, desk)


def repair(desk: Desk) -> None:
    """Leave to people what no run works on any more, though it never came to its end: the run itself failed."""
    with desk.database.reading() as session:
        running = [(plan.id or 0, plan.claim or "") for plan in plans.in_status(session, *plans.RUNNING)]
    for plan_id, run in running:
        if desk.durable.is_over(run):
            log.error("remediation.orphaned", plan_id=plan_id, run=run)
            leave_to_people(plan_id, desk)


def _outcome(plan: Plan, end: PlanStatus, made: list[Execution]) -> str | None:
    """Why it ended so, where its status does not say it all."""
    if end is PlanStatus.SUCCEEDED:
        return None
    errors = [one.error for one in made if one.error]
    return errors[-1] if errors else plan.outcome


def _move_incident(session: Session, plan: Plan, end: PlanStatus, desk: Desk) -> None:
    if plan.undoes is not None:
        undoing.conclude(session, plan, desk)
        return
    if end is not PlanStatus.SUCCEEDED:
        note = f"Plan {plan.id} ended as {end.replace('_', ' ')}."
        incidents.move(session, plan.incident_id, IncidentStatus.NEEDS_HUMAN, desk.now(), note=note)
        return
    incidents.move(session, plan.incident_id, IncidentStatus.MITIGATED, desk.now(), note="The fix was verified.")
    if not incidents.firing(session, plan.incident_id):
        incidents.move(session, plan.incident_id, IncidentStatus.RESOLVED, desk.now(), note="The alert has cleared.")
        remember(session, plan.incident_id, desk.now())
