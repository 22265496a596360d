"""StatefulSets, DaemonSets, Jobs, autoscalers, claims and quotas: the other controllers."""

from __future__ import annotations

from typing import Any

import pytest

from deploy.sandbox.cluster import Cluster
from tests.deploy.cluster.manifests import WEB, Manifest, container, deployment, in_container, probe
from tests.deploy.cluster.wire import MERGE, Wire, path


def workload(kind: str, name: str = "web", image: str = WEB, **spec: Any) -> Manifest:
    labels = {"app": name}
    pods = {"containers": [container(image, readinessProbe=probe("/readyz"))]}
    template = {"metadata": {"labels": labels}, "spec": pods}
    return {
        "kind": kind,
        "metadata": {"name": name},
        "spec": {"selector": {"matchLabels": labels}, "template": template, **spec},
    }


def pod_names(api: Wire) -> list[str]:
    return [pod["metadata"]["name"] for pod in api.items("pods")]


def condition_reasons(item: Manifest) -> dict[str, tuple[str, str]]:
    return {entry["type"]: (entry["status"], entry["reason"]) for entry in item["status"]["conditions"]}


# StatefulSets


def test_a_stateful_set_makes_its_pods_one_after_another(cluster: Cluster, api: Wire) -> None:
    api.create("statefulsets", workload("StatefulSet", replicas=3, serviceName="web"))

    seen = []
    for _ in range(12):
        cluster.advance(0.5)
        if pod_names(api) not in seen:
            seen.append(pod_names(api))

    assert seen == [["web-0"], ["web-0", "web-1"], ["web-0", "web-1", "web-2"]]


def test_a_stateful_set_updates_from_the_last_pod_and_reports_its_revisions(cluster: Cluster, api: Wire) -> None:
    api.create("statefulsets", workload("StatefulSet", replicas=2, serviceName="web"))
    cluster.advance(15)
    where = path("statefulsets", "web")
    before = api.get(where)["status"]

    api.patch(where, in_container(image="registry.local/web:3.0.0"))
    cluster.advance(2)
    rolling = api.get(where)["status"]
    cluster.advance(20)
    after = api.get(where)["status"]

    assert before["currentRevision"] == before["updateRevision"]
    assert rolling["updateRevision"] != rolling["currentRevision"] == before["currentRevision"]
    assert after["currentRevision"] == after["updateRevision"] == rolling["updateRevision"]
    assert (after["replicas"], after["readyReplicas"], after["updatedReplicas"]) == (2, 2, 2)


def test_an_unready_pod_holds_the_rest_of_a_stateful_set(cluster: Cluster, api: Wire) -> None:
    api.create("statefulsets", workload("StatefulSet", image="registry.local/none:1", replicas=3, serviceName="web"))

    cluster.advance(60)

    assert pod_names(api) == ["web-0"]


def test_a_stateful_set_gives_every_pod_its_own_claim(cluster: Cluster, api: Wire) -> None:
    template = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    api.create("statefulsets", workload("StatefulSet", replicas=2, serviceName="web", volumeClaimTemplates=[template]))

    cluster.advance(15)

    claims = {item["metadata"]["name"]: item["status"]["phase"] for item in api.items("persistentvolumeclaims")}
    assert claims == {"data-web-0": "Bound", "data-web-1": "Bound"}
    assert pod_names(api) == ["web-0", "web-1"]


# DaemonSets


def test_a_daemon_set_runs_on_every_node_even_a_cordoned_one(cluster: Cluster, api: Wire) -> None:
    api.patch(path("nodes", "node-0"), {"spec": {"unschedulable": True}}, MERGE)
    api.create("daemonsets", workload("DaemonSet"))

    cluster.advance(10)
    api.patch(path("nodes", "node-0"), {"spec": {"unschedulable": None}}, MERGE)

    status = api.get(path("daemonsets", "web"))["status"]
    assert {pod["spec"]["nodeName"] for pod in api.items("pods")} == {"node-0", "node-1", "node-2"}
    assert (status["desiredNumberScheduled"], status["numberAvailable"], status["updatedNumberScheduled"]) == (3, 3, 3)


