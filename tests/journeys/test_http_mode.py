"""Slack over signed HTTP instead of Socket Mode: the same story, and requests that only claim to come from Slack."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterator, Mapping
from urllib.parse import urlencode

import httpx
import pytest

from deploy.sandbox.laptop import Laptop
from deploy.sandbox.workspace.directory import PEOPLE, SIGNING_SECRET, TEAM_ID
from deploy.sandbox.workspace.elements import every
from storage.tables import PlanStatus
from tests.journeys.conftest import QUICK
from tests.journeys.scene import APPROVE, Scene, Trouble

IDS = {person.name: person.id for person in PEOPLE}
DAY = 24 * 60 * 60


@pytest.fixture(scope="module")
def scene(laptop: Laptop) -> Iterator[Scene]:
    """A bot without a socket, and a workspace that was told where to find it."""
    scene = Scene(laptop, laptop.bot(**QUICK, SAYSO_SLACK_MODE="http").start())
    laptop.driver.settings(request_url=f"{scene.bot.url}/slack/events")
    yield scene
    scene.bot.kill()
    scene.record.close()


@pytest.fixture(scope="module")
def asked(scene: Scene) -> Trouble:
    """A plan that waits for its people."""
    trouble = scene.trouble(7, "payments")
    trouble.asks()
    return trouble


@pytest.mark.parametrize(
    ("secret", "age"),
    [("", 0), ("somebody-elses-secret", 0), (SIGNING_SECRET, DAY), (SIGNING_SECRET, -60)],
    ids=["unsigned", "forged", "old", "of the future"],
)
def test_a_click_slack_did_not_sign_just_now_is_turned_away(
    secret: str, age: int, scene: Scene, asked: Trouble
) -> None:
    body = approval_of(asked)

    answer = httpx.post(
        f"{scene.bot.url}/slack/events", content=body, headers=signed(body, secret, age), trust_env=False
    )

    assert answer.status_code == 401
    assert scene.record.votes(asked.plan()) == []
    assert asked.plan().status == PlanStatus.PENDING


def test_a_genuine_click_that_somebody_recorded_and_sends_again_counts_once(scene: Scene) -> None:
    trouble = scene.trouble(7, "replays")
    trouble.asks()
    body = approval_of(trouble)
    headers = signed(body, SIGNING_SECRET, 0)

    answers = [
        httpx.post(f"{scene.bot.url}/slack/events", content=body, headers=headers, trust_env=False) for _ in range(3)
    ]

    trouble.card("Succeeded")
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert len(scene.record.votes(trouble.plan())) == 1
    refused = [one for one in scene.record.entries(f"plan:{trouble.plan().id}") if one.event == "click.refused"]
    assert [json.loads(one.payload)["reason"] for one in refused] == ["the same click again"] * 2
    assert len(trouble.effects()) == 1


def test_the_person_on_call_approves_over_http(scene: Scene, asked: Trouble) -> None:
    assert scene.driver.connections() == 0

    assert asked.click("alice", APPROVE).acked

    asked.card("Succeeded")
    assert asked.healed
    assert len(asked.effects()) == 1
    asked.clear()
    asked.root("Resolved")


def approval_of(trouble: Trouble) -> bytes:
    """The request Slack would send for alice's click on this card."""
    card = trouble.card()
    (button,) = [placed.element for placed in every(card.blocks) if placed.element["action_id"] == APPROVE]
    alice = {"id": IDS["alice"], "team_id": TEAM_ID}
    payload = {
        "type": "block_actions",
        "user": alice,
        "team": {"id": TEAM_ID},
        "channel": {"id": card.channel},
        "container": {"type": "message", "message_ts": card.ts, "channel_id": card.channel},
        "message": {"ts": card.ts},
        "trigger_id": "1.1.a",
        "actions": [{"type": "button", "action_id": APPROVE, "value": button["value"], "action_ts": "1.1"}],
    }
    return urlencode({"payload": json.dumps(payload)}).encode()


def signed(body: bytes, secret: str, age: int) -> Mapping[str, str]:
    """Slack's signature headers, made with this secret so many seconds ago; none without a secret."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    if not secret:
        return form
    at = str(int(time.time()) - age)
    digest = hmac.new(secret.encode(), b"v0:" + at.encode() + b":" + body, hashlib.sha256).hexdigest()
    return {**form, "X-Slack-Request-Timestamp": at, "X-Slack-Signature": f"v0={digest}"}
