"""Plans: what exactly people approve, and every legal step from proposed to finished.

Each arrow is one guarded UPDATE and one audit entry in the same transaction: two processes, two clicks or a replay can
never both take it.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime

import rfc8785
import sqlalchemy as sa
from sqlmodel import Session, col, select

from policies.decisions import Decision
from policies.facts import COUNTED_ANEW, Facts
from storage import audit
from storage.tables import Incident, Plan, PlanStatus, Verdict, Vote
from tools.actions import catalogue_version
from tools.evidence import Proposal
from tools.previews import Rehearsal, RehearsedStep
from tools.values import JsonValue

SCHEMA = "sayso.plan/2"
"""Names the shape of the canonical form; a new shape is a new name, and old plans become stale."""

S = PlanStatus
ARROWS: dict[PlanStatus, frozenset[PlanStatus]] = {
    S.PENDING: frozenset({S.APPROVED, S.REJECTED, S.EXPIRED, S.STALE, S.SUPERSEDED, S.CANCELLED}),
    S.APPROVED: frozenset({S.EXECUTING, S.PENDING, S.EXPIRED, S.STALE, S.SUPERSEDED, S.CANCELLED, S.FAILED}),
    S.EXECUTING: frozenset({S.VERIFYING, S.ROLLING_BACK, S.STALE, S.FAILED, S.NEEDS_HUMAN}),
    S.VERIFYING: frozenset({S.SUCCEEDED, S.ROLLING_BACK, S.NEEDS_HUMAN}),
    S.ROLLING_BACK: frozenset({S.ROLLED_BACK, S.ROLLBACK_FAILED, S.NEEDS_HUMAN}),
}
"""Every legal arrow; a status that is not a key here is an end."""

OPEN = (S.PENDING, S.APPROVED)
RUNNING = (S.EXECUTING, S.VERIFYING, S.ROLLING_BACK)
ENDS = frozenset(PlanStatus) - frozenset(ARROWS)


def propose(
    session: Session,
    *,
    incident_id: int,
    look: int,
    proposal: Proposal,
    rehearsal: Rehearsal,
    decision: Decision,
    status: PlanStatus,
    requester: str,
    not_after: datetime,
    nonce: str,
    at: datetime,
    outcome: str | None = None,
    steerers: tuple[str, ...] = (),
    replaces: int | None = None,
    undoes: int | None = None,
    fires_at: datetime | None = None,
) -> Plan:
    """Write a plan down, in its next version for the incident, with the digest that votes will bind to."""
    version = session.exec(select(sa.func.count()).where(Plan.incident_id == incident_id)).one() + 1
    plan = Plan(
        incident_id=incident_id,
        look=look,
        version=version,
        status=status,
        digest=nonce,  # replaced below: the canonical form names the plan's id
        canonical="",
        proposal=proposal,
        rehearsal=rehearsal,
        decision=decision,
        requester=requester,
        steerers=steerers,
        likeness=likeness(proposal, rehearsal),
        replaces=replaces,
        undoes=undoes,
        proposed_at=at,
        not_after=not_after,
        fires_at=fires_at,
        outcome=outcome,
    )
    session.add(plan)
    session.flush()
    canonical = canonical_form(plan, nonce)
    plan.canonical, plan.digest = canonical.decode(), hashlib.sha256(canonical).hexdigest()
    session.add(plan)
    session.flush()
    payload: dict[str, JsonValue] = {
        "incident": incident_id,
        "version": version,
        "digest": plan.digest,
        "effect": str(decision.effect),
        "actions": [step.action.title for step in rehearsal.steps],
        "canonical": plan.canonical,
    }
    audit.append(session, actor=audit.BOT, event=f"plan.{status}", subject=f"plan:{plan.id}", payload=payload, at=at)
    return plan


def canonical_form(plan: Plan, nonce: str) -> bytes:
    """Everything an approval covers, as RFC 8785 JSON."""
    body = {
        "schema": SCHEMA,
        "catalogue": catalogue_version(),
        "plan_id": plan.id,
        "nonce": nonce,
        **_what_it_does(plan.proposal, plan.rehearsal),
        "judged_by": [_canonical_facts(facts) for facts in plan.decision.facts],
        "requester": plan.requester,
        "steerers": list(plan.steerers),
        "replaces": plan.replaces,
        "undoes": plan.undoes,
        "not_after": plan.not_after.astimezone(UTC).isoformat(),
    }
    return rfc8785.dumps(body)


def likeness(proposal: Proposal, rehearsal: Rehearsal) -> str:
    """What two plans share that would do the same to the same state of the world, whoever asked and when."""
    return hashlib.sha256(rfc8785.dumps(_what_it_does(proposal, rehearsal))).hexdigest()


def _what_it_does(proposal: Proposal, rehearsal: Rehearsal) -> dict[str, JsonValue]:
    return {
        "actions": [_canonical_step(step) for step in rehearsal.steps],
        "success_criteria": [criterion.model_dump(mode="json") for criterion in proposal.success_criteria],
    }


def _canonical_facts(facts: Facts) -> JsonValue:
    """What policy is asked again with. The clock and the counters are read anew each time; the rest may not change."""
    judged = facts.model_dump(mode="json", exclude=set(COUNTED_ANEW))
    # RFC 8785 knows no infinity, and a float's letters are nobody's to agree on: numbers with a point go in as words.
    return {name: str(value) if isinstance(value, float) else value for name, value in judged.items()}


def _canonical_step(step: RehearsedStep) -> JsonValue:
    return {
        "action": step.action.model_dump(mode="json"),
        "target": step.observed.target.key,
        "uid": step.observed.uid,
        "generation": step.observed.generation,
        "spec_digest": step.observed.spec_digest,
        "before": step.observed.before,
        "replicas": [step.observed.replicas_before, step.observed.replicas_after],
        "pods_affected": step.observed.pods_affected,
        "changes": [change.model_dump(mode="json") for change in step.preview.changes],
        "blast_radius": step.preview.blast_radius,
        "undo": step.preview.undo,
    }


def intact(plan: Plan) -> bool:
    """Whether the stored plan is still what its digest was made from, field by field."""
    if hashlib.sha256(plan.canonical.encode()).hexdigest() != plan.digest:
        return False
    try:
        nonce = str(json.loads(plan.canonical)["nonce"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return False  # nothing of ours was ever hashed to this digest
    return canonical_form(plan, nonce).decode() == plan.canonical


def is_current(plan: Plan) -> bool:
    """Whether the plan was written by a sayso that means the same by its words: same form, same actions."""
    try:
        written = json.loads(plan.canonical)
        return bool((written["schema"], written["catalogue"]) == (SCHEMA, catalogue_version()))
    except (ValueError, TypeError, KeyError, RecursionError):
        return False


def get(session: Session, plan_id: int) -> Plan:
    """The plan; KeyError when there is none."""
    plan = session.get(Plan, plan_id)
    if plan is None:
        raise KeyError(f"there is no plan {plan_id}")
    return plan


def of_incident(session: Session, incident_id: int) -> list[Plan]:
    """The incident's plans, oldest version first."""
    return list(session.exec(select(Plan).where(Plan.incident_id == incident_id).order_by(col(Plan.version))))


