"""The audit chain: entries, its end, and its signed checkpoints."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from storage.columns import time_column


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
    anchored_at: datetime | None = time_column(nullable=True)
    """When a copy was put outside this database."""
