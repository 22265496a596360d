"""Veto windows, told whole: a routine change runs by itself, unless somebody stops it or cannot wait.

A scripted model proposes one more replica for a workload that is well, which these rules call routine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from deploy.sandbox.laptop import Laptop
from deploy.sandbox.model.reading import Reading
from deploy.sandbox.model.wire import Call, ChatRequest, Reply
from deploy.sandbox.workspace.directory import PEOPLE
from storage.tables import PlanStatus
from tests.journeys.conftest import SPEED
from tests.journeys.scene import Scene, Trouble

STOP, RUN_NOW, APPROVE = "plan.stop", "plan.run_now", "plan.approve"
IDS = {person.name: person.id for person in PEOPLE}
SOON = 4
"""Seconds a window of staging lasts."""
RULES = f"""
apiVersion: sayso.policy/v1
version: 1
timezone: Europe/London
default: deny
groups:
  owner: {{resolve: service-owner, fallback: [sre-oncall]}}
  sre-oncall: {{resolve: "oncall:sre"}}
rules:
  - id: staging-scale
    why: "A replica more in staging is routine; people get a moment to stop it."
    when: {{env: [staging], action: [k8s.scale_deployment], scale_factor: {{le: 2}}}}
    effect: auto_after
    require: {{window: {SOON}s, veto_from: [owner, sre-oncall]}}
  - id: prod-scale
    why: "A replica more in production is routine; people get a quarter of an hour to stop it."
    when: {{env: [prod], action: [k8s.scale_deployment], scale_factor: {{le: 2}}}}
    effect: auto_after
    require: {{window: 15m, veto_from: [owner, sre-oncall]}}
test_defaults:
  {{service: api, namespace: shop, team: "", account: "", region: "", origin: alert, requester: sayso, severity: sev2,
   scale_factor: 1.5, pods_affected: 3, at: "2026-11-18T12:00", recent: {{}}, rollbacks: 0, tainted_args: false,
   tainted_sensitive: false, corroborated: true, confidence: 9, action: k8s.scale_deployment}}
tests:
  - {{name: staging, given: {{env: staging}}, expect: {{effect: auto_after, window: {SOON}s}}}}
  - {{name: prod, given: {{env: prod}}, expect: {{effect: auto_after, window: 15m}}}}
"""


def one_replica_more(request: ChatRequest) -> Reply:
    """A model that has looked once and finds that there could be one more replica."""
    reading = Reading(request)
    if reading.answer_tool is None or not reading.made:
        return Reply(calls=reading.possible_calls()[:1])
    about = {"namespace": reading.known["namespace"], "deployment": reading.known["deployment"]}
    seen = next(block for block in reading.evidence if block.excerpt)
    quotes = [{"evidence_id": seen.id, "quote": seen.excerpt.splitlines()[0]}]
    resource = {
        "provider": "kubernetes",
        "scope": about["namespace"],
        "kind": "Deployment",
        "name": about["deployment"],
    }
    finding = {
        "code": "model.few_replicas",
        "title": "Few replicas",
        "statement": "It has few replicas for what it does.",
        "severity": "sev3",
        "confidence": 8,
        "resource": resource,
        "quotes": quotes,
    }
    action = {"kind": "k8s.scale_deployment", **about, "replicas": 4}
    conclusion = {
        "hypothesis": finding["statement"],
        "findings": [finding],
        "actions": [{"action": action, "quotes": quotes}],
        "confidence": 8,
    }
    return Reply(calls=(Call(reading.answer_tool, conclusion),))


@pytest.fixture(scope="module")
def laptop() -> Iterator[Laptop]:
    """Workspace, cluster and that model."""
    with Laptop(speed=SPEED, cloud=False, model=one_replica_more) as laptop:
        yield laptop


@pytest.fixture(scope="module")
def environment(laptop: Laptop) -> Mapping[str, str]:
    """The bot's rules: scaling has a window, and nothing else is allowed."""
    rules = Path(laptop.folder / "windows.yaml")
    rules.write_text(RULES)
    return {"SAYSO_RULES": str(rules)}


def replicas(trouble: Trouble) -> int:
    """How many the Deployment wants now."""
    where = f"/apis/apps/v1/namespaces/shop/deployments/{trouble.name}"
    return int(trouble.scene.laptop.kubernetes.get(where).raise_for_status().json()["spec"]["replicas"])


def test_what_nobody_stops_runs_by_itself(scene: Scene) -> None:
    trouble = scene.calm(1, "hats", environment="staging")
    trouble.ring()

    waiting = trouble.card("Runs unless stopped")
    done = trouble.card("Succeeded")

    assert {STOP, RUN_NOW} <= set(waiting.action_ids)
    assert APPROVE not in waiting.action_ids
    assert "nobody stopped it" in done.everything
    assert replicas(trouble) == 4
    assert ("sayso", "plan.approved") in scene.record.events(trouble.plan())
    assert scene.record.votes(trouble.plan()) == []
    plan = trouble.plan()
    assert plan.decided_at is not None
    assert plan.fires_at is not None
    assert 0 <= (plan.decided_at - plan.fires_at).total_seconds() < 5


def test_whoever_stops_it_says_why_and_nothing_runs(scene: Scene) -> None:
    trouble = scene.calm(1, "gloves")
    before = replicas(trouble)
    trouble.ring()
    trouble.card("Runs unless stopped")

    assert trouble.click("alice", STOP).acked
    modal = scene.driver.wait_for_view("alice", "Stopping is final")
    scene.driver.person("alice").submit(modal, {"why": "Black Friday is a bad day for it."})

    card = trouble.card("Rejected")
    assert "Black Friday is a bad day for it." in card.everything
    assert trouble.plan().status == PlanStatus.REJECTED
    assert trouble.effects() == []
    assert replicas(trouble) == before


def test_somebody_who_cannot_wait_lets_it_run_now(scene: Scene) -> None:
    trouble = scene.calm(1, "scarves")
    trouble.ring()
    trouble.card("Runs unless stopped")

    trouble.click("bob", RUN_NOW)

    card = trouble.card("Succeeded")
    assert f"Approved by <@{IDS['bob']}>" in card.everything
    assert replicas(trouble) == 4
    assert len(trouble.effects()) == 1


def test_people_the_window_does_not_ask_can_do_neither(scene: Scene) -> None:
    trouble = scene.calm(1, "boots")
    trouble.ring()
    trouble.card("Runs unless stopped")

    trouble.click("carol", RUN_NOW)

    scene.driver.wait_for_ephemeral("carol", "you are not among those this plan asks")
    assert trouble.plan().status == PlanStatus.PENDING
    assert trouble.effects() == []
