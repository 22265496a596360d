"""An incident from its first alert to its end, gathered from the record: the report, and the draft of a post-mortem.

What people must add (impact on customers, what to do so that it does not come back) is left open in the draft, visibly:
nothing is made up to fill a heading.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from pydantic import AwareDatetime
from sqlmodel import Session

from bot.naming import incident_name, plan_name
from bot.record.account import happening
from bot.reports.inquiry import Shown, shown
from bot.views.incident import Mind as MindShown
from bot.views.incident import confidence_words, mind_words
from storage import audit, executions, feedback, incidents, investigations, plans
from storage.tables import Alert, ExecutionStatus, Incident, IncidentStatus, Investigation, Likeness, Plan, Verdict
from tools.changes import Change
from tools.radius import BlastRadius
from tools.values import Value

MOMENTS_MOST = 400
"""Entries of the record a timeline is made of, the newest."""


class Moment(Value):
    """One thing that happened: when, who or what did it, in words."""

    at: AwareDatetime
    actor: str
    words: str


class Rang(Value):
    """An alert of the incident."""

    name: str
    source: str
    severity: str
    status: str
    times: int
    starts_at: AwareDatetime
    ends_at: AwareDatetime | None


class Tried(Value):
    """A plan: what it would do, who said what, and what came of it."""

    name: str
    status: str
    actions: tuple[str, ...]
    approved_by: tuple[str, ...]
    rejected_by: tuple[str, ...]
    carried_out: int
    outcome: str | None


class Cost(Value):
    """What looking took: models' calls and tokens. Dollars are None where a price is not known."""

    looks: int
    tokens: int
    dollars: float | None


class IncidentReport(Value):
    """Everything about one incident that a person who was not there needs."""

    ref: str
    title: str
    severity: str
    category: str | None
    service: str
    environment: str
    status: str
    opened_at: AwareDatetime
    resolved_at: AwareDatetime | None
    written_at: AwareDatetime
    alerts: tuple[Rang, ...]
    hypothesis: str | None
    sure: str
    mind: str
    findings: tuple[Shown, ...]
    changes: tuple[Change, ...]
    radius: BlastRadius | None
    gaps: tuple[str, ...]
    remarks: tuple[str, ...]
    seen_before: tuple[Likeness, ...]
    plans: tuple[Tried, ...]
    moments: tuple[Moment, ...]
    opinions: tuple[tuple[str, str, str | None], ...]
    """Who, which word, and why."""
    cost: Cost
    note: str | None

    @property
    def lasted(self) -> timedelta | None:
        """From the first alert to the end; None while it is open."""
        return self.resolved_at - self.began if self.resolved_at is not None else None

    @property
    def began(self) -> datetime:
        """When the first alert began: before it reached sayso."""
        return min([self.opened_at, *(alert.starts_at for alert in self.alerts)])

    @property
    def to_notice(self) -> timedelta:
        """From the beginning of the first alert to the incident."""
        return max(timedelta(0), self.opened_at - self.began)

    @property
    def to_decide(self) -> timedelta | None:
        """From the incident to the first thing a person decided; None when nobody had to."""
        return self._until("approved", "rejected")

    @property
    def to_mitigate(self) -> timedelta | None:
        """From the incident to the fix that was verified."""
        return self._until("ended well", "incident mitigated")

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.status == IncidentStatus.RESOLVED

    def _until(self, *words: str) -> timedelta | None:
        first = next((one.at for one in self.moments if one.words.startswith(words)), None)
        return first - self.opened_at if first is not None else None


def of_incident(session: Session, incident_id: int, at: datetime) -> IncidentReport:
    """The report of one incident as it stands. Raises KeyError when there is none."""
    incident = incidents.get(session, incident_id)
    looks = investigations.of_incident(session, incident_id)
    alerts = incidents.alerts_of(session, incident_id)
    proposal = incident.proposal
    return IncidentReport(
        ref=incident_name(incident_id),
        title=incident.title,
        severity=str(incident.severity),
        category=incident.category,
        service=incident.service or "unknown service",
        environment=incident.environment,
        status=incident.status,
        opened_at=incident.opened_at,
        resolved_at=incident.resolved_at,
        written_at=at,
        alerts=tuple(_rang(alert) for alert in alerts),
        hypothesis=proposal.hypothesis if proposal is not None else None,
        sure=confidence_words(proposal.confidence) if proposal is not None else "",
        mind=mind_words(MindShown(**incident.mind.model_dump())) if incident.mind is not None else "nobody yet",
        findings=shown(proposal.findings, incident.evidence or ()) if proposal is not None else (),
        changes=incident.changes or (),
        radius=incident.radius,
        gaps=incident.gaps or (),
        remarks=incident.remarks or (),
        seen_before=incident.seen_before or (),
        plans=tuple(_tried(session, plan) for plan in plans.of_incident(session, incident_id)),
        moments=tuple(sorted(_moments(session, incident, alerts), key=lambda one: one.at)),
        opinions=tuple((one.user_id, one.verdict, one.reason) for one in feedback.of_incident(session, incident_id)),
        cost=_cost(looks),
        note=incident.note,
    )


def _rang(alert: Alert) -> Rang:
    fields = {"name", "source", "severity", "status", "times", "starts_at", "ends_at"}
    return Rang.model_validate(alert.model_dump(include=fields))


def _tried(session: Session, plan: Plan) -> Tried:
    votes = plans.votes(session, plan)
    done = [call for call in executions.of_plan(session, plan.id or 0) if call.status == ExecutionStatus.DONE]
    return Tried(
        name=plan_name(plan.id),
        status=plan.status,
        actions=tuple(step.title for step in plan.rehearsal.steps),
        approved_by=tuple(vote.user_id for vote in votes if vote.verdict == Verdict.APPROVE),
        rejected_by=tuple(vote.user_id for vote in votes if vote.verdict == Verdict.REJECT),
        carried_out=len(done),
        outcome=plan.outcome,
    )


def _moments(session: Session, incident: Incident, alerts: Sequence[Alert]) -> Iterator[Moment]:
    """Alerts as they rang, changes of the world, and the record's own entries."""
    for alert in alerts:
        yield Moment(at=alert.starts_at, actor=alert.source, words=f"alert {alert.name} began")
    for change in incident.changes or ():
        yield Moment(at=change.at, actor=change.by or change.source, words=f"{change.resource}: {change.what}")
    for entry in audit.timeline(session, incident.id or 0, MOMENTS_MOST):
        told = happening(entry)
        plan = entry.subject.partition(":")
        about = f"{plan_name(int(plan[2]))}: " if plan[0] == "plan" and plan[2].isdigit() else ""
        yield Moment(at=told.at, actor=told.actor, words=f"{about}{told.words}")


def _cost(looks: Sequence[Investigation]) -> Cost:
    known = [look.dollars for look in looks if look.dollars is not None]
    complete = len(known) == len([look for look in looks if look.tokens])
    return Cost(looks=len(looks), tokens=sum(look.tokens for look in looks), dollars=sum(known) if complete else None)
