"""The stand-in Prometheus: what happens in the cluster is what it measured, and what it does not know it refuses."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import httpx
import yaml

from deploy.sandbox.cluster import Cluster
from deploy.sandbox.prometheus import ClusterMetrics, Metrics, Prometheus
from deploy.sandbox.prometheus.kubestate import ADDRESSES, NOT_READY, RESTARTS
from deploy.sandbox.prometheus.metrics import Labels

STORY = Path(__file__).parents[3] / "deploy/sandbox/scenarios/kubernetes/2-out-of-memory"
CATALOG: Labels = (("deployment", "catalog"), ("namespace", "shop"))


def eventually(check: Callable[[], bool], seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while not check() and time.monotonic() < deadline:
        time.sleep(0.01)
    return check()


def test_what_happens_to_pods_is_measured_as_it_happens() -> None:
    with Cluster(speed=0) as cluster, ClusterMetrics(cluster) as watching:
        cluster.load([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}])
        cluster.load(one for one in yaml.safe_load_all((STORY / "fault.yaml").read_text()) if one)
        cluster.advance(60)

        def now(name: str, labels: Labels) -> float:
            return watching.metrics.value(name, labels, time.time()) or 0.0

        assert eventually(lambda: now(RESTARTS, CATALOG) > 0)
        assert eventually(lambda: now(NOT_READY, CATALOG) > 0)
        assert watching.metrics.value(RESTARTS, CATALOG, time.time() - 3600) is None
        restarts = now(RESTARTS, CATALOG)
        cluster.advance(60)
        assert eventually(lambda: now(RESTARTS, CATALOG) > restarts)
        assert all(dict(labels)["namespace"] == "shop" for labels in watching.metrics.labels(ADDRESSES))


def test_it_knows_selectors_comparisons_and_numbers_and_refuses_the_rest() -> None:
    metrics = Metrics()
    for name, value in (("a", 1.0), ("b", 5.0)):
        metrics.record("load", {"node": name}, 100.0, value)
    with Prometheus(metrics, clock=lambda: 200.0) as server, httpx.Client(trust_env=False) as client:

        def ask(query: str, at: float = 150.0) -> httpx.Response:
            return client.get(f"{server.url}api/v1/query", params={"query": query, "time": at})

        def nodes(query: str, at: float = 150.0) -> list[str]:
            return [one["metric"]["node"] for one in ask(query, at).json()["data"]["result"]]

        assert nodes("load") == ["a", "b"]
        assert nodes('load{node="b"}') == ["b"]
        assert nodes("load > 2") == ["b"]
        assert nodes("load", at=99.0) == []
        assert ask("1").json()["data"] == {"resultType": "scalar", "result": [150.0, "1"]}
        assert ask("rate(load[5m])").status_code == 400
