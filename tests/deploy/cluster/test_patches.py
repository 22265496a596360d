"""The patch formats over the wire, server-side apply with its conflicts, and laws that hold for any patch."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.sandbox.cluster.objects.patches import json_patch, merge_patch, strategic_patch
from deploy.sandbox.cluster.objects.shapes import clone
from tests.deploy.cluster.manifests import Manifest, deployment, in_container
from tests.deploy.cluster.wire import APPLY, JSON_PATCH, MERGE, STRATEGIC, Wire, path

DEPLOYMENT = path("deployments", "web")


def containers(item: Manifest) -> Any:
    return item["spec"]["template"]["spec"]["containers"]


def env(item: Manifest) -> dict[str, Any]:
    return {entry["name"]: entry.get("value") for entry in containers(item)[0].get("env", [])}


def test_a_json_patch_applies_when_its_tests_hold(api: Wire, web: Manifest) -> None:
    body = [
        {"op": "test", "path": "/metadata/uid", "value": web["metadata"]["uid"]},
        {"op": "test", "path": "/metadata/generation", "value": web["metadata"]["generation"]},
        {"op": "test", "path": "/spec/template/spec/containers/0/name", "value": "app"},
        {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "registry.local/web:3.0.0"},
        {"op": "add", "path": "/spec/template/metadata/annotations", "value": {"a/b": "x"}},
        {"op": "replace", "path": "/spec/template/metadata/annotations/a~1b", "value": "y"},
    ]

    changed = api.patch(DEPLOYMENT, body, JSON_PATCH)

    assert containers(changed)[0]["image"] == "registry.local/web:3.0.0"
    assert changed["spec"]["template"]["metadata"]["annotations"] == {"a/b": "y"}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/metadata/uid", "value": "other"},
        {"op": "test", "path": "/metadata/generation", "value": 99},
        {"op": "test", "path": "/spec/replicas", "value": 7},
        {"op": "add", "path": "/spec/none/below", "value": 1},
        {"op": "remove", "path": "/spec/paused"},
    ],
    ids=["uid", "generation", "old value", "no parent", "nothing to remove"],
)
def test_a_json_patch_that_does_not_hold_is_422_and_does_not_say_why(
    api: Wire, web: Manifest, operation: Manifest
) -> None:
    body = [operation, {"op": "replace", "path": "/spec/replicas", "value": 5}]

    status = api.refused("PATCH", DEPLOYMENT, body, JSON_PATCH)

    assert (status["code"], status["reason"]) == (422, "Invalid")
    assert status["message"] == "the server rejected our request due to an error in our request"
    assert api.get(DEPLOYMENT)["spec"]["replicas"] == 2


def test_a_merge_patch_replaces_lists_and_removes_with_null(api: Wire, web: Manifest) -> None:
    body = {
        "metadata": {"labels": {"app": None, "tier": "front"}},
        "spec": {"template": {"spec": {"containers": [{"name": "new", "image": "nginx:1.27"}]}}},
    }

    changed = api.patch(DEPLOYMENT, body, MERGE)

    assert changed["metadata"]["labels"] == {"tier": "front"}
    assert [entry["name"] for entry in containers(changed)] == ["new"]


def test_a_strategic_patch_merges_by_name_and_puts_new_items_first(api: Wire, web: Manifest) -> None:
    api.patch(DEPLOYMENT, in_container(env=[{"name": "A", "value": "1"}]))

    changed = api.patch(DEPLOYMENT, in_container(env=[{"name": "B", "value": "2"}, {"name": "A", "value": "3"}]))

    assert list(env(changed).items()) == [("B", "2"), ("A", "3")]
    assert containers(changed)[0]["image"] == "registry.local/web:3.1.0"


def test_a_strategic_patch_follows_the_order_it_is_given(api: Wire, web: Manifest) -> None:
    patch = in_container(
        **{
            "$setElementOrder/env": [{"name": "A"}, {"name": "B"}],
            "env": [{"name": "B", "value": "2"}, {"name": "A", "value": "1"}],
        }
    )

    changed = api.patch(DEPLOYMENT, patch)

    assert list(env(changed)) == ["A", "B"]


DIRECTIVES: list[tuple[str, Manifest, dict[str, Any]]] = [
    ("delete", {"env": [{"name": "A", "$patch": "delete"}]}, {"B": "2"}),
    ("replace the list", {"env": [{"$patch": "replace"}, {"name": "C", "value": "3"}]}, {"C": "3"}),
    ("null", {"env": None}, {}),
]


@pytest.mark.parametrize(("fields", "left"), [case[1:] for case in DIRECTIVES], ids=[c[0] for c in DIRECTIVES])
def test_strategic_directives(api: Wire, web: Manifest, fields: Manifest, left: dict[str, Any]) -> None:
    api.patch(DEPLOYMENT, in_container(env=[{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]))

    changed = api.patch(DEPLOYMENT, in_container(**fields))

    assert env(changed) == left


def test_retain_keys_drops_the_members_that_are_not_named(api: Wire, web: Manifest) -> None:
    changed = api.patch(DEPLOYMENT, {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}})

    assert changed["spec"]["strategy"] == {"type": "Recreate"}


def test_finalizers_are_deleted_one_by_one(api: Wire) -> None:
    api.create("configmaps", {"metadata": {"name": "c", "finalizers": ["a.b/one", "a.b/two"]}})

    changed = api.patch(path("configmaps", "c"), {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a.b/one"]}})

    assert changed["metadata"]["finalizers"] == ["a.b/two"]
    api.patch(path("configmaps", "c"), {"metadata": {"finalizers": None}}, MERGE)


def test_a_stale_selector_key_survives_a_merge_but_not_a_replace(api: Wire, web: Manifest) -> None:
    where = path("services", "web")

    merged = api.patch(where, {"spec": {"selector": {"tier": "front"}}})
    replaced = api.patch(where, [{"op": "replace", "path": "/spec/selector", "value": {"app": "web"}}], JSON_PATCH)

    assert merged["spec"]["selector"] == {"app": "web", "tier": "front"}
    assert replaced["spec"]["selector"] == {"app": "web"}


# Server-side apply


def applied(replicas: int, **fields: Any) -> Manifest:
    return deployment(replicas=replicas, **fields)


def test_applying_creates_then_updates(api: Wire) -> None:
    first = api.send("PATCH", DEPLOYMENT, applied(2), APPLY, fieldManager="one")
    second = api.send("PATCH", DEPLOYMENT, applied(3), APPLY, fieldManager="one")

    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json()["spec"]["replicas"] == 3


def test_applying_what_an_updater_owns_is_a_conflict_naming_it(api: Wire) -> None:
    api.create("deployments", applied(2), fieldManager="kubectl-create")

    status = api.refused("PATCH", DEPLOYMENT, applied(3), APPLY, fieldManager="one")

    assert (status["code"], status["reason"]) == (409, "Conflict")
    assert 'conflict with "kubectl-create": .spec.replicas' in status["message"]
    assert status["details"]["causes"][0]["reason"] == "FieldManagerConflict"


def test_forcing_takes_the_field_over(api: Wire) -> None:
    api.create("deployments", applied(2), fieldManager="kubectl-create")

    api.patch(DEPLOYMENT, applied(3), APPLY, fieldManager="one", force="true")
    status = api.refused("PATCH", DEPLOYMENT, applied(4), APPLY, fieldManager="two")

    assert 'conflict with "one"' in status["message"]


def test_applying_less_removes_what_only_the_applier_owned(api: Wire) -> None:
    api.patch(
        DEPLOYMENT,
        applied(2, env=[{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]),
        APPLY,
        fieldManager="one",
    )

    changed = api.patch(DEPLOYMENT, applied(2, env=[{"name": "A", "value": "1"}]), APPLY, fieldManager="one")

    assert env(changed) == {"A": "1"}


def test_applying_the_same_again_changes_nothing(api: Wire) -> None:
    first = api.patch(DEPLOYMENT, applied(2), APPLY, fieldManager="one")

    again = api.patch(DEPLOYMENT, applied(2), APPLY, fieldManager="one")

    assert again["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


def test_every_writer_is_in_the_managed_fields(api: Wire, web: Manifest) -> None:
    api.patch(DEPLOYMENT, {"spec": {"replicas": 3}}, STRATEGIC, fieldManager="sayso")
    api.patch(f"{DEPLOYMENT}/scale", {"spec": {"replicas": 4}}, MERGE, fieldManager="scaler")

    entries = {entry["manager"]: entry for entry in api.get(DEPLOYMENT)["metadata"]["managedFields"]}

    assert entries["wire"]["operation"] == "Update"
    assert "sayso" not in entries  # its only field has another owner now
    assert entries["scaler"]["fieldsV1"] == {"f:spec": {"f:replicas": {}}}
    assert entries["scaler"]["subresource"] == "scale"


# Laws


NAMES = st.sampled_from(["A", "B", "C", "D"])
ENV = st.lists(
    st.builds(lambda n, v: {"name": n, "value": v}, NAMES, st.text("xyz", max_size=2)), unique_by=lambda e: e["name"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1, max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text("abc", min_size=1, max_size=2), JSON, max_size=4)


@given(ENV, ENV)
def test_a_strategic_patch_keeps_every_name_once_with_the_patches_value(
    old: list[Manifest], new: list[Manifest]
) -> None:
    before = {"name": "app", "env": old}

    after = strategic_patch(before, {"env": new}, "V1Container")

    merged = {entry["name"]: entry["value"] for entry in after["env"]}
    assert merged == {entry["name"]: entry["value"] for entry in [*old, *new]}
    assert len(after["env"]) == len(merged)


@given(ENV, ENV)
def test_a_strategic_patch_is_idempotent_and_leaves_its_input_alone(old: list[Manifest], new: list[Manifest]) -> None:
    before = {"name": "app", "env": old}
    kept = clone(before)

    once = strategic_patch(before, {"env": new}, "V1Container")

    assert strategic_patch(once, {"env": new}, "V1Container") == once
    assert before == kept


@given(OBJECTS, OBJECTS)
def test_a_merge_patch_is_idempotent_and_leaves_its_input_alone(before: Manifest, patch: Manifest) -> None:
    kept = clone(before)

    once = merge_patch(before, patch)

    assert merge_patch(once, patch) == once
    assert before == kept


@given(OBJECTS, OBJECTS)
def test_a_json_patch_made_from_two_objects_turns_one_into_the_other(before: Manifest, after: Manifest) -> None:
    import jsonpatch

    operations = jsonpatch.make_patch(before, after).patch

    assert json_patch(before, operations) == after