def test_a_daemon_set_replaces_one_pod_at_a_time(cluster: Cluster, api: Wire) -> None:
    api.create("daemonsets", workload("DaemonSet"))
    cluster.advance(10)
    api.patch(path("daemonsets", "web"), in_container(image="registry.local/web:3.0.0"))

    available = []
    for _ in range(60):
        cluster.advance(0.5)
        available.append(api.get(path("daemonsets", "web"))["status"].get("numberAvailable", 0))

    assert min(available) == 2
    assert available[-1] == 3
    assert {pod["spec"]["containers"][0]["image"] for pod in api.items("pods")} == {"registry.local/web:3.0.0"}


# Jobs


def job(image: str, **spec: Any) -> Manifest:
    pods = {"restartPolicy": "Never", "containers": [{"name": "app", "image": image}]}
    return {"metadata": {"name": "report"}, "spec": {"template": {"spec": pods}, **spec}}


def test_a_job_completes_and_keeps_its_log(cluster: Cluster, api: Wire) -> None:
    api.create("jobs", job("registry.local/report:1.0.0", completions=2))

    cluster.advance(30)

    status = api.get(path("jobs", "report"))["status"]
    assert status["succeeded"] == 2
    assert condition_reasons({"status": status})["Complete"] == ("True", "CompletionsReached")
    assert {pod["status"]["phase"] for pod in api.items("pods")} == {"Succeeded"}
    log = api.send("GET", path("pods", pod_names(api)[0]) + "/log").text
    assert log.splitlines()[-1] == "INFO report written"


def test_a_job_that_keeps_failing_gives_up_at_its_limit(cluster: Cluster, api: Wire) -> None:
    api.create("jobs", job("registry.local/report:1.0.1", backoffLimit=2))

    cluster.advance(300)

    found = api.get(path("jobs", "report"))
    assert condition_reasons(found)["Failed"] == ("True", "BackoffLimitExceeded")
    assert list(condition_reasons(found)) == ["FailureTarget", "Failed"]
    assert found["status"]["failed"] == 3


def test_a_suspended_job_starts_nothing(cluster: Cluster, api: Wire) -> None:
    api.create("jobs", job("registry.local/report:1.0.0", suspend=True))

    cluster.advance(30)

    assert api.items("pods") == []


# Autoscalers


def autoscaler(low: int, high: int, utilization: int = 50, name: str = "web") -> Manifest:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    metric = {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": utilization}},
    }
    return {
        "metadata": {"name": "web"},
        "spec": {"scaleTargetRef": target, "minReplicas": low, "maxReplicas": high, "metrics": [metric]},
    }


SCALED: list[tuple[str, str, int, tuple[str, str]]] = [
    ("steady", "40m", 2, ("False", "DesiredWithinRange")),
    ("over the maximum", "5m", 4, ("True", "TooManyReplicas")),
    ("under the minimum", "1", 2, ("True", "TooFewReplicas")),
]


@pytest.mark.parametrize(("request_", "replicas", "limited"), [case[1:] for case in SCALED], ids=[c[0] for c in SCALED])
def test_an_autoscaler_follows_the_metric_within_its_bounds(
    cluster: Cluster, api: Wire, request_: str, replicas: int, limited: tuple[str, str]
) -> None:
    api.create("deployments", deployment(resources={"requests": {"cpu": request_}}))
    cluster.advance(5)
    api.create("horizontalpodautoscalers", autoscaler(2, 4))

    cluster.advance(120)

    found = api.get(path("horizontalpodautoscalers", "web"))
    assert api.get(path("deployments", "web"))["status"]["availableReplicas"] == replicas
    assert condition_reasons(found)["ScalingLimited"] == limited
    assert condition_reasons(found)["ScalingActive"] == ("True", "ValidMetricFound")


def test_a_direct_scale_is_pulled_back_within_the_bounds(cluster: Cluster, api: Wire) -> None:
    api.create("deployments", deployment(resources={"requests": {"cpu": "40m"}}))
    api.create("horizontalpodautoscalers", autoscaler(2, 3))
    cluster.advance(20)

    api.patch(path("deployments", "web/scale"), {"spec": {"replicas": 9}}, MERGE)
    cluster.advance(30)

    assert api.get(path("deployments", "web"))["spec"]["replicas"] <= 3


