"""The seven faults: each ordinary manifest breaks the way it should, and each fix heals, whoever sends it."""

from __future__ import annotations

from typing import Any

import pytest

from deploy.sandbox.cluster import Cluster
from tests.deploy.cluster.manifests import CHECKOUT, FAULTS, Fault, Manifest, deployment, in_container, probe, service
from tests.deploy.cluster.wire import JSON_PATCH, Wire, path

SOON = 15.0
"""Simulated seconds within which a fault shows, and a fix heals."""


def post(api: Wire, fault: Fault) -> None:
    api.create("deployments", fault.broken)
    api.create("services", service(fault.name, app=fault.selector or fault.name))


def pods_of(api: Wire, app: str) -> list[dict[str, Any]]:
    return api.items("pods", labelSelector=f"app={app}")


def is_healthy(api: Wire, name: str) -> bool:
    """Rolled out, and answering through the Service."""
    deployed = api.get(path("deployments", name))
    status = deployed["status"]
    wanted = deployed["spec"]["replicas"]
    counts = [status.get(count, 0) for count in ("updatedReplicas", "replicas", "availableReplicas")]
    slices = api.items("endpointslices", labelSelector=f"kubernetes.io/service-name={name}")
    ready = [entry for found in slices for entry in found["endpoints"] or [] if entry["conditions"]["ready"]]
    return (
        status["observedGeneration"] == deployed["metadata"]["generation"]
        and counts == [wanted] * 3
        and len(ready) == wanted
    )


def events_about(api: Wire, pod: str, kind: str = "Warning") -> list[str]:
    found = api.items("events", fieldSelector=f"involvedObject.name={pod},type={kind}")
    return [event["message"] for event in found]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_each_fault_shows_within_fifteen_seconds(cluster: Cluster, api: Wire, fault: Fault) -> None:
    post(api, fault)

    cluster.advance(SOON)

    assert not is_healthy(api, fault.name)
    pods = pods_of(api, fault.name)
    assert len(pods) == 2
    for pod in pods:
        status = pod["status"].get("containerStatuses", [{}])[0]
        if fault.waiting:
            assert status["state"]["waiting"]["reason"] in fault.waiting
        if fault.exit_code is not None:
            ended = status["lastState"]["terminated"]
            assert (ended["exitCode"], ended["reason"]) == (fault.exit_code, fault.reason)
        if fault.restarts:
            assert status["restartCount"] >= 1
        if fault.event:
            assert any(fault.event in message for message in events_about(api, pod["metadata"]["name"]))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_each_fix_heals_within_fifteen_seconds(cluster: Cluster, api: Wire, fault: Fault) -> None:
    post(api, fault)
    cluster.advance(60)

    api.patch(path("services" if fault.fix_service else "deployments", fault.name), fault.fix)
    cluster.advance(SOON)

    assert is_healthy(api, fault.name)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_does_not_heal_by_waiting(cluster: Cluster, api: Wire, fault: Fault) -> None:
    post(api, fault)

    cluster.advance(1800)

    assert not is_healthy(api, fault.name)


def test_the_missing_variable_is_named_in_the_log_of_the_run_before(cluster: Cluster, api: Wire) -> None:
    api.create("deployments", deployment(image=CHECKOUT))
    cluster.advance(SOON)
    pod = pods_of(api, "web")[0]["metadata"]["name"]

    log = api.send("GET", path("pods", f"{pod}/log"), previous="true").text

    assert log.splitlines() == [
        f"INFO starting {CHECKOUT}",
        "ERROR required environment variable DATABASE_URL is not set",
    ]


def test_an_image_that_cannot_be_pulled_alternates_between_its_two_reasons(cluster: Cluster, api: Wire) -> None:
    api.create("deployments", deployment(image="registry.local/web:9.9.9", replicas=1))
    seen = set()

    for _ in range(40):
        cluster.advance(1)
        state = pods_of(api, "web")[0]["status"]["containerStatuses"][0]["state"]["waiting"]["reason"]
        seen.add(state)

    assert {"ErrImagePull", "ImagePullBackOff"} <= seen


