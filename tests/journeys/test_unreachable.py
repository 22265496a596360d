"""Nothing can be seen, or Slack stumbles: the incident opens all the same, and its card says what could not be seen."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from deploy.sandbox.cluster.api.access import Identity
from deploy.sandbox.cluster.kubeconfig import write_kubeconfig
from deploy.sandbox.laptop import WEBHOOK_TOKEN, Laptop, free_port
from deploy.sandbox.workspace.directory import ALERTS
from deploy.sandbox.workspace.faults import CallFault
from tests.journeys.scene import Scene

TIMELINE = "incident.timeline"
ALARM = Path(__file__).parents[1] / "bot" / "alerts" / "payloads" / "eventbridge_cloudwatch_alarm_state_change.json"


@pytest.fixture(scope="module")
def environment(laptop: Laptop) -> Mapping[str, str]:
    """A cluster and an AWS account where nobody answers."""
    nobody = f"http://127.0.0.1:{free_port()}"
    path = laptop.folder / "nobody.kubeconfig"
    return {
        "KUBECONFIG": str(write_kubeconfig(path, nobody, Identity.READER)),
        "SAYSO_WRITER_KUBECONFIG": str(path),
        "AWS_ENDPOINT_URL": nobody,
        "AWS_REGION": "eu-west-2",
        **_credentials(laptop.folder),
    }


def test_an_unreachable_cluster_is_said_on_the_incidents_card(scene: Scene) -> None:
    trouble = scene.about(1, "reports")

    trouble.ring()

    root = trouble.root("No plan")  # what could not be seen is shown a moment before, while it still investigates
    assert "Could not see" in root.everything
    assert "Nothing could be seen" in root.everything
    assert "Look again" in root.everything
    assert scene.record.plans(trouble.sign) == []


def test_an_unreachable_account_is_said_on_the_incidents_card(scene: Scene) -> None:
    alarm = json.loads(ALARM.read_text())["body"]

    answer = httpx.post(
        f"{scene.bot.url}/webhooks/eventbridge",
        content=json.dumps(alarm),
        headers={"Authorization": f"Bearer {WEBHOOK_TOKEN}"},
        trust_env=False,
        timeout=10,
    )

    assert answer.status_code == 202
    root = scene.root(alarm["detail"]["alarmName"], "Could not see", timeout=60)
    assert "Nothing could be seen" in root.everything


def test_slack_asking_to_slow_down_delays_the_card_and_does_not_double_it(scene: Scene) -> None:
    trouble = scene.about(1, "salaries")
    scene.driver.fault(CallFault(method="chat.postMessage", times=2, status=429, error="ratelimited", retry_after=1))

    trouble.ring()

    trouble.root("Could not see")
    refused = [call for call in scene.driver.calls("chat.postMessage") if call.get("status") == 429]
    assert len(refused) == 2
    assert posted(scene, trouble.sign) == 1


@pytest.mark.parametrize("error", ["internal_error", "service_unavailable"])
def test_slack_failing_to_post_is_tried_again_without_doubling(error: str, scene: Scene) -> None:
    trouble = scene.about(1, error.replace("_", "-"))
    scene.driver.fault(CallFault(method="chat.postMessage", times=2, status=500, error=error))

    trouble.ring()

    trouble.root("Could not see")
    assert posted(scene, trouble.sign) == 1


def test_a_dropped_socket_is_opened_again_and_clicks_arrive(scene: Scene) -> None:
    trouble = scene.about(1, "catering")
    scene.driver.drop()

    trouble.ring()

    root = trouble.root("Could not see")
    scene.driver.wait_for_app(timeout=30)
    assert scene.driver.person("alice").click(ALERTS, root.ts, TIMELINE).acked
    assert "opened the incident" in scene.driver.wait_for_view("alice", TIMELINE).everything


def posted(scene: Scene, sign: str) -> int:
    """How many messages of their own there are about an incident."""
    roots = [message for message in scene.driver.messages(ALERTS) if message.thread_ts in ("", message.ts)]
    return len([message for message in roots if sign in message.everything])


def _credentials(folder: Path) -> Mapping[str, str]:
    """An AWS configuration of made-up keys, so that nothing is looked for elsewhere."""
    keys = "".join(
        f"[{name}]\naws_access_key_id = sandbox\naws_secret_access_key = sandbox\n" for name in ("reader", "writer")
    )
    (folder / "credentials").write_text(keys)
    (folder / "config").write_text("[profile reader]\n[profile writer]\n")
    return {
        "AWS_PROFILE": "reader",
        "SAYSO_WRITER_AWS_PROFILE": "writer",
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials"),
        "AWS_CONFIG_FILE": str(folder / "config"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }
