"""Plans, what people said to them, and how they turned out."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from policies.decisions import Decision
from storage.columns import json_column, time_column
from tools.criteria import Measurement
from tools.evidence import Proposal
from tools.previews import Rehearsal


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
    proposal: Proposal = json_column(Proposal)
    rehearsal: Rehearsal = json_column(Rehearsal)
    decision: Decision = json_column(Decision)
    round: int = 1
    """Rises whenever people are asked anew about the same bytes: sent back from the claim, or asked by stricter rules.
    """
    requester: str
    steerers: tuple[str, ...] = json_column(tuple[str, ...])
    """Slack ids of who asked for it, instructed or edited it, known when it was proposed; part of the digest."""
    likeness: str = Field(default="", index=True)
    """Digest of what it does, without ids and times: two plans that would do the same have the same."""
    replaces: int | None = Field(default=None, foreign_key="plan.id")
    """The plan an edit made this one of."""
    undoes: int | None = Field(default=None, foreign_key="plan.id", index=True)
    """The succeeded plan this one takes back."""
    proposed_at: datetime = time_column()
    not_after: datetime = time_column(index=True)
    fires_at: datetime | None = time_column(nullable=True, index=True)
    """When a veto window ends and the plan runs by itself; None when people are asked."""
    decided_at: datetime | None = time_column(nullable=True)
    claimed_at: datetime | None = time_column(nullable=True)
    finished_at: datetime | None = time_column(nullable=True)
    claim: str | None = None
    """The durable run that owns the execution."""
    measured: tuple[Measurement, ...] | None = json_column(tuple[Measurement, ...], nullable=True)
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
    groups: tuple[str, ...] = json_column(tuple[str, ...])
    verdict: str
    reason: str | None = None
    stepped_up: bool = False
    """Given after a fresh sign-in that was bound to this digest."""
    given_at: datetime = time_column()


class Escalation(SQLModel, table=True):
    """One step of an escalation that is due at a moment: a row, so that it survives restarts and is done once."""

    __tablename__ = "escalation"

    id: int | None = Field(default=None, primary_key=True)
    plan_id: int = Field(foreign_key="plan.id", index=True)
    round: int = 1
    nudge: str
    groups: tuple[str, ...] = json_column(tuple[str, ...])
    due_at: datetime = time_column(index=True)
    done_at: datetime | None = time_column(nullable=True)
    """When it was done, or found to be no longer needed."""


class Delegation(SQLModel, table=True):
    """One person's right to vote, lent to another for a while. One hop: what is lent cannot be lent on."""

    __tablename__ = "delegation"

    id: int | None = Field(default=None, primary_key=True)
    delegator: str = Field(index=True)
    delegate: str = Field(index=True)
    groups: tuple[str, ...] = json_column(tuple[str, ...])
    """For which groups of the policy."""
    reason: str
    starts_at: datetime = time_column()
    until: datetime = time_column(index=True)
    revoked_at: datetime | None = time_column(nullable=True)


class BreakGlass(SQLModel, table=True):
    """One person ran a plan without the quorum. Nobody breaks the glass again until somebody else has reviewed it."""

    __tablename__ = "break_glass"

    id: int | None = Field(default=None, primary_key=True)
    plan_id: int = Field(foreign_key="plan.id", index=True)
    user_id: str
    reason: str
    stepped_up: bool = False
    skipped: tuple[str, ...] = json_column(tuple[str, ...])
    """Who would have been asked; each is told."""
    broken_at: datetime = time_column()
    until: datetime = time_column()
    """The plan must have been claimed by then."""
    reviewed_by: str | None = None
    reviewed_at: datetime | None = time_column(nullable=True)
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
    asked_at: datetime = time_column()
    expires_at: datetime = time_column(index=True)
    used_at: datetime | None = time_column(nullable=True)


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
    at: datetime = time_column(index=True)
