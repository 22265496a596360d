"""Calls that change the world, and the locks they are made under: taken once, settled once, all or none."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import Session, select

from storage import audit, executions, plans
from storage.database import Database
from storage.tables import Execution, ExecutionStatus, Phase, Plan, PlanStatus, ResourceLock
from tests.storage.samples import AT, a_plan, an_incident, rehearsal
from tools.evidence import Severity
from tools.previews import Rehearsal
from tools.subjects import KubernetesSubject

LATER = AT + timedelta(minutes=1)


@pytest.fixture
def planned(database: Database) -> Database:
    """A record with one incident and three plans."""
    with database.writing() as session:
        incident = an_incident(session).id or 0
        for number in range(1, 4):
            a_plan(session, incident, nonce=f"n-{number}")
    return database


def plan(session: Session, number: int = 1) -> Plan:
    return plans.get(session, number)


def intended(database: Database) -> str:
    with database.writing() as session:
        return executions.intend(session, plan(session), 0, Phase.APPLY, AT).key


def test_one_call_has_one_key_and_another_has_another(planned: Database) -> None:
    with planned.reading() as session:
        first, second = plan(session), plan(session, 2)
        keys = [
            executions.key_of(first, 0, Phase.APPLY),
            executions.key_of(first, 0, Phase.UNDO),
            executions.key_of(first, 1, Phase.APPLY),
            executions.key_of(second, 0, Phase.APPLY),
        ]
        again = executions.key_of(first, 0, Phase.APPLY)
        first.round = 2
        keys.append(executions.key_of(first, 0, Phase.APPLY))
        session.rollback()

    assert len(set(keys)) == 5
    assert again == keys[0]
    assert max(map(len, keys)) <= 64  # AWS takes client tokens of 64 characters


def test_an_intent_is_written_once(planned: Database) -> None:
    key = intended(planned)

    with planned.writing() as session:
        executions.take(session, key, "here")
        again = executions.intend(session, plan(session), 0, Phase.APPLY, LATER)

        assert (again.key, again.status, again.intended_at) == (key, ExecutionStatus.CALLING, AT)
        assert len(executions.of_plan(session, 1)) == 1


def test_one_of_sixteen_makes_the_call(planned: Database) -> None:
    key = intended(planned)

    def take(number: int) -> bool:
        with planned.writing() as session:
            return executions.take(session, key, f"process-{number}")

    with ThreadPoolExecutor(16) as pool:
        taken = list(pool.map(take, range(16)))

    with planned.reading() as session:
        (call,) = executions.of_plan(session, 1)
        assert sum(taken) == 1
        assert (call.status, call.owner) == (ExecutionStatus.CALLING, f"process-{taken.index(True)}")


def test_a_call_nobody_intended_cannot_be_taken(planned: Database) -> None:
    with planned.writing() as session:
        assert executions.take(session, "unheard-of", "here") is False


@pytest.mark.parametrize("first", ["done", "failed", "stale", "unknown"])
def test_a_settled_call_keeps_its_first_answer(planned: Database, first: str) -> None:
    key = intended(planned)
    with planned.writing() as session:
        executions.take(session, key, "here")
        executions.settle(session, key, ExecutionStatus(first), AT, after="{}", request="r-1", error="words")

        executions.settle(session, key, ExecutionStatus.DONE, LATER, after="[]", request="r-2", error=None)
        taken_again = executions.take(session, key, "there")

    with planned.reading() as session:
        (call,) = executions.of_plan(session, 1)
        assert (call.status, call.after, call.request, call.error) == (first, "{}", "r-1", "words")
        assert (call.finished_at, call.owner, taken_again) == (AT, "here", False)
        assert [entry.event for entry in audit.latest(session, 9, "plan:1")] == [
            f"execution.{first}",
            "execution.intended",
            "plan.pending",
        ]


def test_what_is_meant_and_what_became_of_it_are_on_record(planned: Database) -> None:
    key = intended(planned)
    with planned.writing() as session:
        executions.settle(session, key, ExecutionStatus.FAILED, AT, request="r-1", error="forbidden")

    with planned.reading() as session:
        settled, meant = (json.loads(entry.payload) for entry in audit.latest(session, 2))
        call = {"key": key, "step": 0, "phase": "apply"}
        assert meant == {**call, "target": "kubernetes:shop:Deployment:checkout", "before": '{"replicas":2}'}
        assert settled == {**call, "after": None, "request": "r-1", "error": "forbidden"}


def test_settling_from_sixteen_sides_leaves_one_answer_and_one_entry(planned: Database) -> None:
    key = intended(planned)

    def settle(number: int) -> None:
        with planned.writing() as session:
            executions.settle(session, key, ExecutionStatus.DONE, AT, request=f"r-{number}")

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(settle, range(16)))

    with planned.reading() as session:
        (call,) = executions.of_plan(session, 1)
        (entry, _, _) = audit.latest(session, 9, "plan:1")
        assert json.loads(entry.payload)["request"] == call.request


def test_calls_are_listed_in_the_order_they_were_meant(planned: Database) -> None:
    with planned.writing() as session:
        two = a_plan(session, 1, nonce="two steps", rehearsed=Rehearsal(steps=rehearsal().steps * 2))
        for step, phase, at in ((0, Phase.APPLY, AT), (1, Phase.APPLY, AT), (1, Phase.UNDO, LATER)):
            executions.intend(session, two, step, phase, at)
        executions.intend(session, plan(session, 2), 0, Phase.APPLY, AT)

        assert [(call.step, call.phase) for call in executions.of_plan(session, two.id or 0)] == [
            (0, "apply"),
            (1, "apply"),
            (1, "undo"),
        ]


def locks(session: Session) -> dict[str, int]:
    return {lock.resource: lock.plan_id for lock in session.exec(select(ResourceLock))}


@pytest.mark.parametrize(
    ("wanted", "holder", "held"),
    [
        (["c"], None, {"a": 1, "b": 1, "c": 2}),
        (["a"], 1, {"a": 1, "b": 1}),
        (["c", "b", "d"], 1, {"a": 1, "b": 1}),
        (["c", "c"], None, {"a": 1, "b": 1, "c": 2}),
        ([], None, {"a": 1, "b": 1}),
    ],
)
def test_locks_are_taken_all_or_none_and_the_holder_is_named(
    planned: Database, wanted: list[str], holder: int | None, held: dict[str, int]
) -> None:
    with planned.writing() as session:
        assert executions.take_locks(session, 1, ["a", "b"], AT) is None

        assert executions.take_locks(session, 2, wanted, AT) == holder

    with planned.reading() as session:
        assert locks(session) == held
        assert executions.has_locks(session, 2, wanted) is (holder is None)


def test_a_plan_may_take_its_own_locks_again_and_more(planned: Database) -> None:
    with planned.writing() as session:
        executions.take_locks(session, 1, ["a"], AT)

        assert executions.take_locks(session, 1, ["a", "b"], LATER) is None

        assert locks(session) == {"a": 1, "b": 1}


def test_what_one_plan_lets_go_another_may_have(planned: Database) -> None:
    with planned.writing() as session:
        executions.take_locks(session, 1, ["a", "b"], AT)
        executions.take_locks(session, 3, ["c"], AT)
        executions.release_locks(session, 1)

        assert executions.take_locks(session, 2, ["b", "a"], AT) is None

        assert locks(session) == {"a": 2, "b": 2, "c": 3}


def test_plans_that_want_overlapping_resources_at_once_never_share_one(planned: Database) -> None:
    """In both orders, so that one of two would wait for the other's second lock while holding its first."""
    wanted = {1: ["a", "b"], 2: ["b", "c"], 3: ["c", "a"]}

    def take(number: int) -> int | None:
        with planned.writing() as session:
            return executions.take_locks(session, number, wanted[number], AT)

    for _ in range(5):
        with ThreadPoolExecutor(3) as pool:
            holders = list(pool.map(take, (1, 2, 3)))

        winner = holders.index(None) + 1
        assert holders == [None if number == winner else winner for number in (1, 2, 3)]
        with planned.writing() as session:
            assert locks(session) == dict.fromkeys(wanted[winner], winner)
            executions.release_locks(session, winner)


