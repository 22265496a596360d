"""Proving the record: one walk over entries, checkpoints and what witnesses outside say, in flat memory.

The chain shows an edit, an insertion, a deletion in the middle and a reordering. A signed checkpoint shows a chain that
was written anew behind an edit, and a cut below it. A mark from outside (a head once posted, an anchored copy, what the
signer remembers) shows what else was cut or written anew, even by somebody with the key. What none of them covers,
nothing shows: the report says up to which entry somebody vouches.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import sqlalchemy as sa
from sqlmodel import Session, col

from storage.audit.chain import GENESIS, Link, fault_of
from storage.audit.checkpoints import Checkpoint, all_checkpoints, is_signed
from storage.audit.keys import Believed
from storage.tables import AuditEntry, AuditHead
from tools.values import Value

PAGE = 5000
"""Entries read, and progress told, at a time."""
HASH = re.compile(r"[0-9a-f]{64}")
Progress = Callable[[int], None]


class Mark(NamedTuple):
    """What a witness outside says: entry `size` has a hash that begins with `head`."""

    size: int
    head: str
    witness: str
    """Who says so, in words that fit before "says"."""


class ChainFault(Value):
    """The first entry at which the record does not hold, and what is wrong with it."""

    seq: int
    fault: str


class ChainReport(Value):
    """What walking the record showed. `fault` is None when it holds."""

    entries: int
    """The number of the last entry that holds."""
    head: str
    fault: ChainFault | None = None
    first: int = 1
    """The number of the first entry looked at: above 1 for an export of a part."""
    checkpoints: int = 0
    signed_to: int | None = None
    """The entry the last proven checkpoint covers; None when none could be proven."""
    signed_at: int | None = None
    """When it was signed, in microseconds since the epoch."""
    marked_to: int | None = None
    """The last entry a witness outside agrees with."""
    newest_at: int | None = None
    """When the last entry was written, in microseconds since the epoch."""


def verify(
    record: Iterable[Link | Checkpoint],
    *,
    believed: Believed | None = None,
    marks: Iterable[Mark] = (),
    head: AuditHead | None = None,
    part: bool = False,
    progress: Progress | None = None,
) -> ChainReport:
    """Walk a record from its start (of a `part`: from wherever it begins) and name the first entry that does not hold.

    Checkpoints come behind the entry they cover, marks in the order of their sizes. Without `believed` keys, signatures
    are not looked at, and no checkpoint counts as proven.
    """
    walk = Walk(believed, marks, part=part)
    fault = walk.through(record, progress) or walk.end() or (walk.against_head(head) if head is not None else None)
    return walk.report(fault)


class Walk:
    """A walk in progress: where it is, and what vouches for the way so far.

    It begins at entry 1, or behind `base`, an entry known to be right, or (`part`) wherever an export of a part begins.
    `after` is the last checkpoint before that.
    """

    def __init__(
        self,
        believed: Believed | None = None,
        marks: Iterable[Mark] = (),
        *,
        base: tuple[int, str] = (0, GENESIS),
        after: Checkpoint | None = None,
        part: bool = False,
    ) -> None:
        self.seq, self.head = base
        self._believed, self._after, self._part = believed, after, part
        self._marks = (mark for mark in marks if mark.size > base[0])
        self._mark = next(self._marks, None)
        self._vouched = base[0]
        self._first: int | None = None
        self._checkpoints = 0
        self._signed: Checkpoint | None = None
        self._marked: int | None = None
        self._newest_at: int | None = None

    def through(self, record: Iterable[Link | Checkpoint], progress: Progress | None = None) -> ChainFault | None:
        """Walk on; the first fault."""
        for one in record:
            fault = self._entry(one) if isinstance(one, Link) else self._checkpoint(one)
            if fault is not None:
                return fault
            if progress is not None and self.seq % PAGE == 0:
                progress(self.seq)
        return None

    def end(self) -> ChainFault | None:
        """What witnesses outside know of entries behind the last one."""
        if self._mark is None:
            return None
        said = f"{self._mark.witness} says there is an entry {self._mark.size}, but the record ends at {self.seq}"
        return ChainFault(seq=self.seq + 1, fault=f"{said}: entries were cut off")

    def against_head(self, head: AuditHead) -> ChainFault | None:
        """Whether the walk ended where the database says the chain ends."""
        if (head.seq, head.hash) == (self.seq, self.head):
            return None
        fault = f"the chain ends at {self.seq}, but its head says {head.seq}: entries were cut off or added"
        return ChainFault(seq=self.seq + 1, fault=fault)

    def report(self, fault: ChainFault | None) -> ChainReport:
        """What was seen so far."""
        return ChainReport(
            entries=self.seq,
            head=self.head,
            fault=fault,
            first=self._first or 1,
            checkpoints=self._checkpoints,
            signed_to=None if self._signed is None else self._signed.size,
            signed_at=None if self._signed is None else self._signed.at,
            marked_to=self._marked,
            newest_at=self._newest_at,
        )

    def _entry(self, link: Link) -> ChainFault | None:
        if self._first is None:
            self._begin(link)
        fault = fault_of(link, self.seq + 1, self.head)
        if fault is not None:
            return ChainFault(seq=self.seq + 1, fault=fault)
        self.seq, self.head, self._newest_at = link.seq, link.hash, link.at
        return self._look_outside() if self._mark is not None and self._mark.size <= self.seq else None

    def _begin(self, link: Link) -> None:
        self._first = link.seq
        if self._part and HASH.fullmatch(link.previous_hash):
            self.seq = self._vouched = link.seq - 1
            self.head = link.previous_hash

    def _look_outside(self) -> ChainFault | None:
        while self._mark is not None and self._mark.size <= self.seq:
            if self._mark.size == self.seq and not self.head.startswith(self._mark.head):
                return self._rewritten(f"{self._mark.witness} says entry {self.seq} was another one")
            if self._mark.size == self.seq:
                self._marked = self._vouched = self.seq
            self._mark = next(self._marks, None)
        return None

    def _checkpoint(self, one: Checkpoint) -> ChainFault | None:
        follows, self._after = self._follows(one), one
        self._checkpoints += 1
        if one.size > self.seq:
            fault = f"entry {self.seq + 1} is missing: a checkpoint signed {one.size} entries"
            return ChainFault(seq=self.seq + 1, fault=fault)
        if one.size < self.seq or not follows:
            fault = "a checkpoint around here was removed, added, changed or reordered"
            return ChainFault(seq=max(one.size, 1), fault=fault)
        if one.head != self.head:
            return self._rewritten(f"the checkpoint at entry {one.size} signed another one")
        return None if self._believed is None else self._signature(one, self._believed)

    def _follows(self, one: Checkpoint) -> bool:
        if self._after is None:
            return one.previous == GENESIS or (self._part and self._first not in (None, 1))
        return one.previous == self._after.sha256

    def _signature(self, one: Checkpoint, believed: Believed) -> ChainFault | None:
        if is_signed(one, believed):
            self._signed, self._vouched = one, one.size
            return None
        other = "" if one.key_id in believed else f": it names the key {one.key_id}"
        fault = f"the checkpoint here was not signed by a key that is believed{other}"
        return ChainFault(seq=max(one.size, 1), fault=fault)

    def _rewritten(self, why: str) -> ChainFault:
        first = min(self._vouched + 1, max(self.seq, 1))
        where = f"an entry from {first} to {self.seq}"
        return ChainFault(seq=first, fault=f"{why}: {where} was changed, and the chain behind it written anew")


def verify_all(
    session: Session,
    *,
    believed: Believed | None = None,
    marks: Iterable[Mark] = (),
    progress: Progress | None = None,
) -> ChainReport:
    """Verify the stored record, entries and checkpoints, reading it in pages so that memory stays flat."""
    at_one_moment(session)
    head = session.get(AuditHead, 1)
    with _streamed(session) as record:
        report = verify(record, believed=believed, marks=marks, head=head, progress=progress)
    if head is None and report.fault is None:
        gone = ChainFault(seq=report.entries + 1, fault="the head of the chain was removed: entries may have been too")
        return report.model_copy(update={"fault": gone})
    return report


def at_one_moment(session: Session) -> None:
    """Let everything this session reads be of one moment: else an entry appended meanwhile looks like a fault.

    On SQLite it always is. To be called first in a reading transaction; a writing one keeps others from appending.
    """
    if session.get_bind().dialect.name == "postgresql" and not session.in_transaction():
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})


@contextmanager
def _streamed(session: Session) -> Iterator[Iterable[Link | Checkpoint]]:
    links, signed = stored(session), all_checkpoints(session)
    try:
        yield interleaved(links, signed)
    finally:  # also when the walk ends at a fault, half-way
        links.close()
        signed.close()


def stored(session: Session, first: int = 1, last: int | None = None) -> Generator[Link]:
    """The entries with these numbers as they are stored, a page in memory at a time."""
    columns = [getattr(AuditEntry, name) for name in Link._fields]
    query = sa.select(*columns).order_by(col(AuditEntry.seq)).execution_options(yield_per=PAGE)
    if first > 1:
        query = query.where(col(AuditEntry.seq) >= first)
    if last is not None:
        query = query.where(col(AuditEntry.seq) <= last)
    with session.execute(query) as result:
        for page in result.partitions():
            yield from map(Link._make, page)


def interleaved(links: Iterable[Link], checkpoints: Iterable[Checkpoint]) -> Iterator[Link | Checkpoint]:
    """Each checkpoint behind the entry it covers, both in the order they were written."""
    ahead = iter(checkpoints)
    waiting = next(ahead, None)
    for link in links:
        while waiting is not None and waiting.size < link.seq:
            yield waiting
            waiting = next(ahead, None)
        yield link
    while waiting is not None:
        yield waiting
        waiting = next(ahead, None)
