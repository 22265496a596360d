"""A dump of a cluster answers as the cluster did; a folder that is none says which file is to blame."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from deploy.sandbox.cluster import Identity
from tests.conftest import needs
from tests.tools.kubernetes.objects import Raw, cluster, pod, thing
from tests.tools.kubernetes.shop import AT, Broken, Shop
from tools.clients.dump import Dump
from tools.clients.dump_files import plural_of
from tools.clients.kubernetes import NotFound, path_to
from tools.diagnosis.kubernetes.diagnosing import diagnose
from tools.errors import Forbidden, PermanentError
from tools.reads.kubernetes import kinds
from tools.reads.kubernetes.looking import look

VALUE = "not-a-real-" + "password"


def written(folder: Path, name: str, *documents: object) -> Path:
    """A file of a dump: one JSON document, or several in YAML."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(documents[0]) if path.suffix == ".json" else yaml.safe_dump_all(documents))
    return path


def dumped(shop: Shop, folder: Path) -> Path:
    """What `kubectl get ... -o json` and `kubectl logs` would leave of the shop."""
    for kind in kinds.ALWAYS:
        found = shop.raw(path_to(kind.group, kind.resource, None if kind.everywhere else "shop"))
        written(folder, f"{kind.name.replace(' ', '-')}.json", found)
    for log in shop.picture().logs:
        suffix = ".previous.log" if log.previous else ".log"
        path = folder / "shop" / "logs" / log.pod / f"{log.container}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(log.lines))
    return folder


@pytest.mark.parametrize("story", ["1-missing-env", "2-out-of-memory", "3-missing-image"])
def test_a_dump_of_a_cluster_is_judged_as_the_cluster_was(broken: Broken, tmp_path: Path, story: str) -> None:
    shop = broken(story)
    live = diagnose(shop.picture())

    dump = Dump.open(dumped(shop, tmp_path))
    seen = diagnose(look("shop", dump.at, dump))

    assert seen.findings == live.findings
    assert seen.findings != ()
    assert seen.gaps == ()


def test_what_kubectl_dumps_of_a_cluster_is_read(broken: Broken, tmp_path: Path) -> None:
    shop = broken("1-missing-env")
    config = str(shop.cluster.kubeconfig(tmp_path / "admin", Identity.ADMIN))
    command = [needs("kubectl"), "--kubeconfig", config, "cluster-info", "dump", "--namespaces", "shop"]

    subprocess.run([*command, "--output-directory", str(tmp_path / "dump")], check=True, capture_output=True)
    dump = Dump.open(tmp_path / "dump")
    seen = diagnose(look("shop", dump.at, dump))

    assert dump.namespaces == ("shop",)
    assert [found.code for found in seen.findings] == ["k8s.missing_env"]
    assert any(gap.startswith("endpointslices could not be read") for gap in seen.gaps)


def test_a_healthy_cluster_is_silent_from_its_dump(untouched: Shop, tmp_path: Path) -> None:
    dump = Dump.open(dumped(untouched, tmp_path))

    assert diagnose(look("shop", dump.at, dump)).findings == ()


def test_logs_that_kubectl_wrote_for_a_whole_pod_are_taken_apart(tmp_path: Path) -> None:
    written(tmp_path, "pods.json", {"kind": "PodList", "apiVersion": "v1", "items": [pod()]})
    path = tmp_path / "shop" / "web-1" / "logs.txt"
    path.parent.mkdir(parents=True)
    parts = [
        f"==== START logs for container {name} of pod shop/web-1 ====\n{name} one\n{name} two\n"
        for name in ("app", "proxy")
    ]
    ends = [f"==== END logs for container {name} of pod shop/web-1 ====\n" for name in ("app", "proxy")]
    path.write_text(f"{parts[0]}{ends[0]}{parts[1]}{ends[1]}")

    dump = Dump.open(tmp_path)
    log = path_to("v1", "pods", "shop", "web-1", "log")

    assert dump.text(log, {"container": "proxy"}) == "proxy one\nproxy two"
    assert dump.text(log, {"container": "app", "tailLines": "1"}) == "app two"
    with pytest.raises(PermanentError, match="no log of the previous run of web-1/app"):
        dump.text(log, {"container": "app", "previous": "true"})


def test_a_kind_that_was_not_dumped_is_a_gap_only_when_it_is_essential(tmp_path: Path) -> None:
    written(tmp_path, "pods.json", {"kind": "PodList", "apiVersion": "v1", "items": [pod()]})
    written(tmp_path, "services.json", {"kind": "ServiceList", "apiVersion": "v1", "items": []})

    seen = look("shop", AT, Dump.open(tmp_path))

    gaps = {gap.partition(" could")[0] for gap in seen.gaps}
    assert {"deployments", "endpointslices", "events"} <= gaps
    assert not gaps & {"pods", "services", "jobs", "ingresses"}
    assert {"jobs", "ingresses"} <= set(seen.unread)


def test_what_a_complete_dump_lacks_does_not_exist() -> None:
    seen = look("shop", AT, cluster(pod()))

    assert (seen.gaps, seen.unread) == ((), ())