def test_taking_locks_is_told_once(planned: Database) -> None:
    with planned.writing() as session:
        executions.take_locks(session, 1, ["b", "a"], AT)
        executions.take_locks(session, 1, ["a", "b"], LATER)
        executions.take_locks(session, 2, ["b", "c"], LATER)

    with planned.reading() as session:
        told = [(entry.subject, entry.payload) for entry in audit.latest(session, 9) if entry.event == "lock.taken"]
        assert told == [("plan:1", '{"resources":["a","b"]}')]


def approve(session: Session, *numbers: int) -> None:
    for number in numbers:
        plans.move(session, plan(session, number), PlanStatus.APPROVED, AT)


def test_the_most_severe_starts_first_then_the_oldest_and_one_for_each_target(database: Database) -> None:
    with database.writing() as session:
        severities = (Severity.SEV3, Severity.SEV1, Severity.SEV3, Severity.SEV2, Severity.SEV1)
        for number, severity in enumerate(severities, start=1):
            subject = KubernetesSubject(namespace="shop", deployment=f"d-{number}")
            incident = an_incident(session, fingerprint=f"d-{number}", severity=severity, subject=subject)
            target = "d-1" if number == 4 else f"d-{number}"
            a_plan(session, incident.id or 0, nonce=f"n-{number}", rehearsed=rehearsal(deployment=target))
        approve(session, 1, 2, 3, 4)

        assert executions.startable(session) == [2, 4, 3]
        assert executions.holding(session) == []


def test_what_holds_its_targets_or_waits_for_anothers_is_not_started_again(planned: Database) -> None:
    with planned.writing() as session:
        approve(session, 1, 2)
        executions.take_locks(session, 1, plans.targets(plan(session)), AT)

        assert executions.startable(session) == []
        assert [one.id for one in executions.holding(session)] == [1]


def test_what_cannot_start_just_now_keeps_its_approval_and_gets_another_run(planned: Database) -> None:
    with planned.writing() as session:
        approve(session, 1)
        executions.take_locks(session, 1, ["a"], AT)
        stale = plan(session)
        session.expunge(stale)

        postponed = [executions.postpone(session, one, "stopped", AT) for one in (plan(session), stale)]

        assert postponed == [True, False]
        assert (plan(session).status, plan(session).round, plan(session).outcome) == ("approved", 2, "stopped")
        assert locks(session) == {}
        assert [entry.event for entry in audit.latest(session, 1)] == ["plan.postponed"]


@pytest.mark.parametrize("status", [status for status in PlanStatus if status != PlanStatus.APPROVED])
def test_only_what_is_approved_is_postponed(planned: Database, status: PlanStatus) -> None:
    with planned.writing() as session:
        session.execute(sa.update(Plan).values(status=status))

        assert executions.postpone(session, plan(session), "stopped", AT) is False


def test_a_call_of_no_plan_is_not_written(database: Database) -> None:
    """A foreign key, on SQLite too."""
    stray = Execution(key="k", plan_id=9, step=0, phase=Phase.APPLY, status=ExecutionStatus.INTENDED, intended_at=AT)

    with pytest.raises(Exception, match=r"(?i)foreign key"), database.writing() as session:
        session.add(stray)