BLIND: list[tuple[str, Manifest, int, str, tuple[str, str]]] = [
    ("no request", {}, 2, "ScalingActive", ("False", "FailedGetResourceMetric")),
    ("switched off", {"resources": {"requests": {"cpu": "40m"}}}, 0, "ScalingActive", ("False", "ScalingDisabled")),
]


@pytest.mark.parametrize(("fields", "replicas", "kind", "reason"), [c[1:] for c in BLIND], ids=[c[0] for c in BLIND])
def test_an_autoscaler_that_cannot_act_says_why(
    cluster: Cluster, api: Wire, fields: Manifest, replicas: int, kind: str, reason: tuple[str, str]
) -> None:
    api.create("deployments", deployment(replicas=replicas, **fields))
    api.create("horizontalpodautoscalers", autoscaler(2, 4))

    cluster.advance(60)

    assert condition_reasons(api.get(path("horizontalpodautoscalers", "web")))[kind] == reason
    assert api.get(path("deployments", "web"))["spec"]["replicas"] == replicas


def test_an_autoscaler_without_a_target_cannot_scale(cluster: Cluster, api: Wire) -> None:
    api.create("horizontalpodautoscalers", autoscaler(2, 4, name="none"))

    cluster.advance(20)

    reasons = condition_reasons(api.get(path("horizontalpodautoscalers", "web")))
    assert reasons == {"AbleToScale": ("False", "FailedGetScale")}


# Claims and quotas


CLAIMS: list[tuple[str, str | None, str, str]] = [
    ("default class", None, "Bound", ""),
    ("no such class", "fast", "Pending", 'storageclass.storage.k8s.io "fast" not found'),
]


@pytest.mark.parametrize(("name", "phase", "words"), [case[1:] for case in CLAIMS], ids=[c[0] for c in CLAIMS])
def test_a_claim_is_bound_when_its_class_exists(
    cluster: Cluster, api: Wire, name: str | None, phase: str, words: str
) -> None:
    spec: Manifest = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    api.create(
        "persistentvolumeclaims",
        {"metadata": {"name": "data"}, "spec": spec | ({"storageClassName": name} if name else {})},
    )

    cluster.advance(5)

    assert api.get(path("persistentvolumeclaims", "data"))["status"]["phase"] == phase
    assert [event["message"] for event in api.items("events")] == ([words] if words else [])


def test_a_quota_refuses_the_pod_and_the_refusal_reaches_the_deployment(cluster: Cluster, api: Wire) -> None:
    api.create("resourcequotas", {"metadata": {"name": "few"}, "spec": {"hard": {"pods": "1"}}})
    api.create("deployments", deployment())
    cluster.advance(10)

    failing = api.get(path("deployments", "web"))
    used = api.get(path("resourcequotas", "few"))["status"]["used"]
    api.patch(path("resourcequotas", "few"), {"spec": {"hard": {"pods": "5"}}}, MERGE)
    cluster.advance(15)
    healed = api.get(path("deployments", "web"))

    assert condition_reasons(failing)["ReplicaFailure"] == ("True", "FailedCreate")
    assert "exceeded quota: few, requested: pods=1, used: pods=1, limited: pods=1" in str(failing["status"])
    assert used == {"pods": "1"}
    assert "ReplicaFailure" not in condition_reasons(healed)
    assert healed["status"]["availableReplicas"] == 2


def test_a_limit_range_gives_pods_the_memory_limit_they_do_not_ask_for(cluster: Cluster, api: Wire) -> None:
    limit = {"type": "Container", "default": {"memory": "64Mi"}}
    api.create("limitranges", {"metadata": {"name": "small"}, "spec": {"limits": [limit]}})
    api.create("deployments", deployment(replicas=1))

    cluster.advance(15)

    pod = api.items("pods")[0]
    assert pod["spec"]["containers"][0]["resources"] == {"limits": {"memory": "64Mi"}, "requests": {"memory": "64Mi"}}
    assert pod["status"]["containerStatuses"][0]["lastState"]["terminated"]["reason"] == "OOMKilled"
