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


class Nudge(StrEnum):
    """What an escalation does to the people of some groups when nobody has answered for a while."""

    NOTIFY = "notify"
    WIDEN = "widen"
    """They may approve from now on, beside those who were asked; the number never falls."""
    PAGE = "page"


class Result(StrEnum):
    """How one action of a finished plan turned out: what autonomy is earned, or lost, by."""

    VERIFIED = "verified"
    UNDONE = "undone"
    OVERRIDDEN = "overridden"
    """People decided otherwise: they rejected it, stopped it, edited it, or took it back afterwards."""


class PolicyStatus(StrEnum):
    """Where one version of the policy is."""

    PROPOSED = "proposed"
    """It allows more than the one in force: two people must agree first."""
    ACTIVE = "active"
    RETIRED = "retired"
    REJECTED = "rejected"


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
    """Rises whenever people are asked anew about the same bytes: sent back from the claim, or asked by stricter rules.
    """
    requester: str
    steerers: tuple[str, ...] = _json(tuple[str, ...])
    """Slack ids of who asked for it, instructed or edited it, known when it was proposed; part of the digest."""
    likeness: str = Field(default="", index=True)
    """Digest of what it does, without ids and times: two plans that would do the same have the same."""
    replaces: int | None = Field(default=None, foreign_key="plan.id")
    """The plan an edit made this one of."""
    undoes: int | None = Field(default=None, foreign_key="plan.id", index=True)
    """The succeeded plan this one takes back."""
    proposed_at: datetime = _time()
    not_after: datetime = _time(index=True)
    fires_at: datetime | None = _time(nullable=True, index=True)
    """When a veto window ends and the plan runs by itself; None when people are asked."""
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
    """What one person said to one digest. One vote a person, plan and round; a second click changes nothing."""

    __tablename__ = "vote"
    __table_args__ = (sa.UniqueConstraint("plan_id", "user_id", "round", name="uq_vote_plan_user_round"),)

    id: int | None = Field(default=None, primary_key=True)
    plan_id: int = Field(foreign_key="plan.id", index=True)
    plan_digest: str
    round: int = 1
    user_id: str
    on_behalf_of: str | None = None
    """Whose rights a delegate used; None for one's own."""
    groups: tuple[str, ...] = _json(tuple[str, ...])
    verdict: str
    reason: str | None = None
    stepped_up: bool = False
    """Given after a fresh sign-in that was bound to this digest."""
    given_at: datetime = _time()


class Escalation(SQLModel, table=True):
    """One step of an escalation that is due at a moment: a row, so that it survives restarts and is done once."""

    __tablename__ = "escalation"

    id: int | None = Field(default=None, primary_key=True)
    plan_id: int = Field(foreign_key="plan.id", index=True)
    round: int = 1
    nudge: str
    groups: tuple[str, ...] = _json(tuple[str, ...])
    due_at: datetime = _time(index=True)
    done_at: datetime | None = _time(nullable=True)
    """When it was done, or found to be no longer needed."""


class Delegation(SQLModel, table=True):
    """One person's right to vote, lent to another for a while. One hop: what is lent cannot be lent on."""

    __tablename__ = "delegation"

    id: int | None = Field(default=None, primary_key=True)
    delegator: str = Field(index=True)
    delegate: str = Field(index=True)
    groups: tuple[str, ...] = _json(tuple[str, ...])
    """For which groups of the policy."""
    reason: str
    starts_at: datetime = _time()
    until: datetime = _time(index=True)
    revoked_at: datetime | None = _time(nullable=True)


class BreakGlass(SQLModel, table=True):
    """One person ran a plan without the quorum. Nobody breaks the glass again until somebody else has reviewed it."""

    __tablename__ = "break_glass"

    id: int | None = Field(default=None, primary_key=True)
    plan_id: int = Field(foreign_key="plan.id", index=True)
    user_id: str
    reason: str
    stepped_up: bool = False
    skipped: tuple[str, ...] = _json(tuple[str, ...])
    """Who would have been asked; each is told."""
    broken_at: datetime = _time()
    until: datetime = _time()
    """The plan must have been claimed by then."""
    reviewed_by: str | None = None
    reviewed_at: datetime | None = _time(nullable=True)
    review: str | None = None


