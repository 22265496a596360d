"""Identities, roles and reviews; and the effects log that counts what was really done, by whom."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deploy.sandbox.cluster import Cluster, Identity
from tests.deploy.cluster.manifests import Manifest, deployment, in_container
from tests.deploy.cluster.wire import JSON_PATCH, MERGE, Wire, path

DEPLOYMENT = path("deployments", "web")


@pytest.fixture(scope="module")
def guarded() -> Iterator[Cluster]:
    """A cluster that asks who is there, with `web` running in `shop`."""
    with Cluster(speed=0, rbac=True) as running:
        running.load([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}])
        body = deployment()
        body["metadata"]["namespace"] = "shop"
        running.load([body])
        running.advance(5)
        yield running


def as_identity(cluster: Cluster, identity: Identity) -> Wire:
    return Wire(cluster.url, Authorization=f"Bearer {identity.token}")


MAY: list[tuple[Identity, str, str, object, bool]] = [
    (Identity.READER, "GET", path("pods"), None, True),
    (Identity.READER, "GET", path("secrets"), None, False),
    (Identity.READER, "GET", "/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods", None, True),
    (Identity.READER, "PATCH", DEPLOYMENT, {"spec": {"replicas": 2}}, False),
    (Identity.READER, "PATCH", f"{DEPLOYMENT}/scale", {"spec": {"replicas": 2}}, False),
    (Identity.READER, "DELETE", path("pods", "none"), None, False),
    (Identity.WRITER, "PATCH", DEPLOYMENT, {"spec": {"replicas": 2}}, True),
    (Identity.WRITER, "PATCH", f"{DEPLOYMENT}/scale", {"spec": {"replicas": 2}}, True),
    (Identity.WRITER, "PATCH", path("nodes", "node-0"), {"spec": {"unschedulable": None}}, True),
    (Identity.WRITER, "DELETE", DEPLOYMENT, None, False),
    (Identity.WRITER, "PUT", DEPLOYMENT, {}, False),
    (Identity.WRITER, "GET", path("secrets"), None, False),
    (Identity.ADMIN, "GET", path("secrets"), None, True),
]


@pytest.mark.parametrize(("identity", "method", "where", "body", "allowed"), MAY)
def test_each_identity_may_do_what_its_role_says(
    guarded: Cluster, identity: Identity, method: str, where: str, body: object, allowed: bool
) -> None:
    wire = as_identity(guarded, identity)

    code = wire.send(method, where, body, MERGE).status_code

    wire.close()
    assert (code != 403) == allowed


def test_a_refusal_names_the_user_the_verb_and_the_resource(guarded: Cluster) -> None:
    wire = as_identity(guarded, Identity.READER)

    status = wire.refused("PATCH", DEPLOYMENT, {}, MERGE)

    wire.close()
    assert status["reason"] == "Forbidden"
    assert status["message"] == (
        'deployments.apps "web" is forbidden: User "system:serviceaccount:sayso:sayso-reader" cannot patch resource '
        '"deployments" in API group "apps" in the namespace "shop"'
    )


def test_permission_is_checked_in_a_dry_run_too(guarded: Cluster) -> None:
    wire = as_identity(guarded, Identity.READER)

    status = wire.refused("PATCH", DEPLOYMENT, {}, MERGE, dryRun="All")

    wire.close()
    assert status["code"] == 403


@pytest.mark.parametrize("token", ["", "Bearer none", "Bearer sandbox-token:shop:nobody"])
def test_a_stranger_is_unauthorized(guarded: Cluster, token: str) -> None:
    wire = Wire(guarded.url, Authorization=token)

    status = wire.refused("GET", path("pods"))

    wire.close()
    assert (status["code"], status["reason"]) == (401, "Unauthorized")


@pytest.mark.parametrize(
    ("identity", "verb", "allowed"), [("reader", "list", True), ("reader", "patch", False), ("writer", "patch", True)]
)
def test_anybody_known_may_ask_what_they_may(guarded: Cluster, identity: str, verb: str, allowed: bool) -> None:
    wire = as_identity(guarded, Identity(identity))
    asked = {"verb": verb, "group": "apps", "resource": "deployments", "namespace": "shop"}

    answer = wire.send(
        "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {"spec": {"resourceAttributes": asked}}
    ).json()

    wire.close()
    assert answer["status"]["allowed"] is allowed


def test_a_role_can_be_narrowed_to_one_name_and_given_to_a_new_account(guarded: Cluster) -> None:
    admin = as_identity(guarded, Identity.ADMIN)
    rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/shop"
    admin.create("serviceaccounts", {"metadata": {"name": "robot"}})
    rule = {"apiGroups": ["apps"], "resources": ["deployments"], "resourceNames": ["web"], "verbs": ["get"]}
    admin.send("POST", f"{rbac}/roles", {"metadata": {"name": "one"}, "rules": [rule]})
    subject = {"kind": "ServiceAccount", "namespace": "shop", "name": "robot"}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "one"}
    admin.send(
        "POST", f"{rbac}/rolebindings", {"metadata": {"name": "one"}, "subjects": [subject], "roleRef": reference}
    )
    token = admin.send("POST", path("serviceaccounts", "robot") + "/token", {"spec": {}}).json()["status"]["token"]

    robot = Wire(guarded.url, Authorization=f"Bearer {token}")
    codes = [robot.send("GET", where).status_code for where in (DEPLOYMENT, path("deployments", "other"), path("pods"))]

    admin.close()
    robot.close()
    assert codes == [200, 403, 403]


# Effects


def test_effects_tell_real_changes_from_dry_runs_and_from_changes_that_changed_nothing(
    cluster: Cluster, api: Wire, web: Manifest
) -> None:
    patch = in_container(image="registry.local/web:3.0.0")
    api.patch(DEPLOYMENT, patch, fieldManager="sayso", dryRun="All")
    api.patch(DEPLOYMENT, patch, fieldManager="sayso")
    api.patch(DEPLOYMENT, patch, fieldManager="sayso")

    seen = [(effect.dry_run, effect.changed) for effect in cluster.effects(manager="sayso", dry_run=None)]

    assert seen == [(True, False), (False, True), (False, False)]


def test_effects_can_be_read_over_http(cluster: Cluster, api: Wire, web: Manifest) -> None:
    pod = api.items("pods")[0]
    api.patch(f"{DEPLOYMENT}/scale", {"spec": {"replicas": 3}}, MERGE, fieldManager="http-reader")
    api.send(
        "POST", path("pods", pod["metadata"]["name"]) + "/eviction", {"deleteOptions": {}}, fieldManager="http-reader"
    )

    found = api.get("/_sandbox/effects", manager="http-reader", dry_run="false")["items"]

    assert [(entry["verb"], entry["kind"], entry["subresource"], entry["name"]) for entry in found] == [
        ("patch", "Deployment", "scale", "web"),
        ("create", "Pod", "eviction", pod["metadata"]["name"]),
    ]
    assert {entry["user_agent"] for entry in found} == {"wire/1.0"}


def test_a_refused_call_leaves_no_effect(cluster: Cluster, api: Wire, web: Manifest) -> None:
    before = len(cluster.effects(dry_run=None))

    api.refused("PATCH", DEPLOYMENT, [{"op": "test", "path": "/spec/replicas", "value": 9}], JSON_PATCH)

    assert len(cluster.effects(dry_run=None)) == before
