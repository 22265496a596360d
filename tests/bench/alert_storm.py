"""5,000 alerts in 60 seconds through the Alertmanager webhook: groups of five, most of them repeats, from four senders.

What was recorded is read from the database, how long the webhook took from the senders, memory from the kernel.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlmodel import func, select

from deploy.sandbox.bot import BotProcess
from deploy.sandbox.laptop import WEBHOOK_TOKEN, Laptop
from storage.database import Database
from storage.tables import Alert, Incident
from tests.bench.machine import resident_mb
from tests.bench.rows import Row, exactly, percentile, under
from tests.bench.world import QUICK
from tools.values import JsonObject, JsonValue

SECONDS = 60.0
GROUP = 5
"""Alerts in one delivery."""
WORKLOADS = 40
PODS = 25
"""Different alerts of one workload: they share a cause, so they share an incident."""
TIMES = 5
"""How often each alert is sent."""
ALERTS = WORKLOADS * PODS * TIMES
SENDERS = 4


@dataclass(frozen=True)
class Answered:
    """One delivery: when it was due, what was answered, and how long that took."""

    late: float
    seconds: float
    status: int
    folded: int


def measure() -> Iterator[Row]:
    """Send the storm, and count what arrived."""
    with Laptop(cloud=False) as laptop, laptop.bot(**QUICK) as bot:
        laptop.driver.wait_for_app()
        before = resident_mb(bot.pid)
        answers = _send(bot)
        took = max(one.late for one in answers)
        after = resident_mb(bot.pid)
        with closing(Database(laptop.environment()["DATABASE_URL"])) as database:
            yield from _rows(answers, database, took)
    yield Row("Alert storm: bot memory after it", after, "MB", f"VmRSS of the process; {before:.0f} MB before")


def _rows(answers: list[Answered], database: Database, late: float) -> Iterator[Row]:
    distinct, received, incidents = _recorded(database)
    accepted = sum(one.status == 202 for one in answers)
    sent = (
        f"{len(answers)} deliveries of {GROUP} in {SECONDS:.0f} s, {accepted} taken; none sent over {late:.1f} s late"
    )
    yield Row("Alert storm: alerts recorded", received, "", sent, exactly(ALERTS))
    told = sum(one.folded for one in answers)
    folded = f"{distinct} rows for {WORKLOADS * PODS} different alerts; the webhook said it folded {told}"
    yield Row("Alert storm: repeats folded", received - distinct, "", folded, exactly(ALERTS - WORKLOADS * PODS))
    yield Row("Alert storm: incidents", incidents, "", f"of {WORKLOADS} workloads; a storm is one", under(WORKLOADS))
    times = [one.seconds * 1000 for one in answers]
    spread = f"p50 {percentile(times, 0.5):.0f} ms, slowest {max(times):.0f} ms"
    yield Row("Alert storm: webhook p99", percentile(times, 0.99), "ms", spread)


def _recorded(database: Database) -> tuple[int, int, int]:
    """Different alerts, alerts received in all, and incidents, as the record has them."""
    with database.reading() as session:
        distinct, received = session.exec(select(func.count(), func.sum(Alert.times)).select_from(Alert)).one()
        return distinct, received, session.exec(select(func.count()).select_from(Incident)).one()


def _send(bot: BotProcess) -> list[Answered]:
    """Everything, in time; each sender takes the next delivery that is due."""
    deliveries = list(enumerate(_deliveries(datetime.now(UTC).isoformat())))
    due, lock, started = iter(deliveries), threading.Lock(), time.monotonic()

    def sender(_: int) -> list[Answered]:
        import httpx

        answers: list[Answered] = []
        headers = {"Authorization": f"Bearer {WEBHOOK_TOKEN}"}
        with httpx.Client(base_url=bot.url, headers=headers, trust_env=False, timeout=30) as http:
            while True:
                with lock:
                    number, body = next(due, (0, None))
                if body is None:
                    return answers
                when = started + number * SECONDS / len(deliveries)
                time.sleep(max(0.0, when - time.monotonic()))
                begun = time.monotonic()
                answer = http.post("/webhooks/alertmanager", json=body)
                done = time.monotonic()
                folded = int(answer.json().get("folded", 0))
                answers.append(Answered(begun - when, done - begun, answer.status_code, folded))

    with ThreadPoolExecutor(SENDERS) as senders:
        return [one for own in senders.map(sender, range(SENDERS)) for one in own]


def _deliveries(started: str) -> Iterator[JsonObject]:
    """Every alert `TIMES` times, a round after the other, in groups of one workload as Alertmanager makes them."""
    for _ in range(TIMES):
        for first in range(0, PODS, GROUP):
            for workload in range(WORKLOADS):
                yield _delivery(workload, range(first, first + GROUP), started)


def _delivery(workload: int, pods: range, started: str) -> JsonObject:
    name = f"load-{workload}"
    common: dict[str, JsonValue] = {
        "alertname": "KubePodNotReady",
        "namespace": "shop",
        "severity": "warning",
        "deployment": name,
        "env": "prod",
    }
    alerts: list[JsonValue] = [
        {
            "status": "firing",
            "labels": {**common, "service": name, "pod": f"{name}-{pod:05d}"},
            "annotations": {"summary": f"{name} has pods that are not ready"},
            "startsAt": started,
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://prometheus.example.com/graph",
            "fingerprint": f"{workload:08x}{pod:08x}",
        }
        for pod in pods
    ]
    return {
        "receiver": "sayso",
        "status": "firing",
        "alerts": alerts,
        "groupLabels": {"alertname": "KubePodNotReady", "deployment": name},
        "commonLabels": common,
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example.com",
        "version": "4",
        "groupKey": f'{{}}:{{alertname="KubePodNotReady", deployment="{name}"}}',
        "truncatedAlerts": 0,
    }
