"""The seven faults of the shop, each from the alert to the healed workload and back, over real HTTP."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.tools.kubernetes.shop import SCENARIOS, Broken, Shop
from tools.reads.kubernetes.resolve import subject_of
from tools.writes.write import Applied, Landing, Observed, Preview, Refused, Stale

STORIES = tuple(sorted(path.name for path in SCENARIOS.iterdir() if path.is_dir()))

KEY = "attempt-1"

TITLES = {
    "1-missing-env": "Restore DATABASE_URL on checkout/app from revision 1",
    "2-out-of-memory": "Set memory limit 512Mi on catalog/app",
    "3-missing-image": "Set the image of storefront/app to registry.local/web:3.1.0",
    "4-liveness-path": "Set the liveness probe of cart/app to path /healthz",
    "5-readiness-port": "Set the readiness probe of search/app to port http",
    "6-request-too-large": "Set memory request 64Mi on reports/app",
    "7-selector-typo": "Point Service payments at pods with app=payments",
}


def expected(story: str) -> dict[str, Any]:
    """What the story file promises."""
    found: dict[str, Any] = yaml.safe_load((SCENARIOS / story / "story.yaml").read_text())["expected"]
    return found


def test_a_healthy_shop_leads_to_no_finding(untouched: Shop) -> None:
    seen = untouched.picture()

    assert untouched.findings() == ()
    assert seen.gaps == ()
    assert [found.name for found in seen.workloads] == ["web"]


def test_every_story_is_healthy_before_its_fault(shop: Shop) -> None:
    for story in STORIES:
        shop.apply(SCENARIOS / story / "before.yaml")

    assert shop.findings() == ()
    assert len(shop.picture().workloads) == len(STORIES) + 1
    assert all(found.rolled_out for found in shop.picture().workloads)


@pytest.mark.parametrize("story", STORIES)
def test_each_fault_is_found_and_its_narrow_fix_known(broken: Broken, story: str) -> None:
    shop = broken(story)

    fix = shop.remedy()

    assert [found.code for found in shop.findings()] == [expected(story)["finding"]]
    assert [action.kind for action in fix.actions] == [expected(story)["action"]]
    assert fix.actions[0].title == TITLES[story]


@pytest.mark.parametrize("story", STORIES)
def test_a_known_fix_is_rehearsed_applied_once_and_heals(shop: Shop, story: str) -> None:
    shop.break_down(story)
    fix = shop.remedy()
    (action,) = fix.actions
    write = shop.write(action)
    before = shop.measured(fix)

    observed = shop.observe(action)
    preview = write.preview(action, observed, shop.writers)
    checked = write.check(action, observed, shop.writers)
    assert isinstance(checked, Observed)
    applied = write.apply(action, checked, KEY, shop.writers)
    shop.settle(90)

    assert isinstance(preview, Preview)
    assert len(preview.changes) == 1
    assert isinstance(applied, Applied)
    assert len(shop.effects()) == 1
    assert write.landed(action, observed, KEY, shop.writers) is Landing.LANDED
    assert not all(measurement.met for measurement in before)
    assert all(measurement.met for measurement in shop.measured(fix)), shop.measured(fix)
    assert shop.findings() == ()


@pytest.mark.parametrize("story", STORIES)
def test_a_rehearsal_persists_nothing(broken: Broken, story: str) -> None:
    shop = broken(story)
    (action,) = shop.remedy().actions
    observed = shop.observe(action)

    preview = shop.write(action).preview(action, observed, shop.writers)

    assert isinstance(preview, Preview)
    assert shop.effects() == []
    assert shop.observe(action) == observed


@pytest.mark.parametrize("story", STORIES)
def test_an_undone_fix_leaves_everything_as_it_was(shop: Shop, story: str) -> None:
    shop.break_down(story)
    (action,) = shop.remedy().actions
    write = shop.write(action)
    observed = shop.observe(action)
    forth = write.preview(action, observed, shop.writers)
    broken = shop.specs()
    write.apply(action, observed, KEY, shop.writers)
    shop.settle(90)

    standing = write.undone(action, observed, KEY, shop.writers)
    back = write.preview_undo(action, observed, shop.writers)
    rehearsed_only = shop.effects()
    undone = write.undo(action, observed, KEY, shop.writers)

    assert standing is Landing.NOT_LANDED
    assert isinstance(forth, Preview)
    assert isinstance(back, Preview)
    assert [(one.path, one.after, one.before) for one in back.changes] == [
        (one.path, one.before, one.after) for one in forth.changes
    ]
    assert len(rehearsed_only) == 1
    assert isinstance(write.preview_undo(action, observed, shop.writers), Refused)
    assert isinstance(undone, Applied)
    assert write.undone(action, observed, KEY, shop.writers) is Landing.LANDED
    assert shop.specs() == broken
    assert len(shop.effects()) == 2


@pytest.mark.parametrize("story", STORIES)
def test_what_others_changed_since_is_not_undone(shop: Shop, story: str) -> None:
    shop.break_down(story)
    (action,) = shop.remedy().actions
    write = shop.write(action)
    observed = shop.observe(action)
    write.apply(action, observed, KEY, shop.writers)
    shop.apply(SCENARIOS / story / "before.yaml")
    overwrite(shop, story)

    rehearsed = write.preview_undo(action, observed, shop.writers)
    undone = write.undo(action, observed, KEY, shop.writers)

    assert isinstance(rehearsed, Refused)
    assert isinstance(undone, Stale)
    assert len(shop.effects()) == 1


@pytest.mark.parametrize("story", STORIES)
def test_the_alert_of_each_story_leads_to_its_workload(story: str) -> None:
    alert = json.loads((SCENARIOS / story / "alert.json").read_text())
    name = alert["alerts"][0]["labels"]["service"]

    subject = subject_of(alert["commonLabels"])

    assert alert["version"] == "4"
    assert subject is not None
    assert (subject.namespace, subject.service) == ("shop", name)
    assert subject.deployment == (None if story == "7-selector-typo" else name)


def overwrite(shop: Shop, story: str) -> None:
    """A colleague changes the very fields the fix set."""
    manifests = list(yaml.safe_load_all(Path(SCENARIOS / story / "before.yaml").read_text()))
    for manifest in manifests:
        if manifest["kind"] == "Service":
            manifest["spec"]["selector"] = {"app": "web"}
        elif manifest["kind"] == "Deployment":
            container = manifest["spec"]["template"]["spec"]["containers"][0]
            container["image"] = "registry.local/web:3.0.0"
            container["env"] = [{"name": "DATABASE_URL", "value": "sqlite://"}]
            container["resources"] = {"requests": {"memory": "70Mi"}, "limits": {"memory": "600Mi"}}
            for probe in ("livenessProbe", "readinessProbe"):
                container[probe]["httpGet"] = {"path": "/", "port": 8080}
        shop.put(manifest)
