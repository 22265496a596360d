"""What comes in at the doors: alerts that clear by themselves, that share a cause, that mean nothing, and forgeries."""

from __future__ import annotations

import json
from collections.abc import Mapping

import httpx
import pytest

from deploy.sandbox.laptop import WEBHOOK_TOKEN
from deploy.sandbox.stories import post_alert
from deploy.sandbox.workspace.directory import ALERTS, INCIDENTS
from storage.tables import PlanStatus
from tests.journeys.scene import APPROVE, Scene, eventually
from tools.values import JsonObject, JsonValue

TRUSTED = {"Authorization": f"Bearer {WEBHOOK_TOKEN}"}


def test_an_alert_that_clears_by_itself_closes_the_pending_card(scene: Scene) -> None:
    trouble = scene.trouble(1, "loyalty")
    trouble.asks()

    trouble.clear()

    card = trouble.card("Cancelled")
    assert "The alert cleared by itself." in card.everything
    assert APPROVE not in card.action_ids
    trouble.root("Resolved")
    assert trouble.plan().status == PlanStatus.CANCELLED
    assert trouble.effects() == []


def test_two_alerts_of_one_cause_are_one_incident_with_one_plan(scene: Scene) -> None:
    trouble = scene.trouble(1, "vouchers")
    trouble.asks()
    pods = scene.laptop.kubernetes.get("/api/v1/namespaces/shop/pods", params={"labelSelector": "app=vouchers"})
    labels: dict[str, JsonValue] = {
        "alertname": "KubePodNotReady",
        "namespace": "shop",
        "pod": pods.json()["items"][0]["metadata"]["name"],
        "severity": "warning",
        "env": "prod",
    }
    alert: dict[str, JsonValue] = {
        "status": "firing",
        "labels": labels,
        "annotations": {"summary": "A pod of vouchers is not ready"},
        "startsAt": "2026-11-20T09:14:05Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "",
        "fingerprint": "vouchers-pod",
    }
    second: JsonObject = {**trouble.story.alert("firing"), "alerts": [alert]}

    post_alert(scene.bot.url, second)

    trouble.root("×2 alerts folded")
    assert len(scene.record.incidents("vouchers")) == 1
    assert len(scene.record.plans("vouchers")) == 1


def test_the_same_alert_again_is_folded_into_its_incident(scene: Scene) -> None:
    trouble = scene.trouble(1, "reviews")
    trouble.asks()

    for _ in range(3):
        post_alert(scene.bot.url, trouble.story.alert("firing"))

    trouble.root("×4 alerts folded")
    assert len(scene.record.incidents("reviews")) == 1
    assert len(scene.record.plans("reviews")) == 1


def test_a_healthy_system_gets_a_calm_card_and_no_plan(scene: Scene) -> None:
    calm = scene.calm(1, "pricing")

    calm.ring()

    root = calm.root("No plan")
    assert "No known cause" in root.everything
    (incident,) = scene.record.incidents(calm.sign)
    assert [gap for gap in incident.gaps or () if not gap.startswith("Elsewhere: ")] == []
    assert scene.record.plans(calm.sign) == []
    assert calm.effects() == []


def test_an_alert_bots_message_opens_an_incident_that_can_be_approved(scene: Scene) -> None:
    trouble = scene.trouble(1, "delivery")
    text = "*alertname:* KubePodCrashLooping\n*namespace:* shop\n*deployment:* delivery\n*service:* delivery\n"
    attachment = {
        "color": "danger",
        "title": "[FIRING:1] KubePodCrashLooping (shop delivery critical)",
        "text": text + "*severity:* critical\n*env:* prod",
    }

    scene.driver.alert(ALERTS, attachments=[attachment])

    root = scene.root("delivery", "Awaiting approval")
    card = scene.card("Approval needed", root)
    scene.driver.person("alice").click(ALERTS, card.ts, APPROVE)
    scene.card("Succeeded", root)
    assert len(trouble.effects()) == 1


def test_chatter_and_bots_of_other_channels_are_left_alone(scene: Scene) -> None:
    before = scene.record.count_incidents()
    firing = "[FIRING:1] {} (shop web critical)\n*namespace:* shop\n*severity:* critical"

    scene.driver.person("alice").say(ALERTS, firing.format("SaidByAPerson"))
    scene.driver.person("carol").say(ALERTS, "did anybody see the match?")
    scene.driver.alert(INCIDENTS, firing.format("InAnotherChannel"))
    scene.driver.alert(ALERTS, "The weekly report is ready.")
    scene.driver.alert(ALERTS, firing.format("SaidByTheAlertBot"))

    # Events are handled in order, so the last one's incident is the only one there is time for.
    scene.root("SaidByTheAlertBot")
    eventually(lambda: scene.record.count_incidents() == before + 1, "the one incident")
    assert scene.record.incidents("SaidByAPerson") == []
    assert scene.record.incidents("InAnotherChannel") == []


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong-token"}], ids=["unsigned", "forged"])
@pytest.mark.parametrize("source", ["alertmanager", "eventbridge"])
def test_a_webhook_that_proves_nothing_is_turned_away(source: str, headers: Mapping[str, str], scene: Scene) -> None:
    before = scene.record.count_incidents(), len(scene.record.refused_deliveries())

    answer = post(scene, source, json.dumps({"alerts": []}).encode(), headers)

    assert answer.status_code == 401
    assert answer.json() == {"error": "not authenticated"}
    assert (scene.record.count_incidents(), len(scene.record.refused_deliveries())) == before


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b'["not", "an", "object"]', b'{"version": "4", "alerts": "all of them"}', b"\xff\xfe\x00"],
    ids=["empty", "cut-off", "a-list", "wrong-type", "not-text"],
)
def test_a_malformed_webhook_is_refused_and_kept_as_it_came(body: bytes, scene: Scene) -> None:
    before = scene.record.count_incidents()

    answer = post(scene, "alertmanager", body, TRUSTED)

    assert answer.status_code == 400
    kept = scene.record.refused_deliveries()[-1]
    assert (kept.id, kept.source, kept.body) == (answer.json()["kept_as"], "alertmanager", body)
    assert kept.reason == answer.json()["error"]
    assert scene.record.count_incidents() == before


def test_a_body_too_large_is_refused_before_it_is_read(scene: Scene) -> None:
    answer = post(scene, "alertmanager", b" " * (2 * 1024 * 1024), TRUSTED)

    assert answer.status_code == 413


def test_a_source_nobody_knows_is_named(scene: Scene) -> None:
    answer = post(scene, "carrier-pigeon", b"{}", TRUSTED)

    assert answer.status_code == 404
    assert "carrier-pigeon" in answer.json()["error"]


def post(scene: Scene, source: str, body: bytes, headers: Mapping[str, str]) -> httpx.Response:
    """Knock at a webhook."""
    content = {"Content-Type": "application/json", **headers}
    return httpx.post(f"{scene.bot.url}/webhooks/{source}", content=body, headers=content, trust_env=False, timeout=10)
