"""Creating, replacing, deleting: metadata, generations, preconditions, dry runs, and refusals with their status."""

from __future__ import annotations

from typing import Any

import pytest

from deploy.sandbox.cluster import Cluster
from tests.deploy.cluster.manifests import Manifest, container, deployment, in_container
from tests.deploy.cluster.wire import APPLY, JSON_PATCH, MERGE, STRATEGIC, Wire, path

DEPLOYMENT = path("deployments", "web")


def revision(item: Manifest) -> int:
    return int(item["metadata"]["resourceVersion"])


def test_a_created_object_gets_an_identity_and_a_first_generation(api: Wire) -> None:
    made = api.create("deployments", deployment())

    meta = made["metadata"]
    assert len(meta["uid"]) == 36
    assert meta["generation"] == 1
    assert meta["creationTimestamp"].endswith("Z")
    assert int(meta["resourceVersion"]) > 0
    assert made["spec"]["template"]["spec"]["restartPolicy"] == "Always"


def test_generate_name_makes_different_names(api: Wire) -> None:
    names = {api.create("configmaps", {"metadata": {"generateName": "c-"}})["metadata"]["name"] for _ in range(5)}

    assert len(names) == 5
    assert all(name.startswith("c-") for name in names)


def test_a_patch_that_changes_nothing_moves_no_resource_version(api: Wire, web: Manifest) -> None:
    again = api.patch(DEPLOYMENT, {"spec": {"replicas": 2}})

    assert revision(again) == revision(web)


@pytest.mark.parametrize(
    ("patch", "moves"),
    [
        ({"spec": {"replicas": 3}}, True),
        ({"metadata": {"annotations": {"note": "x"}}}, True),
        ({"metadata": {"labels": {"note": "x"}}}, False),
    ],
    ids=["spec", "annotation", "label"],
)
def test_a_deployments_generation_moves_with_spec_and_annotations(
    api: Wire, web: Manifest, patch: Manifest, moves: bool
) -> None:
    changed = api.patch(DEPLOYMENT, patch)

    assert changed["metadata"]["generation"] == web["metadata"]["generation"] + moves
    assert revision(changed) > revision(web)


@pytest.mark.parametrize("plural", ["services", "configmaps", "nodes", "namespaces"])
def test_kinds_without_a_generation_have_none(api: Wire, web: Manifest, plural: str) -> None:
    api.create("configmaps", {"metadata": {"name": "c"}})

    assert all("generation" not in item["metadata"] for item in api.items(plural))


@pytest.mark.parametrize("media", [STRATEGIC, MERGE])
def test_a_stale_resource_version_in_a_patch_is_a_conflict(api: Wire, web: Manifest, media: str) -> None:
    body = {"metadata": {"resourceVersion": "1"}, "spec": {"replicas": 3}}

    status = api.refused("PATCH", DEPLOYMENT, body, media)

    assert (status["code"], status["reason"]) == (409, "Conflict")


@pytest.mark.parametrize("media", [STRATEGIC, MERGE])
def test_a_wrong_uid_in_a_patch_is_invalid(api: Wire, web: Manifest, media: str) -> None:
    status = api.refused("PATCH", DEPLOYMENT, {"metadata": {"uid": "other"}}, media)

    assert (status["code"], status["reason"]) == (422, "Invalid")
    assert status["details"]["causes"][0]["field"] == "metadata.uid"


def test_a_generation_in_a_patch_is_ignored(api: Wire, web: Manifest) -> None:
    changed = api.patch(DEPLOYMENT, {"metadata": {"generation": 99}, "spec": {"replicas": 3}})

    assert changed["metadata"]["generation"] == web["metadata"]["generation"] + 1


def test_putting_an_object_back_with_its_resource_version_replaces_it(api: Wire, web: Manifest) -> None:
    web["spec"]["replicas"] = 4

    response = api.send("PUT", DEPLOYMENT, web)

    assert response.status_code == 200
    assert api.get(DEPLOYMENT)["spec"]["replicas"] == 4


