"""What becomes of an approved plan when something goes wrong: undone, queued, cut off in the middle, killed at random."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping

import pytest

from deploy.sandbox.laptop import Laptop
from storage.tables import ExecutionStatus, Phase, PlanStatus
from tests.journeys.crossing import Crossing, When
from tests.journeys.scene import APPROVE, Scene, Trouble

VERIFY = 12
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
    # The fix refers to this Secret, so that the pods it makes cannot start either.
    scene.laptop.kubernetes.delete("/api/v1/namespaces/shop/secrets/invoices-database").raise_for_status()
    trouble.asks()
    before = template(scene, "invoices")

    trouble.click("alice", APPROVE)

    card = trouble.card("Undone", timeout=60)
    assert "What was done has been taken back." in card.everything
    assert template(scene, "invoices") == before
    assert len(trouble.effects()) == 2
    plan = trouble.plan()
    assert plan.status == PlanStatus.ROLLED_BACK
    assert [event for _, event in scene.record.events(plan)][-5:] == [
        "plan.not_verified",
        "plan.rolling_back",
        "execution.done",
        "plan.rolled_back",
    ][-5:]
    trouble.root("Needs a person")


def test_a_second_plan_for_the_same_target_waits_for_the_first(scene: Scene) -> None:
    first = scene.trouble(1, "tickets")
    first.asks()
    second = Trouble(scene, scene.calm_alert(first, "staging"), "tickets")

    second.asks()

    assert first.plan() is not None


def template(scene: Scene, name: str) -> object:
    """A Deployment's pod template as it is now."""
    found = scene.laptop.kubernetes.get(f"/apis/apps/v1/namespaces/shop/deployments/{name}")
    return found.raise_for_status().json()["spec"]["template"]
