"""The rules change while the bot runs: looser ones ask people first, tighter ones decide at once."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from deploy.sandbox.laptop import ONCALL, Laptop
from deploy.sandbox.workspace.directory import ALERTS, PEOPLE
from deploy.sandbox.workspace.seen import Seen
from policies.loading import SHIPPED
from storage import audit, policies
from tests.journeys.scene import Scene, Trouble
from tests.journeys.test_decisions import sayso

IDS = {person.name: person.id for person in PEOPLE}
APPROVE, DIFF = "policy.approve", "policy.diff"
FIRST = int(re.search(r"^version:\s*(\d+)", SHIPPED.read_text(), re.MULTILINE)[1])  # type: ignore[index]
ASKED, TAKEN, LATER = FIRST + 1, FIRST + 2, FIRST + 3


@pytest.fixture(scope="module")
def rules(laptop: Laptop) -> Path:
    """The rules file of this file's bot."""
    path = laptop.folder / "rules.yaml"
    path.write_text(shipped(FIRST, 15))
    return path


@pytest.fixture(scope="module")
def environment(laptop: Laptop, rules: Path) -> Mapping[str, str]:
    """Three people are on call."""
    laptop.driver.set_usergroup(ONCALL, IDS["alice"], IDS["bob"], IDS["carol"])
    return {"SAYSO_RULES": str(rules)}


def shipped(version: int, minutes: int) -> str:
    """The shipped rules in another version, with so many minutes to answer."""
    text = re.sub(r"^version:\s*\d+", f"version: {version}", SHIPPED.read_text(), count=1, flags=re.MULTILINE)
    return text.replace("expires: 15m", f"expires: {minutes}m")


def judged_by(trouble: Trouble) -> tuple[int, int | None]:
    """The version that decided about its plan, and how long people have."""
    trouble.asks()
    decision = trouble.plan().decision
    return decision.policy_version, decision.expires_s


def policy_card(scene: Scene, words: str) -> Seen:
    with scene.explained():
        return scene.driver.wait_for_message(ALERTS, lambda seen: words in seen.everything, 30)


def test_a_file_that_is_loosened_while_running_asks_first_and_the_old_rules_decide(scene: Scene, rules: Path) -> None:
    rules.write_text(shipped(ASKED, 20))

    card = policy_card(scene, f"May the rules allow more? · version {ASKED}")

    assert "lets people answer for 20 min instead of 15 min" in card.everything
    assert "Nobody knows who changed the file" in card.everything
    assert "3 people of" in card.everything
    assert judged_by(scene.trouble(1, "invoices")) == (FIRST, 900)


def test_two_who_are_not_its_author_bring_a_proposed_version_into_force(scene: Scene, tmp_path: Path) -> None:
    """A newer proposal, made beside the running bot, replaces the one that waits."""
    file = tmp_path / "looser.yaml"
    file.write_text(shipped(TAKEN, 20))
    told = sayso(scene, "policy", "propose", str(file), "--author", IDS["alice"])
    card = policy_card(scene, f"May the rules allow more? · version {TAKEN}")
    replaced = policy_card(scene, f"Rules not taken · version {ASKED}")
    alice, bob, carol = (scene.driver.person(name) for name in ("alice", "bob", "carol"))

    alice.click(ALERTS, card.ts, APPROVE)
    scene.driver.wait_for_ephemeral("alice", "whoever proposed a change of the rules does not decide it")
    bob.click(ALERTS, card.ts, DIFF)
    diff = scene.driver.wait_for_view("bob", DIFF)
    bob.click(ALERTS, card.ts, APPROVE)
    scene.driver.wait_for_ephemeral("bob", "1 of 2")
    carol.click(ALERTS, card.ts, APPROVE)

    policy_card(scene, f"Rules in force · version {TAKEN}")
    assert "people are asked in Slack first" in told
    assert APPROVE not in replaced.action_ids
    assert f"version: {TAKEN}" in diff.everything
    assert judged_by(scene.trouble(1, "receipts")) == (TAKEN, 1200)
    history = json.loads(sayso(scene, "policy", "history", "--json"))
    assert [(one["version"], one["status"], one["author"]) for one in history] == [
        (TAKEN, "active", IDS["alice"]),
        (ASKED, "rejected", None),
        (FIRST, "retired", None),
    ]
    entries = [(one.actor, one.event) for one in scene.record.entries(policies.subject(TAKEN))]
    assert entries == [
        (IDS["alice"], "policy.proposed"),
        (IDS["alice"], "click.refused"),
        (IDS["bob"], "vote.approve"),
        (IDS["carol"], "vote.approve"),
        (IDS["carol"], "policy.activated"),
    ]


def test_a_file_that_is_tightened_decides_at_once_and_the_channel_is_told(scene: Scene, rules: Path) -> None:
    rules.write_text(shipped(LATER, 10))

    card = policy_card(scene, f"Rules in force · version {LATER}")

    assert "so nobody had to agree" in card.everything
    assert judged_by(scene.trouble(1, "vouchers")) == (LATER, 600)
    (entry,) = scene.record.entries(policies.subject(LATER))
    assert (entry.actor, entry.event) == (audit.BOT, "policy.activated")


def test_how_the_rules_stand_is_told_on_asking(scene: Scene) -> None:
    ack = scene.driver.person("bob").slash("/sayso", "policy")

    assert f"*Version {LATER}* decides" in json.dumps(ack.payload)