class SignIn(SQLModel, table=True):
    """A fresh sign-in asked of one person for one decision on one digest. The link that leads to it works once."""

    __tablename__ = "sign_in"

    token_hash: str = Field(primary_key=True)
    """SHA-256 of what the link carries; the link itself is nowhere on record."""
    plan_id: int = Field(foreign_key="plan.id", index=True)
    plan_digest: str
    user_id: str
    purpose: str
    """`approve` or `break-glass`."""
    reason: str | None = None
    asked_at: datetime = _time()
    expires_at: datetime = _time(index=True)
    used_at: datetime | None = _time(nullable=True)


class Outcome(SQLModel, table=True):
    """How one action of a finished plan turned out. The ledger by which autonomy is earned."""

    __tablename__ = "outcome"
    __table_args__ = (sa.UniqueConstraint("plan_id", "step", "result"), sa.Index("ix_outcome_of", "action", "service"))

    id: int | None = Field(default=None, primary_key=True)
    plan_id: int = Field(foreign_key="plan.id")
    step: int
    action: str
    service: str
    environment: str
    result: str
    at: datetime = _time(index=True)


class PolicyVersion(SQLModel, table=True):
    """One version of the rules, kept whole, so that what was in force at any moment can be shown and returned to."""

    __tablename__ = "policy_version"

    id: int | None = Field(default=None, primary_key=True)
    version: int = Field(index=True)
    sha256: str = Field(index=True)
    text: str = Field(sa_column=sa.Column(sa.Text, nullable=False))
    status: str = Field(index=True)
    author: str | None = None
    """Slack id of who proposed it; None when the file itself changed and nobody can be named."""
    origin: str
    """`start`, `file`, `proposal` or `rollback`."""
    looser: tuple[str, ...] = _json(tuple[str, ...])
    """What it allows that the one before did not, in words; empty when it only tightens."""
    proposed_at: datetime = _time()
    decided_at: datetime | None = _time(nullable=True)
    activated_at: datetime | None = _time(nullable=True, index=True)


class PolicyVote(SQLModel, table=True):
    """What one person said to one proposed version of the policy."""

    __tablename__ = "policy_vote"
    __table_args__ = (sa.UniqueConstraint("policy_id", "user_id"),)

    id: int | None = Field(default=None, primary_key=True)
    policy_id: int = Field(foreign_key="policy_version.id", index=True)
    user_id: str
    verdict: str
    reason: str | None = None
    given_at: datetime = _time()


class Switch(SQLModel, table=True):
    """Something people turned on or off by hand: `stop` (nothing runs), `breaker` (reset after rollbacks)."""

    __tablename__ = "switch"

    name: str = Field(primary_key=True)
    is_on: bool
    set_by: str
    reason: str | None = None
    set_at: datetime = _time()


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


class AuditCheckpoint(SQLModel, table=True):
    """The chain up to an entry, signed. Also written when nothing happened: a gap is evidence."""

    __tablename__ = "audit_checkpoint"

    id: int | None = Field(default=None, primary_key=True)
    size: int
    head: str
    previous: str
    """SHA-256 of the checkpoint before, as it was signed; 64 zeros for the first."""
    at: int = Field(sa_column=sa.Column(sa.BigInteger, nullable=False))
    """Microseconds since the epoch."""
    key_id: str
    """Names the public key: the first 16 hexadecimal digits of its SHA-256."""
    signature: str
    """Ed25519, hexadecimal."""
    anchored_at: datetime | None = _time(nullable=True)
    """When a copy was put outside this database."""


class InboxEvent(SQLModel, table=True):
    """A Slack event accepted for handling. The row is the work item: it and the dedupe key are one."""

    __tablename__ = "inbox"

    key: str = Field(primary_key=True)
    kind: str
    body: str = Field(sa_column=sa.Column(sa.Text, nullable=False))
    received_at: datetime = _time(index=True)
    handled_at: datetime | None = _time(nullable=True, index=True)
    attempts: int = 0
    next_at: datetime | None = _time(nullable=True, index=True)
    """Not to be tried before; None: at once."""
    claimed_by: str | None = None
    """The process that is handling it."""
    claimed_at: datetime | None = _time(nullable=True)
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
