"""What policy judges a plan by: facts made by code from the record and the rehearsed targets, never from a request."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from policies.facts import Facts, Origin, scale_factor
from policies.rules import Policy
from storage.tables import Incident, Plan, PlanStatus
from tools.evidence import Evidence, Finding, Proposal, Severity, Trust
from tools.previews import Rehearsal, RehearsedStep
from tools.resources import Provider

Circumstances = dict[str, str]
COUNTED_BY = ("action", "env", "service", "namespace", "team", "account", "region")
"""What a limit may count by (`policies.rules.Limit`)."""
SOURCES = 2
"""Independent pieces of evidence that must agree on a target, one of them the provider's own status."""


def of_plan(
    session: Session, incident: Incident, proposal: Proposal, rehearsal: Rehearsal, policy: Policy, at: datetime
) -> tuple[Facts, ...]:
    """The facts of every action, in order."""
    return tuple(_of_step(session, incident, proposal, step, policy, at) for step in rehearsal.steps)


def refreshed(session: Session, facts: Facts, policy: Policy, at: datetime) -> Facts:
    """The same facts with the clock and the counters as they are now."""
    like = {key: str(getattr(facts, key)) for key in COUNTED_BY}
    now = {"at": at, "recent": _recent(session, like, policy, at), "rollbacks": _rollbacks(session, policy, at)}
    return facts.model_copy(update=now)


def _of_step(
    session: Session, incident: Incident, proposal: Proposal, step: RehearsedStep, policy: Policy, at: datetime
) -> Facts:
    target, observed = step.observed.target, step.observed
    service = incident.service or target.name
    traits = policy.catalogue.kinds[step.action.kind]
    on_cluster = target.provider is Provider.KUBERNETES
    circumstances = {
        "action": step.action.kind,
        "env": incident.environment,
        "service": service,
        "namespace": target.scope if on_cluster else "",
        "team": "",
        "account": "",
        "region": "" if on_cluster else target.scope,
    }
    return Facts(
        **circumstances,
        origin=Origin.ALERT,
        requester="sayso",
        severity=Severity(incident.severity),
        mutating=traits.mutating,
        destructive=traits.destructive,
        reversible=traits.reversible,
        scale_factor=_scale(step),
        pods_affected=observed.pods_affected,
        at=at,
        recent=_recent(session, circumstances, policy, at),
        rollbacks=_rollbacks(session, policy, at),
        tainted_args=False,  # every argument was resolved against a live object or one of its revisions
        tainted_sensitive=False,
        corroborated=_corroborated(proposal.findings, incident.evidence or ()),
        confidence=float(proposal.confidence),
    )


def _scale(step: RehearsedStep) -> float:
    before, after = step.observed.replicas_before, step.observed.replicas_after
    return scale_factor(before, after) if before is not None and after is not None else 1.0


def _corroborated(findings: tuple[Finding, ...], evidence: tuple[Evidence, ...]) -> bool:
    """Whether enough independent reads, one of them the provider's own status, stand behind the leading finding."""
    cited = set(findings[0].evidence_ids) if findings else set()
    behind = [one for one in evidence if one.id in cited]
    return len({one.tool + one.query for one in behind}) >= SOURCES and any(one.trust is Trust.STATUS for one in behind)


def _recent(session: Session, like: Circumstances, policy: Policy, at: datetime) -> dict[str, int]:
    """By limit id: the executions claimed within the limit's period that agree with this one in what it counts by."""
    longest = max((limit.per for limit in policy.file.limits), default=0)
    claimed = session.exec(select(Plan).where(col(Plan.claimed_at) > at - timedelta(seconds=longest))).all()
    past = [(plan.claimed_at, facts) for plan in claimed for facts in plan.decision.facts if plan.claimed_at]
    return {
        limit.id: sum(
            when > at - timedelta(seconds=limit.per) and all(getattr(facts, key) == like[key] for key in limit.by)
            for when, facts in past
        )
        for limit in policy.file.limits
    }


def _rollbacks(session: Session, policy: Policy, at: datetime) -> int:
    """Plans undone within the breaker's period."""
    breaker = policy.file.breaker
    if breaker is None:
        return 0
    undone = (PlanStatus.ROLLED_BACK, PlanStatus.ROLLBACK_FAILED)
    since = at - timedelta(seconds=breaker.per)
    query = select(sa.func.count()).where(col(Plan.status).in_(undone), col(Plan.finished_at) > since)
    return session.exec(query).one()
