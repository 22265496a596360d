"""Plans that close themselves, and what their cards say of others: drift, siblings, newer plans, locks and rivals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.plans import superseding
from bot.plans.lookout import LOOKS_A_ROUND, Lookout
from bot.rehearsal import rehearse
from bot.remediation import finish
from bot.starting import start_if_free
from deploy.sandbox.workspace import Workspace
from storage import executions, plans
from storage.database import Database
from storage.tables import Incident, IncidentStatus, Message, Plan, PlanStatus, Verdict
from tests.bot.desks import ALICE, BOTH, Bench, bench
from tests.bot.waiting import put_forward, say
from tests.storage.samples import AT, proposal
from tests.tools.kubernetes.shop import Shop
from tools.clients import Writers
from tools.previews import Rehearsal

WEB = "/apis/apps/v1/namespaces/shop/deployments/web"
S = PlanStatus


@pytest.fixture
def desk(database: Database, ws: Workspace, shop: Shop) -> Iterator[Bench]:
    ws.reset()
    with bench(database, ws) as made:
        yield replace(made, desk=replace(made.desk, writers=shop.writers))


def about_web(desk: Bench, shop: Shop, replicas: int = 4, **given: Any) -> Plan:
    """A plan to scale `web`, rehearsed in the cluster, that people are asked about; of an incident of its own."""
    rehearsed = rehearse(proposal(replicas, "web"), shop.writers)
    assert isinstance(rehearsed, Rehearsal), rehearsed
    return put_forward(desk, "web", replicas=replicas, rehearsed=rehearsed, env="prod", **given)


def of_another_alert(name: str) -> dict[str, Any]:
    return {"alert": {"fingerprint": name, "subject": None, "service": name}}


@pytest.fixture
def moved(shop: Shop) -> Iterator[None]:
    """Somebody else scales `web` when a test asks for it, and it is put back after."""
    before = shop.deployment("web")["spec"]["replicas"]
    yield
    shop.patch(WEB, {"spec": {"replicas": before}})
    shop.settle()


def move_web(shop: Shop) -> None:
    shop.patch(WEB, {"spec": {"replicas": 7}})


def card(desk: Bench, number: int = 1) -> str:
    with desk.database.reading() as session:
        return session.get_one(Message, f"plan:{number}").wanted


def statuses(desk: Bench) -> list[str]:
    with desk.database.reading() as session:
        return [plan.status for plan in plans.listed(session, 20)][::-1]


@BOTH
@pytest.mark.usefixtures("moved")
def test_a_plan_whose_target_moves_while_people_think_is_closed_at_once(desk: Bench, shop: Shop) -> None:
    plan = about_web(desk, shop)
    move_web(shop)
    desk.clock.pass_(seconds=30)

    superseding.watch(desk.desk)

    assert desk.plan().status == S.STALE
    assert "It changed while people were asked" in card(desk)
    assert "plan.ask_again" in card(desk)
    assert desk.entries("plan:1")[-1] == ("sayso", "plan.stale")
    with desk.database.reading() as session:
        assert session.get_one(Incident, 1).status == IncidentStatus.NEEDS_HUMAN
    told = say(desk, plan, Verdict.APPROVE)
    assert "takes no votes any more: out of date" in told["text"]


def test_a_plan_whose_target_stands_goes_on_waiting(desk: Bench, shop: Shop) -> None:
    about_web(desk, shop)
    desk.clock.pass_(seconds=30)

    superseding.watch(desk.desk)

    assert statuses(desk) == [S.PENDING]


def test_a_target_nobody_can_read_closes_nothing(desk: Bench, shop: Shop) -> None:
    about_web(desk, shop)
    blind = replace(desk.desk, writers=Writers(kubernetes=None, aws=None))
    desk.clock.pass_(seconds=30)

    superseding.watch(blind)

    assert statuses(desk) == [S.PENDING]


@pytest.mark.usefixtures("moved")
def test_a_decision_made_while_we_look_stands(desk: Bench, shop: Shop) -> None:
    before = about_web(desk, shop)
    say(desk, before, Verdict.REJECT, reason="no")
    move_web(shop)

    closed = superseding.close_if_moved(before, desk.desk)

    assert (closed, desk.plan().status) == (False, S.REJECTED)


def test_waiting_plans_are_looked_at_in_turn_and_not_too_often() -> None:
    lookout, now = Lookout(), AT
    waiting = [Plan(id=number, proposed_at=AT) for number in range(1, LOOKS_A_ROUND + 3)]  # type: ignore[call-arg]
    rounds = []
    for seconds in (29, 1, 5, 5, 20):
        now += timedelta(seconds=seconds)
        rounds.append([plan.id for plan in lookout.turn(waiting, now)])

    assert rounds == [[], [1, 2, 3], [4, 5], [], [1, 2, 3]]


@pytest.mark.usefixtures("moved")
def test_when_a_plan_ends_others_on_its_target_are_closed_at_once(desk: Bench, shop: Shop) -> None:
    about_web(desk, shop)
    about_web(desk, shop, 5, **of_another_alert("other"))
    with desk.database.writing() as session:
        first = plans.get(session, 1)
        plans.move(session, first, S.APPROVED, desk.clock())
        plans.claim(session, first, "run", desk.clock())
        plans.move(session, first, S.VERIFYING, desk.clock())
    move_web(shop)

    finish(1, S.SUCCEEDED, desk.desk)

    assert statuses(desk) == [S.SUCCEEDED, S.STALE]
    assert "It changed while people were asked" in card(desk, 2)


def test_plans_that_wait_for_one_target_name_each_other(desk: Bench, shop: Shop) -> None:
    about_web(desk, shop)
    about_web(desk, shop, 5, **of_another_alert("other"))

    both = card(desk, 1), card(desk, 2)

    assert "Other plans want the same target: P-2" in both[0]
    assert "Other plans want the same target: P-1" in both[1]


def test_a_plan_that_waits_for_a_lock_says_for_whose(desk: Bench, shop: Shop) -> None:
    first, second = about_web(desk, shop), about_web(desk, shop, 5, **of_another_alert("other"))
    say(desk, first, Verdict.APPROVE)

    say(desk, second, Verdict.APPROVE)

    assert statuses(desk) == [S.APPROVED, S.APPROVED]
    assert len(desk.starts.all) == 1
    assert "Waiting for plan P-1, which holds the same target since" in card(desk, 2)
    assert f"approved by <@{ALICE}>" in card(desk, 2)


def test_what_waited_for_a_lock_starts_when_it_is_free(desk: Bench, shop: Shop) -> None:
    first, second = about_web(desk, shop), about_web(desk, shop, 5, **of_another_alert("other"))
    for plan in (first, second):
        say(desk, plan, Verdict.APPROVE)
    with desk.database.writing() as session:
        executions.release_locks(session, 1)
        plans.move(session, plans.get(session, 1), S.FAILED, desk.clock())

    start_if_free(2, desk.desk)

    assert len(desk.starts.runs) == 2


@BOTH
def test_a_newer_plan_of_the_incident_stands_instead_of_the_older(desk: Bench, shop: Shop) -> None:
    older = about_web(desk, shop)
    say(desk, older, Verdict.APPROVE)  # approved, and about to start

    about_web(desk, shop, 5, incident=1)

    assert statuses(desk) == [S.SUPERSEDED, S.PENDING]
    assert "P-2 stands instead." in card(desk, 1)
    with desk.database.reading() as session:
        assert not executions.has_locks(session, 1, plans.targets(older))


def test_a_denied_plan_replaces_nothing(desk: Bench, shop: Shop) -> None:
    about_web(desk, shop)

    about_web(desk, shop, 5, incident=1, namespace="kube-system")

    assert statuses(desk) == [S.PENDING, S.REJECTED]


def test_a_card_says_what_became_of_the_same_plan_before(desk: Bench, shop: Shop) -> None:
    say(desk, about_web(desk, shop), Verdict.REJECT, reason="not now")

    about_web(desk, shop, **of_another_alert("other"))

    assert "Identical to plan P-1 (rejected" in card(desk, 2)
