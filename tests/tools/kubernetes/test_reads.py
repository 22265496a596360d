"""What the model may ask: every row answers with redacted evidence, and the values of variables stay away."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import ValidationError

from tests.tools.kubernetes.objects import Raw, cluster, thing, wrote
from tests.tools.kubernetes.shop import AT, Broken, Shop
from tools.clients import Readers
from tools.clients.dump import Dump
from tools.errors import PermanentError
from tools.evidence import Evidence, Trust
from tools.reads.kubernetes.table import READS

PASSWORD = "not-a-real-" + "password"


def ask(shop: Shop, row: str, /, **arguments: Any) -> Evidence:
    """The answer of one row."""
    read = next(found for found in READS if found.name == row)
    readers = Readers(kubernetes=shop.reader, aws=None)
    (answer,) = read.run(read.arguments(**arguments), AT, readers)
    return answer


def answer_of(dump: Dump, row: str) -> Evidence:
    """The answer of one row about namespace shop of a dump."""
    read = next(found for found in READS if found.name == row)
    (answer,) = read.run(read.arguments(namespace="shop"), AT, Readers(kubernetes=dump, aws=None))
    return answer


def ill_pod(shop: Shop) -> str:
    """The pod that is not ready."""
    return next(pod.name for pod in shop.picture().pods if not pod.ready)


def test_workloads_are_listed_with_the_pods_that_are_not_well(broken: Broken) -> None:
    shop = broken("1-missing-env")

    answer = ask(shop, "k8s_list_workloads", namespace="shop")

    assert answer.summary == "2 workloads, 1 pods not ready"
    assert "Deployment web: 2 of 2 available, 2 updated, revision 1" in answer.excerpt
    assert re.search(r"pod checkout-\S+ Running, not ready: app waiting CrashLoopBackOff", answer.excerpt)
    assert "pod web" not in answer.excerpt


def test_a_workload_is_described_without_its_variables_values(shop: Shop) -> None:
    container = shop.container("web") | {"env": [{"name": "MODE", "value": PASSWORD}]}
    shop.patch(
        "/apis/apps/v1/namespaces/shop/deployments/web",
        {"spec": {"template": {"spec": {"containers": [container]}}}},
    )
    shop.settle()

    described = ask(shop, "k8s_describe_workload", namespace="shop", deployment="web")
    compared = ask(shop, "k8s_what_changed", namespace="shop", deployment="web")

    assert "env MODE value set (19 characters)" in described.excerpt
    assert "app env MODE: absent -> value set (19 characters)" in compared.excerpt
    assert PASSWORD not in described.model_dump_json() + compared.model_dump_json()
    assert PASSWORD not in shop.picture().model_dump_json()


def test_revisions_are_told_newest_first_with_what_each_changed(broken: Broken) -> None:
    shop = broken("2-out-of-memory")

    answer = ask(shop, "k8s_what_changed", namespace="shop", deployment="catalog")

    newest, change, oldest = answer.excerpt.splitlines()
    assert newest.startswith("revision 2 (current): ")
    assert change == "  app limit memory: 512Mi -> 128Mi"
    assert oldest.startswith("revision 1: 2 pods wanted, 2 available")


def test_the_log_of_the_previous_run_says_why(broken: Broken) -> None:
    shop = broken("1-missing-env")

    answer = ask(shop, "k8s_pod_logs", namespace="shop", pod=ill_pod(shop), container="app", previous=True)

    assert "DATABASE_URL is not set" in answer.excerpt
    assert answer.trust is Trust.TEXT


def test_a_log_that_is_not_there_is_a_permanent_error_with_the_servers_reason(broken: Broken) -> None:
    shop = broken("3-missing-image")

    with pytest.raises(PermanentError, match="waiting to start"):
        ask(shop, "k8s_pod_logs", namespace="shop", pod=ill_pod(shop), container="app")


def test_events_are_those_of_the_object_asked_for(broken: Broken) -> None:
    shop = broken("3-missing-image")
    name = ill_pod(shop)

    answer = ask(shop, "k8s_list_events", namespace="shop", name=name)

    assert "Failed to pull image" in answer.excerpt
    assert all(f"Pod/{name}" in line for line in answer.excerpt.splitlines())


def test_services_are_listed_with_their_endpoints(broken: Broken) -> None:
    shop = broken("7-selector-typo")

    answer = ask(shop, "k8s_list_services", namespace="shop")

    assert "service payments (ClusterIP) selects app=paymnets, 80 -> http; 0 ready, 0 other endpoints" in answer.excerpt
    assert "service web (ClusterIP) selects app=web, 80 -> http; 2 ready, 0 other endpoints" in answer.excerpt


def test_nodes_are_listed_with_the_room_they_offer(untouched: Shop) -> None:
    answer = ask(untouched, "k8s_list_nodes")

    assert answer.summary == "3 nodes"
    assert "node node-0 ready, offers 8Gi memory and 4000m cpu" in answer.excerpt


def test_a_pod_is_described_with_how_its_containers_ended(broken: Broken) -> None:
    shop = broken("1-missing-env")

    answer = ask(shop, "k8s_describe_pod", namespace="shop", pod=ill_pod(shop))

    assert re.search(r"of ReplicaSet checkout-\S+, on node-\d", answer.excerpt)
    assert re.search(r"app its last run ended Error, exit 1 at 20\d\d-", answer.excerpt)
    assert "condition Ready=False" in answer.excerpt


def test_every_pod_is_listed_with_its_workload_and_node(untouched: Shop) -> None:
    answer = ask(untouched, "k8s_list_pods", namespace="shop")

    assert answer.summary == "2 pods"
    assert all(re.search(r"; of Deployment web, on node-\d$", line) for line in answer.excerpt.splitlines())


def test_the_changes_of_a_namespace_are_told_in_the_order_of_time(broken: Broken) -> None:
    answer = ask(broken("2-out-of-memory"), "k8s_what_changed", namespace="shop")

    assert answer.excerpt.endswith("revision 2: app limit memory: 512Mi -> 128Mi by python-requests")
    assert answer.trust is Trust.TEXT


def test_a_node_is_described_with_the_pods_on_it(untouched: Shop) -> None:
    answer = ask(untouched, "k8s_describe_node", node="node-0")

    assert "condition Ready=True" in answer.excerpt
    assert "shop/web-" in ask(untouched, "k8s_describe_node", node=untouched.picture().pods[0].node).excerpt


def test_what_is_used_now_is_told_the_largest_first(untouched: Shop) -> None:
    answer = ask(untouched, "k8s_top", namespace="shop")

    assert answer.summary == "2 containers, 3 nodes"
    assert re.match(r"web-\S+/app \d+Mi memory, \d+m cpu", answer.excerpt)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("k8s_list_jobs", "nothing"),
        ("k8s_list_ingresses", "nothing"),
        ("k8s_list_network_policies", "nothing"),
        ("k8s_list_storage", "StorageClass standard by sandbox.local/disk, Immediate, default"),
        ("k8s_list_limits", "nothing"),
        ("k8s_list_configs", "secrets may not be listed"),
        ("k8s_list_gitops", "nothing"),
    ],
)
def test_what_a_namespace_lacks_is_said_to_be_none(untouched: Shop, row: str, says: str) -> None:
    assert ask(untouched, row, namespace="shop").excerpt == says


def test_everything_around_workloads_is_told_in_a_line_each() -> None:
    hook = {"ingressClassName": "nginx", "defaultBackend": {"service": {"name": "web", "port": {"number": 80}}}}
    applied: Raw = {
        "metadata": {"managedFields": [wrote("kubectl", {"f:data": {"f:MODE": {}}})]},
        "data": {"MODE": PASSWORD},
    }
    dump = cluster(
        thing("networking.k8s.io/v1", "Ingress", "web", spec=hook),
        thing("networking.k8s.io/v1", "NetworkPolicy", "deny", spec={"podSelector": {}}),
        thing("batch/v1", "CronJob", "sync", spec={"schedule": "* * * * *", "suspend": True}),
        thing("v1", "PersistentVolumeClaim", "data", spec={"storageClassName": "fast"}, status={"phase": "Pending"}),
        thing("v1", "ResourceQuota", "small", status={"hard": {"pods": "4"}, "used": {"pods": "3"}}),
        thing("v1", "ConfigMap", "conf", **applied),
        thing("v1", "Secret", "db", data={"password": PASSWORD}),
        thing("argoproj.io/v1alpha1", "Application", "web", "argocd", spec={"destination": {"namespace": "shop"}}),
    )
    rows = ("ingresses", "network_policies", "jobs", "storage", "limits", "configs", "gitops")

    said = "\n".join(answer_of(dump, f"k8s_list_{row}").excerpt for row in rows)

    assert said.splitlines() == [
        "Ingress web class nginx at no address: default -> web:80",
        "NetworkPolicy deny on every pod: Ingress; lets nothing through: Ingress",
        'CronJob sync "* * * * *", suspended: last scheduled unknown, last succeeded unknown',
        "PersistentVolumeClaim data Pending, class fast, asks for -",
        "ResourceQuota small: pods 3 of 4",
        "ConfigMap conf keys MODE, last written by kubectl at 2026-11-20T08:50:00+00:00",
        "Secret db",
        "Application argocd/web -, -, at - since unknown",
    ]
    assert PASSWORD not in said


def test_no_autoscaler_is_said_to_be_none(untouched: Shop) -> None:
    assert ask(untouched, "k8s_list_autoscalers", namespace="shop").excerpt == "nothing"


def test_reading_the_same_again_names_the_same_evidence(untouched: Shop) -> None:
    first = ask(untouched, "k8s_list_services", namespace="shop")
    second = ask(untouched, "k8s_list_services", namespace="shop")

    assert first.id == second.id


@pytest.mark.parametrize("name", ["../secrets/db", "shop/../../secrets", "SHOP", "shop?watch=1", ""])
def test_a_name_that_is_no_name_is_not_asked_for(name: str) -> None:
    for read in READS:
        if "namespace" in read.arguments.model_fields:
            with pytest.raises(ValidationError):
                read.arguments(namespace=name, deployment="web", pod="web", container="app")


def test_every_row_has_its_own_name_and_only_reads() -> None:
    assert len({read.name for read in READS}) == len(READS)
    for read in READS:
        assert re.fullmatch(r"k8s_[a-z_]+", read.name)
        assert {permission.split()[0] for permission in read.permissions} <= {"get", "list"}
        assert not any("secret" in permission for permission in read.permissions)


def test_the_reader_may_do_what_every_row_needs(untouched: Shop) -> None:
    for read in READS:
        for permission in read.permissions:
            verb, resource = permission.split()
            kind, _, group = resource.partition(".")
            kind, _, subresource = kind.partition("/")
            allowed = untouched.reader.permitted(verb, kind, namespace="shop", group=group, subresource=subresource)
            assert allowed, permission


def test_without_a_cluster_every_row_says_so() -> None:
    readers = Readers(kubernetes=None, aws=None)
    read = next(found for found in READS if found.name == "k8s_list_nodes")

    with pytest.raises(PermanentError, match="not configured"):
        read.run(read.arguments(), AT, readers)