def test_putting_an_object_back_twice_is_a_conflict(api: Wire, web: Manifest) -> None:
    web["spec"]["replicas"] = 4
    api.send("PUT", DEPLOYMENT, web)

    status = api.refused("PUT", DEPLOYMENT, web)

    assert (status["code"], status["reason"]) == (409, "Conflict")


def test_writing_the_status_leaves_the_spec_and_the_other_way_round(api: Wire) -> None:
    made = api.create("services", {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}})

    api.patch(path("services", "s") + "/status", {"status": {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}}}, MERGE)
    api.patch(path("services", "s"), {"spec": {"selector": {"a": "b"}}, "status": {"loadBalancer": {}}}, MERGE)

    found = api.get(path("services", "s"))
    assert found["status"]["loadBalancer"]["ingress"] == [{"ip": "1.2.3.4"}]
    assert found["spec"]["selector"] == {"a": "b"}
    assert found["spec"]["clusterIP"] == made["spec"]["clusterIP"]


# Dry run


WRITES: list[tuple[str, str, str, Any, str]] = [
    ("create", "POST", path("deployments"), deployment("new"), "application/json"),
    ("strategic", "PATCH", DEPLOYMENT, in_container(image="registry.local/web:3.0.0"), STRATEGIC),
    ("merge", "PATCH", DEPLOYMENT, {"spec": {"replicas": 5}}, MERGE),
    ("json", "PATCH", DEPLOYMENT, [{"op": "replace", "path": "/spec/replicas", "value": 5}], JSON_PATCH),
    ("scale", "PATCH", f"{DEPLOYMENT}/scale", {"spec": {"replicas": 5}}, MERGE),
    ("delete without a body", "DELETE", DEPLOYMENT, None, ""),
    ("delete all", "DELETE", path("pods"), None, ""),
]


@pytest.mark.parametrize(
    ("method", "where", "body", "media"), [case[1:] for case in WRITES], ids=[c[0] for c in WRITES]
)
def test_a_dry_run_answers_as_if_done_and_keeps_nothing(
    cluster: Cluster, api: Wire, web: Manifest, method: str, where: str, body: Any, media: str
) -> None:
    before = (api.items("deployments"), api.items("pods"), api.items("replicasets"))

    response = api.send(method, where, body, media or "application/json", dryRun="All")
    cluster.advance(10)

    assert response.status_code in (200, 201)
    assert (api.items("deployments"), api.items("pods"), api.items("replicasets")) == before


def test_a_dry_run_shows_the_future_generation_and_todays_resource_version(api: Wire, web: Manifest) -> None:
    shown = api.patch(DEPLOYMENT, {"spec": {"replicas": 5}}, dryRun="All")

    assert shown["spec"]["replicas"] == 5
    assert shown["metadata"]["generation"] == web["metadata"]["generation"] + 1
    assert revision(shown) == revision(web)


@pytest.mark.parametrize("plural", ["deployments", "pods", "services"])
def test_a_delete_with_a_body_ignores_the_dry_run_of_the_query(
    cluster: Cluster, api: Wire, web: Manifest, plural: str
) -> None:
    victim = api.items(plural)[0]
    body = {"preconditions": {"uid": victim["metadata"]["uid"]}}

    api.send("DELETE", path(plural, victim["metadata"]["name"]), body, dryRun="All")
    cluster.advance(2)

    assert victim["metadata"]["uid"] not in [item["metadata"]["uid"] for item in api.items(plural)]


@pytest.mark.parametrize("plural", ["deployments", "pods", "services"])
def test_a_delete_with_the_dry_run_in_the_body_deletes_nothing(
    cluster: Cluster, api: Wire, web: Manifest, plural: str
) -> None:
    before = api.items(plural)
    body = {"dryRun": ["All"], "preconditions": {"uid": before[0]["metadata"]["uid"]}}

    response = api.send("DELETE", path(plural, before[0]["metadata"]["name"]), body)
    cluster.advance(2)

    assert response.status_code == 200
    assert api.items(plural) == before


