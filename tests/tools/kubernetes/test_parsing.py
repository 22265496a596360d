"""The small parsers: quantities, labels, owners, objects with holes, and the difference a dry run shows."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tools.kubernetes.shop import SCENARIOS, Shop
from tools.criteria import RolloutDone
from tools.reads.kubernetes import (
    admission,
    authorship,
    autoscaling,
    batch,
    gitops,
    limits,
    pods,
    quantities,
    routing,
    storage,
    surroundings,
    workloads,
)
from tools.reads.kubernetes.criteria import measure
from tools.reads.kubernetes.resolve import deployment_of_pod_name, resolved, subject_of
from tools.subjects import KubernetesSubject
from tools.values import JsonObject
from tools.writes.kubernetes.diffing import differences

NAMES = st.sampled_from(("a", "b", "c"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)
FIELDS = (
    *("metadata", "spec", "status", "labels", "containers", "name", "conditions", "env", "endpoints", "template"),
    *("rules", "http", "paths", "backend", "service", "port", "tls", "volumes", "configMap", "limits", "metrics"),
    *("webhooks", "managedFields", "fieldsV1", "f:spec", "f:data", "time", "creationTimestamp", "items", "parents"),
)
VIEWS: tuple[Callable[[JsonObject], object], ...] = (
    pods.pod,
    pods.usage,
    workloads.stateful_set,
    workloads.daemon_set,
    workloads.autoscaler,
    surroundings.service,
    surroundings.node,
    surroundings.node_usage,
    surroundings.event,
    batch.job,
    batch.cron_job,
    limits.budget,
    limits.quota,
    storage.claim,
    storage.volume,
    storage.storage_class,
    routing.ingress,
    routing.ingress_class,
    routing.gateway,
    routing.route,
    routing.network_policy,
    gitops.application,
    partial(gitops.flux, kind="Kustomization"),
)
"""Every view of one object."""
OBJECTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(("x", "2026-11-20T06:00:00", "2026-11-20T06:00:00Z")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4),
    max_leaves=25,
)


@pytest.mark.parametrize(
    ("quantity", "number"),
    [
        ("128Mi", Decimal(128 * 1024**2)),
        ("1.5Gi", Decimal(3 * 512 * 1024**2)),
        ("250m", Decimal("0.25")),
        ("2", Decimal(2)),
        ("1k", Decimal(1000)),
        ("1E", Decimal(10**18)),
        ("", None),
        ("lots", None),
        ("NaN", None),
        ("12Xi", None),
    ],
)
def test_a_quantity_is_a_number_or_nothing(quantity: str, number: Decimal | None) -> None:
    assert quantities.amount(quantity) == number


@given(st.integers(1, 10**7))
def test_memory_spelled_and_read_again_is_never_less(mebibytes: int) -> None:
    size = Decimal(mebibytes * 1024**2 - 1)

    again = quantities.amount(quantities.memory(size))

    assert again is not None
    assert size <= again < size + 1024**2


@given(st.text(max_size=12))
def test_no_text_breaks_the_reading_of_a_quantity(quantity: str) -> None:
    found = quantities.amount(quantity)

    assert found is None or found.is_finite()


@given(st.dictionaries(st.sampled_from(FIELDS), OBJECTS, max_size=5))
def test_an_object_with_holes_never_breaks_a_view(raw: JsonObject) -> None:
    for view in VIEWS:
        view(raw)
    workloads.deployment(raw, (raw,))
    surroundings.endpoints((raw,))
    for views in (limits.limit_ranges, autoscaling.metrics, partial(admission.webhooks, mutating=True)):
        list(views(raw))
    gitops.serves(raw, "a")
    authorship.last_written(raw, "spec")
    authorship.keys_of(raw, "data")


@given(JSON, JSON)
def test_what_is_equal_does_not_differ_and_what_differs_shows(before: object, after: object) -> None:
    first: JsonObject = {"spec": before}  # type: ignore[dict-item]
    second: JsonObject = {"spec": after}  # type: ignore[dict-item]

    assert differences(first, first) == ()
    if asked(before) != asked(after):
        assert differences(first, second)


def asked(value: object) -> object:
    """What JSON asks for: members that are absent, null or empty ask for nothing."""
    if isinstance(value, dict):
        kept = {key: asked(found) for key, found in value.items()}
        return {key: found for key, found in kept.items() if found is not None} or None
    return None if value == [] else value


def test_a_container_that_is_new_shows_no_value_of_its_variables() -> None:
    after: JsonObject = {
        "spec": {
            "initContainers": [{"name": "job", "image": "job:1", "env": [{"name": "MODE", "value": "do-not-show"}]}]
        }
    }

    changes = differences({"spec": {}}, after)

    assert {change.path for change in changes} == {
        "spec.initContainers[job].env[MODE]",
        "spec.initContainers[job].image",
        "spec.initContainers[job].name",
    }
    assert not any("do-not-show" in str(change) for change in changes)


def test_bookkeeping_is_no_difference() -> None:
    before: JsonObject = {
        "metadata": {"name": "web", "resourceVersion": "1", "generation": 1},
        "status": {"replicas": 1},
    }
    after: JsonObject = {
        "metadata": {"name": "web", "resourceVersion": "9", "generation": 2},
        "status": {"replicas": 3},
    }

    assert differences(before, after) == ()


def test_named_things_are_compared_by_name_and_not_by_place() -> None:
    before: JsonObject = {"spec": {"containers": [{"name": "a", "image": "a:1"}, {"name": "b", "image": "b:1"}]}}
    after: JsonObject = {"spec": {"containers": [{"name": "b", "image": "b:2"}, {"name": "a", "image": "a:1"}]}}

    (change,) = differences(before, after)

    assert (change.path, change.before, change.after) == ("spec.containers[b].image", "b:1", "b:2")


@pytest.mark.parametrize(
    ("labels", "subject"),
    [
        ({"namespace": "shop", "deployment": "web"}, KubernetesSubject(namespace="shop", deployment="web")),
        (
            {"namespace": "shop", "pod": "web-7d9c5bf7c9-x2x4z"},
            KubernetesSubject(namespace="shop", deployment="web", pod="web-7d9c5bf7c9-x2x4z"),
        ),
        ({"namespace": "shop", "job": "web"}, KubernetesSubject(namespace="shop", service="web")),
        (
            {"exported_namespace": "shop", "job": "kube-state-metrics", "exported_pod": "db-0"},
            KubernetesSubject(namespace="shop", pod="db-0"),
        ),
        ({"namespace": "shop", "deployment": "../etc"}, KubernetesSubject(namespace="shop")),
        ({"deployment": "web"}, None),
    ],
)
def test_the_labels_of_an_alert_say_what_it_is_about(labels: dict[str, str], subject: KubernetesSubject | None) -> None:
    assert subject_of(labels) == subject


def test_a_stateful_pods_name_points_to_no_deployment() -> None:
    assert deployment_of_pod_name("db-0") is None


def test_a_pod_is_known_by_the_deployment_that_owns_it(untouched: Shop) -> None:
    shop = untouched
    pod = shop.picture().pods[0].name

    found = resolved(KubernetesSubject(namespace="shop", pod=pod), shop.reader)
    gone = resolved(KubernetesSubject(namespace="shop", pod="long-gone"), shop.reader)

    assert found.deployment == "web"
    assert gone.deployment is None


def test_a_rollout_that_passed_its_deadline_is_said_to_be_beyond_waiting(shop: Shop) -> None:
    shop.break_down("3-missing-image")
    criterion = RolloutDone(namespace="shop", deployment="storefront")
    early = measure(criterion, shop.picture().now, shop.reader)
    shop.settle(700)

    late = measure(criterion, shop.picture().now, shop.reader)

    assert not early.met
    assert "deadline" not in early.detail
    assert "ProgressDeadlineExceeded" in late.detail
    assert (early.healthy, late.healthy) == (2, 2)


def test_a_deployment_that_is_gone_has_not_rolled_out(untouched: Shop) -> None:
    shop = untouched
    measured = measure(RolloutDone(namespace="shop", deployment="nowhere"), shop.picture().now, shop.reader)

    assert (measured.met, measured.healthy) == (False, 0)


def test_the_stories_are_complete() -> None:
    for folder in (path for path in SCENARIOS.iterdir() if path.is_dir()):
        assert {path.name for path in folder.iterdir()} == {"alert.json", "before.yaml", "fault.yaml", "story.yaml"}
