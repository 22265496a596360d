"""What the audit chain costs: an entry against a bare commit of the same run, and verifying a long chain."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import Session

from deploy.sandbox.bot import REPOSITORY
from storage import audit, inbox
from storage.database import Database, migrate
from storage.tables import AuditEntry, AuditHead
from tests.bench.rows import Row, median
from tools.values import JsonValue

COMMITS = 200
ENTRIES = 100_000
AT = datetime(2026, 11, 18, 12, tzinfo=UTC)
VERIFY = """
import sys, time
from pathlib import Path
from storage import audit
from storage.database import Database
database = Database(sys.argv[1])
started = time.monotonic()
with database.reading() as session:
    report = audit.verify_all(session)
assert report.fault is None, report.fault
seconds = time.monotonic() - started
peak = next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line)
print(report.entries, seconds, peak)
"""
"""The peak is the kernel's for this program alone: `ru_maxrss` would begin with that of the process that started it."""


def measure() -> Iterator[Row]:
    """Append by turns with bare commits; then build a long chain and verify it in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="sayso-audit-") as folder:
        url = f"sqlite:///{Path(folder) / 'audit.sqlite'}"
        with closing(Database(url)) as database:
            migrate(database)
            yield _append_against_commit(database)
            _lengthen(database)
        entries, seconds, kib = _verify(url)
    how = f"{entries} entries, in a fresh process; {kib / 1024:.0f} MB at most"
    yield Row(f"Audit verify, {ENTRIES:,} entries", seconds, "s", how)


def _append_against_commit(database: Database) -> Row:
    bare, chained = [], []
    for number in range(COMMITS):  # by turns: noise hits both
        bare.append(_timed(lambda n=number: _write_row(database, n)))  # type: ignore[misc]
        chained.append(_timed(lambda n=number: _write_entry(database, n)))  # type: ignore[misc]
    one, other = median(chained) * 1000, median(bare) * 1000
    how = f"median of {COMMITS} each, by turns: {one:.1f} ms with an entry, {other:.1f} ms for one row without"
    return Row("Audit append against a bare commit", one / other, "x", how)


def _timed(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _write_row(database: Database, number: int) -> None:
    with database.writing() as session:
        inbox.accept(session, f"bare-{number}", "bench", "{}", AT)


def _write_entry(database: Database, number: int) -> None:
    with database.writing() as session:
        _append(session, number)


def _append(session: Session, number: int) -> AuditEntry:
    payload: dict[str, JsonValue] = {"alert": "KubePodCrashLooping", "number": number}
    return audit.append(session, actor=audit.BOT, event="incident.joined", subject="incident:7", payload=payload, at=AT)


def _lengthen(database: Database) -> None:
    """More entries by the chain's own arithmetic, written in bulk: the appending itself has been measured."""
    with database.writing() as session:
        head = session.get(AuditHead, 1)
        assert head is not None
        rows = []
        for seq in range(head.seq + 1, ENTRIES + 1):
            entry = _next(head, seq)
            head.seq, head.hash = seq, entry.hash
            rows.append(entry.model_dump())
        session.execute(sa.insert(AuditEntry), rows)
        session.add(head)


def _next(head: AuditHead, seq: int) -> AuditEntry:
    entry = AuditEntry(
        seq=seq,
        at=(AT - audit.EPOCH).days * 86_400_000_000 + seq,
        actor=audit.BOT,
        event="incident.joined",
        subject=f"incident:{seq % 97}",
        payload=f'{{"alert":"KubePodCrashLooping","number":{seq}}}',
        previous_hash=head.hash,
        hash="",
    )
    entry.hash = audit.digest(entry)
    return entry


def _verify(url: str) -> tuple[int, float, int]:
    """Entries, seconds, and the process's largest size in KiB."""
    command = [sys.executable, "-c", VERIFY, url]
    told = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    entries, seconds, kib = told.split()
    return int(entries), float(seconds), int(kib)
