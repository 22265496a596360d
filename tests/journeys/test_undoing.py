"""A fix that succeeded and is taken back, as people meet it."""

from __future__ import annotations

from deploy.sandbox.workspace.directory import ALERTS, PEOPLE
from tests.journeys.scene import APPROVE, Scene, Trouble, eventually

UNDO = "plan.undo"
IDS = {person.name: person.id for person in PEOPLE}
WHY = {"why": "The new limit starves the node"}


def fixed(scene: Scene, name: str) -> Trouble:
    """A Deployment that got more memory, and its alert cleared."""
    trouble = scene.trouble(2, name)
    trouble.asks()
    trouble.click("alice", APPROVE)
    trouble.card("Succeeded")
    return trouble


def test_a_fix_is_taken_back_once_somebody_else_agrees(scene: Scene) -> None:
    trouble = scene.trouble(2, "quotes")
    before = limits(trouble)
    trouble.asks()
    trouble.click("alice", APPROVE)
    trouble.card("Succeeded")
    after = limits(trouble)
    form = trouble.modal("alice", UNDO)

    scene.driver.person("alice").submit(form, WHY)
    told = scene.driver.wait_for_view("alice", "once it is approved")
    card = scene.card("Approval needed", trouble.root())
    own = scene.driver.person("alice").click(ALERTS, card.ts, APPROVE)
    scene.driver.wait_for_ephemeral("alice", "You cannot decide plan")
    scene.driver.person("bob").click(ALERTS, card.ts, APPROVE)

    eventually(lambda: limits(trouble) == before, "the old limit")
    assert own.acked
    assert after != before
    assert "Take back: " in form.everything
    assert "somebody else has to approve it" in told.everything
    assert "Take back: " in card.everything
    first, second = scene.record.plans(trouble.sign)
    assert (second.undoes, second.requester) == (first.id, IDS["alice"])
    assert UNDO not in scene.driver.message(ALERTS, trouble.card("takes it back").ts).action_ids
    assert len(trouble.effects()) == 2


def limits(trouble: Trouble) -> object:
    """What the container may use, as the Deployment says."""
    template = trouble.template()
    assert isinstance(template, dict)
    return template["spec"]["containers"][0]["resources"].get("limits")


def test_what_moved_on_since_is_not_taken_back(scene: Scene) -> None:
    trouble = fixed(scene, "rates")
    form = trouble.modal("bob", UNDO)
    scene.laptop.kubernetes.patch(
        f"/apis/apps/v1/namespaces/shop/deployments/{trouble.name}",
        json={
            "spec": {
                "template": {"spec": {"containers": [{"name": "app", "resources": {"limits": {"memory": "2Gi"}}}]}}
            }
        },
        headers={"Content-Type": "application/strategic-merge-patch+json"},
    ).raise_for_status()

    scene.driver.person("bob").submit(form, WHY)

    scene.driver.wait_for_view("bob", "somebody else has changed it since")
    assert len(scene.record.plans(trouble.sign)) == 1
    assert len(trouble.effects()) == 1
