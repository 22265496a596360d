"""Beside the ordinary way: a fresh sign-in, a lent vote, broken glass and its review, and the stop switch."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest

from deploy.sandbox.identity import Identity
from deploy.sandbox.laptop import Laptop
from deploy.sandbox.workspace.directory import ALERTS, PEOPLE
from policies.loading import SHIPPED
from storage.tables import PlanStatus
from tests.journeys.scene import APPROVE, Scene, Trouble, eventually

IDS = {person.name: person.id for person in PEOPLE}
SECTIONS = """
break_glass: {eligible: [sre-oncall], approvals: 1, step_up: false, reason: true, incident: true, ttl: 30m,
              overrides_deny: false, tell_skipped: true, channel: audit, block_next_until_reviewed: true}
"""


@pytest.fixture(scope="module")
def issuer() -> Iterator[Identity]:
    """Where people sign in."""
    with Identity() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def environment(laptop: Laptop, issuer: Identity) -> Mapping[str, str]:
    """The shipped rules with votes to lend and glass to break; staging wants a fresh sign-in."""
    shipped = SHIPPED.read_text()
    theirs = shipped.replace("not_requester: false, expires: 15m", "not_requester: false, step_up: true, expires: 15m")
    assert theirs != shipped
    rules = Path(laptop.folder / "rules.yaml")
    rules.write_text(theirs + SECTIONS)
    return {
        "SAYSO_RULES": str(rules),
        "SAYSO_PUBLIC_URL": f"http://127.0.0.1:{laptop.environment()['SAYSO_HTTP_PORT']}",
        **issuer.environment(),
    }


def test_a_plan_that_wants_a_fresh_sign_in_runs_after_one(scene: Scene) -> None:
    trouble = scene.trouble(1, "vouchers", environment="staging")
    trouble.asks()

    trouble.click("alice", APPROVE)
    told = scene.driver.wait_for_ephemeral("alice", "needs a fresh sign-in")
    waiting = trouble.plan().status
    sign_in(link_in(told.everything), IDS["alice"])

    trouble.card("Succeeded")
    assert waiting == PlanStatus.PENDING
    assert trouble.healed
    (vote,) = scene.record.votes(trouble.plan())
    assert (vote.user_id, vote.stepped_up) == (IDS["alice"], True)


def test_a_lent_vote_heals_the_world_under_both_names(scene: Scene) -> None:
    trouble = scene.trouble(1, "receipts")
    trouble.asks()
    bob = scene.driver.person("bob")

    assert bob.slash("/sayso", "delegate @carol 2h at the dentist").acked
    trouble.click("carol", APPROVE)

    trouble.card("Succeeded")
    (vote,) = scene.record.votes(trouble.plan())
    assert (vote.user_id, vote.on_behalf_of) == (IDS["carol"], IDS["bob"])
    assert f"<@{IDS['bob']}>" in trouble.card("Succeeded").everything
    scene.driver.wait_for_message(f"D{IDS['carol'][1:]}", "lent you the vote")
    assert bob.slash("/sayso", "undelegate @carol").acked


def test_broken_glass_runs_the_plan_tells_who_was_skipped_and_waits_for_a_review(scene: Scene) -> None:
    trouble = scene.trouble(7, "tickets")
    trouble.asks()
    alice, bob = scene.driver.person("alice"), scene.driver.person("bob")
    name = f"P-{trouble.plan().id}"

    alice.slash("/sayso", f"break-glass {name}")
    modal = scene.driver.wait_for_view("alice", "break_glass")
    assert not alice.submit(modal, {"why": "nobody answers and the shop is down"}).errors

    trouble.card("Succeeded")
    scene.driver.wait_for_message(f"D{IDS['bob'][1:]}", "without asking you")
    notice = scene.driver.wait_for_message(ALERTS, f"Glass broken · Plan {name}")
    bob.click(ALERTS, notice.ts, "break_glass.review")
    review = scene.driver.wait_for_view("bob", "break_glass.review")
    assert not bob.submit(review, {"why": "it was right: the shop was down"}).errors
    scene.driver.wait_for_message(ALERTS, "it was right: the shop was down")
    events = scene.record.events(trouble.plan())
    assert events[1:3] == [(IDS["alice"], "glass.broken"), (IDS["alice"], "plan.approved")]
    assert (IDS["bob"], "glass.reviewed") in events
    assert scene.record.votes(trouble.plan()) == []


def test_while_sayso_is_stopped_nothing_starts(scene: Scene) -> None:
    trouble = scene.trouble(1, "wishlist")
    trouble.asks()
    scene.driver.person("bob").slash("/sayso", "stop the vendor is rolling back")
    scene.driver.wait_for_message(ALERTS, "the vendor is rolling back")

    trouble.click("alice", APPROVE)
    scene.driver.wait_for_ephemeral("alice", "I am stopped, so it waits")
    eventually(lambda: trouble.plan().status == PlanStatus.APPROVED, "the approval")
    held = trouble.effects()
    scene.driver.person("alice").slash("/sayso", "resume")

    trouble.card("Succeeded")
    assert held == []
    assert trouble.healed


def test_carol_breaks_no_glass_and_stops_nothing(scene: Scene) -> None:
    trouble: Trouble = scene.trouble(1, "ratings")
    trouble.asks()
    carol = scene.driver.person("carol")

    carol.slash("/sayso", f"break-glass P-{trouble.plan().id}")
    carol.submit(scene.driver.wait_for_view("carol", "break_glass"), {"why": "I would like to"})
    answer = carol.slash("/sayso", "stop now")

    eventually(lambda: (IDS["carol"], "glass.refused") in scene.record.events(trouble.plan()), "the refusal's entry")
    assert "Only people of the approver groups" in str(answer.payload)
    assert trouble.plan().status == PlanStatus.PENDING


def link_in(text: str) -> str:
    """The one-time link in what somebody was told."""
    found = re.search(r"http://127\.0\.0\.1:\d+/sign-in/[\w-]+", text)
    assert found is not None, text
    return found[0]


def sign_in(link: str, user: str) -> None:
    """Follow the link, sign in at the issuer, and confirm."""
    with httpx.Client(trust_env=False) as browser:
        page = browser.get(link)
        assert "Sign in and go on" in page.text
        away = browser.post(f"{link}/go").headers["location"]
        back = browser.post(away, data={"user": user}).headers["location"]
        confirm = browser.get(back)
        proof = re.search(r'name="proof" value="([^"]+)"', confirm.text)
        assert proof is not None, confirm.text
        done = browser.post(str(confirm.url.join("confirm")), data={"proof": proof[1]})
        assert done.status_code == 200, done.text
