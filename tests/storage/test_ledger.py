"""The ledger: what is entered once, what a record counts, and what ends one."""

from __future__ import annotations

import itertools
import json
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, select

from storage import audit, ledger
from storage.database import Database
from storage.tables import Incident, Outcome, Plan, PlanStatus, Result
from tests.policies.samples import facts, shipped
from tests.storage.samples import AT, a_plan, an_incident, decision

SCALE = "k8s.scale_deployment"
MINUTE = timedelta(minutes=1)
NUMBERS = itertools.count(1)
GOOD, UNDONE, NO = Result.VERIFIED, Result.UNDONE, Result.OVERRIDDEN


def ran(session: Session, *, actions: int = 1, differs: dict[str, str] | None = None) -> Plan:
    """A plan that scales checkout in production, with what differs in its facts."""
    about = {"action": SCALE, "service": "checkout", **(differs or {})}
    judged = tuple(facts(shipped(), **about) for _ in range(actions))
    incident = session.exec(select(Incident.id)).one() or 0
    return a_plan(session, incident, nonce=f"run-{next(NUMBERS)}", decided=decision(facts=judged))


def after(session: Session, *results: Result, start: datetime = AT) -> datetime:
    """One plan for each of these results, a minute after the other. Returns the minute after."""
    for number, result in enumerate(results):
        ledger.remember(session, ran(session), result, start + number * MINUTE)
    return start + len(results) * MINUTE


@pytest.mark.parametrize(
    ("results", "verified", "undone", "overridden"),
    [
        ([], 0, 0, 0),
        ([GOOD], 1, 0, 0),
        ([GOOD, GOOD, GOOD], 3, 0, 0),
        ([GOOD, GOOD, UNDONE], 0, 1, 0),
        ([GOOD, GOOD, NO], 0, 0, 1),
        ([GOOD, UNDONE, GOOD, GOOD], 2, 1, 0),
        ([UNDONE, GOOD, NO, GOOD], 1, 1, 1),
        ([UNDONE, NO, UNDONE], 0, 2, 1),
    ],
)
def test_a_record_counts_what_was_verified_since_the_last_loss(
    database: Database, results: list[Result], verified: int, undone: int, overridden: int
) -> None:
    with database.writing() as session:
        an_incident(session)
        now = after(session, *results)

        found = ledger.standing(session, SCALE, "checkout", "prod", now)

    assert (found.verified, found.undone, found.overridden) == (verified, undone, overridden)
    assert (found.lost_at is not None) is bool(undone or overridden)


@pytest.mark.parametrize(
    "other", [{"service": "web"}, {"env": "staging"}, {"action": "k8s.set_image"}, {"namespace": "elsewhere"}]
)
def test_a_record_belongs_to_one_kind_of_action_on_one_service_in_one_environment(
    database: Database, other: dict[str, str]
) -> None:
    with database.writing() as session:
        an_incident(session)
        ledger.remember(session, ran(session), GOOD, AT)
        ledger.remember(session, ran(session, differs=other), UNDONE, AT + MINUTE)

        found = ledger.standing(session, SCALE, "checkout", "prod", AT + MINUTE)

    same = set(other) <= {"namespace"}
    assert (found.verified, found.undone) == ((0, 1) if same else (1, 0))


@pytest.mark.parametrize(("within", "verified"), [(None, 3), (timedelta(days=30), 2), (timedelta(days=5), 1)])
def test_only_what_was_verified_lately_counts_where_that_is_asked(
    database: Database, within: timedelta | None, verified: int
) -> None:
    with database.writing() as session:
        an_incident(session)
        for ago in (timedelta(days=30), timedelta(days=30) - MINUTE, MINUTE):
            ledger.remember(session, ran(session), GOOD, AT - ago)

        assert ledger.standing(session, SCALE, "checkout", "prod", AT, within).verified == verified


def test_an_old_loss_still_ends_what_came_before_it(database: Database) -> None:
    with database.writing() as session:
        an_incident(session)
        after(session, GOOD, UNDONE, GOOD, start=AT - timedelta(days=60))

        found = ledger.standing(session, SCALE, "checkout", "prod", AT, timedelta(days=90))

    assert found.verified == 1


def test_what_happens_later_is_not_known_yet(database: Database) -> None:
    with database.writing() as session:
        an_incident(session)
        after(session, GOOD, GOOD, UNDONE)

        assert ledger.standing(session, SCALE, "checkout", "prod", AT + MINUTE).verified == 2


