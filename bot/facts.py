"""What policy judges a plan by: facts made by code from the record, the service catalogue and the rehearsed targets.

Never from a request. What the facts lead to is for `policies.engine`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from bot.people.services import Services
from policies.facts import Facts, Origin, scale_factor
from policies.rules import Policy
from storage import audit, ledger
from storage.exceptions import Lever
from storage.tables import Alert, Incident, Plan, PlanStatus, Switch
from tools.evidence import Evidence, Finding, Proposal, Severity, Trust
from tools.previews import Rehearsal, RehearsedStep
from tools.resources import Provider

Circumstances = dict[str, str]
COUNTED_BY = ("action", "env", "service", "namespace", "team", "account", "region")
"""What a limit may count by (`policies.rules.Limit`)."""
SOURCES = 2
"""Independent pieces of evidence that must agree on a target, one of them the provider's own status."""


def of_plan(
    session: Session,
    incident: Incident,
    proposal: Proposal,
    rehearsal: Rehearsal,
    policy: Policy,
    at: datetime,
    *,
    services: Services,
    requester: str = audit.BOT,
    origin: Origin | None = None,
) -> tuple[Facts, ...]:
    """The facts of every action, in order.

    `requester` is the Slack id of a person who asked for exactly this plan; `origin` is how they did, and where it is
    left out, how the incident began.
    """
    asked = {"requester": requester, "origin": origin or _origin(session, incident)}
    judged: list[Facts] = []
    for step in rehearsal.steps:
        circumstances = _circumstances(incident, step, services)
        counted = _counted(session, circumstances, policy, at)
        judged.append(_of_step(incident, proposal, step, policy, {**circumstances, **asked, **counted}))
    return tuple(judged)


def refreshed(session: Session, facts: Facts, policy: Policy, at: datetime) -> Facts:
    """The same facts with the clock and everything that is counted as they are now: `policies.facts.COUNTED_ANEW`."""
    like = {key: str(getattr(facts, key)) for key in COUNTED_BY}
    return facts.model_copy(update=_counted(session, like, policy, at))


def _counted(session: Session, like: Circumstances, policy: Policy, at: datetime) -> dict[str, object]:
    return {
        "at": at,
        "recent": _recent(session, like, policy, at),
        "rollbacks": _rollbacks(session, policy, at),
        "earned": _earned(session, like, policy, at),
    }


def _origin(session: Session, incident: Incident) -> Origin:
    """An incident that no alert belongs to was opened because somebody asked."""
    rang = session.exec(select(Alert.id).where(Alert.incident_id == incident.id).limit(1)).first()
    return Origin.ALERT if rang is not None else Origin.MENTION


def _circumstances(incident: Incident, step: RehearsedStep, services: Services) -> Circumstances:
    """What limits and records count by: names of the live target, and what people wrote down about its service."""
    target = step.observed.target
    on_cluster = target.provider is Provider.KUBERNETES
    service = services.behind(target.name, incident.service)
    return {
        "action": step.action.kind,
        "env": services.environment(target.scope, incident.environment),
        "service": service,
        "namespace": target.scope if on_cluster else "",
        "team": services.team(service),
        "account": "" if on_cluster else services.account(service),
        "region": "" if on_cluster else target.scope,
    }


def _of_step(
    incident: Incident, proposal: Proposal, step: RehearsedStep, policy: Policy, established: Mapping[str, object]
) -> Facts:
    from bot.investigation.taint import of_step as taint_of

    traits = policy.catalogue.kinds[step.action.kind]
    taint = taint_of(step, proposal, incident.evidence or ())
    found: dict[str, object] = {
        **established,
        "severity": Severity(incident.severity),
        "mutating": traits.mutating,
        "destructive": traits.destructive,
        "reversible": traits.reversible,
        "scale_factor": _scale(step),
        "pods_affected": step.observed.pods_affected,
        "tainted_args": taint.args,
        "tainted_sensitive": taint.sensitive,
        "corroborated": _corroborated(proposal.findings, incident.evidence or ()),
        "confidence": float(proposal.confidence),
    }
    return Facts.model_validate(found)


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
    """The most plans that were undone within any one period of the breaker, since a person last reset it.

    Not the last period: once open, the breaker stays open until somebody has looked.
    """
    breaker = policy.file.breaker
    if breaker is None:
        return 0
    undone = (PlanStatus.ROLLED_BACK, PlanStatus.ROLLBACK_FAILED)
    query = select(Plan.finished_at).where(col(Plan.status).in_(undone), col(Plan.finished_at) <= at)
    reset = session.get(Switch, Lever.BREAKER)
    if reset is not None:
        query = query.where(col(Plan.finished_at) > reset.set_at)
    moments = sorted(moment for moment in session.exec(query) if moment is not None)
    per = timedelta(seconds=breaker.per)
    return max((sum(last - per < one <= last for one in moments) for last in moments), default=0)


def _earned(session: Session, like: Circumstances, policy: Policy, at: datetime) -> dict[str, int]:
    """By the id of each rule that asks for a record: what was verified since the last loss, as lately as it asks."""
    of = (like["action"], like["service"], like["env"])
    return {
        rule.id: ledger.standing(session, *of, now=at, within=timedelta(seconds=asked.within)).verified
        for rule in policy.file.rules
        if (asked := rule.when.unearned) is not None
    }
