"""The rules in force, and what people switched by hand."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from storage.columns import json_column, time_column


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
    looser: tuple[str, ...] = json_column(tuple[str, ...])
    """What it allows that the one before did not, in words; empty when it only tightens."""
    proposed_at: datetime = time_column()
    decided_at: datetime | None = time_column(nullable=True)
    activated_at: datetime | None = time_column(nullable=True, index=True)


class PolicyVote(SQLModel, table=True):
    """What one person said to one proposed version of the policy."""

    __tablename__ = "policy_vote"
    __table_args__ = (sa.UniqueConstraint("policy_id", "user_id"),)

    id: int | None = Field(default=None, primary_key=True)
    policy_id: int = Field(foreign_key="policy_version.id", index=True)
    user_id: str
    verdict: str
    reason: str | None = None
    given_at: datetime = time_column()


class Switch(SQLModel, table=True):
    """Something people turned on or off by hand: `stop` (nothing runs), `breaker` (reset after rollbacks)."""

    __tablename__ = "switch"

    name: str = Field(primary_key=True)
    is_on: bool
    set_by: str
    reason: str | None = None
    set_at: datetime = time_column()
