"""A plan edited before it is approved, as people meet it: the form, what is wrong with it, and the card afterwards."""

from __future__ import annotations

import pytest

from deploy.sandbox.workspace.directory import ALERTS, PEOPLE
from storage.tables import PlanStatus
from tests.journeys.scene import APPROVE, Scene

EDIT = "plan.edit"
IDS = {person.name: person.id for person in PEOPLE}
FIELD = "a0.memory_limit"


def test_an_edited_plan_replaces_the_old_one_and_runs_as_edited(scene: Scene) -> None:
    trouble = scene.trouble(2, "pricing")
    old = trouble.asks()
    bob, alice = scene.driver.person("bob"), scene.driver.person("alice")
    form = trouble.modal("bob", EDIT)

    wrong = bob.submit(form, {FIELD: "plenty"})
    right = bob.submit(form, {FIELD: "320Mi"})
    told = scene.driver.wait_for_view("bob", "stands instead of")
    replaced = scene.card("Replaced", trouble.root())
    asked = scene.card("Approval needed", trouble.root())
    late = alice.click(ALERTS, old.ts, APPROVE, forced=True)
    own = bob.click(ALERTS, asked.ts, APPROVE)
    alice.click(ALERTS, asked.ts, APPROVE)
    scene.card("Succeeded", trouble.root())

    assert wrong.errors[FIELD].startswith("A quantity such as 512Mi")
    assert not right.errors
    assert "somebody else has to approve it" in told.everything
    assert replaced.ts == old.ts
    assert replaced.action_ids == []
    assert f"<@{IDS['bob']}>" in replaced.everything
    assert "320Mi" in asked.everything
    assert late.acked
    assert own.acked
    scene.driver.wait_for_ephemeral("alice", "was replaced by")
    scene.driver.wait_for_ephemeral("bob", "You cannot decide plan")
    first, second = scene.record.plans(trouble.sign)
    assert (first.status, second.status) == (PlanStatus.SUPERSEDED, PlanStatus.SUCCEEDED)
    assert (second.replaces, second.steerers) == (first.id, (IDS["bob"],))
    assert len(trouble.effects()) == 1
    assert trouble.healed


@pytest.mark.parametrize(
    ("value", "why"), [("1000Gi", "stays as it is"), ("1Mi", "stays as it is"), ("", "Nothing would be left to do")]
)
def test_an_edit_that_leads_nowhere_changes_nothing(value: str, why: str, scene: Scene) -> None:
    trouble = scene.trouble(2, f"nowhere{len(value)}")
    trouble.asks()
    form = trouble.modal("bob", EDIT)

    answer = scene.driver.person("bob").submit(form, {FIELD: value})

    told = " ".join(answer.errors.values()) or scene.driver.wait_for_view("bob", why).everything
    assert why in told
    assert trouble.plan().status == PlanStatus.PENDING
    assert APPROVE in trouble.card().action_ids


def test_a_guest_who_gets_at_the_form_changes_nothing(scene: Scene) -> None:
    trouble = scene.trouble(2, "guarded")
    trouble.asks()
    form = trouble.modal("gwen", EDIT)

    scene.driver.person("gwen").submit(form, {FIELD: "320Mi"})

    scene.driver.wait_for_view("gwen", "guests may not decide")
    assert trouble.plan().status == PlanStatus.PENDING
    assert scene.record.events(trouble.plan())[-1] == (IDS["gwen"], "edit.refused")
