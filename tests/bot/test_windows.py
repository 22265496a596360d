"""Veto windows: a plan runs by itself when nobody stopped it and nothing is in doubt, once; else people are asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot import intake, standing
from bot.plans import windows
from bot.rehearsal import rehearse
from bot.starting import run_id
from bot.sweep import sweep
from bot.views.ids import ActionId
from deploy.sandbox.workspace import Workspace
from policies.conditions import When
from policies.rules import Asked, Deny, Restrict
from storage import audit, incidents
from storage.database import Database
from storage.tables import IncidentStatus, Message, Plan, PlanStatus, Verdict
from tests.bot.desks import BOB, BOTH, CAROL, Bench, bench
from tests.bot.waiting import put_forward, say
from tests.policies.samples import sheet, with_rules
from tests.storage.samples import AT, proposal
from tests.tools.kubernetes.shop import Shop
from tools.clients import Writers
from tools.previews import Rehearsal

WEB = "/apis/apps/v1/namespaces/shop/deployments/web"
WINDOW = timedelta(minutes=10)
S = PlanStatus
EVERYTHING = When.model_validate({"mutating": True})
RESTRICTED = Restrict(
    id="new-care",
    why="Something happened, and people decide for now.",
    when=EVERYTHING,
    effect="restrict",
    require=Asked.model_validate({"approvals": 1, "from": ("sre-oncall",), "expires": "10m"}),
)
FORBIDDEN = Deny(id="no-more", why="Nothing may change here any more.", when=EVERYTHING, effect="deny")


@pytest.fixture
def desk(database: Database, ws: Workspace, shop: Shop) -> Iterator[Bench]:
    """A desk under the sheet's rules: scaling in staging has a window of ten minutes."""
    ws.reset()
    with bench(database, ws) as made:
        yield replace(made, desk=replace(made.desk, writers=shop.writers)).under(sheet())


@pytest.fixture
def waiting(desk: Bench, shop: Shop) -> Plan:
    """A plan to scale `web`, rehearsed in the cluster, in its window."""
    rehearsed = rehearse(proposal(4, "web"), shop.writers)
    assert isinstance(rehearsed, Rehearsal), rehearsed
    return put_forward(desk, "web", rehearsed=rehearsed)


def card(desk: Bench, number: int = 1) -> str:
    """The plan's card as it is wanted."""
    with desk.database.reading() as session:
        return session.get_one(Message, f"plan:{number}").wanted


def incident(desk: Bench) -> tuple[IncidentStatus, str | None]:
    with desk.database.reading() as session:
        found = incidents.get(session, 1)
        return IncidentStatus(found.status), found.note


def test_a_window_says_when_it_ends_and_leaves_time_after(desk: Bench, waiting: Plan) -> None:
    shown = card(desk)

    assert waiting.status == S.PENDING
    assert waiting.fires_at == desk.clock() + WINDOW
    assert waiting.not_after == desk.clock() + WINDOW + timedelta(minutes=15)
    assert "unless somebody stops it" in shown
    assert {ActionId.STOP, ActionId.RUN_NOW} <= {one for one in ActionId if f'"{one}"' in shown}
    assert f'"{ActionId.APPROVE}"' not in shown
    assert incident(desk) == (
        IncidentStatus.AWAITING_APPROVAL,
        "P-1 runs at 18 Nov 12:10 UTC unless somebody stops it.",
    )


@BOTH
def test_what_nobody_stopped_runs_when_its_window_ends(desk: Bench, waiting: Plan) -> None:
    desk.clock.pass_(minutes=9, seconds=59)
    sweep(desk.desk)
    early = desk.plan().status
    desk.clock.pass_(seconds=1)

    sweep(desk.desk)

    plan = desk.plan()
    assert (early, plan.status, plan.decided_at) == (S.PENDING, S.APPROVED, desk.clock())
    assert desk.starts.runs == {run_id(plan)}
    with desk.database.reading() as session:
        (approved,) = [one for one in audit.latest(session, 50, "plan:1") if one.event == "plan.approved"]
    assert approved.actor == "sayso"
    assert "nobody stopped it" in json.loads(approved.payload)["why"]
    assert "nobody stopped it" in card(desk)