def test_a_pod_killed_for_memory_is_running_not_failed(cluster: Cluster, api: Wire) -> None:
    post(api, next(fault for fault in FAULTS if fault.name == "oom"))

    cluster.advance(60)

    assert {pod["status"]["phase"] for pod in pods_of(api, "oom")} == {"Running"}


def test_a_readiness_fault_never_restarts_the_container(cluster: Cluster, api: Wire) -> None:
    post(api, next(fault for fault in FAULTS if fault.name == "readiness"))

    cluster.advance(300)

    assert [pod["status"]["containerStatuses"][0]["restartCount"] for pod in pods_of(api, "readiness")] == [0, 0]


def test_a_healthy_deployment_says_nothing_worth_a_warning(cluster: Cluster, api: Wire) -> None:
    api.create("deployments", deployment(livenessProbe=probe("/healthz"), readinessProbe=probe("/readyz")))
    api.create("services", service())

    cluster.advance(SOON)

    assert is_healthy(api, "web")
    assert api.items("events", fieldSelector="type=Warning") == []
    conditions = {
        entry["type"]: entry["reason"] for entry in api.get(path("deployments", "web"))["status"]["conditions"]
    }
    assert conditions == {"Available": "MinimumReplicasAvailable", "Progressing": "NewReplicaSetAvailable"}


@pytest.mark.parametrize(
    ("body", "media"),
    [
        (in_container(env=[{"name": "DATABASE_URL", "value": "x"}]), "application/strategic-merge-patch+json"),
        (
            [
                {
                    "op": "add",
                    "path": "/spec/template/spec/containers/0/env",
                    "value": [{"name": "DATABASE_URL", "value": "x"}],
                }
            ],
            JSON_PATCH,
        ),
    ],
    ids=["strategic", "json patch"],
)
def test_it_does_not_matter_how_the_spec_was_made_right(cluster: Cluster, api: Wire, body: Any, media: str) -> None:
    api.create("deployments", deployment(image=CHECKOUT))
    api.create("services", service())
    cluster.advance(30)

    api.patch(path("deployments", "web"), body, media)
    cluster.advance(SOON)

    assert is_healthy(api, "web")


def secret_env(key: str = "url") -> list[Manifest]:
    return [{"name": "DATABASE_URL", "valueFrom": {"secretKeyRef": {"name": "db", "key": key}}}]


@pytest.mark.parametrize(
    ("secret", "message"),
    [
        (None, 'secret "db" not found'),
        ({"dsn": "eA=="}, "couldn't find key url in Secret shop/db"),
    ],
    ids=["no secret", "no such key"],
)
def test_a_missing_secret_or_key_is_a_config_error_until_it_appears(
    cluster: Cluster, api: Wire, secret: Manifest | None, message: str
) -> None:
    if secret:
        api.create("secrets", {"metadata": {"name": "db"}, "data": secret})
    api.create("deployments", deployment(image=CHECKOUT, env=secret_env(), replicas=1))
    cluster.advance(SOON)
    waiting = pods_of(api, "web")[0]["status"]["containerStatuses"][0]["state"]["waiting"]
    assert waiting == {"reason": "CreateContainerConfigError", "message": message}

    if secret:
        api.patch(path("secrets", "db"), {"data": {"url": "eA=="}})
    else:
        api.create("secrets", {"metadata": {"name": "db"}, "data": {"url": "eA=="}})
    cluster.advance(SOON)

    assert "running" in pods_of(api, "web")[0]["status"]["containerStatuses"][0]["state"]


def test_seven_faults_and_two_minutes_take_less_than_half_a_second(cluster: Cluster, api: Wire) -> None:
    import time

    for fault in FAULTS:
        post(api, fault)

    began = time.process_time()
    cluster.advance(120)

    assert time.process_time() - began < 0.5
