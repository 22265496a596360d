"""The stop switch and the breaker's reset: who may turn them, what they hold back, and that everybody sees it."""

from __future__ import annotations

import itertools
import json

import pytest

from bot import answers, approval, starting
from bot.answers import Opens, Typed
from bot.approval import Click
from bot.listeners import home
from bot.views.ids import PlanReference
from deploy.sandbox.workspace.directory import ALERTS, OTHER_TEAM_ID, TEAM_ID
from storage import exceptions, messages
from storage.tables import Plan, PlanStatus, Switch, Verdict
from tests.bot.desks import ALICE, BOB, BOTH, CAROL, Bench
from tests.storage.samples import AT

PRESSES = itertools.count(1)


def say(desk: Bench, user: str, text: str, team: str = TEAM_ID) -> str:
    told = answers.command(Typed(key=f"command:{next(PRESSES)}", user_id=user, team_id=team, text=text), desk.desk)
    assert not isinstance(told, Opens)
    return json.dumps(told, ensure_ascii=False)


def approve(desk: Bench, plan: Plan, user: str = ALICE) -> str:
    reference = PlanReference(plan_id=f"P-{plan.id}", version=plan.version, digest=plan.digest[:16])
    click = Click(
        event_key=f"click:{next(PRESSES)}",
        user_id=user,
        team_id=TEAM_ID,
        channel=ALERTS,
        reference=reference,
        verdict=Verdict.APPROVE,
    )
    return json.dumps(approval.decide(click, desk.desk), ensure_ascii=False)


@BOTH
def test_while_stopped_nothing_starts_and_afterwards_what_was_approved_does(desk: Bench) -> None:
    plan = desk.ask()
    told = say(desk, ALICE, "stop the vendor is rolling back")
    counted = approve(desk, plan, BOB)
    held = list(desk.starts.all)

    resumed = say(desk, BOB, "resume")

    assert "Stopped" in told
    assert "I am stopped, so it waits" in counted
    assert (held, desk.plan().status) == ([], PlanStatus.APPROVED)
    assert "Resumed" in resumed
    assert len(desk.starts.runs) == 1
    assert [entry for entry in desk.entries() if entry[1] == "switch.stop"] == [
        (ALICE, "switch.stop"),
        (BOB, "switch.stop"),
    ]


def test_everybody_sees_that_it_is_stopped_by_whom_and_why(desk: Bench) -> None:
    say(desk, ALICE, "stop the vendor is rolling back")

    status, tab = say(desk, CAROL, "status"), json.dumps(home.view(CAROL, desk.desk))

    assert "*Stopped:*" in status
    assert "the vendor is rolling back" in tab
    assert ALICE in tab
    with desk.database.reading() as session:
        (told,) = messages.due(session)
    assert told.channel == ALERTS
    assert "the vendor is rolling back" in told.wanted


@pytest.mark.parametrize("text", ["stop", "resume", "reset-breaker"])
@pytest.mark.parametrize(("user", "team"), [(CAROL, TEAM_ID), ("U0GUEST001", TEAM_ID), (ALICE, OTHER_TEAM_ID)])
def test_only_people_of_the_approver_groups_turn_a_switch(desk: Bench, user: str, team: str, text: str) -> None:
    with desk.database.writing() as session:
        exceptions.turn(session, exceptions.Lever.STOP, on=True, by=BOB, reason=None, at=AT)

    say(desk, user, text, team)

    with desk.database.reading() as session:
        assert exceptions.stopped(session) is not None
        assert session.get(Switch, "breaker") is None
    assert desk.entries()[-1] == (user, "command.refused")


def test_resuming_what_was_not_stopped_changes_nothing(desk: Bench) -> None:
    assert "not stopped" in say(desk, ALICE, "resume")
    assert desk.entries() == []


def test_a_reset_is_remembered_with_its_moment(desk: Bench) -> None:
    told = say(desk, ALICE, "reset-breaker looked at both")

    with desk.database.reading() as session:
        switch = session.get_one(Switch, "breaker")
    assert "no longer count" in told
    assert (switch.set_by, switch.reason, switch.set_at) == (ALICE, "looked at both", AT)


def test_a_plan_that_waits_for_its_start_when_it_is_stopped_stays_where_it_is(desk: Bench) -> None:
    desk.ask(status=PlanStatus.APPROVED)
    say(desk, ALICE, "stop")

    started = starting.start_if_free(1, desk.desk)

    assert (started, desk.plan().status, desk.starts.all) == (False, PlanStatus.APPROVED, [])


@pytest.mark.parametrize("order", sorted(answers.ORDERS))
def test_an_order_is_not_taken_from_a_mention(desk: Bench, order: str) -> None:
    told = json.dumps(answers.reply(order, desk.desk), ensure_ascii=False)

    assert "only as the command" in told
    assert desk.entries() == []


def test_help_names_every_verb_and_order(desk: Bench) -> None:
    told = say(desk, CAROL, "help")

    assert all(f"/sayso {name}" in told for name in (*answers.VERBS, *answers.ORDERS))


def test_what_is_misspelt_is_answered_with_the_nearest(desk: Bench) -> None:
    assert "/sayso resume" in say(desk, ALICE, "resum")
