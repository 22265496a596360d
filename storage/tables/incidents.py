"""Alerts, the incidents they belong to, and what looking into each found."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from storage.columns import json_column, time_column
from tools.evidence import Evidence, Proposal, Severity
from tools.subjects import Subject
from tools.values import Value


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
    labels: dict[str, str] = json_column(dict[str, str])
    annotations: dict[str, str] = json_column(dict[str, str])
    starts_at: datetime = time_column()
    ends_at: datetime | None = time_column(nullable=True)
    generator_url: str | None = None
    received_at: datetime = time_column()
    last_seen_at: datetime = time_column()
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
    subject: Subject | None = json_column(Subject | None, nullable=True)
    opened_at: datetime = time_column()
    resolved_at: datetime | None = time_column(nullable=True)
    channel: str
    looks: int = 1
    """How many investigations were started; each names its own durable run."""
    mind: Mind | None = json_column(Mind, nullable=True)
    """Which mind spoke; None until one has."""
    proposal: Proposal | None = json_column(Proposal, nullable=True)
    second: Proposal | None = json_column(Proposal, nullable=True)
    """What the rules alone would propose, where a model spoke."""
    evidence: tuple[Evidence, ...] | None = json_column(tuple[Evidence, ...], nullable=True)
    gaps: tuple[str, ...] | None = json_column(tuple[str, ...], nullable=True)
    remarks: tuple[str, ...] | None = json_column(tuple[str, ...], nullable=True)
    """What else people may want to know, beside the findings and the gaps."""
    advice: str | None = None
    note: str | None = None
    """The latest thing people should know, one line."""
