"""What people decide, and what comes of it: approved, rejected, not answered, out of date, and not theirs to decide."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from deploy.sandbox.bot import REPOSITORY
from deploy.sandbox.laptop import Laptop
from deploy.sandbox.workspace.directory import ALERTS, PEOPLE
from deploy.sandbox.workspace.faults import DeliveryFault
from policies.loading import SHIPPED
from storage.tables import PlanStatus
from tests.journeys.scene import APPROVE, REJECT, Scene, Trouble, eventually

IDS = {person.name: person.id for person in PEOPLE}
ALICE = IDS["alice"]
UNANSWERED = 5
"""Seconds for which a plan of the staging environment may wait, by this file's rules."""


@pytest.fixture(scope="module")
def environment(laptop: Laptop) -> Mapping[str, str]:
    """The shipped rules, but for staging, where nobody has long to answer."""
    shipped = SHIPPED.read_text()
    theirs = shipped.replace("not_requester: false, expires: 15m", f"not_requester: false, expires: {UNANSWERED}s")
    assert theirs != shipped
    rules = Path(laptop.folder / "rules.yaml")
    rules.write_text(theirs)
    return {"SAYSO_RULES": str(rules)}


@pytest.fixture(scope="module")
def asked(scene: Scene) -> Trouble:
    """A plan that waits for its people while others try to decide it."""
    trouble = scene.trouble(1, "ledger")
    trouble.asks()
    return trouble


def test_an_approved_plan_heals_the_world_and_the_record_names_who_decided(scene: Scene) -> None:
    trouble = scene.trouble(1, "refunds")
    trouble.asks()

    assert trouble.click("alice", APPROVE).acked

    card = trouble.card("Succeeded")
    assert f"<@{ALICE}>" in card.everything
    assert trouble.healed
    assert len(trouble.effects()) == 1
    plan = trouble.plan()
    assert scene.record.events(plan) == [
        ("sayso", "plan.pending"),
        (ALICE, "vote.approve"),
        (ALICE, "plan.approved"),
        ("sayso", "lock.taken"),
        ("sayso", "plan.executing"),
        ("sayso", "execution.intended"),
        ("sayso", "execution.done"),
        ("sayso", "plan.verifying"),
        ("sayso", "plan.verified"),
        ("sayso", "plan.succeeded"),
    ]
    listed = sayso(scene, "audit", "list", "--json", "--subject", f"plan:{plan.id}")
    assert [entry["actor"] for entry in json.loads(listed) if entry["event"] == "plan.approved"] == [ALICE]
    assert "The chain holds" in sayso(scene, "audit", "verify")
    trouble.clear()
    trouble.root("Resolved")


def test_a_rejection_needs_a_reason_and_changes_nothing(scene: Scene) -> None:
    trouble = scene.trouble(3, "window")
    trouble.asks()
    alice = scene.driver.person("alice")

    modal = trouble.modal("alice", REJECT)
    too_short = alice.submit(modal, {"why": "    "})
    still_open = scene.driver.open_view("alice")
    accepted = alice.submit(modal, {"why": "The release team rolls it back by hand."})

    assert set(too_short.errors) == {"why"}
    assert still_open is not None
    assert accepted.errors == {}
    assert scene.driver.open_view("alice") is None
    scene.driver.wait_for_ephemeral("alice", "Your rejection of plan")
    card = trouble.card("Rejected")
    assert "The release team rolls it back by hand." in card.everything
    assert APPROVE not in card.action_ids
    assert trouble.plan().status == PlanStatus.REJECTED
    assert trouble.effects() == []
    assert not trouble.healed
    trouble.root("Needs a person")


def test_a_plan_nobody_answers_expires_and_a_late_click_is_refused(scene: Scene) -> None:
    trouble = scene.trouble(1, "coupons", environment="staging")
    trouble.asks()

    expired = trouble.card("Expired")
    late = trouble.click("alice", APPROVE, forced=True)

    assert "Nobody answered; nothing was done." in expired.everything
    assert late.acked
    scene.driver.wait_for_ephemeral("alice", "takes no votes any more")
    assert trouble.plan().status == PlanStatus.EXPIRED
    assert scene.record.events(trouble.plan())[-1] == (ALICE, "click.refused")
    assert trouble.effects() == []
    trouble.root("nobody answered")


def test_a_target_that_changed_after_people_were_asked_is_left_alone(scene: Scene) -> None:
    trouble = scene.trouble(1, "basket")
    trouble.asks()
    trouble.release_again()
    theirs = trouble.template()

    trouble.click("alice", APPROVE)

    card = trouble.card("Out of date")
    assert "has changed since people saw it" in card.everything
    assert trouble.plan().status == PlanStatus.STALE
    assert trouble.effects() == []
    assert trouble.template() == theirs
    trouble.root("Nothing was done")


@pytest.mark.parametrize(
    ("person", "why"),
    [
        ("carol", "you are not among those this plan asks"),
        ("gwen", "guests may not decide"),
    ],
)
def test_people_the_plan_does_not_ask_are_refused_privately(
    person: str, why: str, scene: Scene, asked: Trouble
) -> None:
    asked.click(person, APPROVE)

    scene.driver.wait_for_ephemeral(person, why)
    assert scene.record.votes(asked.plan()) == []
    assert asked.plan().status == PlanStatus.PENDING


@pytest.mark.parametrize("person", ["carol", "gwen", "oscar", "dave"])
def test_a_click_without_the_right_to_it_is_recorded_and_counts_for_nothing(
    person: str, scene: Scene, asked: Trouble
) -> None:
    asked.click(person, APPROVE, forced=True)

    eventually(lambda: (IDS[person], "click.refused") in scene.record.events(asked.plan()), "the refusal's entry")
    assert scene.record.votes(asked.plan()) == []
    assert APPROVE in asked.card().action_ids


def test_a_rejection_by_somebody_not_asked_does_not_count(scene: Scene, asked: Trouble) -> None:
    modal = asked.modal("carol", REJECT)

    scene.driver.person("carol").submit(modal, {"why": "I would rather not."})

    eventually(lambda: scene.record.events(asked.plan())[-1] == (IDS["carol"], "click.refused"), "the refusal's entry")
    assert asked.plan().status == PlanStatus.PENDING


def test_the_same_click_delivered_twice_counts_once(scene: Scene) -> None:
    trouble = scene.trouble(7, "gifts")
    trouble.asks()
    scene.driver.fault(DeliveryFault(mishap="duplicate", kind="interactive"))

    trouble.click("alice", APPROVE)

    trouble.card("Succeeded")
    refusals = [entry for entry in scene.record.entries(f"plan:{trouble.plan().id}") if entry.event == "click.refused"]
    assert [json.loads(entry.payload)["reason"] for entry in refusals] == ["the same click again"]
    assert len(scene.record.votes(trouble.plan())) == 1
    assert len(trouble.effects()) == 1


def test_a_click_on_the_card_as_it_once_was_is_refused(scene: Scene) -> None:
    trouble = scene.trouble(7, "parcels")
    trouble.asks()
    trouble.click("alice", APPROVE)
    trouble.card("Succeeded")

    again = scene.driver.person("bob").click(ALERTS, trouble.card().ts, APPROVE, forced=True)

    assert again.acked
    scene.driver.wait_for_ephemeral("bob", "takes no votes any more: succeeded")
    assert len(trouble.effects()) == 1


def sayso(scene: Scene, *words: str) -> str:
    """What the command line prints beside the bot, on the same record."""
    told = subprocess.run(
        [sys.executable, "-m", "bot", *words],
        env=scene.bot.environment,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    return told.stdout
