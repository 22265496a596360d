"""Unmodified clients: the official Python client and kubectl, each on its own journeys through a live cluster."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.sandbox.cluster import Cluster, Identity
from deploy.sandbox.cluster.objects.resources import RESOURCES, Resource
from tests.conftest import needs
from tests.deploy.cluster.manifests import FAULTS, Manifest, budget, deployment, in_container, probe, service
from tests.deploy.cluster.wire import Wire

READY: dict[str, Any] = {"readinessProbe": probe("/readyz")}


# The official client


@pytest.fixture
def client(cluster: Cluster, tmp_path: Path) -> Iterator[Any]:
    """An ApiClient made from a kubeconfig."""
    made = client_from(cluster.kubeconfig(tmp_path / "kubeconfig"))
    yield made
    made.close()


def client_from(kubeconfig: Path) -> Any:
    """The official client over one kubeconfig."""
    from kubernetes import config

    make: Any = config.new_client_from_config
    return make(str(kubeconfig))


def test_the_client_creates_patches_and_reads_a_deployment(cluster: Cluster, client: Any) -> None:
    from kubernetes.client import AppsV1Api

    apps: Any = AppsV1Api(client)
    apps.create_namespaced_deployment("shop", deployment())
    cluster.advance(5)

    apps.patch_namespaced_deployment(
        "web", "shop", {"spec": {"replicas": 3}}, field_manager="sayso", field_validation="Strict"
    )
    cluster.advance(5)

    found = apps.read_namespaced_deployment("web", "shop")
    assert (found.spec.replicas, found.status.available_replicas) == (3, 3)


def test_a_list_is_a_json_patch_and_its_failed_test_an_api_exception(
    cluster: Cluster, client: Any, web: Manifest
) -> None:
    from kubernetes.client import ApiException, AppsV1Api

    body = [{"op": "test", "path": "/metadata/uid", "value": "other"}]

    with pytest.raises(ApiException) as refused:
        AppsV1Api(client).patch_namespaced_deployment("web", "shop", body)

    assert refused.value.status == 422


def test_the_clients_dry_run_with_a_body_really_deletes_and_the_bodys_own_does_not(
    cluster: Cluster, client: Any, web: Manifest
) -> None:
    from kubernetes.client import CoreV1Api

    core: Any = CoreV1Api(client)
    first, second = (pod.metadata for pod in core.list_namespaced_pod("shop").items)

    core.delete_namespaced_pod(first.name, "shop", body={"dryRun": ["All"], "preconditions": {"uid": first.uid}})
    core.delete_namespaced_pod(second.name, "shop", body={"preconditions": {"uid": second.uid}}, dry_run="All")
    cluster.advance(3)

    left = {pod.metadata.uid for pod in core.list_namespaced_pod("shop").items}
    assert first.uid in left
    assert second.uid not in left


def test_every_kind_reads_into_the_clients_models(cluster: Cluster, client: Any, api: Wire) -> None:
    for fault in FAULTS:
        api.create("deployments", fault.broken)
        api.create("services", service(fault.name, app=fault.selector or fault.name))
    api.create("poddisruptionbudgets", budget("oom", minAvailable=1))
    cluster.advance(30)

    for resource in RESOURCES:
        if resource.kind != "EndpointSlice":  # `endpoints: null` is what the real server sends, and harms nobody raw
            for item in api.get(_list_path(resource))["items"]:
                assert _model(resource).from_dict(item) is not None


def _list_path(resource: Resource) -> str:
    root = f"/apis/{resource.api_version}" if resource.group else "/api/v1"
    return f"{root}/{resource.plural}"


def _model(resource: Resource) -> Any:
    from kubernetes.client import models

    return getattr(models, resource.schema)


def test_a_typed_list_of_each_of_the_kinds_an_investigation_reads_works(
    cluster: Cluster, client: Any, web: Manifest
) -> None:
    from kubernetes.client import AppsV1Api, CoreV1Api, DiscoveryV1Api

    core: Any = CoreV1Api(client)
    apps: Any = AppsV1Api(client)
    discovery: Any = DiscoveryV1Api(client)

    assert len(core.list_node().items) == 3
    assert len(core.list_namespaced_pod("shop").items) == 2
    assert len(core.list_namespaced_event("shop").items) > 5
    assert len(apps.list_namespaced_replica_set("shop").items) == 1
    assert len(discovery.list_namespaced_endpoint_slice("shop").items[0].endpoints) == 2


def test_the_clients_watch_sees_a_rollout(cluster: Cluster, client: Any, web: Manifest) -> None:
    from kubernetes import watch
    from kubernetes.client import AppsV1Api

    apps: Any = AppsV1Api(client)
    position = apps.list_namespaced_deployment("shop").metadata.resource_version
    apps.patch_namespaced_deployment("web", "shop", in_container(image="registry.local/web:3.0.0"))
    cluster.advance(10)

    make: Any = watch.Watch
    events = list(
        make().stream(
            apps.list_namespaced_deployment, "shop", resource_version=position, timeout_seconds=1, _request_timeout=10
        )
    )

    assert {event["type"] for event in events} == {"MODIFIED"}
    assert events[-1]["object"].status.updated_replicas == 2


def test_a_typed_eviction_and_a_log_work(cluster: Cluster, client: Any, web: Manifest) -> None:
    from kubernetes.client import CoreV1Api, V1Eviction, V1ObjectMeta

    core: Any = CoreV1Api(client)
    pod = core.list_namespaced_pod("shop").items[0].metadata.name

    log = core.read_namespaced_pod_log(pod, "shop", tail_lines=1)
    core.create_namespaced_pod_eviction(pod, "shop", V1Eviction(metadata=V1ObjectMeta(name=pod)))
    cluster.advance(5)

    assert log == "INFO listening on :8080\n"
    assert pod not in [item.metadata.name for item in core.list_namespaced_pod("shop").items]


def test_reader_and_writer_get_their_own_kubeconfigs(tmp_path: Path) -> None:
    from kubernetes.client import ApiException, AppsV1Api

    with Cluster(speed=0, rbac=True) as guarded:
        guarded.load([deployment()])
        codes = {}
        for identity in (Identity.READER, Identity.WRITER):
            made = client_from(guarded.kubeconfig(tmp_path / identity, identity))
            try:
                AppsV1Api(made).patch_namespaced_deployment("web", "default", {"spec": {"replicas": 1}})
                codes[identity] = 200
            except ApiException as refused:
                codes[identity] = refused.status
            made.close()

    assert codes == {Identity.READER: 403, Identity.WRITER: 200}


# kubectl


Kubectl = Callable[..., str]


@pytest.fixture(scope="module")
def live() -> Iterator[Cluster]:
    """A cluster that lives by itself, twenty times as fast as the world."""
    needs("kubectl")
    with Cluster(speed=20) as running:
        yield running


@pytest.fixture
def kubectl(live: Cluster, tmp_path: Path) -> Iterator[Kubectl]:
    """Run kubectl in namespace `shop`; returns what it printed, and fails unless it exits as expected."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "KUBECONFIG": str(live.kubeconfig(tmp_path / "config")),
    }

    def run(*arguments: str, stdin: Any = None, code: int = 0) -> str:
        text = None if stdin is None else yaml.safe_dump_all(stdin)
        command = ["kubectl", "--namespace=shop", "--request-timeout=20s", *arguments]
        done = subprocess.run(
            command, env=environment, input=text, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
    run("create", "-f", "-", stdin=[namespace])
    yield run
    run("delete", "namespace", "shop", "--timeout=20s")


def manifests(replicas: int = 2, **fields: Any) -> list[Manifest]:
    return [deployment(replicas=replicas, **READY, **fields), service()]


def test_kubectl_applies_waits_and_shows(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", stdin=manifests())
    kubectl("rollout", "status", "deployment/web", "--timeout=30s")

    shown = kubectl("get", "pods,deployments,services", "-o", "wide")

    assert "NOMINATED NODE" in shown
    assert "2/2" in shown
    assert "app=web" in shown
    assert "INFO listening on :8080" in kubectl("logs", "deployment/web")
    assert "successfully rolled out" in kubectl("rollout", "status", "deployment/web")
    assert "Scaled up replica set" in kubectl("describe", "deployment", "web")
    assert "90Mi" in kubectl("top", "pods")
    assert "node-0" in kubectl("top", "nodes")


def test_kubectl_diffs_and_applies_a_change_client_side_and_server_side(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", stdin=manifests())
    kubectl("rollout", "status", "deployment/web", "--timeout=30s")

    diff = kubectl("diff", "-f", "-", stdin=manifests(replicas=3), code=1)
    kubectl("apply", "-f", "-", stdin=manifests(replicas=3))
    conflict = kubectl("apply", "--server-side", "-f", "-", stdin=manifests(replicas=4), code=1)
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=manifests(replicas=4))

    assert "+  replicas: 3" in diff
    assert 'conflict with "kubectl-client-side-apply"' in conflict
    assert kubectl("get", "deployment", "web", "-o", "jsonpath={.spec.replicas}") == "4"


def test_kubectl_breaks_undoes_and_restarts_a_deployment(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", stdin=manifests())
    kubectl("rollout", "status", "deployment/web", "--timeout=30s")

    kubectl("set", "image", "deployment/web", "app=registry.local/web:9.9.9")
    kubectl("set", "env", "deployment/web", "COLOR=blue")
    kubectl("set", "resources", "deployment/web", "--limits=memory=256Mi")
    history = kubectl("rollout", "history", "deployment/web")
    kubectl("rollout", "undo", "deployment/web", "--to-revision=1")
    kubectl("rollout", "status", "deployment/web", "--timeout=30s")
    kubectl("rollout", "restart", "deployment/web")
    kubectl("rollout", "status", "deployment/web", "--timeout=30s")

    assert [line.split()[0] for line in history.splitlines()[2:] if line] == ["1", "2", "3", "4"]
    image = kubectl("get", "deployment", "web", "-o", "jsonpath={.spec.template.spec.containers[0].image}")
    assert image == "registry.local/web:3.1.0"


def test_kubectl_scales_patches_and_drains(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", stdin=[*manifests(), budget("web", maxUnavailable=1)])
    kubectl("rollout", "status", "deployment/web", "--timeout=30s")

    kubectl("scale", "deployment/web", "--replicas=3")
    kubectl("patch", "deployment", "web", "-p", '{"spec":{"replicas":9}}', "--dry-run=server")
    kubectl("rollout", "status", "deployment/web", "--timeout=30s")
    kubectl("drain", "node-0", "--ignore-daemonsets", "--timeout=45s")
    kubectl("rollout", "status", "deployment/web", "--timeout=30s")
    nodes, pods = kubectl("get", "nodes"), kubectl("get", "pods", "-o", "wide")
    kubectl("uncordon", "node-0")

    assert "Ready,SchedulingDisabled" in nodes
    assert "node-0" not in pods
    assert pods.count("Running") == 3


def test_kubectl_is_held_to_its_identitys_role(tmp_path: Path) -> None:
    needs("kubectl")
    with Cluster(speed=20, rbac=True) as guarded:
        guarded.load([deployment()])
        said = {}
        for identity in (Identity.READER, Identity.WRITER):
            environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
            environment["KUBECONFIG"] = str(guarded.kubeconfig(tmp_path / identity, identity))
            command = ["kubectl", "scale", "deployment/web", "--replicas=3"]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)
            said[identity] = done.stdout + done.stderr

    assert "cannot patch resource" in said[Identity.READER]
    assert "scaled" in said[Identity.WRITER]


def test_an_idle_cluster_costs_next_to_nothing() -> None:
    import time

    with Cluster(speed=10) as running:
        running.load([*manifests()])
        time.sleep(0.8)
        began = time.process_time()
        time.sleep(0.6)
        spent = time.process_time() - began

    assert spent < 0.06
