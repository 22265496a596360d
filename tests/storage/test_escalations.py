"""Escalation steps as rows: written once a round, due only while the plan waits, taken once, dropped when answered."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlmodel import select

from storage import escalations, plans
from storage.database import Database
from storage.escalations import PlannedStep
from storage.tables import Escalation, Nudge, Plan, PlanStatus
from tests.storage.samples import AT, a_plan, an_incident, decision

LATER = AT + timedelta(minutes=5)
STEPS = [
    PlannedStep(nudge=Nudge.NOTIFY, groups=("owner",), due_at=AT),
    PlannedStep(nudge=Nudge.WIDEN, groups=("sre-leads",), due_at=LATER),
]


@pytest.fixture
def plan(database: Database) -> Plan:
    """A plan with two steps ahead of it."""
    with database.writing() as session:
        made = a_plan(session, an_incident(session).id or 0)
        escalations.plan_ahead(session, made, STEPS)
        return made


def all_of(database: Database) -> list[Escalation]:
    with database.reading() as session:
        return list(session.exec(select(Escalation).order_by(Escalation.id)))  # type: ignore[arg-type]


def test_a_round_gets_its_steps_once(database: Database, plan: Plan) -> None:
    with database.writing() as session:
        escalations.plan_ahead(session, plan, STEPS)

    assert [(one.nudge, one.groups) for one in all_of(database)] == [
        (Nudge.NOTIFY, ("owner",)),
        (Nudge.WIDEN, ("sre-leads",)),
    ]


def test_a_step_is_due_from_its_moment_on(database: Database, plan: Plan) -> None:
    with database.reading() as session:
        due = [
            [one.nudge for one in escalations.due(session, at)]
            for at in (AT - timedelta(seconds=1), AT, LATER - timedelta(seconds=1), LATER)
        ]

    assert due == [[], [Nudge.NOTIFY], [Nudge.NOTIFY], [Nudge.NOTIFY, Nudge.WIDEN]]


def test_a_step_is_taken_once_however_many_try(database: Database, plan: Plan) -> None:
    step = all_of(database)[0]

    def take(_: int) -> bool:
        with database.writing() as session:
            return escalations.take(session, step, AT)

    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(take, range(8)))

    assert sum(taken) == 1


def test_only_what_was_done_widens(database: Database, plan: Plan) -> None:
    widen = all_of(database)[1]
    with database.writing() as session:
        before = escalations.widened(session, plan)
        escalations.take(session, widen, LATER)
        after = escalations.widened(session, plan)

    assert (before, after) == (frozenset(), frozenset({"sre-leads"}))


@pytest.mark.parametrize("late", [0, 30], ids=["before it was due", "after it was due"])
def test_an_answer_ends_what_has_not_happened_yet_and_widens_nothing(database: Database, plan: Plan, late: int) -> None:
    at = LATER + timedelta(minutes=late) - timedelta(minutes=1)
    with database.writing() as session:
        plans.move(session, plans.get(session, plan.id or 0), PlanStatus.APPROVED, at, decided_at=at)

    with database.reading() as session:
        assert escalations.due(session, LATER + timedelta(hours=1)) == []
        assert escalations.widened(session, plan) == frozenset()
    assert [(one.done_at, one.groups) for one in all_of(database)] == [(at, ()), (at, ())]


def test_people_asked_anew_get_steps_of_their_own(database: Database, plan: Plan) -> None:
    with database.writing() as session:
        again = plans.get(session, plan.id or 0)
        asked_before = escalations.unplanned(session)
        plans.ask_anew(session, again, decision(), LATER, why="policy became stricter")
        unplanned = [one.id for one in escalations.unplanned(session)]
        escalations.plan_ahead(session, again, [STEPS[1].model_copy(update={"due_at": LATER})])

    assert (asked_before, unplanned) == ([], [plan.id])
    with database.reading() as session:
        assert [(one.round, one.nudge) for one in escalations.due(session, LATER)] == [(2, Nudge.WIDEN)]


def test_a_widening_stays_when_people_are_asked_anew(database: Database, plan: Plan) -> None:
    with database.writing() as session:
        escalations.take(session, all_of(database)[1], LATER)
        again = plans.get(session, plan.id or 0)
        plans.ask_anew(session, again, decision(), LATER, why="policy became stricter")

        assert escalations.widened(session, again) == frozenset({"sre-leads"})
