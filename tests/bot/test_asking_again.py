"""Asking again about what nobody answered, or what went out of date: a plan of its own, once, by any full member."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from bot import intake
from bot.plans import asking_again, superseding
from bot.rehearsal import rehearse
from bot.sweep import sweep
from bot.views.blocks import Message
from deploy.sandbox.workspace import Workspace
from deploy.sandbox.workspace.directory import PEOPLE, TEAM_ID
from policies.conditions import When
from policies.rules import Deny
from storage import incidents, plans
from storage.database import Database
from storage.tables import IncidentStatus, Plan, PlanStatus, Verdict
from tests.bot.desks import ALICE, BOTH, CAROL, Bench, bench, shipped
from tests.bot.waiting import put_forward, reference_of, say
from tests.policies.samples import with_rules
from tests.storage.samples import proposal
from tests.tools.kubernetes.shop import Shop
from tools.clients import Writers
from tools.previews import Rehearsal

WEB = "/apis/apps/v1/namespaces/shop/deployments/web"
GWEN = next(person.id for person in PEOPLE if person.name == "gwen")
S = PlanStatus


@pytest.fixture
def desk(database: Database, ws: Workspace, shop: Shop) -> Iterator[Bench]:
    ws.reset()
    with bench(database, ws) as made:
        yield replace(made, desk=replace(made.desk, writers=shop.writers))


@pytest.fixture
def expired(desk: Bench, shop: Shop) -> Plan:
    """A plan to scale `web` that nobody answered."""
    rehearsed = rehearse(proposal(4, "web"), shop.writers)
    assert isinstance(rehearsed, Rehearsal), rehearsed
    put_forward(desk, "web", rehearsed=rehearsed, env="prod")
    desk.clock.pass_(minutes=15)
    sweep(desk.desk)
    assert desk.plan().status == S.EXPIRED
    return desk.plan()


def again(desk: Bench, plan: Plan, user: str = CAROL, team: str = TEAM_ID) -> Message:
    return asking_again.ask(reference_of(plan), user, team, desk.desk)


def count(desk: Bench) -> int:
    with desk.database.reading() as session:
        return len(plans.listed(session, 20))


def test_an_expired_plan_is_asked_about_again_as_a_plan_of_its_own(desk: Bench, expired: Plan) -> None:
    told = again(desk, expired)

    new = desk.plan(2)
    assert "Asked again as plan P-2" in told["text"]
    assert (new.status, new.version, new.likeness) == (S.PENDING, 2, expired.likeness)
    assert new.digest != expired.digest
    assert desk.plan(1).status == S.EXPIRED
    assert desk.entries("plan:1")[-1] == (CAROL, "plan.asked_for_again")
    with desk.database.reading() as session:
        assert incidents.get(session, 1).status == IncidentStatus.AWAITING_APPROVAL


def test_who_asks_again_may_approve_what_code_proposed(desk: Bench, expired: Plan) -> None:
    again(desk, expired, ALICE)

    say(desk, desk.plan(2), Verdict.APPROVE, ALICE)

    assert desk.plan(2).status == S.APPROVED


@BOTH
def test_many_who_ask_again_at_once_make_one_plan(desk: Bench, expired: Plan) -> None:
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: again(desk, expired), range(6)))

    assert count(desk) == 2


def test_a_plan_out_of_date_is_rehearsed_against_the_target_as_it_is(desk: Bench, shop: Shop) -> None:
    rehearsed = rehearse(proposal(4, "web"), shop.writers)
    assert isinstance(rehearsed, Rehearsal), rehearsed
    before = shop.deployment("web")["spec"]["replicas"]
    stale = put_forward(desk, "web", rehearsed=rehearsed, env="prod")
    shop.patch(WEB, {"spec": {"replicas": 7}})
    superseding.close_if_moved(stale, desk.desk)

    again(desk, desk.plan())

    shop.patch(WEB, {"spec": {"replicas": before}})
    shop.settle()
    assert [desk.plan(1).status, desk.plan(2).status] == [S.STALE, S.PENDING]
    assert desk.plan(2).rehearsal.steps[0].observed.replicas_before == 7
    assert desk.plan(2).likeness != desk.plan(1).likeness


@pytest.mark.parametrize(
    ("user", "team", "why"),
    [(GWEN, TEAM_ID, "guests may not decide"), (CAROL, "T0OTHER001", "people of this workspace")],
    ids=["a guest", "another workspace"],
)
def test_outsiders_ask_for_nothing(desk: Bench, expired: Plan, user: str, team: str, why: str) -> None:
    told = again(desk, expired, user, team)

    assert why in told["text"]
    assert count(desk) == 1
    assert desk.entries("plan:1")[-1] == (user, "click.refused")


def test_what_was_rejected_is_not_asked_again(desk: Bench) -> None:
    plan = put_forward(desk, env="prod")
    say(desk, plan, Verdict.REJECT, reason="no")

    told = again(desk, plan)

    assert "did not expire" in told["text"]
    assert count(desk) == 1
    assert desk.entries("plan:1")[-1] == (CAROL, "click.refused")


def test_nothing_is_asked_again_once_the_incident_is_over(desk: Bench, expired: Plan) -> None:
    with desk.database.writing() as session:
        intake.stand_down(session, 1, desk.desk)

    told = again(desk, expired)

    assert "resolved" in told["text"]
    assert count(desk) == 1


def test_a_button_of_other_bytes_asks_for_nothing(desk: Bench, expired: Plan) -> None:
    reference = reference_of(expired).model_copy(update={"digest": "0" * 16})

    told = asking_again.ask(reference, CAROL, TEAM_ID, desk.desk)

    assert "no plan like that" in told["text"]
    assert count(desk) == 1


def test_what_cannot_be_rehearsed_any_more_says_why(desk: Bench, expired: Plan) -> None:
    blind = replace(desk, desk=replace(desk.desk, writers=Writers(kubernetes=None, aws=None)))

    told = again(blind, expired)

    assert "cannot be asked again as it is" in told["text"]
    assert count(desk) == 1


def test_what_policy_forbids_by_now_is_said_and_does_not_run(desk: Bench, expired: Plan) -> None:
    never = Deny(
        id="no-more",
        why="Nothing may change here any more.",
        when=When.model_validate({"mutating": True}),
        effect="deny",
    )

    told = again(desk.under(with_rules(shipped(), never)), expired)

    assert "Nothing may change here any more." in told["text"]
    assert desk.plan(2).status == S.REJECTED
