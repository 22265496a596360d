"""The record. Rows only; the functions that change them are in the module of their subject.

Statuses are stored as their own words. What can happen to a plan is `storage.plans.ARROWS`.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from policies.decisions import Decision
from storage.columns import Stored, UtcTime
from tools.criteria import Measurement
from tools.evidence import Evidence, Proposal, Severity
from tools.previews import Rehearsal
from tools.subjects import Subject
from tools.values import Value


def _time(*, nullable: bool = False, index: bool = False) -> Any:
    return Field(default=None, sa_column=sa.Column(UtcTime(), nullable=nullable, index=index))


def _json(shape: Any, *, nullable: bool = False) -> Any:
    return Field(default=None, sa_column=sa.Column(Stored(shape), nullable=nullable))


class AlertStatus(StrEnum):
    """Whether the condition behind an alert holds."""

    FIRING = "firing"
    RESOLVED = "resolved"


class IncidentStatus(StrEnum):
    """How far an incident has come."""

    OPEN = "open"
    INVESTIGATING = "investigating"
    AWAITING_APPROVAL = "awaiting_approval"
    REMEDIATING = "remediating"
    NEEDS_HUMAN = "needs_human"
    MITIGATED = "mitigated"
    RESOLVED = "resolved"


class PlanStatus(StrEnum):
    """Where a plan is between being proposed and its end."""

    PENDING = "pending"
    APPROVED = "approved"
    EXECUTING = "executing"
    VERIFYING = "verifying"
    ROLLING_BACK = "rolling_back"
    SUCCEEDED = "succeeded"
    ROLLED_BACK = "rolled_back"
    ROLLBACK_FAILED = "rollback_failed"
    FAILED = "failed"
    NEEDS_HUMAN = "needs_human"
    REJECTED = "rejected"
    EXPIRED = "expired"
    STALE = "stale"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"


class Verdict(StrEnum):
    """What a person said to a plan."""

    APPROVE = "approve"
    REJECT = "reject"


class Phase(StrEnum):
    """Whether an execution carries a step out or takes it back."""

    APPLY = "apply"
    UNDO = "undo"


class ExecutionStatus(StrEnum):
    """What is known of one call that changes the world."""

    INTENDED = "intended"
    """Written down; the call has not been made."""
    CALLING = "calling"
    """Somebody took it and may have made the call."""
    DONE = "done"
    FAILED = "failed"
    """Clearly refused; nothing changed."""
    STALE = "stale"
    """Not made: the target was no longer what people saw."""
    UNKNOWN = "unknown"
    """It may or may not have happened, and looking did not tell."""


class Mind(Value):
    """Who concluded: the rules alone (`model` is None), a model, or the rules because the model failed."""

    model: str | None = None
    calls: int = 0
    tokens: int = 0
    failure: str | None = None


class Alert(SQLModel, table=True):
    """One episode of one alert: the same fingerprint firing since the same moment."""

    __tablename__ = "alert"
    __table_args__ = (sa.UniqueConstraint("fingerprint", "starts_at"),)

    id: int | None = Field(default=None, primary_key=True)
    incident_id: int | None = Field(default=None, foreign_key="incident.id", index=True)
    fingerprint: str = Field(index=True)
    source: str
    name: str
    severity: str
    status: str
    service: str | None = None
    labels: dict[str, str] = _json(dict[str, str])
    annotations: dict[str, str] = _json(dict[str, str])
    starts_at: datetime = _time()
    ends_at: datetime | None = _time(nullable=True)
    generator_url: str | None = None
    received_at: datetime = _time()
    last_seen_at: datetime = _time()
    times: int = 1
    """How often this episode was delivered."""


class Incident(SQLModel, table=True):
    """Something is wrong with a service. `open_key` is unique while it is open: one cause, one incident."""

    __tablename__ = "incident"

    id: int | None = Field(default=None, primary_key=True)
    title: str
    service: str | None = None
    environment: str
    severity: Severity = Field(sa_column=sa.Column(sa.String(8), nullable=False))
    status: str = Field(index=True)
    open_key: str | None = Field(default=None, unique=True)
    subject: Subject | None = _json(Subject | None, nullable=True)
    opened_at: datetime = _time()
    resolved_at: datetime | None = _time(nullable=True)
    channel: str
    looks: int = 1
    """How many investigations were started; each names its own durable run."""
    mind: Mind | None = _json(Mind, nullable=True)
    """Which mind spoke; None until one has."""
    proposal: Proposal | None = _json(Proposal, nullable=True)
    second: Proposal | None = _json(Proposal, nullable=True)
    """What the rules alone would propose, where a model spoke."""
    evidence: tuple[Evidence, ...] | None = _json(tuple[Evidence, ...], nullable=True)
    gaps: tuple[str, ...] | None = _json(tuple[str, ...], nullable=True)
    remarks: tuple[str, ...] | None = _json(tuple[str, ...], nullable=True)
    """What else people may want to know, beside the findings and the gaps."""
    advice: str | None = None
    note: str | None = None
    """The latest thing people should know, one line."""


class Plan(SQLModel, table=True):
    """Actions on a state of the world, offered for approval. Everything `canonical` covers never changes."""

    __tablename__ = "plan"

    id: int | None = Field(default=None, primary_key=True)
    incident_id: int = Field(foreign_key="incident.id", index=True)
    look: int = 1
    """The investigation it came from."""
    version: int = 1
    status: str = Field(index=True)
    digest: str = Field(unique=True)
    canonical: str = Field(sa_column=sa.Column(sa.Text, nullable=False))
    """RFC 8785 JSON of what people approve; `digest` is its SHA-256."""
    proposal: Proposal = _json(Proposal)
    rehearsal: Rehearsal = _json(Rehearsal)
    decision: Decision = _json(Decision)
    round: int = 1
    requester: str
    proposed_at: datetime = _time()
    not_after: datetime = _time(index=True)
    decided_at: datetime | None = _time(nullable=True)
    claimed_at: datetime | None = _time(nullable=True)
    finished_at: datetime | None = _time(nullable=True)
    claim: str | None = None
    """The durable run that owns the execution."""
    measured: tuple[Measurement, ...] | None = _json(tuple[Measurement, ...], nullable=True)
    """The success criteria as they were last measured after applying."""
    outcome: str | None = None
    """Why it ended so, or why it waits, in words for people; None when its status says it all."""


class Vote(SQLModel, table=True):
    """What one person said to one digest. One vote a person and plan; a second click changes nothing."""

    __tablename__ = "vote"
    __table_args__ = (sa.UniqueConstraint("plan_id", "user_id"),)

    id: int | None = Field(default=None, primary_key=True)
    plan_id: int = Field(foreign_key="plan.id", index=True)
    plan_digest: str
    user_id: str
    groups: tuple[str, ...] = _json(tuple[str, ...])
    verdict: str
    reason: str | None = None
    given_at: datetime = _time()


class Execution(SQLModel, table=True):
    """One call that changes the world, written down before it is made. `key` is its idempotency token."""

    __tablename__ = "execution"

    key: str = Field(primary_key=True)
    plan_id: int = Field(foreign_key="plan.id", index=True)
    step: int
    phase: str
    status: str
    owner: str | None = None
    """The process that took the call; whoever finds another name here looks at the world before calling."""
    after: str | None = None
    request: str | None = None
    error: str | None = None
    intended_at: datetime = _time()
    finished_at: datetime | None = _time(nullable=True)


class ResourceLock(SQLModel, table=True):
    """Only the plan named here may change the resource."""

    __tablename__ = "resource_lock"

    resource: str = Field(primary_key=True)
    plan_id: int = Field(foreign_key="plan.id", index=True)
    taken_at: datetime = _time()


class AuditEntry(SQLModel, table=True):
    """One link of the hash chain. Never updated, never deleted."""

    __tablename__ = "audit"

    seq: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    at: int = Field(sa_column=sa.Column(sa.BigInteger, nullable=False))
    """Microseconds since the epoch: an integer, because floats do not canonicalise."""
    actor: str
    event: str = Field(index=True)
    subject: str = Field(index=True)
    payload: str = Field(sa_column=sa.Column(sa.Text, nullable=False))
    previous_hash: str
    hash: str


class AuditHead(SQLModel, table=True):
    """The end of the chain: one row, locked by whoever appends."""

    __tablename__ = "audit_head"

    id: int = Field(default=1, primary_key=True)
    seq: int
    hash: str


class InboxEvent(SQLModel, table=True):
    """A Slack event accepted for handling. The row is the work item: it and the dedupe key are one."""

    __tablename__ = "inbox"

    key: str = Field(primary_key=True)
    kind: str
    body: str = Field(sa_column=sa.Column(sa.Text, nullable=False))
    received_at: datetime = _time(index=True)
    handled_at: datetime | None = _time(nullable=True, index=True)
    attempts: int = 0
    error: str | None = None


class Message(SQLModel, table=True):
    """One logical message: what it should say (`wanted`), and which rendering of it Slack has.

    `key` names it (`incident:7`, `plan:3`), so that two cards for one thing cannot exist.
    """

    __tablename__ = "message"

    key: str = Field(primary_key=True)
    channel: str = Field(index=True)
    thread_key: str | None = None
    """The message whose thread this belongs to; it waits until that one is posted."""
    thread_ts: str | None = None
    """The message of somebody else whose thread this belongs to."""
    wanted: str = Field(sa_column=sa.Column(sa.Text, nullable=False))
    wanted_render: int = 1
    posted_render: int = 0
    priority: int = 5
    ts: str | None = None
    changed_at: datetime = _time(index=True)
    claimed_by: str | None = None
    """Who set out to post it and has not said how that ended: with no `ts`, look in Slack before posting again."""
    claimed_at: datetime | None = _time(nullable=True)
    error: str | None = None


class RefusedDelivery(SQLModel, table=True):
    """A body from outside that could not be used, kept as it came so that it can be replayed after a fix."""

    __tablename__ = "refused_delivery"

    id: int | None = Field(default=None, primary_key=True)
    source: str
    body: bytes = Field(sa_column=sa.Column(sa.LargeBinary, nullable=False))
    reason: str
    received_at: datetime = _time(index=True)
