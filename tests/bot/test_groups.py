"""Whom a policy's groups stand for on a plan: by setting, by the service catalogue, or by a fallback when nobody."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from bot import approval
from bot.approval import Click
from bot.people import LookupFailed, People, groups
from bot.people.groups import Fallback
from bot.people.services import Service, Services
from bot.standing import nobody_to_ask
from bot.views.ids import PlanReference
from deploy.sandbox.workspace.directory import ALERTS, TEAM_ID
from storage import audit
from storage.tables import Plan, PlanStatus, Verdict
from tests.bot.desks import ALICE, BOB, CAROL, Bench, client_of

ONCALL, LEADS = "S0ONCALL01", "S0LEADS001"


def known(desk: Bench, named: dict[str, str], *owned: str) -> Bench:
    """The desk with these groups named, and these services owned by the leads."""
    services = Services(services={name: Service(team="leads", owners=LEADS) for name in owned})
    people = People(client_of(desk.workspace), TEAM_ID, named, desk.clock)
    return replace(desk, desk=replace(desk.desk, people=people, services=services))


def members(desk: Bench, *services: str) -> dict[str, frozenset[str]]:
    return dict(groups.call_roll(frozenset(services), desk.desk.policy, desk.desk, frozenset()).members)


def approve(desk: Bench, plan: Plan, user: str) -> str:
    reference = PlanReference(plan_id=f"P-{plan.id}", version=plan.version, digest=plan.digest[:16])
    click = Click(
        event_key=f"click:{plan.id}:{user}",
        user_id=user,
        team_id=TEAM_ID,
        channel=ALERTS,
        reference=reference,
        verdict=Verdict.APPROVE,
    )
    return json.dumps(approval.decide(click, desk.desk))


BASIC = {"sre-oncall": ONCALL, "owner": ONCALL}


def test_a_service_in_the_catalogue_has_its_own_owners_and_another_the_default_ones(desk: Bench) -> None:
    made = known(desk, BASIC, "ledger")

    assert members(made, "ledger")["owner"] == {BOB}
    assert members(made, "checkout")["owner"] == {ALICE, BOB}


def test_who_touches_two_services_is_asked_of_those_who_own_both(desk: Bench) -> None:
    assert members(known(desk, BASIC, "ledger"), "ledger", "checkout")["owner"] == {BOB}


def test_owners_approve_their_own_service_only(desk: Bench) -> None:
    """Carol owns the service of the first plan, and is on call for nothing."""
    made = known(desk, BASIC, "checkout-1")
    desk.workspace.set_usergroup(LEADS, CAROL)
    first, second = made.ask(), made.ask()

    told = [approve(made, plan, CAROL) for plan in (first, second)]

    assert "counts" in told[0]
    assert "not among those" in told[1]
    assert [made.plan(number).status for number in (1, 2)] == [PlanStatus.APPROVED, PlanStatus.PENDING]


def test_a_group_nobody_is_in_is_answered_for_by_its_fallback_and_that_is_seen(desk: Bench) -> None:
    made = known(desk, {**BASIC, "sre-leads": LEADS})
    desk.workspace.set_usergroup(ONCALL)
    plan = made.ask()
    roll = groups.call_roll(frozenset({"checkout-1"}), made.desk.policy, made.desk, frozenset())

    told = approve(made, plan, BOB)

    assert "counts" in told
    assert set(roll.fallbacks) == {
        Fallback(group="owner", used=("sre-oncall",)),
        Fallback(group="sre-oncall", used=("sre-leads",)),
    }
    assert str(roll.fallbacks[1]) == "fallback used: sre-leads for sre-oncall"
    assert Fallback(group="sre-oncall", used=("sre-leads",)) in groups.last_fallbacks(plan.decision, made.desk)
    with made.database.reading() as session:
        (vote,) = [one for one in audit.latest(session, 9) if one.event == "vote.approve"]
    assert "fallback used: sre-leads for sre-oncall" in json.loads(vote.payload)["fallbacks"]


def test_a_fallback_is_not_asked_while_the_group_has_anybody(desk: Bench) -> None:
    made = known(desk, {**BASIC, "sre-leads": LEADS})
    desk.workspace.set_usergroup(LEADS, CAROL)
    plan = made.ask()

    assert "not among those" in approve(made, plan, CAROL)
    assert groups.last_fallbacks(plan.decision, made.desk) == ()


def test_nobody_anywhere_is_told_before_anybody_is_asked(desk: Bench) -> None:
    made = known(desk, {**BASIC, "sre-leads": LEADS})
    plan = made.ask()
    for usergroup in (ONCALL, LEADS):
        desk.workspace.set_usergroup(usergroup)
    made.desk.people.forget()

    assert "0 could vote" in (nobody_to_ask(plan.decision, "sayso", made.desk) or "")


def test_rules_with_nobody_to_spare_are_warned_of(desk: Bench) -> None:
    enough = groups.thin(desk.desk)
    desk.workspace.set_usergroup(ONCALL, ALICE)
    desk.desk.people.forget()

    assert any(warning.startswith("rule prod-big-scale: 2 people") for warning in enough)
    assert any(warning.startswith("rule prod-fix: 1 people") for warning in groups.thin(desk.desk))


def test_who_owns_a_service_is_known_to_be_an_owner(desk: Bench) -> None:
    made = known(desk, BASIC, "ledger")
    desk.workspace.set_usergroup(LEADS, CAROL)

    assert groups.mine(CAROL, made.desk) == ("owner",)
    assert groups.mine(ALICE, made.desk) == ("owner", "sre-oncall")


def test_a_usergroup_that_is_gone_hides_only_itself(desk: Bench) -> None:
    made = known(desk, {**BASIC, "sre-leads": "S0GONE0001"})

    assert "sre-oncall" in groups.mine(ALICE, made.desk)
    with pytest.raises(LookupFailed):
        groups.mine(CAROL, made.desk)
