"""What came from Slack and the webhooks, and what Slack should show."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from storage.columns import time_column


class InboxEvent(SQLModel, table=True):
    """A Slack event accepted for handling. The row is the work item: it and the dedupe key are one."""

    __tablename__ = "inbox"

    key: str = Field(primary_key=True)
    kind: str
    body: str = Field(sa_column=sa.Column(sa.Text, nullable=False))
    received_at: datetime = time_column(index=True)
    handled_at: datetime | None = time_column(nullable=True, index=True)
    attempts: int = 0
    next_at: datetime | None = time_column(nullable=True, index=True)
    """Not to be tried before; None: at once."""
    claimed_by: str | None = None
    """The process that is handling it."""
    claimed_at: datetime | None = time_column(nullable=True)
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
    changed_at: datetime = time_column(index=True)
    claimed_by: str | None = None
    """Who set out to post it and has not said how that ended: with no `ts`, look in Slack before posting again."""
    claimed_at: datetime | None = time_column(nullable=True)
    error: str | None = None


class RefusedDelivery(SQLModel, table=True):
    """A body from outside that could not be used, kept as it came so that it can be replayed after a fix."""

    __tablename__ = "refused_delivery"

    id: int | None = Field(default=None, primary_key=True)
    source: str
    body: bytes = Field(sa_column=sa.Column(sa.LargeBinary, nullable=False))
    reason: str
    received_at: datetime = time_column(index=True)
