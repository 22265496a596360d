"""What becomes of an approved plan when something goes wrong: undone, made to wait, cut off, killed at random."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator, Mapping

import pytest

from deploy.sandbox.laptop import Laptop
from deploy.sandbox.workspace.directory import ALERTS
from storage.tables import ExecutionStatus, Phase, PlanStatus
from tests.journeys.crossing import Crossing, When
from tests.journeys.scene import APPROVE, PATIENCE, PLAN_CARD, Scene, Trouble

VERIFY = 10
"""Seconds this file's bot gives a fix to show that it helps."""
LIFE = 2.5
"""The longest a bot lives in the killing runs, in seconds: about as long as an uneventful remediation."""


@pytest.fixture(scope="module")
def crossing(laptop: Laptop) -> Iterator[Crossing]:
    """The road of this file's bot to the cluster."""
    with Crossing(laptop.cluster.url) as crossing:
        yield crossing


@pytest.fixture(scope="module")
def environment(laptop: Laptop, crossing: Crossing) -> Mapping[str, str]:
    """Little patience, and writes over the crossing."""
    writer = crossing.kubeconfig(laptop.folder / "crossing.kubeconfig")
    return {"SAYSO_VERIFY_SECONDS": str(VERIFY), "SAYSO_WRITER_KUBECONFIG": str(writer)}


def test_a_fix_that_does_not_help_is_undone(scene: Scene) -> None:
    trouble = scene.trouble(1, "invoices")
    # What the lost variable referred to is lost as well, so that the pods the fix makes cannot start either.
    scene.laptop.kubernetes.delete("/api/v1/namespaces/shop/secrets/invoices-database").raise_for_status()
    trouble.release_again()
    before = trouble.template()
    trouble.asks()

    trouble.click("alice", APPROVE)

    card = trouble.card("Undone", timeout=60)
    assert "What was done has been taken back." in card.everything
    assert trouble.template() == before
    assert len(trouble.effects()) == 2
    assert trouble.plan().status == PlanStatus.ROLLED_BACK
    assert [event for _, event in scene.record.events(trouble.plan())][-5:] == [
        "plan.verifying",
        "plan.not_verified",
        "plan.rolling_back",
        "execution.done",
        "plan.rolled_back",
    ]
    trouble.root("Needs a person")


def test_a_second_plan_for_the_same_target_waits_for_the_first(scene: Scene) -> None:
    first = scene.trouble(1, "tickets")
    second = scene.about(1, "tickets", environment="staging")
    first.asks()
    second.asks()
    first.click("alice", APPROVE)
    first.card("Verifying")

    second.click("bob", APPROVE)

    waiting = second.card("Waiting for")
    assert f"Waiting for P-{first.plan().id} to finish on the same target." in waiting.everything
    first.card("Succeeded")
    second.card("Out of date")  # what it was to repair is repaired
    assert len(first.effects()) == 1


@pytest.mark.parametrize(("when", "made"), [("before", 0), ("after", 1)])
def test_a_bot_killed_in_the_middle_of_a_step_makes_its_change_once(
    when: When, made: int, scene: Scene, crossing: Crossing
) -> None:
    trouble = scene.trouble(1, f"cut-{when}")
    trouble.asks()
    crossing.arrange(when, scene.bot.kill)
    trouble.click("alice", APPROVE)
    assert crossing.met.wait(PATIENCE)
    made_before_it_died = len(trouble.effects())

    scene.bot.start()

    trouble.card("Succeeded")
    assert made_before_it_died == made
    assert len(trouble.effects()) == 1
    assert carried_out(scene, trouble) == [(Phase.APPLY, ExecutionStatus.DONE)]
    assert trouble.plan().status == PlanStatus.SUCCEEDED


@pytest.mark.parametrize(
    ("kills", "seed"), [(3, 1), pytest.param(10, 2, marks=[pytest.mark.soak, pytest.mark.timeout(600)])]
)
def test_a_bot_killed_at_random_moments_still_makes_one_change_and_finishes(
    kills: int, seed: int, scene: Scene
) -> None:
    trouble = scene.trouble(1, f"killed-{kills}-times")
    lives = [random.Random(seed).uniform(0, LIFE) for _ in range(kills)]  # the seed makes a failure repeatable
    trouble.ring()
    killer = threading.Thread(target=kill_and_restart, args=(scene, lives))
    killer.start()

    insist(trouble, killer)

    trouble.card("Succeeded")
    assert len(trouble.effects()) == 1
    assert carried_out(scene, trouble) == [(Phase.APPLY, ExecutionStatus.DONE)]
    assert trouble.plan().status == PlanStatus.SUCCEEDED
    assert len(scene.record.votes(trouble.plan())) == 1
    assert scene.record.chain().fault is None
    said = scene.driver.messages(ALERTS)
    assert len([message for message in said if message.ts == message.thread_ts and trouble.sign in message.text]) == 1
    assert (
        len([message for message in scene.driver.thread(ALERTS, trouble.root().ts) if PLAN_CARD in message.everything])
        == 1
    )


def kill_and_restart(scene: Scene, lives: list[float]) -> None:
    """End each life after its length, and begin the next."""
    for life in lives:
        time.sleep(life)
        scene.bot.kill()
        scene.bot.start()


def insist(trouble: Trouble, killer: threading.Thread) -> None:
    """Be a person who clicks Approve whenever the card asks, until the bot lives on; a dead one does not answer."""
    while True:
        over = not killer.is_alive()
        asking = [
            message
            for message in trouble.scene.driver.messages(ALERTS)
            if APPROVE in message.action_ids and trouble.name in message.everything
        ]
        for card in asking:
            trouble.scene.driver.person("alice").click(ALERTS, card.ts, APPROVE)
        if over:
            return
        time.sleep(0.2)


def carried_out(scene: Scene, trouble: Trouble) -> list[tuple[str, str]]:
    """The calls of its plan, and how they ended."""
    return [(one.phase, one.status) for one in scene.record.executions(trouble.plan())]