def test_a_loss_in_the_same_moment_counts_as_later(database: Database) -> None:
    with database.writing() as session:
        an_incident(session)
        ledger.remember(session, ran(session), UNDONE, AT)
        ledger.remember(session, ran(session), GOOD, AT)

        assert ledger.standing(session, SCALE, "checkout", "prod", AT).verified == 0


def test_a_plan_that_does_a_thing_five_times_over_proves_it_once(database: Database) -> None:
    with database.writing() as session:
        an_incident(session)
        ledger.remember(session, ran(session, actions=5), GOOD, AT)

        assert ledger.standing(session, SCALE, "checkout", "prod", AT).verified == 1
        assert len(session.exec(select(Outcome)).all()) == 5


def test_said_again_it_changes_nothing(database: Database) -> None:
    with database.writing() as session:
        an_incident(session)
        plan = ran(session, actions=2)
        ledger.remember(session, plan, GOOD, AT)
        ledger.remember(session, plan, UNDONE, AT + MINUTE)

        ledger.remember(session, plan, GOOD, AT + 2 * MINUTE)
        ledger.remember(session, plan, UNDONE, AT + 2 * MINUTE)

        rows = session.exec(select(Outcome).order_by(sa.text("id"))).all()
        found = ledger.standing(session, SCALE, "checkout", "prod", AT + 2 * MINUTE)
    assert [(row.step, row.result) for row in rows] == [(0, GOOD), (1, GOOD), (0, UNDONE), (1, UNDONE)]
    assert found.verified == 0
    assert len(lost(database)) == 1


def test_the_record_itself_refuses_the_same_outcome_twice(database: Database) -> None:
    with database.writing() as session:
        an_incident(session)
        plan = ran(session)
        ledger.remember(session, plan, GOOD, AT)
        row = session.exec(select(Outcome)).one().model_dump(exclude={"id"})
        session.add(Outcome.model_validate(row))

        with pytest.raises(sa.exc.IntegrityError):
            session.flush()
        session.rollback()


def test_a_plan_that_takes_another_back_earns_and_loses_nothing(database: Database) -> None:
    with database.writing() as session:
        an_incident(session)
        after(session, GOOD)
        undo = ran(session)
        undo.undoes = 1

        ledger.remember(session, undo, GOOD, AT + MINUTE)
        ledger.remember(session, undo, NO, AT + MINUTE)

        assert ledger.standing(session, SCALE, "checkout", "prod", AT + MINUTE).verified == 1


@pytest.mark.parametrize(
    ("end", "results"),
    [
        (PlanStatus.SUCCEEDED, [GOOD]),
        (PlanStatus.ROLLED_BACK, [UNDONE]),
        (PlanStatus.ROLLBACK_FAILED, [UNDONE]),
        (PlanStatus.NEEDS_HUMAN, [UNDONE]),
        (PlanStatus.FAILED, []),
        (PlanStatus.STALE, []),
        (PlanStatus.EXPIRED, []),
    ],
)
def test_the_end_of_a_plan_says_what_is_entered(database: Database, end: PlanStatus, results: list[Result]) -> None:
    with database.writing() as session:
        an_incident(session)
        plan = ran(session)
        plan.status = end

        ledger.close(session, plan, AT)

        assert [row.result for row in session.exec(select(Outcome))] == results


def lost(database: Database) -> list[tuple[str, dict[str, object]]]:
    """Who ended a record, and what the audit tells of it, oldest first."""
    with database.reading() as session:
        entries = [entry for entry in reversed(audit.latest(session, 1000)) if entry.event == "ledger.lost"]
    return [(entry.actor, json.loads(entry.payload)) for entry in entries]


def test_losing_a_record_is_told_once_with_what_was_lost_and_by_whom(database: Database) -> None:
    with database.writing() as session:
        an_incident(session)
        now = after(session, GOOD, GOOD, GOOD)
        ledger.remember(session, ran(session, actions=2), NO, now, actor="U0BOB00001")
        ledger.remember(session, ran(session), UNDONE, now + MINUTE)

    told = {"action": SCALE, "service": "checkout", "environment": "prod", "verified_before": 3, "result": "overridden"}
    assert lost(database) == [("U0BOB00001", told)]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(results=st.lists(st.sampled_from(Result), max_size=8))
def test_a_record_is_the_length_of_the_last_run_of_good_outcomes(database: Database, results: list[Result]) -> None:
    with database.writing() as session:
        an_incident(session)
        now = after(session, *results)

        found = ledger.standing(session, SCALE, "checkout", "prod", now).verified
        session.rollback()

    assert found == len(list(itertools.takewhile(lambda result: result is GOOD, reversed(results))))
