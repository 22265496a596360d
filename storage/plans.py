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
from storage import audit, escalations
from storage.tables import AuditEntry, IncidentStatus, Plan, PlanStatus, Verdict, Vote
from tools.actions import catalogue_version
from tools.evidence import Proposal
from tools.previews import Rehearsal, RehearsedStep
from tools.values import JsonObject, JsonValue

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
        "policy": decision.policy_sha256,
        "policy_version": decision.policy_version,
        "because": [{"rule": one.rule, "why": one.why} for one in decision.because],
        "asks": [str(one) for one in decision.obligations],
        "actions": [step.title for step in rehearsal.steps],
        "commands": [step.preview.command for step in rehearsal.steps],
        "outcome": outcome,
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
        "proposed_at": plan.proposed_at.astimezone(UTC).isoformat(),
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
        "takes_back": step.takes_back,
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
    if seen is S.PENDING:
        escalations.no_longer_needed(session, plan, at)
    session.expire(plan)
    session.refresh(plan)
    return True


def ask_anew(
    session: Session,
    plan: Plan,
    decision: Decision,
    at: datetime,
    *,
    why: str,
    actor: str = audit.BOT,
    detail: dict[str, JsonValue] | None = None,
) -> bool:
    """People are asked anew about the same bytes, under this decision: the next round, and no window any more.

    False, and nothing written, when the plan is no longer where the caller saw it.
    """
    guard = (col(Plan.id) == plan.id, col(Plan.status) == S.PENDING, col(Plan.round) == plan.round)
    values = {"round": plan.round + 1, "decision": decision, "outcome": why, "fires_at": None}
    changed = session.execute(sa.update(Plan).where(*guard).values(**values))
    if changed.rowcount != 1:  # type: ignore[attr-defined]
        return False
    payload: dict[str, JsonValue] = {
        "digest": plan.digest,
        "round": plan.round + 1,
        "why": why,
        "effect": str(decision.effect),
        "policy": decision.policy_sha256,
        **(detail or {}),
    }
    audit.append(session, actor=actor, event="plan.asked_again", subject=f"plan:{plan.id}", payload=payload, at=at)
    escalations.no_longer_needed(session, plan, at)
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
    return move(session, plan, PlanStatus.EXECUTING, at, detail={"run": run}, claim=run, claimed_at=at)


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
    detail: dict[str, JsonValue] | None = None,
) -> bool:
    """Record what one person says to this digest. False when they already said something in this round.

    `detail` is for the record alone: what they had before them.
    """
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
        **(detail or {}),
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


def witnessed(session: Session, plan: Plan) -> list[Vote]:
    """The votes on this digest that the audit chain tells of too, word for word: the ones that may count.

    A row that somebody put into the table, or changed in it, with hands of their own is not among them.
    """
    events = [f"vote.{verdict}" for verdict in Verdict]
    told = {_told(entry, says) for entry, says in audit.told(session, f"plan:{plan.id}", *events)}
    return [vote for vote in votes(session, plan) if _as_told(vote) in told]


def _told(entry: AuditEntry, says: JsonObject) -> tuple[object, ...]:
    said = (entry.actor, entry.event, entry.at, says["digest"], says.get("round", 1), says["reason"])
    return (*said, says.get("on_behalf_of"), says.get("stepped_up", False))


def _as_told(vote: Vote) -> tuple[object, ...]:
    at = audit.microseconds(vote.given_at)
    said = (vote.user_id, f"vote.{vote.verdict}", at, vote.plan_digest, vote.round, vote.reason)
    return (*said, vote.on_behalf_of, vote.stepped_up)


def lock_for_decision(session: Session, plan_id: int) -> Plan:
    """The plan, locked until the transaction ends, so that two completing votes are tallied one after the other."""
    plan = session.exec(select(Plan).where(Plan.id == plan_id).with_for_update()).one_or_none()
    if plan is None:
        raise KeyError(f"there is no plan {plan_id}")
    return plan


def windows_over(session: Session, now: datetime) -> list[Plan]:
    """Plans that run by themselves unless somebody stopped them, and nobody has."""
    over = (Plan.status == S.PENDING, col(Plan.fires_at) <= now)
    return list(session.exec(select(Plan).where(*over).order_by(col(Plan.fires_at), col(Plan.id))))


def edited_into(session: Session, plan: Plan) -> Plan | None:
    """The plan that an edit made of this one."""
    return session.exec(select(Plan).where(Plan.replaces == plan.id).order_by(col(Plan.id).desc())).first()


def leaves(plan: Plan) -> IncidentStatus:
    """How its incident stands when a plan ends with nothing done: a person's, or, where the plan was only to take an
    earlier fix back, as well as before.
    """
    return IncidentStatus.MITIGATED if plan.undoes is not None else IncidentStatus.NEEDS_HUMAN


def targets(plan: Plan) -> frozenset[str]:
    """The resources a plan changes, as locks name them."""
    return frozenset(step.observed.target.key for step in plan.rehearsal.steps)
