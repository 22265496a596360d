"""Changing Kubernetes: what makes an approval stale, what a rehearsal shows, what undo puts back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.tools.kubernetes.shop import SCENARIOS, Shop
from tests.tools.kubernetes.wishes import (
    BACK,
    KEY,
    PASSWORD,
    RESTART,
    WEB,
    env,
    image,
    resources,
    scale,
    second_revision,
)
from tools.actions import Action
from tools.writes.kubernetes import WRITES
from tools.writes.kubernetes.rollouts import RESTART_ANNOTATION
from tools.writes.write import Applied, Change, Landing, Observed, Preview, Refused, Stale


def approved(shop: Shop, action: Action) -> Observed:
    """A target as people saw it."""
    second_revision(shop)
    return shop.observe(action)


GOOD = image("registry.local/web:3.1.0")


def test_another_value_of_the_field_makes_an_approval_stale(shop: Shop) -> None:
    observed = approved(shop, GOOD)
    second_revision(shop, image="registry.local/web:9.9.9")

    checked = shop.write(GOOD).check(GOOD, observed, shop.writers)
    applied = shop.write(GOOD).apply(GOOD, observed, KEY, shop.writers)

    assert isinstance(checked, Stale)
    assert isinstance(applied, Stale)
    assert "generation 2, now 3" in checked.reason
    assert shop.effects() == []


def test_any_other_change_of_the_spec_makes_an_approval_stale(shop: Shop) -> None:
    observed = approved(shop, GOOD)
    shop.patch(WEB, {"spec": {"minReadySeconds": 5}})

    assert isinstance(shop.write(GOOD).check(GOOD, observed, shop.writers), Stale)


def test_another_object_of_the_same_name_makes_an_approval_stale(shop: Shop) -> None:
    observed = approved(shop, GOOD)
    shop.delete(WEB)
    shop.settle()
    shop.apply(SCENARIOS / "world.yaml")
    second_revision(shop)

    checked = shop.write(GOOD).check(GOOD, observed, shop.writers)

    assert isinstance(checked, Stale)
    assert "made anew" in checked.reason


def test_an_object_that_is_gone_makes_an_approval_stale(shop: Shop) -> None:
    observed = approved(shop, GOOD)
    shop.delete(WEB)

    assert isinstance(shop.write(GOOD).check(GOOD, observed, shop.writers), Stale)
    assert isinstance(shop.write(GOOD).apply(GOOD, observed, KEY, shop.writers), Stale)
    assert shop.write(GOOD).landed(GOOD, observed, KEY, shop.writers) is Landing.UNKNOWN


@pytest.mark.parametrize(
    "change",
    [{"metadata": {"annotations": {"team": "shop"}}}, {"spec": {"replicas": 3}}],
    ids=["an annotation", "the count an autoscaler may move"],
)
def test_a_generation_that_moved_alone_is_refreshed(shop: Shop, change: dict[str, Any]) -> None:
    observed = approved(shop, GOOD)
    shop.patch(WEB, change)

    checked = shop.write(GOOD).check(GOOD, observed, shop.writers)

    assert isinstance(checked, Observed)
    assert checked.generation != observed.generation
    assert isinstance(shop.write(GOOD).apply(GOOD, checked, KEY, shop.writers), Applied)


def test_status_alone_never_makes_an_approval_stale(shop: Shop) -> None:
    shop.break_down("4-liveness-path")
    (action,) = shop.remedy().actions
    observed = shop.observe(action)
    version = shop.deployment("cart")["metadata"]["resourceVersion"]
    shop.settle(300)

    checked = shop.write(action).check(action, observed, shop.writers)

    assert shop.deployment("cart")["metadata"]["resourceVersion"] != version
    assert checked == observed


def test_a_selector_that_moved_makes_an_approval_stale(shop: Shop) -> None:
    shop.break_down("7-selector-typo")
    (action,) = shop.remedy().actions
    observed = shop.observe(action)
    shop.patch("/api/v1/namespaces/shop/services/payments", {"spec": {"selector": {"app": "web"}}})

    applied = shop.write(action).apply(action, observed, KEY, shop.writers)

    assert isinstance(applied, Stale)
    assert shop.effects() == []


def test_a_count_that_moved_makes_an_approval_stale(shop: Shop) -> None:
    observed = shop.observe(scale(4))
    shop.patch(WEB, {"spec": {"replicas": 5}})

    assert isinstance(shop.write(scale(4)).apply(scale(4), observed, KEY, shop.writers), Stale)


# What rehearsing shows.


def preview(shop: Shop, action: Action) -> Preview:
    """The rehearsal of an action."""
    shown = shop.write(action).preview(action, shop.observe(action), shop.writers)
    assert isinstance(shown, Preview), shown
    return shown


def test_a_preview_names_the_field_and_both_values(shop: Shop) -> None:
    second_revision(shop)

    shown = preview(shop, GOOD)

    path = "spec.template.spec.containers[app].image"
    assert shown.changes == (Change(path=path, before="registry.local/web:3.0.0", after="registry.local/web:3.1.0"),)
    assert shown.command == "kubectl -n shop set image deployment/web app=registry.local/web:3.1.0"
    assert "2 pods of web" in shown.blast_radius


def test_environment_values_are_never_shown_nor_recorded(shop: Shop) -> None:
    second_revision(shop, env=[{"name": "MODE", "value": PASSWORD}, {"name": "OTHER", "value": "x"}])
    second_revision(shop, env=[{"name": "MODE", "value": "open-" + PASSWORD}])

    action = env(revision=2)
    observed = shop.observe(action)
    shown = preview(shop, action)
    applied = shop.write(action).apply(action, observed, KEY, shop.writers)

    assert isinstance(applied, Applied)
    assert shop.container("web")["env"] == [{"name": "MODE", "value": PASSWORD}]
    for recorded in (observed.model_dump_json(), shown.model_dump_json(), applied.model_dump_json()):
        assert PASSWORD not in recorded
    (change,) = shown.changes
    assert (change.before, change.after) == ("value set (24 characters)", "value set (19 characters)")


def test_a_changed_variable_is_put_back_without_its_value_being_kept(shop: Shop) -> None:
    second_revision(shop, env=[{"name": "MODE", "value": PASSWORD}])
    second_revision(shop, env=[{"name": "MODE", "value": "fast"}, {"name": "OTHER", "value": "x"}])
    action = env(revision=2)
    observed = shop.observe(action)
    shop.write(action).apply(action, observed, KEY, shop.writers)
    shop.settle()

    undone = shop.write(action).undo(action, observed, KEY, shop.writers)

    assert isinstance(undone, Applied)
    assert shop.container("web")["env"] == [{"name": "MODE", "value": "fast"}, {"name": "OTHER", "value": "x"}]


def test_what_the_server_would_refuse_is_refused_in_rehearsal(untouched: Shop) -> None:
    action = resources(memory_request="250Mi", memory_limit="256Mi", cpu_request="100m", cpu_limit="90m")

    shown = untouched.write(action).preview(action, untouched.observe(action), untouched.writers)

    assert isinstance(shown, Refused)
    assert "The API server refuses the change" in shown.reason
    assert untouched.effects() == []


def test_a_change_the_server_refuses_for_good_is_not_called_stale(untouched: Shop) -> None:
    action = resources(cpu_request="100m", cpu_limit="90m")
    observed = untouched.observe(action)

    with pytest.raises(Exception, match="The API server refuses the change") as raised:
        untouched.write(action).apply(action, observed, KEY, untouched.writers)

    assert type(raised.value).__name__ == "PermanentError"


# The actions no story needs.


def test_a_restart_replaces_every_pod_once(shop: Shop) -> None:
    before = {pod.uid for pod in shop.picture().pods}
    observed = shop.observe(RESTART)
    write = shop.write(RESTART)

    applied = write.apply(RESTART, observed, KEY, shop.writers)
    shop.settle()

    assert isinstance(applied, Applied)
    assert write.landed(RESTART, observed, KEY, shop.writers) is Landing.LANDED
    assert write.landed(RESTART, observed, "another attempt", shop.writers) is Landing.UNKNOWN
    assert before.isdisjoint({pod.uid for pod in shop.picture().pods})
    assert shop.deployment("web")["spec"]["template"]["metadata"]["annotations"] == {RESTART_ANNOTATION: KEY}
    assert isinstance(write.undo(RESTART, observed, KEY, shop.writers), Stale)
    assert isinstance(write.preview_undo(RESTART, observed, shop.writers), Refused)
    assert not write.reversible


def test_a_restart_that_did_not_happen_is_known_not_to_have(untouched: Shop) -> None:
    observed = untouched.observe(RESTART)

    assert untouched.write(RESTART).landed(RESTART, observed, KEY, untouched.writers) is Landing.NOT_LANDED


def test_an_undo_takes_everything_the_newer_revision_brought(shop: Shop) -> None:
    first = shop.deployment("web")["spec"]["template"]
    second_revision(shop, image="registry.local/web:3.0.0", env=[{"name": "MODE", "value": PASSWORD}])
    second = shop.deployment("web")["spec"]["template"]
    observed = shop.observe(BACK)
    write = shop.write(BACK)
    shown = preview(shop, BACK)

    applied = write.apply(BACK, observed, KEY, shop.writers)
    shop.settle()
    landed = write.landed(BACK, observed, KEY, shop.writers)
    now = shop.deployment("web")["spec"]["template"]
    undone = write.undo(BACK, observed, KEY, shop.writers)

    assert isinstance(applied, Applied)
    assert landed is Landing.LANDED
    assert now["spec"] == first["spec"]
    assert isinstance(undone, Applied)
    assert shop.deployment("web")["spec"]["template"]["spec"] == second["spec"]
    assert write.undone(BACK, observed, KEY, shop.writers) is Landing.LANDED
    assert PASSWORD not in observed.model_dump_json() + shown.model_dump_json()


def test_a_scale_changes_the_count_and_nothing_else(shop: Shop) -> None:
    action = scale(4)
    before = shop.deployment("web")["spec"]
    observed = shop.observe(action)
    write = shop.write(action)

    shown = preview(shop, action)
    applied = write.apply(action, observed, KEY, shop.writers)
    shop.settle()

    assert (observed.replicas_before, observed.replicas_after, observed.pods_affected) == (2, 4, 2)
    assert shown.changes == (Change(path="spec.replicas", before="2", after="4"),)
    assert isinstance(applied, Applied)
    assert shop.deployment("web")["spec"] == before | {"replicas": 4}
    assert shop.picture().workloads[0].available == 4


def test_a_scale_up_from_nothing_can_be_undone(shop: Shop) -> None:
    shop.patch(WEB, {"spec": {"replicas": 0}})
    observed = shop.observe(scale(2))
    write = shop.write(scale(2))

    applied = write.apply(scale(2), observed, KEY, shop.writers)
    grown = shop.deployment("web")["spec"]["replicas"]
    undone = write.undo(scale(2), observed, KEY, shop.writers)

    assert isinstance(applied, Applied)
    assert grown == 2
    assert isinstance(undone, Applied)
    assert shop.deployment("web")["spec"]["replicas"] == 0


def test_undoing_twice_changes_nothing_more(shop: Shop) -> None:
    observed = shop.observe(scale(4))
    write = shop.write(scale(4))
    write.apply(scale(4), observed, KEY, shop.writers)
    write.undo(scale(4), observed, KEY, shop.writers)

    again = write.undo(scale(4), observed, KEY, shop.writers)

    assert isinstance(again, Applied)
    assert json.loads(again.after) == {"replicas": 2}
    assert len(shop.effects()) == 2


def test_every_kubernetes_action_has_a_write_that_names_its_permissions() -> None:
    for action, write in WRITES.items():
        assert action.model_fields["kind"].default.startswith("k8s.")
        assert any(permission.startswith("patch ") for permission in write.permissions)
    assert len(WRITES) == 8
