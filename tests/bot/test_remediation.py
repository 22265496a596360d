"""Carrying out what was approved: what holds it off at the last moment, and what stops it half way."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.policy.rulebook import Rulebook
from bot.remediation import repair
from bot.remediation.calling import carry_out
from bot.remediation.claiming import claim
from bot.starting import run_id, start_if_free, start_waiting
from deploy.sandbox.workspace import Workspace
from policies.rules import Limit, Policy, compiled
from storage import audit, exceptions, executions, plans
from storage.database import Database
from storage.exceptions import Lever
from storage.tables import Phase, Plan, PlanStatus, ResourceLock
from tests.bench.plans_per_second import write_down
from tests.bot.desks import ALICE, BOB, BOTH, Bench, bench, shipped
from tests.bot.live_desks import LiveBench, live_bench
from tests.tools.kubernetes.wishes import RESTART
from tools.actions import RestartDeployment, ScaleDeployment
from tools.clients import Writers
from tools.previews import Observed
from tools.writes import WRITES
from tools.writes.write import Write

SCALE = ScaleDeployment(namespace="shop", deployment="web", replicas=3)
WEB = "kubernetes:shop:Deployment:web"


@pytest.fixture
def desk(database: Database, ws: Workspace, tmp_path: Path) -> Iterator[LiveBench]:
    ws.reset()
    with live_bench(database, ws, tmp_path) as made:
        yield made


@pytest.fixture
def approved(desk: LiveBench) -> Plan:
    """A plan of one step, approved and started, not yet claimed."""
    plan = desk.scaled(3)
    desk.vote(plan.id or 0, ALICE)
    return desk.plan()


def turn(desk: Bench, *, on: bool, reason: str | None = "looks wrong") -> None:
    with desk.database.writing() as session:
        exceptions.turn(session, Lever.STOP, on=on, by=BOB, reason=reason, at=desk.clock())


def hold(desk: Bench, plan_id: int) -> None:
    """Give the lock on `web` to another plan."""
    with desk.database.writing() as session:
        executions.release_locks(session, 1)
        session.add(ResourceLock(resource=WEB, plan_id=plan_id, taken_at=desk.clock()))


def error(desk: Bench, step: int = 0) -> str | None:
    with desk.database.reading() as session:
        return next(one.error for one in executions.of_plan(session, 1) if one.step == step)


def test_while_sayso_is_stopped_nothing_starts_and_afterwards_it_does(desk: LiveBench) -> None:
    turn(desk, on=True)
    desk.scaled(3)
    desk.vote(1, ALICE)
    start_waiting(desk.desk)
    started = list(desk.starts.all)
    turn(desk, on=False)

    start_waiting(desk.desk)

    assert started == []
    assert desk.starts.runs == {run_id(desk.plan())}
    assert desk.run(1) == PlanStatus.SUCCEEDED


def test_what_was_started_when_people_stopped_sayso_is_not_claimed_and_starts_again_later(
    desk: LiveBench, approved: Plan
) -> None:
    turn(desk, on=True)

    claimed = claim(1, run_id(approved), desk.desk)

    waits = desk.plan()
    assert claimed is None
    assert (waits.status, waits.outcome) == (PlanStatus.APPROVED, f"sayso was stopped by {BOB}: looks wrong")
    assert desk.replicas() == 2
    turn(desk, on=False)
    start_waiting(desk.desk)
    assert run_id(waits) in desk.starts.runs
    assert run_id(waits) != run_id(approved)
    assert desk.run(1) == PlanStatus.SUCCEEDED


def test_a_claim_takes_its_locks_or_waits_for_who_has_them(desk: LiveBench, approved: Plan) -> None:
    other = desk.ask().id or 0
    hold(desk, other)

    refused = claim(1, run_id(approved), desk.desk)
    waits = desk.plan()
    with desk.database.writing() as session:
        executions.release_locks(session, other)
    claimed = claim(1, run_id(waits), desk.desk)

    assert (refused, waits.status) == (None, PlanStatus.APPROVED)
    assert waits.outcome == f"P-{other} is at work on the same target"
    assert claimed is not None
    with desk.database.reading() as session:
        assert executions.has_locks(session, 1, [WEB])


def test_the_run_of_an_earlier_round_claims_nothing(desk: LiveBench, approved: Plan) -> None:
    with desk.database.writing() as session:
        session.execute(sa.update(Plan).values(round=2))

    assert claim(1, run_id(approved), desk.desk) is None
    assert desk.plan().status == PlanStatus.APPROVED


def test_a_plan_of_another_version_of_sayso_is_refused_at_the_claim(desk: LiveBench, approved: Plan) -> None:
    """A rolling upgrade: approved under the old version, and claimed by the new one, to which it may mean another."""
    with desk.database.writing() as session:
        canonical = approved.canonical.replace('"schema":"sayso.plan/', '"schema":"sayso.plan/0')
        session.execute(sa.update(Plan).values(canonical=canonical))

    claimed = claim(1, run_id(approved), desk.desk)

    refused = desk.plan()
    assert (claimed, refused.status) == (None, PlanStatus.STALE)
    assert "another version of sayso" in (refused.outcome or "")
    assert desk.replicas() == 2


def test_people_who_stop_sayso_stop_a_plan_between_its_steps_and_what_was_done_is_taken_back(desk: LiveBench) -> None:
    desk.propose(SCALE, RESTART)
    desk.vote(1, ALICE)
    claim(1, run_id(desk.plan()), desk.desk)
    first = carry_out(1, 0, Phase.APPLY, desk.desk)
    turn(desk, on=True)

    second = carry_out(1, 1, Phase.APPLY, desk.desk)
    back = carry_out(1, 0, Phase.UNDO, desk.desk)

    assert (first, second, back) == ("done", "stale", "done")
    assert error(desk, step=1) == f"sayso was stopped by {BOB}: looks wrong"
    assert desk.replicas() == 2


def test_a_call_is_not_made_without_its_lock(desk: LiveBench, approved: Plan) -> None:
    claim(1, run_id(approved), desk.desk)
    hold(desk, desk.ask().id or 0)

    ended = carry_out(1, 0, Phase.APPLY, desk.desk)

    assert (ended, desk.replicas()) == ("stale", 2)
    assert error(desk) == "its lock is gone: another plan may be at work there"


def test_a_call_that_was_only_meant_when_its_process_died_is_made_once(desk: LiveBench, approved: Plan) -> None:
    """As an older sayso left it too, which wrote the intent in a transaction of its own."""
    claim(1, run_id(approved), desk.desk)
    with desk.database.writing() as session:
        executions.intend(session, plans.get(session, 1), 0, Phase.APPLY, desk.clock())

    ended = [carry_out(1, 0, Phase.APPLY, desk.desk) for _ in range(2)]

    assert ended == ["done", "done"]
    assert len(desk.shop.effects()) == 1


def test_what_was_done_is_on_record_from_the_intent_to_the_answer(desk: LiveBench, approved: Plan) -> None:
    desk.run(1)

    with desk.database.reading() as session:
        entries = {one.event: json.loads(one.payload) for one in audit.latest(session, 100, "plan:1")}
    intended, done = entries["execution.intended"], entries["execution.done"]
    assert entries["lock.taken"] == {"resources": [WEB]}
    assert intended["key"] == done["key"]
    assert (json.loads(intended["before"]), json.loads(done["after"])) == ({"replicas": 2}, {"replicas": 3})


def test_what_no_run_works_on_any_more_is_left_to_people(desk: LiveBench, approved: Plan) -> None:
    claim(1, run_id(approved), desk.desk)
    over = dataclasses.replace(desk.desk, durable=_NobodyWorks())  # type: ignore[arg-type]

    repair(desk.desk)
    at_work = desk.plan().status
    repair(over)

    assert (at_work, desk.plan().status) == (PlanStatus.EXECUTING, PlanStatus.NEEDS_HUMAN)
    with desk.database.reading() as session:
        assert executions.has_locks(session, 1, [WEB]) is False


class _NobodyWorks:
    """Durable runs that all came to their end."""

    def is_over(self, run: str) -> bool:
        return True

    def start(self, name: str, run: str, *args: object) -> None:
        """Nobody comes."""


@BOTH
def test_of_plans_claimed_at_once_no_more_run_than_a_limit_allows(
    database: Database, ws: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All are looked at before any is claimed: only the claim's own transaction sees the others."""
    together = threading.Barrier(6)

    def check(action: RestartDeployment, approved: Observed, writers: Writers) -> Observed:
        together.wait(timeout=20)
        return approved

    hands: dict[type, Write[RestartDeployment]] = WRITES
    monkeypatch.setitem(hands, RestartDeployment, dataclasses.replace(hands[RestartDeployment], check=check))
    write_down(database, 6)
    with bench(database, ws) as made:
        desk = dataclasses.replace(made.desk, rulebook=Rulebook(_two_an_hour()), now=lambda: datetime.now(UTC))
        for number in range(1, 7):
            start_if_free(number, desk)

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda number: claim(number, run_id(made.plan(number)), desk), range(1, 7)))

        stand = sorted(made.plan(number).status for number in range(1, 7))
    assert stand == [PlanStatus.EXECUTING] * 2 + [PlanStatus.STALE] * 4


def _two_an_hour() -> Policy:
    wanted = {"id": "two", "applies_to": "any", "max": 2, "per": "1h", "by": (), "exceeded": "deny"}
    limit = Limit.model_validate(wanted)
    policy = shipped()
    return compiled(policy.file.model_copy(update={"limits": (limit,)}), policy.sha256, policy.catalogue)


def test_a_started_plan_is_started_again_after_a_crash_in_between(desk: LiveBench, approved: Plan) -> None:
    """The locks are taken and the process dies before the run is started: the id makes starting it again harmless."""
    desk.starts.all.clear()

    start_waiting(desk.desk)

    assert desk.starts.all == [("remediate", run_id(approved), (1, run_id(approved)))]
    with desk.database.reading() as session:
        assert plans.get(session, 1).status == PlanStatus.APPROVED
