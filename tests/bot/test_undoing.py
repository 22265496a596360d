"""Undo after success: what is put back, when it may be asked, and what comes of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from bot import intake
from bot.plans import undoing
from bot.plans.undoing import TakeBack
from bot.remediation.verifying import meant_to_go
from bot.sweep import expire
from deploy.sandbox.workspace import Workspace
from deploy.sandbox.workspace.directory import TEAM_ID
from storage import executions, ledger, plans
from storage.database import Database
from storage.tables import IncidentStatus, Phase, Plan, PlanStatus, Verdict
from tests.bot.desks import ALICE, BOB, BOTH, CAROL
from tests.bot.live_desks import WEB, LiveBench, live_bench, reference, said
from tests.tools.kubernetes.wishes import RESTART, resources, scale, second_revision
from tools.actions import UndoRollout
from tools.criteria import RolloutDone
from tools.previews import Rehearsal

GUEST = "U0GUEST001"
WHY = "It made the checkout slower"


@pytest.fixture
def desk(database: Database, ws: Workspace, tmp_path: Path) -> Iterator[LiveBench]:
    ws.reset()
    with live_bench(database, ws, tmp_path) as made:
        yield made


@pytest.fixture
def scaled(desk: LiveBench) -> Plan:
    """A plan that gave `web` three pods in place of two."""
    return desk.succeed(desk.scaled(3))


def undo(desk: LiveBench, plan: Plan, user: str = BOB, team: str = TEAM_ID) -> str:
    """What somebody is told who wants a plan undone."""
    wish = TakeBack(user_id=user, team_id=team, channel="", reference=reference(plan), reason=WHY)
    return said(undoing.take_back(wish, desk.desk))


def test_a_plan_that_succeeded_is_taken_back_by_a_plan_of_its_own(desk: LiveBench, scaled: Plan) -> None:
    told = undo(desk, scaled)
    asked = desk.plan(2)
    before = desk.replicas()
    desk.vote(2, ALICE)
    ended = desk.run(2)

    assert "P-2 takes P-1 back, once it is approved" in told
    assert (asked.status, asked.undoes, asked.requester) == (PlanStatus.PENDING, 1, BOB)
    assert asked.rehearsal.steps[0].title == "Take back: Scale web to 3 replicas"
    assert [(one.before, one.after) for one in asked.rehearsal.steps[0].preview.changes] == [("3", "2")]
    assert before == 3
    assert (ended, desk.replicas()) == (PlanStatus.SUCCEEDED, 2)
    assert desk.plan(1).status == PlanStatus.SUCCEEDED
    with desk.database.reading() as session:
        assert [one.phase for one in executions.of_plan(session, 2)] == [Phase.APPLY]


def test_who_wants_it_undone_cannot_approve_that_where_somebody_else_must(desk: LiveBench, scaled: Plan) -> None:
    told = undo(desk, scaled, user=BOB)

    refused = said(desk.vote(2, BOB))

    assert "somebody else has to approve it" in told
    assert "cannot decide plan P-2" in refused
    assert desk.plan(2).status == PlanStatus.PENDING


def test_an_undo_tells_the_incident_and_ends_what_the_action_had_earned(desk: LiveBench, scaled: Plan) -> None:
    undo(desk, scaled)
    desk.vote(2, ALICE)
    desk.run(2)

    incident = desk.incident()
    assert incident.status == IncidentStatus.NEEDS_HUMAN
    assert incident.note is not None
    assert WHY in incident.note
    assert "P-2 took it back" in incident.note
    with desk.database.reading() as session:
        record = ledger.standing(session, "k8s.scale_deployment", "web", "prod", desk.clock())
    assert (record.verified, record.overridden) == (0, 1)
    assert (BOB, "undo.asked") in desk.entries("plan:1")
    assert (BOB, "ledger.lost") in desk.entries("plan:1")


def test_several_steps_are_taken_back_last_one_first(desk: LiveBench) -> None:
    plan = desk.succeed(desk.propose(scale(3), resources(memory_limit="512Mi")))

    undo(desk, plan)
    desk.vote(2, ALICE)
    desk.run(2)

    back = desk.plan(2)
    assert [step.action.kind for step in back.rehearsal.steps] == ["k8s.set_resources", "k8s.scale_deployment"]
    assert back.proposal.success_criteria == (RolloutDone(namespace="shop", deployment="web"),)
    assert desk.replicas() == 2
    assert desk.shop.container("web")["resources"]["limits"] == {"memory": "256Mi"}


def test_a_rollback_is_rolled_forward_again(desk: LiveBench) -> None:
    second_revision(desk.shop)
    desk.shop.settle()
    newer = desk.shop.container("web")["image"]
    plan = desk.succeed(desk.propose(UndoRollout(namespace="shop", deployment="web", to_revision=1)))
    rolled_back = desk.shop.container("web")["image"]

    undo(desk, plan)
    desk.vote(2, ALICE)
    desk.run(2)

    assert rolled_back != newer
    assert desk.shop.container("web")["image"] == newer


def test_what_somebody_else_changed_since_is_left_to_them(desk: LiveBench, scaled: Plan) -> None:
    desk.shop.patch(WEB, {"spec": {"replicas": 5}})

    told = undo(desk, scaled)

    assert "P-1 stands as it is" in told
    assert "somebody else has changed it since" in told
    assert desk.reasons("undo.refused") == ["what it did no longer stands"]
    assert desk.newest().id == 1


def test_a_target_that_moves_while_people_are_asked_is_left_alone(desk: LiveBench, scaled: Plan) -> None:
    undo(desk, scaled)
    desk.vote(2, ALICE)
    desk.shop.patch(WEB, {"spec": {"replicas": 5}})

    ended = desk.run(2)

    assert ended == PlanStatus.STALE
    assert desk.replicas() == 5
    assert desk.incident().status == IncidentStatus.MITIGATED


def test_what_is_back_already_is_not_put_back_again(desk: LiveBench, scaled: Plan) -> None:
    desk.shop.patch(WEB, {"spec": {"replicas": 2}})

    assert "is already as it was before" in undo(desk, scaled)


def test_a_plan_is_not_undone_twice(desk: LiveBench, scaled: Plan) -> None:
    undo(desk, scaled)

    while_asked = undo(desk, scaled, user=CAROL)
    desk.vote(2, ALICE)
    desk.run(2)
    afterwards = undo(desk, scaled, user=CAROL)

    assert while_asked == afterwards == "P-2 already takes P-1 back; look there."
    assert desk.newest().id == 2


def test_an_undo_that_was_rejected_may_be_asked_again(desk: LiveBench, scaled: Plan) -> None:
    undo(desk, scaled)
    desk.vote(2, ALICE, Verdict.REJECT, "Not now")
    after_rejection = desk.incident().status

    told = undo(desk, scaled)

    assert after_rejection == IncidentStatus.MITIGATED
    assert "P-3 takes P-1 back" in told


def test_an_undo_nobody_answers_expires_and_the_fix_stands(desk: LiveBench, scaled: Plan) -> None:
    undo(desk, scaled)
    desk.clock.at += timedelta(hours=1)

    expire(desk.desk)

    assert desk.plan(2).status == PlanStatus.EXPIRED
    assert desk.incident().status == IncidentStatus.MITIGATED
    assert desk.replicas() == 3


def test_an_alert_that_clears_leaves_the_wish_to_undo_standing(desk: LiveBench, scaled: Plan) -> None:
    undo(desk, scaled)

    with desk.database.writing() as session:
        intake.stand_down(session, 1, desk.desk)

    assert desk.plan(2).status == PlanStatus.PENDING


def test_the_way_back_is_not_undone_by_a_button(desk: LiveBench, scaled: Plan) -> None:
    undo(desk, scaled)
    desk.vote(2, ALICE)
    desk.run(2)

    told = undo(desk, desk.plan(2), user=CAROL)

    assert "look again to get a new fix" in told
    assert desk.newest().id == 2


def test_what_cannot_be_taken_back_is_refused(desk: LiveBench) -> None:
    plan = desk.succeed(desk.propose(RESTART))

    told = undo(desk, plan)

    assert "sayso cannot take P-1 back" in told
    assert desk.reasons("undo.refused") == ["it cannot be taken back"]


def test_only_what_succeeded_is_undone(desk: LiveBench) -> None:
    told = undo(desk, desk.scaled(3))

    assert "Only a plan that succeeded can be undone; P-1 is pending." in told


@pytest.mark.parametrize(
    ("user", "team", "why"),
    [(GUEST, TEAM_ID, "guests may not decide"), (BOB, "T0OTHER001", "only people of this workspace")],
)
def test_only_full_members_of_the_workspace_ask_for_it(
    desk: LiveBench, scaled: Plan, user: str, team: str, why: str
) -> None:
    told = undo(desk, scaled, user=user, team=team)

    assert why in told
    assert desk.entries("plan:1")[-1] == (user, "undo.refused")
    assert desk.newest().id == 1


def test_taking_back_ends_with_a_person_when_things_do_not_settle(desk: LiveBench, scaled: Plan) -> None:
    undo(desk, scaled)
    desk.vote(2, ALICE)
    desk.shop.patch(WEB, {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "nowhere/x:1"}]}}}})

    ended = desk.run(2)

    assert ended == PlanStatus.NEEDS_HUMAN
    assert desk.replicas() == 2  # taken back, and never "undone" again
    assert desk.incident().status == IncidentStatus.NEEDS_HUMAN


@pytest.mark.parametrize(
    ("counts", "fewer"),
    [([(2, 4)], 0), ([(4, 2)], 2), ([(4, 2), (5, 4)], 3), ([(4, 2), (2, 9)], 2), ([(None, None)], 0)],
)
def test_pods_that_a_plan_takes_away_itself_may_be_missing_afterwards(
    desk: LiveBench, counts: list[tuple[int | None, int | None]], fewer: int
) -> None:
    plan = desk.scaled(3)
    (step,) = plan.rehearsal.steps
    changed = [
        step.observed.model_copy(update={"replicas_before": before, "replicas_after": after})
        for before, after in counts
    ]
    plan.rehearsal = Rehearsal(steps=tuple(step.model_copy(update={"observed": one}) for one in changed))

    assert meant_to_go(plan) == fewer


@BOTH
def test_of_two_who_undo_at_once_one_plan_comes(desk: LiveBench, scaled: Plan) -> None:
    told: list[str] = []
    threads = [
        threading.Thread(target=lambda ask=ask: told.append(ask()))
        for ask in (partial(undo, desk, scaled, user) for user in (BOB, CAROL))
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted("already takes P-1 back" in one for one in told) == [False, True]
    with desk.database.reading() as session:
        assert [plan.undoes for plan in plans.listed(session, 9)] == [1, None]
