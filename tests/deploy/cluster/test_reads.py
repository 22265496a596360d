"""Listing, paging, selecting, watching, logs, metrics, discovery, and kubectl's tables, over plain HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from deploy.sandbox.cluster import Cluster
from deploy.sandbox.cluster.objects.resources import RESOURCES
from tests.deploy.cluster.manifests import Manifest, container, deployment
from tests.deploy.cluster.wire import MERGE, Wire, path

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


def names(items: list[dict[str, Any]]) -> list[str]:
    return [item["metadata"]["name"] for item in items]


@pytest.fixture
def maps(api: Wire) -> None:
    """Three config maps: a (tier front), b (tier back), c (no tier)."""
    for name, labels in (("a", {"tier": "front"}), ("b", {"tier": "back"}), ("c", {})):
        api.create("configmaps", {"metadata": {"name": name, "labels": labels}})


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("tier=front", ["a"]),
        ("tier==front", ["a"]),
        ("tier!=front", ["b", "c"]),
        ("tier in (front, back)", ["a", "b"]),
        ("tier notin (front)", ["b", "c"]),
        ("tier", ["a", "b"]),
        ("!tier", ["c"]),
        ("tier,tier!=back", ["a"]),
    ],
)
@pytest.mark.usefixtures("maps")
def test_label_selectors(api: Wire, selector: str, found: list[str]) -> None:
    assert names(api.items("configmaps", labelSelector=selector)) == found


@pytest.mark.parametrize(
    ("selector", "found"),
    [("metadata.name=b", ["b"]), ("metadata.name!=b", ["a", "c"]), ("metadata.namespace=shop", ["a", "b", "c"])],
)
@pytest.mark.usefixtures("maps")
def test_field_selectors(api: Wire, selector: str, found: list[str]) -> None:
    assert names(api.items("configmaps", fieldSelector=selector)) == found


def test_pods_are_found_by_node_and_phase(api: Wire, web: Manifest) -> None:
    pod = api.items("pods")[0]

    found = api.items("pods", fieldSelector=f"spec.nodeName={pod['spec']['nodeName']},status.phase=Running")

    assert pod["metadata"]["name"] in names(found)
    assert api.items("pods", fieldSelector="spec.nodeName=none") == []


@pytest.mark.parametrize("query", [{"fieldSelector": "spec.color=red"}, {"labelSelector": "a=b=c"}])
def test_a_selector_that_cannot_be_understood_is_a_bad_request(api: Wire, query: dict[str, str]) -> None:
    status = api.refused("GET", path("pods"), **query)

    assert (status["code"], status["reason"]) == (400, "BadRequest")


@pytest.mark.usefixtures("maps")
def test_a_list_comes_in_pages_that_add_up(api: Wire) -> None:
    first = api.get(path("configmaps"), limit="2")
    second = api.get(path("configmaps"), limit="2", **{"continue": first["metadata"]["continue"]})

    assert names(first["items"]) + names(second["items"]) == ["a", "b", "c"]
    assert first["metadata"]["remainingItemCount"] == 1
    assert "continue" not in second["metadata"]


def test_a_list_without_a_namespace_goes_over_all_of_them(api: Wire) -> None:
    for namespace in ("shop", "default"):
        api.create("configmaps", {"metadata": {"name": f"in-{namespace}"}}, namespace=namespace)

    found = names(api.get("/api/v1/configmaps")["items"])

    assert {"in-shop", "in-default"} <= set(found)
    api.send("DELETE", path("configmaps", "in-default", "default"))


def test_collections_are_deleted_by_selector(api: Wire, maps: None) -> None:
    response = api.send("DELETE", path("configmaps"), labelSelector="tier")

    assert response.status_code == 200
    assert names(api.items("configmaps")) == ["c"]


# Watching


class Watching:
    """A watch in a thread, collecting its lines until it ends."""

    def __init__(self, url: str, where: str, **query: str) -> None:
        self.lines: list[dict[str, Any]] = []
        session = requests.Session()
        session.trust_env = False
        self._response = session.get(url + where, params={"watch": "1", **query}, stream=True, timeout=20)
        self._session = session
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        for line in self._response.iter_lines():
            self.lines.append(json.loads(line))

    def finish(self) -> list[tuple[str, str]]:
        """Wait for the server to end the watch; the (type, name) of every event."""
        self._thread.join(10)
        self._response.close()
        self._session.close()
        return [(line["type"], line["object"].get("metadata", {}).get("name", "")) for line in self.lines]


def test_a_watch_from_a_list_sees_what_happened_since_and_ends_in_time(cluster: Cluster, api: Wire) -> None:
    position = api.get(path("configmaps"))["metadata"]["resourceVersion"]
    api.create("configmaps", {"metadata": {"name": "before"}})

    watch = Watching(cluster.url, path("configmaps"), resourceVersion=position, timeoutSeconds="1")
    api.patch(path("configmaps", "before"), {"data": {"a": "b"}}, MERGE)
    api.send("DELETE", path("configmaps", "before"))

    assert watch.finish() == [("ADDED", "before"), ("MODIFIED", "before"), ("DELETED", "before")]


def test_a_watch_without_a_position_begins_with_what_is_there(cluster: Cluster, api: Wire, maps: None) -> None:
    watch = Watching(cluster.url, path("configmaps"), timeoutSeconds="1")

    assert watch.finish() == [("ADDED", "a"), ("ADDED", "b"), ("ADDED", "c")]


def test_an_object_that_leaves_or_enters_the_selection_is_deleted_or_added(
    cluster: Cluster, api: Wire, maps: None
) -> None:
    position = api.get(path("configmaps"))["metadata"]["resourceVersion"]
    query = {"resourceVersion": position, "timeoutSeconds": "1", "labelSelector": "tier=front"}

    watch = Watching(cluster.url, path("configmaps"), **query)
    api.patch(path("configmaps", "a"), {"metadata": {"labels": {"tier": "back"}}}, MERGE)
    api.patch(path("configmaps", "b"), {"metadata": {"labels": {"tier": "front"}}}, MERGE)
    api.patch(path("configmaps", "c"), {"data": {"x": "y"}}, MERGE)

    assert watch.finish() == [("DELETED", "a"), ("ADDED", "b")]


def test_initial_events_end_with_a_bookmark(cluster: Cluster, api: Wire, maps: None) -> None:
    query = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}

    watch = Watching(cluster.url, path("configmaps"), timeoutSeconds="1", **query)

    assert [kind for kind, _ in watch.finish()] == ["ADDED", "ADDED", "ADDED", "BOOKMARK", "BOOKMARK"]
    marked = watch.lines[3]["object"]["metadata"]["annotations"]
    assert marked == {"k8s.io/initial-events-end": "true"}


def test_a_watch_from_before_the_kept_log_is_told_410() -> None:
    with Cluster(speed=0, kept_changes=5) as small:
        wire = Wire(small.url)
        for number in range(10):
            wire.create("configmaps", {"metadata": {"name": f"c{number}"}}, namespace="default")

        watch = Watching(small.url, path("configmaps", namespace="default"), resourceVersion="101")
        watch.finish()
        wire.close()

    assert watch.lines[0]["type"] == "ERROR"
    assert (watch.lines[0]["object"]["code"], watch.lines[0]["object"]["reason"]) == (410, "Expired")


# Logs


@pytest.fixture
def pod(cluster: Cluster, api: Wire, web: Manifest) -> str:
    """The name of a running pod."""
    return str(api.items("pods")[0]["metadata"]["name"])


def test_a_log_can_be_cut_by_lines_and_bytes(api: Wire, pod: str) -> None:
    where = path("pods", f"{pod}/log")

    assert api.send("GET", where).text.splitlines() == [
        "INFO starting registry.local/web:3.1.0",
        "INFO listening on :8080",
    ]
    assert api.send("GET", where, tailLines="1").text == "INFO listening on :8080\n"
    assert api.send("GET", where, limitBytes="4").text == "INFO"


def test_log_lines_can_carry_their_time_and_be_cut_by_it(cluster: Cluster, api: Wire, pod: str) -> None:
    where = path("pods", f"{pod}/log")
    cluster.advance(60)

    stamped = api.send("GET", where, timestamps="true").text

    assert all(line.split(" ")[0].endswith("Z") for line in stamped.splitlines())
    assert api.send("GET", where, sinceSeconds="10").text == ""


@pytest.mark.parametrize(
    ("query", "code"), [({"container": "none"}, 400), ({"previous": "true"}, 400)], ids=["no container", "no previous"]
)
def test_a_log_that_cannot_be_had_is_a_bad_request(api: Wire, pod: str, query: dict[str, str], code: int) -> None:
    assert api.refused("GET", path("pods", f"{pod}/log"), **query)["code"] == code


def test_a_waiting_container_has_no_log_but_a_reason(cluster: Cluster, api: Wire) -> None:
    api.create("pods", {"metadata": {"name": "p"}, "spec": {"containers": [container("registry.local/none:1")]}})
    cluster.advance(5)

    status = api.refused("GET", path("pods", "p") + "/log")

    assert status["code"] == 400
    assert status["message"] == 'container "app" in pod "p" is waiting to start: trying and failing to pull image'


# Metrics and discovery


def test_metrics_come_from_the_table_of_images(api: Wire, web: Manifest) -> None:
    pods = api.get("/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods")["items"]
    nodes = api.get("/apis/metrics.k8s.io/v1beta1/nodes")["items"]

    assert [entry["containers"][0]["usage"] for entry in pods] == [{"cpu": "20m", "memory": "90Mi"}] * 2
    assert names(nodes) == ["node-0", "node-1", "node-2"]


def test_every_kind_can_be_discovered_and_listed(api: Wire) -> None:
    for resource in RESOURCES:
        root = f"/apis/{resource.api_version}" if resource.group else "/api/v1"
        listed = {entry["name"]: entry for entry in api.get(root)["resources"]}

        found = api.get(f"{root}/{resource.plural}")

        assert listed[resource.plural]["kind"] == resource.kind
        assert found["kind"] == f"{resource.kind}List"


def test_every_kind_tells_kubectl_that_it_validates_fields(api: Wire) -> None:
    for resource in RESOURCES:
        root = f"apis/{resource.api_version}" if resource.group else "api/v1"
        paths = api.get(f"/openapi/v3/{root}")["paths"]
        kinds = {
            entry["patch"]["x-kubernetes-group-version-kind"]["kind"]: [p["name"] for p in entry["patch"]["parameters"]]
            for entry in paths.values()
        }

        assert "fieldValidation" in kinds[resource.kind]


@pytest.mark.parametrize("where", ["/healthz", "/livez", "/readyz"])
def test_health_answers_ok(api: Wire, where: str) -> None:
    assert api.send("GET", where).text == "ok"


# Tables


def table(api: Wire, plural: str, namespace: str = "shop") -> Iterator[dict[str, Any]]:
    """The rows of a kind's table, by column name."""
    response = api.send("GET", path(plural, namespace=namespace)).request
    assert response.url
    found = requests.get(response.url, headers={"Accept": TABLE}, timeout=10).json()
    assert found["kind"] == "Table"
    columns = [column["name"] for column in found["columnDefinitions"]]
    for row in found["rows"]:
        assert row["object"]["kind"] == "PartialObjectMetadata"
        yield dict(zip(columns, row["cells"], strict=True))