def test_kinds_are_answered_by_namespace_name_label_and_field() -> None:
    dump = cluster(
        pod("a", metadata={"labels": {"app": "a"}}),
        pod("b", spec={"nodeName": "node-1"}),
        pod("c", metadata={"namespace": "bank"}),
    )

    def names(namespace: str | None = None, **query: str) -> list[str]:
        found = dump.get(path_to("v1", "pods", namespace), query)["items"]
        assert isinstance(found, list)
        return [str(item["metadata"]["name"]) for item in found]  # type: ignore[index, call-overload]

    assert names() == ["a", "b", "c"]
    assert names("shop") == ["a", "b"]
    assert names("shop", labelSelector="app=a") == ["a"]
    assert names(fieldSelector="spec.nodeName=node-1") == ["b"]
    with pytest.raises(NotFound):
        dump.get(path_to("v1", "pods", "shop", "c"))
    with pytest.raises(Forbidden, match="secrets"):
        cluster(pod(), refused=("secrets",)).get(path_to("v1", "secrets", "shop"))


def test_no_value_of_a_secret_or_a_config_map_gets_in(tmp_path: Path) -> None:
    applied = {"kubectl.kubernetes.io/last-applied-configuration": VALUE, "team": "shop"}
    secret = thing("v1", "Secret", "db", data={"password": VALUE}, metadata={"annotations": applied})
    config = thing("v1", "ConfigMap", "conf", data={"MODE": VALUE}, binaryData={"blob": VALUE})
    written(tmp_path, "all.yaml", secret, config)

    dump = Dump.open(tmp_path)
    shown = [dump.get(path_to("v1", kind, "shop", name)) for kind, name in (("secrets", "db"), ("configmaps", "conf"))]

    assert VALUE not in json.dumps(shown)
    assert shown[0]["data"] == {"password": ""}


def test_a_yaml_file_may_hold_several_objects_and_bare_times(tmp_path: Path) -> None:
    first, second = pod("a"), pod("b")
    text = yaml.safe_dump_all([first, None, {"kind": "List", "apiVersion": "v1", "items": [second]}])
    (tmp_path / "pods.yml").write_text(text.replace("'2026-11-20T06:00:00Z'", "2026-11-20T06:00:00Z"))

    seen = look("shop", AT, Dump.open(tmp_path, complete=True))

    assert [found.name for found in seen.pods] == ["a", "b"]
    assert seen.pods[0].created == datetime(2026, 11, 20, 6, tzinfo=UTC)


def test_a_dump_is_as_old_as_the_newest_thing_that_happened_in_it() -> None:
    lease = thing("v1", "ConfigMap", "later", metadata={"annotations": {"expires": "2030-01-01T00:00:00Z"}})
    leaving = pod("b", metadata={"deletionTimestamp": "2031-01-01T00:00:00Z"})

    assert cluster(pod(), leaving, lease).at == datetime(2026, 11, 20, 8, 50, tzinfo=UTC)


BAD: list[tuple[str, str | bytes, str]] = [
    ("pods.json", "{", "pods.json cannot be read"),
    ("pods.yaml", "a: [", "pods.yaml is not YAML"),
    ("pods.json", "[1]", "pods.json holds something that is no Kubernetes object"),
    ("notes.yaml", "title: holiday", "notes.yaml holds something that is no Kubernetes object"),
    ("pods.json", '{"kind": "PodList", "items": [1]}', "pods.json holds a list whose items are no objects"),
    ("pods.json", b"\xff\xfe{", "pods.json cannot be read"),
    ("notes.txt", "hello", "holds no Kubernetes object"),
]


@pytest.mark.parametrize(("name", "content", "complaint"), BAD)
def test_a_bad_folder_is_refused_naming_the_file(
    tmp_path: Path, name: str, content: str | bytes, complaint: str
) -> None:
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())

    with pytest.raises(PermanentError, match=complaint):
        Dump.open(tmp_path)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="is not a folder"):
        Dump.open(tmp_path / "nowhere")


def test_a_dump_without_any_time_asks_when_it_was_taken() -> None:
    bare: Raw = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "shop"}}

    with pytest.raises(PermanentError, match="say when it was taken"):
        _ = cluster(bare).at


def test_a_list_without_a_kind_is_of_what_its_file_is_named_after(tmp_path: Path) -> None:
    written(tmp_path, "shop/replication-controllers.json", {"items": []})
    written(tmp_path, "shop/pods.json", {"items": [{"metadata": {"name": "a", "namespace": "shop"}}]})

    dump = Dump.open(tmp_path)

    assert dump.get(path_to("v1", "replicationcontrollers", "shop"))["items"] == []
    assert dump.get(path_to("v1", "pods", "shop", "a"))["metadata"] == {"name": "a", "namespace": "shop"}


@pytest.mark.parametrize(
    ("kind", "plural"),
    [
        ("Ingress", "ingresses"),
        ("NetworkPolicy", "networkpolicies"),
        ("Gateway", "gateways"),
        ("StorageClass", "storageclasses"),
        ("Endpoints", "endpoints"),
        ("PodMetrics", "pods"),
        ("HorizontalPodAutoscaler", "horizontalpodautoscalers"),
    ],
)
def test_many_of_a_kind_are_spelled_as_the_api_spells_them(kind: str, plural: str) -> None:
    assert plural_of(kind) == plural


@pytest.mark.parametrize("ask", [lambda dump: dump.get("/version"), lambda dump: dump.text("/api/v1/nodes")])
def test_what_only_a_live_cluster_can_answer_is_refused(ask: Callable[[Dump], object]) -> None:
    with pytest.raises(PermanentError, match="does not answer"):
        ask(cluster(pod()))