def test_nobody_need_agree_when_a_plan_is_claimed_after_its_window(desk: Bench, waiting: Plan) -> None:
    desk.clock.pass_(minutes=10)
    windows.fire(desk.desk)

    found = standing.objection(desk.plan(), desk.desk)

    assert found is None


@pytest.mark.parametrize(
    "edited", [{"fires_at": AT - timedelta(hours=1)}, {"proposed_at": AT - timedelta(hours=1), "fires_at": AT}]
)
def test_a_window_shortened_in_the_database_lets_nothing_run(
    desk: Bench, waiting: Plan, edited: dict[str, object]
) -> None:
    with desk.database.writing() as session:
        session.execute(sa.update(Plan).values(status=S.APPROVED, **edited))

    found = standing.objection(desk.plan(), desk.desk)

    assert found is not None
    assert found.to in (S.PENDING, S.STALE)


@BOTH
def test_two_replicas_let_a_plan_run_once(desk: Bench, waiting: Plan) -> None:
    desk.clock.pass_(minutes=10)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: windows.fire(desk.desk), range(8)))

    assert [event for _, event in desk.entries("plan:1")].count("plan.approved") == 1
    assert desk.starts.runs == {run_id(desk.plan())}


@BOTH
def test_a_stopped_plan_never_runs(desk: Bench, waiting: Plan) -> None:
    desk.clock.pass_(minutes=9)

    say(desk, waiting, Verdict.REJECT, reason="We are testing the fail-over.")

    desk.clock.pass_(minutes=5)
    sweep(desk.desk)
    assert (desk.plan().status, desk.plan().outcome) == (S.REJECTED, "We are testing the fail-over.")
    assert desk.starts.all == []


def test_an_approver_need_not_wait_for_the_window(desk: Bench, waiting: Plan) -> None:
    say(desk, waiting, Verdict.APPROVE, BOB)

    plan = desk.plan()
    assert plan.status == S.APPROVED
    assert (BOB, "plan.approved") in desk.entries("plan:1")
    assert desk.starts.runs == {run_id(plan)}
    assert standing.objection(plan, desk.desk) is None


def test_somebody_the_window_does_not_ask_stops_nothing(desk: Bench, waiting: Plan) -> None:
    say(desk, waiting, Verdict.REJECT, CAROL, reason="I would rather not.")

    desk.clock.pass_(minutes=10)
    windows.fire(desk.desk)
    assert (CAROL, "click.refused") in desk.entries("plan:1")
    assert desk.plan().status == S.APPROVED


def test_a_stop_in_the_moment_the_window_ends_is_heard(desk: Bench, waiting: Plan) -> None:
    desk.clock.pass_(minutes=10)

    say(desk, waiting, Verdict.REJECT, reason="Not now.")

    windows.fire(desk.desk)
    assert desk.plan().status == S.REJECTED
    assert desk.starts.all == []


@BOTH
def test_rules_that_became_stricter_mean_that_people_are_asked(desk: Bench, waiting: Plan) -> None:
    stricter = desk.under(with_rules(sheet(), RESTRICTED))
    desk.clock.pass_(minutes=10)

    windows.fire(stricter.desk)

    plan = desk.plan()
    assert (plan.status, plan.round, plan.fires_at) == (S.PENDING, 2, None)
    assert plan.decision.obligations[0].rule == "new-care"
    assert "It did not run by itself" in card(desk)
    assert f'"{ActionId.APPROVE}"' in card(desk)
    assert (incident(desk)[0], desk.starts.all) == (IncidentStatus.AWAITING_APPROVAL, [])
    assert ("sayso", "plan.asked_again") in desk.entries("plan:1")
    say(stricter, plan, Verdict.APPROVE)
    assert desk.plan().status == S.APPROVED
    assert standing.objection(desk.plan(), stricter.desk) is None


@BOTH
def test_replicas_in_doubt_ask_people_once(desk: Bench, waiting: Plan) -> None:
    stricter = desk.under(with_rules(sheet(), RESTRICTED))
    desk.clock.pass_(minutes=10)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: windows.fire(stricter.desk), range(8)))

    assert (desk.plan().status, desk.plan().round) == (S.PENDING, 2)
    assert [event for _, event in desk.entries("plan:1")].count("plan.asked_again") == 1


