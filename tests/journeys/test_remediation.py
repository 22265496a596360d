"""What becomes of an approved plan when something goes wrong: undone, made to wait, cut off, killed at random."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator, Mapping

import pytest

from deploy.sandbox.laptop import Laptop
from deploy.sandbox.workspace.directory import ALERTS
from deploy.sandbox.workspace.seen import Seen
from storage.tables import ExecutionStatus, Phase, PlanStatus
from tests.journeys.crossing import Crossing, When
from tests.journeys.scene import APPROVE, PATIENCE, PLAN_CARD, Scene, Trouble, eventually

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
    trouble = unhelpable(scene, "invoices")
    before = trouble.template()
    trouble.asks()

    trouble.click("alice", APPROVE)

    card = trouble.card("Undone", timeout=60)
    assert "What was done has been taken back." in card.everything
    assert trouble.template() == before
    assert len(trouble.effects()) == 2
    assert trouble.plan().status == PlanStatus.ROLLED_BACK
    assert [event for _, event in scene.record.events(trouble.plan())][-6:] == [
        "plan.verifying",
        "plan.not_verified",
        "plan.rolling_back",
        "execution.intended",
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
    # By the record and not by the card: a card is drawn a second later, and a run may be over by then.
    running = (PlanStatus.EXECUTING, PlanStatus.VERIFYING)
    eventually(lambda: first.plan().status in running, "the first plan to run")

    second.click("bob", APPROVE)

    waiting = second.card("Waiting for")
    assert f"Waiting for plan P-{first.plan().id}, which holds the same target" in waiting.everything
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


@pytest.mark.soak
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_bot_killed_while_it_undoes_takes_its_change_back_once(when: When, scene: Scene, crossing: Crossing) -> None:
    trouble = unhelpable(scene, f"undone-{when}")
    before = trouble.template()
    trouble.asks()
    trouble.click("alice", APPROVE)
    eventually(lambda: len(trouble.effects()) == 1, "the change")
    crossing.arrange(when, scene.bot.kill)
    assert crossing.met.wait(PATIENCE + VERIFY)

    scene.bot.start()

    trouble.card("Undone")
    assert trouble.template() == before
    assert len(trouble.effects()) == 2
    assert carried_out(scene, trouble) == [(Phase.APPLY, ExecutionStatus.DONE), (Phase.UNDO, ExecutionStatus.DONE)]


@pytest.mark.parametrize(("kills", "seed"), [pytest.param(10, seed, marks=[pytest.mark.soak]) for seed in (2, 3, 4)])
def test_a_bot_killed_at_random_moments_still_makes_one_change_and_finishes(
    kills: int, seed: int, scene: Scene
) -> None:
    trouble = scene.trouble(1, f"killed-{seed}")
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
    assert len(cards_about(trouble)) == 1


def unhelpable(scene: Scene, name: str) -> Trouble:
    """Story 1 with what the lost variable referred to lost as well: the pods the fix makes cannot start either."""
    trouble = scene.trouble(1, name)
    scene.laptop.kubernetes.delete(f"/api/v1/namespaces/shop/secrets/{name}-database").raise_for_status()
    trouble.release_again()  # or the fix would go back to the first revision, whose pods still run
    scene.notice(trouble)
    return trouble


def kill_and_restart(scene: Scene, lives: list[float]) -> None:
    """End each life after its length, and begin the next."""
    for life in lives:
        time.sleep(life)
        scene.bot.kill()
        scene.bot.start()


def insist(trouble: Trouble, killer: threading.Thread) -> None:
    """Be a person who clicks Approve while the card asks; a bot that is dead does not answer, so they click again."""
    person = trouble.scene.driver.person("alice")

    def decided() -> bool:
        cards = cards_about(trouble)
        for card in cards:
            if APPROVE in card.action_ids:
                person.click(ALERTS, card.ts, APPROVE)
        time.sleep(0.1)
        return bool(cards) and not killer.is_alive() and not any(APPROVE in card.action_ids for card in cards)

    eventually(decided, "the decision", timeout=300)


def cards_about(trouble: Trouble) -> list[Seen]:
    """Every plan card about its workload: one, however often somebody died while posting it."""
    said = trouble.scene.driver.messages(ALERTS)
    return [message for message in said if PLAN_CARD in message.everything and trouble.name in message.everything]


def carried_out(scene: Scene, trouble: Trouble) -> list[tuple[str, str]]:
    """The calls of its plan, and how they ended."""
    return [(one.phase, one.status) for one in scene.record.executions(trouble.plan())]
