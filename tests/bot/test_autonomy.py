"""Levels of approval and earned autonomy, as they meet real clicks on a real record."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import pytest

from bot import approval, standing
from bot.approval import Click
from bot.people import People
from bot.people.groups import Roll
from bot.remediation import finish
from bot.views.ids import PlanReference
from deploy.sandbox.workspace import Workspace
from deploy.sandbox.workspace.directory import ALERTS, TEAM_ID
from policies.decisions import Effect
from policies.rules import Asked, Auto, Restrict
from storage import audit, ledger, plans
from storage.tables import Message, Plan, PlanStatus, Result, Verdict
from tests.bot.desks import ALICE, BOB, BOTH, GROUPS, Bench, client_of, shipped
from tests.policies.samples import with_rules

PRESSES = itertools.count(1)
RESTART, SCALE = "k8s.restart_deployment", "k8s.scale_deployment"


@pytest.fixture
def levels(desk: Bench, ws: Workspace) -> Bench:
    """A desk whose rules ask a lead (Bob) first, and then somebody on call (Alice or Bob)."""
    then = {"approvals": 1, "from": ("sre-oncall",)}
    asked = Asked.model_validate({"approvals": 1, "from": ("sre-leads",), "then": (then,)})
    when = {"env": ("prod",), "action": (SCALE,)}
    rule = {"id": "levels", "why": "a lead first, then on call", "when": when, "effect": "restrict", "require": asked}
    loose = [each for each in shipped().file.rules if each.id != "prod-fix"]
    grant = {"id": "prod-scale", "why": "allowed for this test", "when": when, "effect": "auto"}
    policy = with_rules(shipped(), Restrict.model_validate(rule), shuffled=(*loose, Auto.model_validate(grant)))
    people = People(client_of(ws), TEAM_ID, {**GROUPS, "sre-leads": "S0LEADS001"}, desk.clock)
    return replace(desk, desk=replace(desk.desk, people=people)).under(policy)


def press(desk: Bench, plan: Plan, user: str, verdict: Verdict = Verdict.APPROVE) -> str:
    """One press of a button on the card, and what the person is told."""
    reference = PlanReference(plan_id=f"P-{plan.id}", version=plan.version, digest=plan.digest[:16])
    key = f"click:{next(PRESSES)}"
    click = Click(
        event_key=key, user_id=user, team_id=TEAM_ID, channel=ALERTS, reference=reference, verdict=verdict, reason="no"
    )
    return json.dumps(approval.decide(click, desk.desk), ensure_ascii=False)


def refusals(desk: Bench) -> list[str]:
    """Why clicks were refused, oldest first, as the record tells it."""
    with desk.database.reading() as session:
        entries = [entry for entry in reversed(audit.latest(session, 1000)) if entry.event == "click.refused"]
    return [str(json.loads(entry.payload)["reason"]) for entry in entries]


@BOTH
def test_people_of_a_later_stage_wait_for_the_earlier_one_and_nobody_serves_both(levels: Bench) -> None:
    plan = levels.ask()

    early = press(levels, plan, ALICE)
    lead = press(levels, plan, BOB)
    twice = press(levels, plan, BOB)
    last = press(levels, plan, ALICE)

    assert "stage 1 is open, and it does not ask you: 0 of 1 from sre-leads" in early
    assert "1 of 1 from sre-leads" in lead
    assert "0 of 1 from sre-oncall in stage 2" in lead
    assert "you approved in stage 1, and nobody serves two stages" in twice
    assert "1 of 1 from sre-oncall in stage 2" in last
    assert levels.plan().status == PlanStatus.APPROVED
    assert refusals(levels) == ["another stage is open", "another stage is open"]


def test_the_card_counts_each_person_in_one_stage(levels: Bench) -> None:
    """Bob is a lead and on call: his word as a lead is not shown as that of somebody on call too."""
    plan = levels.ask()

    press(levels, plan, BOB)

    with levels.database.reading() as session:
        card = session.get_one(Message, "plan:1").wanted
    assert "stage 1: 1 of 1 from sre-leads" in card
    assert "stage 2: 0 of 1 from sre-oncall" in card


def test_people_of_a_later_stage_may_reject_at_once(levels: Bench) -> None:
    plan = levels.ask()

    press(levels, plan, ALICE, Verdict.REJECT)

    assert levels.plan().status == PlanStatus.REJECTED


def in_staging(desk: Bench) -> Plan:
    """A plan to scale one and the same service of staging 2x, judged by what the ledger says now."""
    return desk.ask(env="staging", service="checkout", earned=record(desk))


def record(desk: Bench) -> dict[str, int]:
    """What the ledger holds of it."""
    with desk.database.reading() as session:
        return {"staging-scale-unproven": ledger.standing(session, SCALE, "checkout", "staging", desk.clock()).verified}


def run(desk: Bench, end: PlanStatus) -> str:
    """Propose it, let somebody agree where that is asked, run it to this end. Returns what policy asked."""
    plan = in_staging(desk)
    effect = plan.decision.effect
    if effect is Effect.APPROVE:
        press(desk, plan, ALICE)
    with desk.database.writing() as session:
        stored = plans.get(session, plan.id or 0)
        if effect is Effect.AUTO:
            plans.move(session, stored, PlanStatus.APPROVED, desk.clock())
        assert plans.claim(session, stored, "run", desk.clock())
        if end is PlanStatus.SUCCEEDED:
            plans.move(session, stored, PlanStatus.VERIFYING, desk.clock())
        elif end is not PlanStatus.NEEDS_HUMAN:
            plans.move(session, stored, PlanStatus.ROLLING_BACK, desk.clock())
    finish(plan.id or 0, end, desk.desk)
    desk.clock.pass_(seconds=10)
    return str(effect)


@pytest.mark.parametrize("failure", [PlanStatus.ROLLED_BACK, PlanStatus.ROLLBACK_FAILED, PlanStatus.NEEDS_HUMAN])
def test_after_five_good_runs_it_runs_by_itself_and_after_one_failure_people_are_asked_again(
    desk: Bench, failure: PlanStatus
) -> None:
    good = [run(desk, PlanStatus.SUCCEEDED) for _ in range(6)]

    bad = run(desk, failure)

    assert (good, bad) == (["approve"] * 5 + ["auto"], "auto")
    assert [run(desk, PlanStatus.SUCCEEDED) for _ in range(2)] == ["approve", "approve"]
    assert [event for _, event in desk.entries("plan:7")].count("ledger.lost") == 1


def test_a_rejection_ends_a_record_and_names_who_rejected(desk: Bench) -> None:
    for _ in range(3):
        run(desk, PlanStatus.SUCCEEDED)

    press(desk, in_staging(desk), BOB, Verdict.REJECT)

    assert record(desk) == {"staging-scale-unproven": 0}
    assert (BOB, "ledger.lost") in desk.entries("plan:4")


def test_a_rejection_with_nothing_to_lose_tells_of_no_loss(desk: Bench) -> None:
    press(desk, in_staging(desk), BOB, Verdict.REJECT)

    assert "ledger.lost" not in [event for _, event in desk.entries()]


def test_a_plan_that_waits_to_start_is_asked_about_once_its_record_is_lost(desk: Bench) -> None:
    for _ in range(5):
        run(desk, PlanStatus.SUCCEEDED)
    plan = in_staging(desk)
    assert plan.decision.effect is Effect.AUTO

    with desk.database.writing() as session:
        first = plans.get(session, 1)
        ledger.remember(session, first, Result.OVERRIDDEN, desk.clock(), actor=ALICE)
        objection = standing.lost_agreement(session, plans.get(session, plan.id or 0), Roll({}), desk.desk)

    assert objection is not None
    assert objection.to is PlanStatus.PENDING
    assert "it needs 1 of owner, sre-oncall (staging-scale-unproven)" in objection.reason


@BOTH
def test_of_two_plans_that_would_use_up_a_limit_the_second_claim_sees_the_first(desk: Bench) -> None:
    made = [desk.ask(env="staging", service="checkout", action=RESTART, scale_factor=1.0) for _ in range(4)]
    asked: list[str | None] = []

    for plan in made:
        with desk.database.writing() as session:
            stored = plans.get(session, plan.id or 0)
            plans.move(session, stored, PlanStatus.APPROVED, desk.clock())
            objection = standing.lost_agreement(session, stored, Roll({}), desk.desk)
            asked.append(None if objection is None else objection.reason)
            if objection is None:
                plans.claim(session, stored, f"run-{stored.id}", desk.clock())

    assert {plan.decision.effect for plan in made} == {Effect.AUTO}
    assert asked[:3] == [None, None, None]
    assert "it needs 1 of owner, sre-oncall (auto-per-service)" in str(asked[3])