@pytest.mark.parametrize(
    ("method", "where", "body", "media"), [case[1:] for case in WRITES], ids=[c[0] for c in WRITES]
)
def test_any_other_dry_run_value_is_invalid(
    api: Wire, web: Manifest, method: str, where: str, body: Any, media: str
) -> None:
    status = api.refused(method, where, body, media or "application/json", dryRun="Some")

    assert (status["code"], status["reason"]) == (422, "Invalid")


# Deletion


def test_deleting_with_the_uid_of_another_object_is_a_conflict_even_in_a_dry_run(api: Wire, web: Manifest) -> None:
    body = {"preconditions": {"uid": "other"}}

    real = api.refused("DELETE", DEPLOYMENT, body)
    dry = api.refused("DELETE", DEPLOYMENT, {**body, "dryRun": ["All"]})

    assert (real["code"], dry["code"]) == (409, 409)


def test_a_deleted_pod_lingers_as_terminating_and_is_replaced(cluster: Cluster, api: Wire, web: Manifest) -> None:
    victim = api.items("pods")[0]

    answer = api.send("DELETE", path("pods", victim["metadata"]["name"])).json()
    assert answer["metadata"]["deletionTimestamp"]
    cluster.advance(0.5)
    lingering = api.get(path("pods", victim["metadata"]["name"]))
    cluster.advance(5)

    assert lingering["metadata"]["deletionGracePeriodSeconds"] == 30
    pods = api.items("pods")
    assert len(pods) == 2
    assert victim["metadata"]["uid"] not in [pod["metadata"]["uid"] for pod in pods]


def test_a_finalizer_holds_an_object_until_it_is_removed(api: Wire) -> None:
    api.create("configmaps", {"metadata": {"name": "held", "finalizers": ["example.com/hold"]}})

    api.send("DELETE", path("configmaps", "held"))
    held = api.get(path("configmaps", "held"))
    api.patch(path("configmaps", "held"), {"metadata": {"finalizers": None}}, MERGE)

    assert held["metadata"]["deletionTimestamp"]
    assert api.send("GET", path("configmaps", "held")).status_code == 404


@pytest.mark.parametrize("propagation", ["Background", "Foreground"])
def test_dependents_go_with_their_owner(cluster: Cluster, api: Wire, web: Manifest, propagation: str) -> None:
    api.send("DELETE", DEPLOYMENT, {"propagationPolicy": propagation})
    cluster.advance(5)

    assert api.send("GET", DEPLOYMENT).status_code == 404
    assert (api.items("replicasets"), api.items("pods")) == ([], [])


def test_orphaned_dependents_stay_and_are_adopted_by_a_successor(cluster: Cluster, api: Wire, web: Manifest) -> None:
    pods = {pod["metadata"]["uid"] for pod in api.items("pods")}

    api.send("DELETE", DEPLOYMENT, {"propagationPolicy": "Orphan"})
    cluster.advance(5)
    left = {pod["metadata"]["uid"] for pod in api.items("pods")}
    api.create("deployments", deployment())
    cluster.advance(5)

    assert left == pods
    assert {pod["metadata"]["uid"] for pod in api.items("pods")} == pods


def test_nothing_can_be_created_in_a_namespace_that_is_going(cluster: Cluster, api: Wire) -> None:
    api.create("namespaces", {"metadata": {"name": "going"}})
    api.send("DELETE", path("namespaces", "going"))

    status = api.refused("POST", path("configmaps", namespace="going"), {"metadata": {"name": "late"}})
    cluster.advance(5)

    assert (status["code"], status["reason"]) == (403, "Forbidden")
    assert status["details"]["causes"][0]["reason"] == "NamespaceTerminating"
    assert api.send("GET", path("namespaces", "going")).status_code == 404


# Refusals