def in_status(session: Session, *statuses: PlanStatus) -> list[Plan]:
    """Every plan in one of these statuses, oldest first."""
    return list(session.exec(select(Plan).where(col(Plan.status).in_(statuses)).order_by(col(Plan.id))))


def listed(session: Session, limit: int) -> list[Plan]:
    """Plans, newest first."""
    return list(session.exec(select(Plan).order_by(col(Plan.id).desc()).limit(limit)))


def overdue(session: Session, now: datetime) -> list[Plan]:
    """Open plans nobody may start any more."""
    return list(session.exec(select(Plan).where(col(Plan.status).in_(OPEN), col(Plan.not_after) <= now)))


def move(
    session: Session,
    plan: Plan,
    to: PlanStatus,
    at: datetime,
    *,
    actor: str = audit.BOT,
    outcome: str | None = None,
    detail: dict[str, JsonValue] | None = None,
    **values: object,
) -> bool:
    """Take one arrow. False, and nothing written, when the plan is no longer where the caller saw it."""
    seen = PlanStatus(plan.status)
    if to not in ARROWS.get(seen, frozenset()):
        raise ValueError(f"a plan never goes from {seen} to {to}")
    if to in ENDS:
        values["finished_at"] = at
    if outcome is not None:
        values["outcome"] = outcome
    guard = (col(Plan.id) == plan.id, col(Plan.status) == seen, col(Plan.round) == plan.round)
    changed = session.execute(sa.update(Plan).where(*guard).values(status=to, **values))
    if changed.rowcount != 1:  # type: ignore[attr-defined]
        return False
    payload: dict[str, JsonValue] = {"digest": plan.digest, "from": seen, "outcome": outcome, **(detail or {})}
    audit.append(session, actor=actor, event=f"plan.{to}", subject=f"plan:{plan.id}", payload=payload, at=at)
    session.expire(plan)
    session.refresh(plan)
    return True