def test_pods_have_kubectls_columns(cluster: Cluster, api: Wire) -> None:
    api.create("deployments", deployment(image="registry.local/checkout:1.4.2", replicas=1))
    cluster.advance(30)

    row = next(table(api, "pods"))

    assert row["Ready"] == "0/1"
    assert row["Status"] == "CrashLoopBackOff"
    assert row["Restarts"].split(" ")[0].isdigit()
    assert row["Node"].startswith("node-")


def test_deployments_services_and_nodes_have_kubectls_columns(api: Wire, web: Manifest) -> None:
    deployed, served, node = (next(table(api, plural)) for plural in ("deployments", "services", "nodes"))

    assert (deployed["Ready"], deployed["Up-to-date"], deployed["Available"]) == ("2/2", 2, 2)
    assert (deployed["Containers"], deployed["Selector"]) == ("app", "app=web")
    assert (served["Type"], served["Port(s)"], served["Selector"]) == ("ClusterIP", "80/TCP", "app=web")
    assert (node["Status"], node["Version"], node["Internal-IP"]) == ("Ready", "v1.36.2", "10.0.0.1")


def test_every_kind_has_a_table(api: Wire, web: Manifest) -> None:
    for resource in RESOURCES:
        root = f"/apis/{resource.api_version}" if resource.group else "/api/v1"
        wide = Wire(api.send("GET", "/healthz").url.removesuffix("/healthz"), Accept=TABLE)

        found = wide.get(f"{root}/{resource.plural}")

        wide.close()
        assert found["columnDefinitions"][0] | {"description": ""} == {
            "name": "Last Seen" if resource.kind == "Event" else "Name",
            "type": "string",
            "format": "" if resource.kind == "Event" else "name",
            "description": "",
            "priority": 0,
        }