def test_a_plan_in_doubt_never_runs_by_itself_later(desk: Bench, waiting: Plan) -> None:
    """The stricter rule goes away again: who was asked is still waited for."""
    desk.clock.pass_(minutes=10)
    windows.fire(desk.under(with_rules(sheet(), RESTRICTED)).desk)

    desk.clock.pass_(minutes=5)
    sweep(desk.desk)

    assert desk.plan().status == S.PENDING
    assert desk.starts.all == []


def test_a_limit_reached_inside_the_window_means_that_people_are_asked(desk: Bench, waiting: Plan) -> None:
    """Three automatic changes of the service an hour; the third began while this one waited."""
    same = {name: getattr(waiting, name) for name in Plan.model_fields if name != "id"}
    done = {"status": S.SUCCEEDED, "claimed_at": desk.clock()}
    with desk.database.writing() as session:
        session.add_all(Plan(**{**same, **done, "digest": f"digest-{number}"}) for number in range(3))
    desk.clock.pass_(minutes=10)

    windows.fire(desk.desk)

    plan = desk.plan()
    assert (plan.status, plan.round, plan.fires_at) == (S.PENDING, 2, None)
    assert plan.decision.because[0].rule == "auto-per-service"


def test_a_target_nobody_can_read_means_that_people_are_asked(desk: Bench, waiting: Plan) -> None:
    blind = replace(desk, desk=replace(desk.desk, writers=Writers(kubernetes=None, aws=None)))
    desk.clock.pass_(minutes=10)

    windows.fire(blind.desk)

    assert (desk.plan().status, desk.plan().round) == (S.PENDING, 2)
    assert "could not be read" in (desk.plan().outcome or "")
    assert desk.starts.all == []


def test_a_target_that_moved_inside_the_window_closes_the_plan(desk: Bench, waiting: Plan, shop: Shop) -> None:
    before = shop.deployment("web")["spec"]["replicas"]
    shop.patch(WEB, {"spec": {"replicas": 5}})
    desk.clock.pass_(minutes=10)

    windows.fire(desk.desk)

    shop.patch(WEB, {"spec": {"replicas": before}})
    shop.settle()
    assert desk.plan().status == S.STALE
    assert "It changed in its veto window" in (desk.plan().outcome or "")
    assert (incident(desk)[0], desk.starts.all) == (IncidentStatus.NEEDS_HUMAN, [])
    assert f'"{ActionId.ASK_AGAIN}"' in card(desk)


def test_what_policy_forbids_by_then_is_closed(desk: Bench, waiting: Plan) -> None:
    desk.clock.pass_(minutes=10)

    windows.fire(desk.under(with_rules(sheet(), FORBIDDEN)).desk)

    assert desk.plan().status == S.STALE
    assert desk.starts.all == []


def test_an_altered_plan_is_closed_when_its_window_ends(desk: Bench, waiting: Plan) -> None:
    with desk.database.writing() as session:
        session.get_one(Plan, 1).requester = BOB
    desk.clock.pass_(minutes=10)

    windows.fire(desk.desk)

    assert desk.plan().status == S.STALE
    assert desk.starts.all == []


def test_a_bot_that_slept_past_all_time_lets_nothing_run(desk: Bench, waiting: Plan) -> None:
    desk.clock.pass_(minutes=25)

    sweep(desk.desk)

    assert desk.plan().status == S.EXPIRED
    assert desk.starts.all == []


def test_an_alert_that_clears_ends_the_window(desk: Bench, waiting: Plan) -> None:
    with desk.database.writing() as session:
        intake.stand_down(session, 1, desk.desk)

    desk.clock.pass_(minutes=10)
    sweep(desk.desk)
    assert desk.plan().status == S.CANCELLED
    assert desk.starts.all == []


def test_a_window_that_would_reach_into_a_freeze_is_none(desk: Bench) -> None:
    """Friday 15:56 in London: the freeze begins in four minutes."""
    desk.clock.at = desk.clock.at.replace(month=11, day=20, hour=15, minute=56)

    plan = put_forward(desk, "late", env="prod", action="k8s.pause_rollout", scale_factor=1.0)

    assert (plan.status, plan.fires_at) == (S.PENDING, None)
    assert f'"{ActionId.APPROVE}"' in card(desk)
