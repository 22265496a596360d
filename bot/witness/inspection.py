"""Whether the record still is what was signed before: asked each time before it is signed again."""

from __future__ import annotations

from contextlib import closing

from sqlmodel import Session

from bot.witness.memory import Memory, Remembered
from storage.audit import GENESIS, Checkpoint, checkpoints, proof, size
from storage.audit.entries import hash_at
from storage.audit.keys import Believed, KeyFault
from storage.tables import AuditHead
from tools.values import Value


class Refusal(Value):
    """Why the record is not signed: the first entry concerned, and what is wrong there."""

    kind: str
    """`memory`, `cut`, `changed` or `chain`: each is told once."""
    seq: int
    fault: str


def objection(session: Session, memory: Memory, believed: Believed) -> Refusal | None:
    """What is wrong with the record since what was signed last, by this signer if it remembers, else by anybody."""
    try:
        seen = memory.load()
    except KeyFault as error:
        return Refusal(kind="memory", seq=1, fault=str(error))
    number = checkpoints.last_id(session) if seen is None else seen.checkpoint
    signed = None if number is None else checkpoints.checkpoint(session, number)
    if seen is not None and (signed is None or signed.signature != seen.signature):
        return _removed(session, seen)
    if signed is None:
        return _walk(session, (0, GENESIS), None, 0, believed)
    if seen is None and not checkpoints.is_signed(signed, believed):
        return Refusal(kind="chain", seq=max(signed.size, 1), fault="the last checkpoint is not ours")
    return _moved(session, signed) or _walk(session, (signed.size, signed.head), signed, number or 0, believed)


def _removed(session: Session, seen: Remembered) -> Refusal:
    here = size(session)[0]
    if here < seen.size:
        return _cut(here, seen.size)
    fault = f"the checkpoint that signed the first {seen.size} entries was removed or changed"
    return Refusal(kind="changed", seq=max(seen.size, 1), fault=fault)


def _moved(session: Session, signed: Checkpoint) -> Refusal | None:
    """Whether what was signed is no longer there, or another."""
    here = size(session)[0]
    if here < signed.size:
        return _cut(here, signed.size)
    if signed.size and hash_at(session, signed.size) != signed.head:
        fault = f"an entry up to {signed.size} was changed after it was signed, and the chain behind it written anew"
        return Refusal(kind="changed", seq=signed.size, fault=fault)
    return None


def _cut(here: int, signed: int) -> Refusal:
    fault = f"the record ends at entry {here}, but {signed} entries were signed: some were cut off"
    return Refusal(kind="cut", seq=here + 1, fault=fault)


def _walk(
    session: Session, base: tuple[int, str], after: Checkpoint | None, behind: int, believed: Believed
) -> Refusal | None:
    """The way from what was signed before to the end."""
    walk = proof.Walk(believed, base=base, after=after)
    with (
        closing(proof.stored(session, base[0] + 1)) as links,
        closing(checkpoints.all_checkpoints(session, behind)) as signed,
    ):
        fault = walk.through(proof.interleaved(links, signed)) or walk.against_head(session.get_one(AuditHead, 1))
    return None if fault is None else Refusal(kind="chain", seq=fault.seq, fault=fault.fault)
