"""Alerts, the incidents they belong to, and what looking into each found."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import sqlalchemy as sa
from pydantic import AwareDatetime
from sqlmodel import Field, SQLModel

from storage.columns import json_column, time_column
from tools.changes import Change
from tools.evidence import Evidence, Proposal, Severity
from tools.radius import BlastRadius
from tools.subjects import Subject
from tools.values import Value


class Mind(Value):
    """Who concluded: the rules alone (`model` is None), a model, or the rules because the model failed."""

    model: str | None = None
    calls: int = 0
    tokens: int = 0
    failure: str | None = None
    dollars: float | None = None
    """What the calls cost; None where the model's price is not known."""
    answered_by: str | None = None
    """The model that really answered, where the fallback stood in."""


class Likeness(Value):
    """Something on record that reads like an incident: `ref` is `INC-97` or a runbook's path."""

    kind: Literal["incident", "runbook"]
    ref: str
    title: str
    fix: str | None = None
    """What fixed it, where that is known."""
    matched: str
    """The words or the sentence in which the two agree."""
    url: str | None = None
    at: AwareDatetime | None = None


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
    identity: str = Field(default="", index=True)
    """The fingerprint without volatile labels (pod, instance, replica): the next pod's trouble has the same."""


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
    category: str | None = None
    """What kind of trouble it is, by rule: `saturation`, `errors`, `availability`, ..."""
    active_at: datetime = time_column()
    """When an alert last opened or joined it: a newer alert may join only for a while after."""
    flaps: int = 0
    """How often it came back within minutes of having cleared."""
    merged_into: int | None = Field(default=None, foreign_key="incident.id")
    """The incident that took over its alerts, where people (or a storm) put the two together."""
    changes: tuple[Change, ...] | None = json_column(tuple[Change, ...], nullable=True)
    """What changed around its onset, oldest first."""
    radius: BlastRadius | None = json_column(BlastRadius, nullable=True)
    seen_before: tuple[Likeness, ...] | None = json_column(tuple[Likeness, ...], nullable=True)
    """Past incidents and runbooks that read alike, best first."""


class Joining(SQLModel, table=True):
    """Why an alert is in the incident it is in. Taken back by a person, the pair is not put together again."""

    __tablename__ = "joining"

    id: int | None = Field(default=None, primary_key=True)
    alert_id: int = Field(foreign_key="alert.id", index=True)
    incident_id: int = Field(foreign_key="incident.id", index=True)
    identity: str = Field(index=True)
    """The alert's; a split is remembered by it."""
    anchor: str
    """The identity of the alert that opened the incident."""
    score: float
    reasons: tuple[str, ...] = json_column(tuple[str, ...])
    at: datetime = time_column()
    undone_at: datetime | None = time_column(nullable=True)
    undone_by: str | None = None


class Investigation(SQLModel, table=True):
    """One look into an incident: what was seen, raw enough to be judged again offline, and what was concluded."""

    __tablename__ = "investigation"
    __table_args__ = (sa.UniqueConstraint("incident_id", "look"),)

    id: int | None = Field(default=None, primary_key=True)
    incident_id: int = Field(foreign_key="incident.id")
    look: int
    started_at: datetime = time_column(index=True)
    finished_at: datetime = time_column()
    version: str
    """Of sayso."""
    mind: Mind = json_column(Mind)
    subject: Subject | None = json_column(Subject | None, nullable=True)
    picture: bytes | None = None
    """What the rules saw: the picture as JSON, compressed (zlib)."""
    proposal: Proposal = json_column(Proposal)
    evidence: tuple[Evidence, ...] = json_column(tuple[Evidence, ...])
    """All that was read, by the rules and by the model."""
    reads: tuple[str, ...] = json_column(tuple[str, ...])
    """Which reads the model asked for, in order: `k8s_pod_logs shop/web-1`."""
    dollars: float | None = None
    tokens: int = 0


class Feedback(SQLModel, table=True):
    """What a person thought of an investigation. The latest word of a person about a look counts."""

    __tablename__ = "feedback"
    __table_args__ = (sa.UniqueConstraint("incident_id", "look", "user_id"),)

    id: int | None = Field(default=None, primary_key=True)
    incident_id: int = Field(foreign_key="incident.id")
    look: int
    user_id: str
    verdict: str
    """`useful`, `not_useful` or `wrong_cause`."""
    reason: str | None = None
    at: datetime = time_column()


class Memory(SQLModel, table=True):
    """Something to be reminded of: a resolved incident or a runbook, as searchable text."""

    __tablename__ = "memory"
    __table_args__ = (sa.UniqueConstraint("kind", "ref"),)

    id: int | None = Field(default=None, primary_key=True)
    kind: str
    ref: str
    title: str
    service: str = ""
    body: str
    """Symptoms, cause and log templates, or a runbook's text; redacted."""
    fix: str | None = None
    url: str | None = None
    at: datetime = time_column()
    verified: bool = False
    """A person said that the cause was right."""
    digest: str
    """SHA-256 of what was indexed, so that it is indexed again only when it changes."""
    embedding: bytes | None = None
    """float32, little endian."""
    embedding_model: str | None = None
