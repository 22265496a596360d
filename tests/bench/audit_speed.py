"""What the audit chain costs: a change with its entry against the bare change, and proving a long signed chain.

`AUDIT_ENTRIES=1000000 python -m tests.bench audit_speed` walks a million for real.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlmodel import Session

from deploy.sandbox.bot import REPOSITORY
from storage import audit, inbox
from storage.audit import Checkpoint, Link, checkpoints, keys
from storage.database import Database, migrate
from storage.tables import AuditCheckpoint, AuditEntry, AuditHead
from tests.bench.rows import Row, median, under
from tools.values import JsonValue

COMMITS = 200
ENTRIES = int(os.environ.get("AUDIT_ENTRIES", "200000"))
MILLION = 1_000_000
SIGNED_EVERY = 100
PAGE = 10_000
AT = datetime(2026, 11, 18, 12, tzinfo=UTC)
VERIFY = """
import sys, time
from pathlib import Path
from storage import audit
from storage.audit import keys
from storage.database import Database
database, believed = Database(sys.argv[1]), keys.read_public(Path(sys.argv[2]))
started = time.monotonic()
with database.reading() as session:
    report = audit.verify_all(session, believed=believed)
assert report.fault is None, report.fault
assert report.signed_to, report
seconds = time.monotonic() - started
peak = next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line)
print(report.entries, seconds, peak)
"""
"""The peak is the kernel's for this program alone: `ru_maxrss` would begin with that of the process that started it."""


def measure() -> Iterator[Row]:
    """Change by turns with and without an entry; then build a long chain and prove it in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="sayso-audit-") as folder:
        url, public = f"sqlite:///{Path(folder) / 'audit.sqlite'}", Path(folder) / "audit.pub"
        with closing(Database(url)) as database:
            migrate(database)
            yield _entry_against_none(database)
            key = Ed25519PrivateKey.generate()
            keys.publish(key, public)
            _lengthen(database, key, ENTRIES // 10)
            _, _, small = _verify(url, public)
            _lengthen(database, key, ENTRIES)
        entries, seconds, kib = _verify(url, public)
    scaled = "" if entries == MILLION else f", scaled from {entries:,} ({seconds:.2f} s)"
    how = f"a checkpoint every {SIGNED_EVERY}, in a fresh process{scaled}"
    yield Row("Audit verify, 1,000,000 entries", seconds * MILLION / entries, "s", how, under(40))
    how = f"{kib / 1024:.0f} MB at most for {entries:,} entries, {small / 1024:.0f} MB for {ENTRIES // 10:,}"
    yield Row("Audit verify, memory against a tenth of the entries", kib / small, "x", how, under(1.25))


def _entry_against_none(database: Database) -> Row:
    bare, chained = [], []
    for number in range(COMMITS):  # by turns: noise hits both
        bare.append(_timed(lambda n=number: _change(database, f"bare-{n}")))  # type: ignore[misc]
        chained.append(_timed(lambda n=number: _change_with_entry(database, f"chained-{n}")))  # type: ignore[misc]
    one, other = median(chained) * 1000, median(bare) * 1000
    how = f"one row committed {COMMITS} times each, by turns: {one:.2f} ms with an entry, {other:.2f} ms without"
    return Row("A change with its audit entry against the bare one", one / other, "x", how, under(1.5))


def _timed(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _change(database: Database, key: str) -> None:
    with database.writing() as session:
        inbox.accept(session, key, "bench", "{}", AT)


def _change_with_entry(database: Database, key: str) -> None:
    with database.writing() as session:
        inbox.accept(session, key, "bench", "{}", AT)
        payload: dict[str, JsonValue] = {"alert": "KubePodCrashLooping", "number": 7}
        audit.append(session, actor=audit.BOT, event="incident.joined", subject="incident:7", payload=payload, at=AT)


def _lengthen(database: Database, key: Ed25519PrivateKey, size: int) -> None:
    """More entries by the chain's own arithmetic, written in bulk: the appending itself has been measured."""
    with database.writing() as session:
        seq, head = audit.size(session)
        last = checkpoints.latest_checkpoint(session)
        while seq < size:
            links, signed = [], []
            for _ in range(min(PAGE, size - seq)):
                link = _next(seq, head)
                seq, head = link.seq, link.hash
                links.append(link)
                if seq % SIGNED_EVERY == 0:
                    last = checkpoints.sign(key, size=seq, head=head, after=last, at=AT)
                    signed.append(last)
            _write(session, links, signed)
        session.execute(sa.update(AuditHead).values(seq=seq, hash=head))


def _write(session: Session, links: list[Link], signed: list[Checkpoint]) -> None:
    session.execute(sa.insert(AuditEntry), [link._asdict() for link in links])
    if signed:
        session.execute(sa.insert(AuditCheckpoint), [one._asdict() for one in signed])


def _next(seq: int, head: str) -> Link:
    """About as long as an entry is on average: most are short, a proposed plan is long."""
    payload: dict[str, JsonValue] = {"alert": "KubePodCrashLooping", "number": seq, "note": "x" * 150}
    return audit.linked(
        seq=seq + 1,
        previous_hash=head,
        at=AT,
        actor=audit.BOT,
        event="incident.joined",
        subject=f"incident:{seq % 97}",
        payload=payload,
    )


def _verify(url: str, public: Path) -> tuple[int, float, int]:
    """Entries, seconds, and the process's largest size in KiB."""
    command = [sys.executable, "-c", VERIFY, url, str(public)]
    told = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    entries, seconds, kib = told.split()
    return int(entries), float(seconds), int(kib)
