"""Checkpoints: the chain up to an entry, signed, each naming the one before. Making, proving and keeping them.

A checkpoint signs these five lines, joined by newlines: `sayso.audit.v1`, the number of entries, the last one's hash,
the SHA-256 of the checkpoint before (of its five lines; 64 zeros for the first) and the time in microseconds. When to
sign, and when to refuse to, is `bot.witness`'s.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.audit.chain import GENESIS, microseconds
from storage.audit.keys import Believed, key_id
from storage.tables import AuditCheckpoint

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ORIGIN = "sayso.audit.v1"
PAGE = 2000


class Checkpoint(NamedTuple):
    """One signature over the first `size` entries, of which the last has the hash `head`."""

    size: int
    head: str
    previous: str
    at: int
    key_id: str
    signature: str

    @property
    def body(self) -> bytes:
        """What is signed."""
        return "\n".join((ORIGIN, str(self.size), self.head, self.previous, str(self.at))).encode()

    @property
    def sha256(self) -> str:
        """What the next checkpoint calls this one."""
        return hashlib.sha256(self.body).hexdigest()


def sign(key: Ed25519PrivateKey, *, size: int, head: str, after: Checkpoint | None, at: datetime) -> Checkpoint:
    """The next checkpoint."""
    previous = GENESIS if after is None else after.sha256
    unsigned = Checkpoint(size, head, previous, microseconds(at), key_id(key.public_key()), "")
    return unsigned._replace(signature=key.sign(unsigned.body).hex())


def is_signed(checkpoint: Checkpoint, believed: Believed) -> bool:
    """Whether one of these keys signed it."""
    from cryptography.exceptions import InvalidSignature

    key = believed.get(checkpoint.key_id)
    if key is None:
        return False
    try:
        signature = bytes.fromhex(checkpoint.signature)
        key.verify(signature, checkpoint.body)
    except (InvalidSignature, ValueError):
        return False
    return signature.hex() == checkpoint.signature  # one signature has one spelling


def keep(session: Session, checkpoint: Checkpoint, behind: int | None) -> int | None:
    """Write it down, unless another was written since the one with the id `behind`: its own id, or None."""
    if last_id(session) != behind:
        return None
    row = AuditCheckpoint(**checkpoint._asdict())
    session.add(row)
    session.flush()
    return row.id


def last_id(session: Session) -> int | None:
    """The id of the newest checkpoint."""
    return session.exec(select(sa.func.max(AuditCheckpoint.id))).one()


def latest_checkpoint(session: Session) -> Checkpoint | None:
    """The newest checkpoint."""
    row = session.exec(select(AuditCheckpoint).order_by(col(AuditCheckpoint.id).desc()).limit(1)).first()
    return None if row is None else _value(row)


def checkpoint(session: Session, number: int) -> Checkpoint | None:
    """The checkpoint with this id."""
    row = session.get(AuditCheckpoint, number)
    return None if row is None else _value(row)


def all_checkpoints(session: Session, above: int = 0) -> Generator[Checkpoint]:
    """Every checkpoint with a higher id than `above`, in the order they were written, a page in memory at a time."""
    columns = [getattr(AuditCheckpoint, name) for name in Checkpoint._fields]
    query = sa.select(*columns).where(col(AuditCheckpoint.id) > above).order_by(col(AuditCheckpoint.id))
    with session.execute(query.execution_options(yield_per=PAGE)) as result:
        for row in result:
            yield Checkpoint(*row)


def not_anchored(session: Session) -> list[tuple[int, Checkpoint]]:
    """Checkpoints of which no copy is outside yet, with their ids, oldest first."""
    query = select(AuditCheckpoint).where(col(AuditCheckpoint.anchored_at).is_(None)).order_by(col(AuditCheckpoint.id))
    return [(row.id or 0, _value(row)) for row in session.exec(query)]


def anchored_to(session: Session) -> int:
    """How many entries have a copy outside."""
    anchored = select(sa.func.max(AuditCheckpoint.size)).where(col(AuditCheckpoint.anchored_at).is_not(None))
    return session.exec(anchored).one() or 0


def anchored(session: Session, up_to: int, at: datetime) -> None:
    """Copies of the checkpoints up to this id are outside now."""
    fresh = (col(AuditCheckpoint.anchored_at).is_(None), col(AuditCheckpoint.id) <= up_to)
    session.execute(sa.update(AuditCheckpoint).where(*fresh).values(anchored_at=at))


def _value(row: AuditCheckpoint) -> Checkpoint:
    return Checkpoint(row.size, row.head, row.previous, row.at, row.key_id, row.signature)
