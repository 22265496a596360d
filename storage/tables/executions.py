"""Calls that change the world, and who may make them."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from storage.columns import time_column


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
    intended_at: datetime = time_column()
    finished_at: datetime | None = time_column(nullable=True)


class ResourceLock(SQLModel, table=True):
    """Only the plan named here may change the resource."""

    __tablename__ = "resource_lock"

    resource: str = Field(primary_key=True)
    plan_id: int = Field(foreign_key="plan.id", index=True)
    taken_at: datetime = time_column()
