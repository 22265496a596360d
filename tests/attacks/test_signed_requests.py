"""Signed requests sent again, dated ahead, or signed by nobody, over real HTTP to the real bot."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from urllib.parse import parse_qs, urlencode

import httpx
import pytest

from deploy.sandbox.laptop import Laptop
from deploy.sandbox.workspace.directory import ALERTS, SIGNING_SECRET, TEAM_ID
from storage.tables import PlanStatus
from tests.journeys.conftest import QUICK, SPEED
from tests.journeys.scene import Scene, Trouble, eventually
from tests.journeys.test_http_mode import IDS, approval_of, signed

AHEAD = -31
"""Seconds of age of a request that is dated half a minute ahead, and a little more."""


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    """A bot that Slack reaches over HTTP."""
    with Laptop(speed=SPEED, cloud=False) as laptop:
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


def send(scene: Scene, body: bytes, age: int = 0, secret: str = SIGNING_SECRET) -> int:
    """Post a click as Slack would; the status of the answer."""
    url = f"{scene.bot.url}/slack/events"
    answer = httpx.post(url, content=body, headers=signed(body, secret, age), trust_env=False, timeout=20)
    return answer.status_code


def test_a_request_from_the_future_is_turned_away(scene: Scene, asked: Trouble) -> None:
    """Bolt takes the distance to now either way: what is signed for later could be kept and sent then."""
    body = approval_of(asked)

    ahead, far_ahead = send(scene, body, AHEAD), send(scene, body, -299)

    assert (ahead, far_ahead) == (401, 401)
    assert scene.record.votes(asked.plan()) == []


def test_a_body_changed_after_it_was_signed_is_turned_away(scene: Scene, asked: Trouble) -> None:
    body = approval_of(asked)
    headers = signed(body, SIGNING_SECRET, 0)
    changed = body.replace(b"U0ALICE001", b"U0CAROL001")

    answer = httpx.post(f"{scene.bot.url}/slack/events", content=changed, headers=headers, trust_env=False)

    assert changed != body
    assert answer.status_code == 401
    assert scene.record.votes(asked.plan()) == []


def test_a_click_from_another_organisation_is_signed_by_slack_and_still_refused(scene: Scene, asked: Trouble) -> None:
    """Slack Connect: the request is Slack's own, the person is not one of ours, whatever team is named beside them."""
    payload = json.loads(parse_qs(approval_of(asked).decode())["payload"][0])
    payload["user"]["team_id"] = "T0ELSEWHERE"

    status = send(scene, urlencode({"payload": json.dumps(payload)}).encode())

    assert status == 200
    refused = ("U0ALICE001", "click.refused")
    eventually(lambda: refused in scene.record.events(asked.plan()), "the refusal on record")
    assert asked.plan().status == PlanStatus.PENDING


def test_a_signed_click_sent_three_times_is_one_vote_and_one_execution(scene: Scene, asked: Trouble) -> None:
    body = approval_of(asked)

    statuses = [send(scene, body) for _ in range(3)]

    assert statuses == [200, 200, 200]
    asked.card("Succeeded")
    events = [event for _, event in scene.record.events(asked.plan())]
    eventually(lambda: _count(scene, asked, "click.refused") >= 2, "the refused repetitions on record")
    assert events.count("vote.approve") == 1
    assert len(asked.effects()) == 1


def test_a_replay_after_the_end_changes_nothing(scene: Scene, asked: Trouble) -> None:
    body = approval_of_old(asked)
    before = len(asked.effects())

    send(scene, body)

    time.sleep(0.5)
    assert asked.plan().status == PlanStatus.SUCCEEDED
    assert len(asked.effects()) == before


def approval_of_old(trouble: Trouble) -> bytes:
    """The click on the button the card had while it asked."""
    plan = trouble.plan()
    payload = {
        "type": "block_actions",
        "user": {"id": IDS["alice"], "team_id": TEAM_ID},
        "channel": {"id": ALERTS},
        "container": {"type": "message", "message_ts": "1.1", "channel_id": ALERTS},
        "actions": [
            {
                "type": "button",
                "action_id": "plan.approve",
                "value": f"P-{plan.id}:{plan.version}:{plan.digest[:16]}",
                "action_ts": "9.9",
            }
        ],
    }
    return urlencode({"payload": json.dumps(payload)}).encode()


def _count(scene: Scene, asked: Trouble, event: str) -> int:
    return [one for _, one in scene.record.events(asked.plan())].count(event)
