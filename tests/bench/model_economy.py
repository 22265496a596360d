"""What a model is sent: tokens of the first request and of a whole scripted investigation, and long logs made short."""

from __future__ import annotations

import json
import random
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from storage.tables import Alert
from tests.bench.rows import Row, exactly, under
from tests.bot.investigation.economy import FIRST_REQUEST, WHOLE, Economy, of_account, of_cluster
from tests.tools.aws.pictures import busy_group, starved_service
from tests.tools.kubernetes.conftest import opened
from tests.tools.kubernetes.shop import SCENARIOS
from tools.clients import Readers
from tools.detection.reducing import reduce, tokens
from tools.reads.aws.views import Picture
from tools.reads.kubernetes.resolve import subject_of

AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
STORY = "1-missing-env"
LOG_BYTES = 150_000
REDUCED = 2000
HOW = "bytes on the wire / 3, which errs upwards; every tool schema in it"


def measure() -> Iterator[Row]:
    """The largest of three stories, then a log."""
    stories = [*_cluster(), *(of_account(picture, [_alert(picture.subject.alarm)]) for picture in _accounts())]
    yield Row("First model request, tokens", max(one.first for one in stories), "", HOW, under(FIRST_REQUEST))
    how = f"the dearest of {len(stories)} scripted stories"
    yield Row("Whole investigation by a model, tokens", max(one.whole for one in stories), "", how, under(WHOLE))
    lines, errors = _log()
    started = time.process_time()
    told = reduce(lines, REDUCED)
    spent = time.process_time() - started
    size = sum(len(line) + 1 for line in lines)
    how = f"{size / 1000:.0f} kB, {len(lines)} lines, in {spent:.2f} s"
    yield Row("A long log reduced, tokens", tokens(told), "", how, under(REDUCED))
    lost = [error for error in errors if error not in told]
    yield Row("Distinct errors lost in it", len(lost), "", f"of {len(errors)}", exactly(0))


def _cluster() -> Iterator[Economy]:
    alert = json.loads((SCENARIOS / STORY / "alert.json").read_text())
    subject = subject_of(alert["commonLabels"])
    assert subject is not None
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder)) as shop:
        shop.break_down(STORY)
        readers = Readers(kubernetes=shop.reader, aws=None)
        yield of_cluster(subject, [_alert(alert["commonLabels"]["alertname"])], readers, datetime.now(UTC))


def _accounts() -> tuple[Picture, ...]:
    return busy_group(), starved_service()


def _alert(name: str) -> Alert:
    return Alert(
        fingerprint="one",
        source="alertmanager",
        name=name,
        severity="sev2",
        status="firing",
        labels={"alertname": name},
        annotations={"summary": "it rings"},
        starts_at=AT,
        received_at=AT,
        last_seen_at=AT,
    )


def _log() -> tuple[list[str], list[str]]:
    """A service's log: chatter with ids and times in it, and a dozen errors that are each said differently."""
    chance = random.Random(4)
    errors = [f"ERROR {what} refused by {where}" for what in ("login", "payment", "refund") for where in ("ledger",)]
    errors += [f"ERROR cannot open {name}" for name in ("catalog.db", "prices.db", "stock.db")]
    errors += ["FATAL out of file descriptors", "ERROR certificate has expired", "ERROR deadlock detected"]
    lines: list[str] = []
    while sum(len(line) for line in lines) < LOG_BYTES:
        second, request = len(lines) // 7, chance.getrandbits(64)
        said = (
            chance.choice(errors) if chance.random() < 0.01 else f"INFO request {request:016x} took {request % 900} ms"
        )
        lines.append(f"2026-11-21T11:{second // 60 % 60:02}:{second % 60:02}Z {said}")
    return lines, [error for error in errors if any(error in line for line in lines)]
