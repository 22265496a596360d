"""From the API server's JSON to typed views, kind by kind, with the holes and odd spellings real objects have."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.tools.kubernetes.objects import SINCE, Raw, condition, node, pod, thing, wrote
from tools.reads.kubernetes import (
    admission,
    authorship,
    autoscaling,
    batch,
    gitops,
    limits,
    pods,
    routing,
    storage,
    surroundings,
    workloads,
)
from tools.reads.kubernetes.views import Backend

AT = datetime(2026, 11, 20, 8, 50, tzinfo=UTC)


def test_a_job_knows_its_cron_job_and_how_it_ended() -> None:
    owner = {"kind": "CronJob", "name": "backup", "controller": True}
    failed = condition("Failed", reason="BackoffLimitExceeded")
    spec, status = {"backoffLimit": 2}, {"failed": 3, "conditions": [failed]}

    job = batch.job(
        thing("batch/v1", "Job", "backup-1", spec=spec, status=status, metadata={"ownerReferences": [owner]})
    )

    assert (job.cron_job, job.wanted, job.failed, job.backoff_limit) == ("backup", 1, 3, 2)
    found = job.condition("Failed")
    assert found is not None
    assert found.since == AT


@pytest.mark.parametrize(("written", "read"), [(-5, -5), (None, None), ("soon", None), (True, None)])
def test_a_cron_jobs_deadline_is_a_number_or_not_set(written: object, read: int | None) -> None:
    spec = {"schedule": "*/5 * * * *", "startingDeadlineSeconds": written}

    assert batch.cron_job(thing("batch/v1", "CronJob", "sync", spec=spec)).starting_deadline == read


@pytest.mark.parametrize("written", ["2026-11-20T08:50:00", "soon", "", None, 5])
def test_what_is_no_time_with_a_zone_is_no_time(written: object) -> None:
    raw = thing("batch/v1", "CronJob", "sync", metadata={"creationTimestamp": written})

    assert batch.cron_job(raw).created is None


def test_a_budget_keeps_its_rule_as_written() -> None:
    spec = {"minAvailable": "50%", "selector": {"matchLabels": {"app": "web"}}}
    status = {"disruptionsAllowed": 0, "currentHealthy": 1, "desiredHealthy": 1, "expectedPods": 2}

    budget = limits.budget(thing("policy/v1", "PodDisruptionBudget", "web", spec=spec, status=status))

    assert (budget.minimum, budget.maximum, budget.allowed, budget.expected) == ("50%", "", 0, 2)


def test_a_quota_that_was_not_counted_yet_still_says_what_it_allows() -> None:
    quota = limits.quota(thing("v1", "ResourceQuota", "small", spec={"hard": {"pods": "4"}}))

    assert (quota.hard, quota.used) == ({"pods": "4"}, {})


def test_a_limit_range_has_one_view_a_type() -> None:
    spec = {"limits": [{"type": "Container", "max": {"memory": "1Gi"}}, {"type": "Pod", "max": {"memory": "2Gi"}}]}

    found = list(limits.limit_ranges(thing("v1", "LimitRange", "small", spec=spec)))

    assert [(one.type, one.maximum["memory"]) for one in found] == [("Container", "1Gi"), ("Pod", "2Gi")]


@pytest.mark.parametrize(
    ("members", "name"),
    [
        ({"spec": {"ingressClassName": "nginx"}}, "nginx"),
        ({"metadata": {"annotations": {"kubernetes.io/ingress.class": "traefik"}}}, "traefik"),
        ({}, None),
    ],
)
def test_an_ingress_names_its_class_in_either_place_or_not(members: dict[str, Any], name: str | None) -> None:
    assert routing.ingress(thing("networking.k8s.io/v1", "Ingress", "web", **members)).class_name == name


def test_an_ingress_leads_to_ports_by_number_or_by_name() -> None:
    def path(port: dict[str, Any]) -> dict[str, Any]:
        return {"path": "/", "backend": {"service": {"name": "web", "port": port}}}

    rule = {"host": "shop.local", "http": {"paths": [path({"number": 80}), path({"name": "http"})]}}
    spec = {"rules": [rule, {"host": "bare.local"}], "tls": [{"secretName": "web-tls"}, {"hosts": ["x"]}]}

    found = routing.ingress(thing("networking.k8s.io/v1", "Ingress", "web", spec=spec))

    assert [one.backend for one in found.rules] == [
        Backend(service="web", port="80"),
        Backend(service="web", port="http"),
    ]
    assert found.tls_secrets == ("web-tls",)


@pytest.mark.parametrize(
    ("spec", "directions", "allows_nothing"),
    [
        ({"podSelector": {}}, ("Ingress",), ("Ingress",)),
        ({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}, ("Ingress", "Egress"), ("Ingress", "Egress")),
        ({"podSelector": {}, "egress": [{}]}, ("Ingress", "Egress"), ("Ingress",)),
        ({"podSelector": {}, "policyTypes": ["Egress"], "egress": [{}]}, ("Egress",), ()),
        ({"podSelector": {}, "policyTypes": ["Egress"], "egress": []}, ("Egress",), ("Egress",)),
    ],
)
def test_a_network_policy_restricts_what_it_says_and_allows_what_it_lists(
    spec: dict[str, Any], directions: tuple[str, ...], allows_nothing: tuple[str, ...]
) -> None:
    policy = routing.network_policy(thing("networking.k8s.io/v1", "NetworkPolicy", "deny", spec=spec))

    assert (policy.directions, policy.allows_nothing, policy.selects_all) == (directions, allows_nothing, True)


def test_a_policy_that_selects_by_expression_does_not_select_all() -> None:
    spec = {"podSelector": {"matchExpressions": [{"key": "app", "operator": "Exists"}]}}

    assert not routing.network_policy(thing("networking.k8s.io/v1", "NetworkPolicy", "some", spec=spec)).selects_all


def test_a_route_says_where_it_leads_and_what_its_parents_think() -> None:
    refs = [{"name": "web", "port": 80}, {"name": "pay", "namespace": "billing"}, {"name": "b", "kind": "Bucket"}]
    status = {"parents": [{"conditions": [condition("ResolvedRefs", "False", "BackendNotFound")]}]}
    spec = {"parentRefs": [{"name": "edge"}], "rules": [{"backendRefs": refs}]}

    route = routing.route(thing("gateway.networking.k8s.io/v1", "HTTPRoute", "web", spec=spec, status=status))

    assert route.backends == (Backend(service="web", port="80"), Backend(service="pay", namespace="billing"))
    assert [one.reason for one in route.conditions] == ["BackendNotFound"]


def test_a_volume_names_the_claim_it_is_bound_to() -> None:
    spec = {"claimRef": {"namespace": "shop", "name": "data"}, "capacity": {"storage": "1Gi"}}

    found = storage.volume(thing("v1", "PersistentVolume", "pv-1", "", spec=spec, status={"phase": "Released"}))

    assert (found.claim, found.phase, found.capacity) == ("shop/data", "Released", "1Gi")


def test_a_storage_class_binds_at_once_unless_it_says_otherwise() -> None:
    marks = {"annotations": {storage.DEFAULT_CLASS: "true"}}

    found = storage.storage_class(
        thing("storage.k8s.io/v1", "StorageClass", "fast", "", provisioner="x", metadata=marks)
    )

    assert (found.binding, found.default) == ("Immediate", True)


def test_a_webhook_fails_closed_unless_it_says_otherwise() -> None:
    service = {"clientConfig": {"service": {"namespace": "guard", "name": "judge"}}}
    hooks = [
        {"name": "a.local", **service},
        {"name": "b.local", "clientConfig": {"url": "https://b"}, "failurePolicy": "Ignore"},
    ]

    found = list(
        admission.webhooks(thing("x/v1", "ValidatingWebhookConfiguration", "guard", "", webhooks=hooks), mutating=False)
    )

    assert [(one.service, one.fails_closed) for one in found] == [("guard/judge", True), ("", False)]


@pytest.mark.parametrize(
    ("members", "ours"),
    [
        ({"spec": {"destination": {"namespace": "shop"}}}, True),
        ({"spec": {"destination": {"namespace": "bank"}}, "status": {"resources": [{"namespace": "shop"}]}}, False),
        ({"status": {"resources": [{"namespace": "shop"}]}}, True),
        ({"status": {"inventory": {"entries": [{"id": "shop_web_apps_Deployment"}]}}}, True),
        ({"status": {"inventory": {"entries": [{"id": "bank_web_apps_Deployment"}]}}}, False),
        ({}, False),
    ],
)
def test_a_gitops_object_serves_where_it_delivers(members: dict[str, Any], ours: bool) -> None:
    assert gitops.serves(thing("argoproj.io/v1alpha1", "Application", "web", "argocd", **members), "shop") is ours


def test_a_flux_object_tells_its_state_by_its_ready_condition() -> None:
    status = {"conditions": [condition("Ready", "False", "BuildFailed", "kustomize build failed")]}

    app = gitops.flux(
        thing("x/v1", "Kustomization", "web", "flux-system", spec={"suspend": True}, status=status), "Kustomization"
    )

    assert (app.sync, app.health, app.message, app.suspended) == (
        "False",
        "BuildFailed",
        "kustomize build failed",
        True,
    )


def test_the_metrics_of_an_autoscaler_are_told_with_where_they_should_be() -> None:
    cpu: Raw = {"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 80}}}
    queue: Raw = {"type": "External", "external": {"metric": {"name": "queue"}, "target": {"averageValue": "30"}}}
    now: Raw = {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 93}}}

    found = list(autoscaling.metrics({"spec": {"metrics": [cpu, queue]}, "status": {"currentMetrics": [now, {}]}}))

    assert [(one.name, one.current, one.target) for one in found] == [("cpu", "93%", "80%"), ("queue", "", "30")]


def test_a_pod_tells_what_holds_it_and_what_it_takes() -> None:
    projected = {"sources": [{"configMap": {"name": "kube-root-ca.crt"}}, {"secret": {"name": "token"}}]}
    volumes = [
        {"name": "conf", "configMap": {"name": "web-conf", "optional": True}},
        {"name": "cert", "secret": {"secretName": "web-tls"}},
        {"name": "data", "persistentVolumeClaim": {"claimName": "data"}},
        {"name": "all", "projected": projected},
        {"name": "tmp", "emptyDir": {}},
    ]
    tolerations = [
        {"operator": "Exists"},
        {"key": "gpu", "operator": "Equal", "value": "yes", "effect": "NoSchedule"},
        {"key": "spot", "operator": "Exists"},
    ]
    raw = pod(
        spec={"volumes": volumes, "tolerations": tolerations, "schedulingGates": [{"name": "quota"}]},
        metadata={"deletionTimestamp": SINCE, "finalizers": ["hold.local/x"]},
        status={"qosClass": "Burstable", "message": "The node was low on resource: memory."},
    )

    found = pods.pod(raw)

    assert [(one.kind, one.name, one.optional) for one in found.asked.volumes] == [
        ("ConfigMap", "web-conf", True),
        ("Secret", "web-tls", False),
        ("PersistentVolumeClaim", "data", False),
        ("Secret", "token", False),
    ]
    assert found.asked.tolerates == ("*", "gpu=yes:NoSchedule", "spot")
    assert (found.gates, found.finalizers, found.deleting_since) == (("quota",), ("hold.local/x",), AT)
    assert (found.namespace, found.qos, found.message[:8]) == ("shop", "Burstable", "The node")


def test_what_a_container_said_as_it_ended_is_redacted() -> None:
    said = "cannot connect to postgres://app:" + "hunter2hunter2" + "@db/app"
    ended = {"reason": "Error", "exitCode": 139, "signal": 11, "startedAt": SINCE, "message": said}
    state = {"name": "app", "lastState": {"terminated": ended}}

    (found,) = pods.pod(pod(status={"containerStatuses": [state]})).states

    assert found.last is not None
    assert (found.last.signal, found.last.started) == (11, AT)
    assert "hunter2" not in found.last.message


def test_endpoints_are_added_up_with_the_ports_and_pods_behind_them() -> None:
    def slice_of(ports: list[dict[str, Any]] | None, *endpoints: tuple[str, bool | None]) -> dict[str, Any]:
        listed = [
            {"conditions": {"ready": ready}, "targetRef": {"kind": "Pod", "name": name}} for name, ready in endpoints
        ]
        marks = {"labels": {surroundings.SERVICE_LABEL: "web"}}
        return thing(
            "discovery.k8s.io/v1", "EndpointSlice", "web-x", metadata=marks, endpoints=listed or None, ports=ports
        )

    (found,) = surroundings.endpoints(
        [
            slice_of([{"port": 8080}], ("web-1", True), ("web-2", False)),
            slice_of([{"port": 9}]),
            slice_of(None, ("web-3", None)),
        ]
    )

    assert (found.ready, found.not_ready, found.ports) == (2, 1, (8080,))
    assert found.pods == ("web-1", "web-2", "web-3")


def test_a_cordoned_node_tells_who_cordoned_it() -> None:
    entries = [
        wrote("kubelet", {"f:status": {}}, subresource="status"),
        wrote("kubectl-cordon", {"f:spec": {"f:unschedulable": {}}}),
        wrote("kube-controller-manager", {"f:spec": {"f:taints": {}}}, at="2026-11-20T08:55:00Z"),
    ]

    cordoned = surroundings.node(node(unschedulable=True) | {"metadata": {"name": "a", "managedFields": entries}})
    open_again = surroundings.node(node() | {"metadata": {"name": "a", "managedFields": entries}})

    assert (cordoned.cordoned_by, cordoned.cordoned_at, cordoned.pods) == ("kubectl-cordon", AT, 110)
    assert (open_again.cordoned_by, open_again.cordoned_at) == ("", None)


@pytest.mark.parametrize(
    ("entries", "by"),
    [
        (
            [wrote("helm", {"f:spec": {}}, at="2026-11-20T07:00:00Z"), wrote("kubectl-edit", {"f:spec": {}})],
            "kubectl-edit",
        ),
        (
            [
                wrote("helm", {"f:spec": {}}),
                wrote("hpa", {"f:spec": {}}, at="2026-11-20T09:00:00Z", subresource="scale"),
            ],
            "helm",
        ),
        ([wrote("deployer", {"f:metadata": {}})], ""),
        ([wrote("nobody", {"f:spec": {}}, at="yesterday")], ""),
        ([], ""),
    ],
)
def test_the_last_writer_of_a_spec_is_a_person_or_a_tool_and_no_controller(entries: list[Any], by: str) -> None:
    raw = thing("apps/v1", "Deployment", "web", metadata={"managedFields": entries})

    assert workloads.deployment(raw, ()).changed_by == by


def test_the_keys_of_a_config_map_are_known_without_its_values() -> None:
    raw: Raw = {"metadata": {"managedFields": [wrote("kubectl", {"f:data": {".": {}, "f:MODE": {}, "f:LEVEL": {}}})]}}

    assert authorship.keys_of(raw, "data") == ("LEVEL", "MODE")


def test_a_stateful_set_names_its_service_and_what_it_claims() -> None:
    template = {"metadata": {"name": "data"}, "spec": {"storageClassName": "fast"}}
    spec = {"serviceName": "db", "volumeClaimTemplates": [template, {"metadata": {"name": "log"}}]}

    found = workloads.stateful_set(thing("apps/v1", "StatefulSet", "db", spec=spec))

    assert found.service_name == "db"
    assert [(one.name, one.storage_class) for one in found.claim_templates] == [("data", "fast"), ("log", None)]