REFUSALS: list[tuple[str, str, str, Any, str, int, str]] = [
    ("unknown path", "GET", "/apis/none/v1/things", None, "application/json", 404, "NotFound"),
    ("no such object", "GET", path("deployments", "none"), None, "application/json", 404, "NotFound"),
    (
        "no such namespace",
        "POST",
        path("configmaps", namespace="none"),
        {"metadata": {"name": "c"}},
        "application/json",
        404,
        "NotFound",
    ),
    ("taken", "POST", path("deployments"), deployment(), "application/json", 409, "AlreadyExists"),
    ("not JSON", "POST", path("deployments"), b"{nonsense", "application/json", 400, "BadRequest"),
    (
        "protobuf",
        "POST",
        path("deployments"),
        b"k8s",
        "application/vnd.kubernetes.protobuf",
        415,
        "UnsupportedMediaType",
    ),
    ("plain patch", "PATCH", DEPLOYMENT, {}, "application/json", 415, "UnsupportedMediaType"),
    (
        "wrong kind",
        "POST",
        path("configmaps"),
        {"kind": "Secret", "metadata": {"name": "c"}},
        "application/json",
        400,
        "BadRequest",
    ),
    ("bad name", "POST", path("configmaps"), {"metadata": {"name": "Bad_Name"}}, "application/json", 422, "Invalid"),
    ("no name", "POST", path("configmaps"), {"metadata": {}}, "application/json", 422, "Invalid"),
    ("apply without manager", "PATCH", DEPLOYMENT, deployment(), APPLY, 400, "BadRequest"),
]


@pytest.mark.parametrize(
    ("method", "where", "body", "media", "code", "reason"),
    [case[1:] for case in REFUSALS],
    ids=[c[0] for c in REFUSALS],
)
def test_refusals_carry_a_status_with_code_and_reason(
    api: Wire, web: Manifest, method: str, where: str, body: Any, media: str, code: int, reason: str
) -> None:
    status = api.refused(method, where, body, media)

    assert (status["code"], status["reason"]) == (code, reason)


