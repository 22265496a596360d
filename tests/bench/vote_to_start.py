"""From the vote that completes the agreement to the start of the remediation, on SQLite: both read from the record.

In between lie the transaction of the vote, the locks, the durable start, and every check of the claim. People are
looked up in the sandbox's workspace; the write itself costs nothing.
"""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from bot import approval
from bot.app import register_flows
from bot.desk import Desk, Patience
from bot.durable import Durable
from bot.policy.rulebook import Rulebook
from bot.views.ids import PlanReference
from deploy.sandbox.workspace import Workspace
from deploy.sandbox.workspace.directory import ALERTS, TEAM_ID
from storage import plans
from storage.database import Database
from storage.tables import Plan, PlanStatus, Verdict
from tests.bench.plans_per_second import idle_hands, unlimited, write_down
from tests.bench.rows import Row, median, percentile, under
from tests.bot.desks import ALICE, desk_of, shipped
from tests.storage.records import empty_sqlite

PLANS = 30
PATIENCE = 10.0


def measure() -> Iterator[Row]:
    """Approve one plan after the other."""
    with tempfile.TemporaryDirectory() as folder, Workspace() as workspace, idle_hands():
        url = f"sqlite:///{Path(folder) / 'sayso.sqlite'}"
        database = empty_sqlite(url)
        write_down(database, PLANS, environment="prod", status=PlanStatus.PENDING)
        durable = Durable(url, on_lost_presence=lambda: None)
        desk = _desk(database, durable, workspace)
        register_flows(durable, desk)
        durable.launch()
        times = [_approve(number + 1, desk) for number in range(PLANS)]
        durable.stop()
        database.close()
    how = f"{PLANS} plans on SQLite, p95 {percentile(times, 0.95):.0f} ms"
    yield Row("Vote to remediation start, median", median(times), "ms", how, under(100))


def _desk(database: Database, durable: Durable, workspace: Workspace) -> Desk:
    wired = desk_of(database, workspace, lambda: datetime.now(UTC), durable)  # type: ignore[arg-type]
    return dataclasses.replace(
        wired, rulebook=Rulebook(unlimited(shipped())), patience=Patience(verify=0, watch=0, poll=0)
    )


def _approve(number: int, desk: Desk) -> float:
    """Milliseconds from the click's arrival to the claim."""
    plan = _read(number, desk)
    clicked = datetime.now(UTC)
    approval.decide(_click(plan), desk)
    deadline = time.monotonic() + PATIENCE
    while (plan := _read(number, desk)).finished_at is None:
        if time.monotonic() > deadline:
            raise RuntimeError(f"P-{number} is {plan.status}: {plan.outcome}")
        time.sleep(0.01)
    assert plan.claimed_at is not None
    return (plan.claimed_at - clicked).total_seconds() * 1000


def _read(number: int, desk: Desk) -> Plan:
    with desk.database.reading() as session:
        return plans.get(session, number)


def _click(plan: Plan) -> approval.Click:
    reference = PlanReference(plan_id=f"P-{plan.id}", version=plan.version, digest=plan.digest[:16])
    return approval.Click(
        event_key=f"click-{plan.id}",
        user_id=ALICE,
        team_id=TEAM_ID,
        channel=ALERTS,
        reference=reference,
        verdict=Verdict.APPROVE,
    )