def claim(session: Session, plan: Plan, run: str, at: datetime) -> bool:
    """Take an approved plan for execution, once: the completing guard before anything touches the world.

    True again for the run that already has it, so that a resumed run goes on.
    """
    if plan.status in RUNNING:
        return plan.claim == run
    if plan.status != PlanStatus.APPROVED or plan.not_after <= at:
        return False
    return move(session, plan, PlanStatus.EXECUTING, at, claim=run, claimed_at=at)


def cast_vote(
    session: Session,
    plan: Plan,
    *,
    user_id: str,
    groups: tuple[str, ...],
    verdict: Verdict,
    reason: str | None,
    at: datetime,
    on_behalf_of: str | None = None,
    stepped_up: bool = False,
) -> bool:
    """Record what one person says to this digest. False when they already said something in this round."""
    cast_before = select(Vote).where(Vote.plan_id == plan.id, Vote.user_id == user_id, Vote.round == plan.round)
    if session.exec(cast_before).first() is not None:
        return False
    assert plan.id is not None
    vote = Vote(
        plan_id=plan.id,
        plan_digest=plan.digest,
        round=plan.round,
        user_id=user_id,
        on_behalf_of=on_behalf_of,
        groups=groups,
        verdict=verdict,
        reason=reason,
        stepped_up=stepped_up,
        given_at=at,
    )
    session.add(vote)
    session.flush()
    payload: dict[str, JsonValue] = {
        "digest": plan.digest,
        "verdict": verdict,
        "reason": reason,
        "groups": list(groups),
        "round": plan.round,
        "on_behalf_of": on_behalf_of,
        "stepped_up": stepped_up,
    }
    audit.append(session, actor=user_id, event=f"vote.{verdict}", subject=f"plan:{plan.id}", payload=payload, at=at)
    return True


def votes(session: Session, plan: Plan) -> list[Vote]:
    """The votes on exactly this digest, in the order they were given."""
    return list(
        session.exec(
            select(Vote).where(Vote.plan_id == plan.id, Vote.plan_digest == plan.digest).order_by(col(Vote.id))
        )
    )


def lock_for_decision(session: Session, plan_id: int) -> Plan:
    """The plan, locked until the transaction ends, so that two completing votes are tallied one after the other."""
    plan = session.exec(select(Plan).where(Plan.id == plan_id).with_for_update()).one_or_none()
    if plan is None:
        raise KeyError(f"there is no plan {plan_id}")
    return plan


def approved_by_urgency(session: Session) -> list[int]:
    """Approved plans that wait to start: most severe incident first, then oldest."""
    query = (
        select(Plan.id)
        .join(Incident, col(Incident.id) == col(Plan.incident_id))
        .where(Plan.status == PlanStatus.APPROVED)
        .order_by(col(Incident.severity), col(Plan.id))
    )
    return [plan_id for plan_id in session.exec(query) if plan_id is not None]