INVALID: list[tuple[str, Manifest, str]] = [
    (
        "request above limit",
        in_container(resources={"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}),
        "spec.template.spec.containers[0].resources.requests",
    ),
    ("selector", {"spec": {"selector": {"matchLabels": {"app": "other"}}}}, "spec.template.metadata.labels"),
    ("negative replicas", {"spec": {"replicas": -1}}, "spec.replicas"),
    (
        "container typo",
        {"spec": {"template": {"spec": {"containers": [{"name": "apq", "env": []}]}}}},
        "spec.template.spec.containers[0].image",
    ),
    (
        "value and valueFrom",
        in_container(env=[{"name": "A", "value": "x", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]),
        "spec.template.spec.containers[0].env[0].valueFrom",
    ),
    (
        "two handlers",
        in_container(livenessProbe={"httpGet": {"port": 1}, "tcpSocket": {"port": 1}}),
        "spec.template.spec.containers[0].livenessProbe.tcpSocket",
    ),
    (
        "missing volume",
        in_container(volumeMounts=[{"name": "none", "mountPath": "/x"}]),
        "spec.template.spec.containers[0].volumeMounts[0].name",
    ),
]


@pytest.mark.parametrize(("patch", "field"), [case[1:] for case in INVALID], ids=[c[0] for c in INVALID])
def test_an_invalid_object_is_refused_naming_the_field_in_dry_run_too(
    api: Wire, web: Manifest, patch: Manifest, field: str
) -> None:
    for query in ({}, {"dryRun": "All"}):
        status = api.refused("PATCH", DEPLOYMENT, patch, STRATEGIC, **query)

        assert (status["code"], status["reason"]) == (422, "Invalid")
        assert field in [cause["field"] for cause in status["details"]["causes"]]


def test_a_selector_cannot_change(api: Wire, web: Manifest) -> None:
    labels = {"app": "web", "tier": "front"}
    patch = {"spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}}}}

    status = api.refused("PATCH", DEPLOYMENT, patch, STRATEGIC)

    assert status["details"]["causes"][0]["message"].endswith("field is immutable")


def test_autoscaler_bounds_must_not_cross(api: Wire) -> None:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    body = {"metadata": {"name": "web"}, "spec": {"scaleTargetRef": target, "minReplicas": 5, "maxReplicas": 2}}

    status = api.refused("POST", path("horizontalpodautoscalers"), body)

    assert (status["code"], status["details"]["causes"][0]["field"]) == (422, "spec.maxReplicas")


# Strictness


def snake() -> Manifest:
    body = deployment("snake")
    body["spec"]["template"]["spec"]["containers"][0]["image_pull_policy"] = "Never"
    return body


UNKNOWN = "spec.template.spec.containers[0].image_pull_policy"


def test_strict_refuses_an_unknown_field_with_400_on_create_and_422_on_patch(api: Wire, web: Manifest) -> None:
    created = api.refused("POST", path("deployments"), snake(), fieldValidation="Strict")
    patched = api.refused(
        "PATCH", DEPLOYMENT, in_container(image_pull_policy="Never"), STRATEGIC, fieldValidation="Strict"
    )

    assert (created["code"], patched["code"]) == (400, 422)
    assert UNKNOWN in created["message"]
    assert UNKNOWN in patched["message"]


def test_without_strict_an_unknown_field_is_dropped_with_a_warning(api: Wire) -> None:
    response = api.send("POST", path("deployments"), snake())

    assert response.status_code == 201
    assert response.headers["Warning"] == f'299 - "unknown field \\"{UNKNOWN}\\""'
    assert "image_pull_policy" not in response.json()["spec"]["template"]["spec"]["containers"][0]


def test_ignore_drops_an_unknown_field_silently(api: Wire) -> None:
    response = api.send("POST", path("deployments"), snake(), fieldValidation="Ignore")

    assert "Warning" not in response.headers


@pytest.mark.parametrize(
    "fields",
    [
        {"resources": {"limits": {"memory": "lots"}}},
        {"env": [{"name": "PORT", "value": 8080}]},
    ],
    ids=["bad quantity", "number for a string"],
)
def test_what_cannot_be_decoded_is_400_on_create_and_422_on_patch(api: Wire, web: Manifest, fields: Manifest) -> None:
    created = api.refused("POST", path("deployments"), deployment("odd", **fields))
    patched = api.refused("PATCH", DEPLOYMENT, in_container(**fields), STRATEGIC)

    assert (created["code"], patched["code"]) == (400, 422)


def test_a_live_pod_takes_a_new_image_and_nothing_else(cluster: Cluster, api: Wire) -> None:
    api.create("pods", {"metadata": {"name": "p"}, "spec": {"containers": [container("registry.local/web:9.9.9")]}})
    cluster.advance(5)

    status = api.refused("PATCH", path("pods", "p"), {"spec": {"restartPolicy": "Never"}}, STRATEGIC)
    api.patch(path("pods", "p"), {"spec": {"containers": [{"name": "app", "image": "registry.local/web:3.1.0"}]}})
    cluster.advance(5)

    assert status["code"] == 422
    assert api.get(path("pods", "p"))["status"]["containerStatuses"][0]["ready"] is True


BARE: list[tuple[str, Manifest]] = [
    ("/api/v1/nodes", {"metadata": {"name": "bare"}}),
    (path("resourcequotas"), {"metadata": {"name": "bare"}}),
    (path("limitranges"), {"metadata": {"name": "bare"}}),
    (path("poddisruptionbudgets"), {"metadata": {"name": "bare"}}),
    (path("services"), {"metadata": {"name": "bare"}}),
    (path("pods"), {"metadata": {"name": "bare"}}),
    (path("deployments"), {"metadata": {"name": "bare"}, "spec": {"selector": {}}}),
    (path("horizontalpodautoscalers"), {"metadata": {"name": "bare"}, "spec": {"maxReplicas": 2}}),
    (path("jobs"), {"metadata": {"name": "bare"}}),
]


@pytest.mark.parametrize(("where", "body"), BARE, ids=[where.rsplit("/", 1)[-1] for where, _ in BARE])
def test_an_object_with_nothing_in_it_is_kept_or_refused_but_stops_nobody(
    cluster: Cluster, api: Wire, web: Manifest, where: str, body: Manifest
) -> None:
    code = api.send("POST", where, body).status_code

    api.patch(f"{DEPLOYMENT}/scale", {"spec": {"replicas": 3}}, MERGE)
    cluster.advance(20)
    api.send("DELETE", f"{where}/bare")

    assert code in (201, 422)
    assert api.get(DEPLOYMENT)["status"]["availableReplicas"] == 3
