"""Clusters whose time moves only when a test says so, and plain HTTP to them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deploy.sandbox.cluster import Cluster
from tests.deploy.cluster.manifests import Manifest, deployment, service
from tests.deploy.cluster.wire import Wire, path


@pytest.fixture(scope="module")
def module_cluster() -> Iterator[Cluster]:
    """One server a module: starting and stopping one costs more than most tests."""
    with Cluster(speed=0) as running:
        yield running


@pytest.fixture
def cluster(module_cluster: Cluster) -> Iterator[Cluster]:
    """A cluster standing still, with a namespace `shop` of the test's own and three healthy nodes."""
    wire = Wire(module_cluster.url)
    wire.create("namespaces", {"metadata": {"name": "shop"}})
    module_cluster.advance(0)
    yield module_cluster
    wire.send("DELETE", path("namespaces", "shop"))
    module_cluster.advance(120)
    assert wire.send("GET", path("namespaces", "shop")).status_code == 404
    wire.close()


@pytest.fixture
def api(cluster: Cluster) -> Iterator[Wire]:
    """Plain HTTP to the cluster."""
    wire = Wire(cluster.url)
    yield wire
    wire.close()


@pytest.fixture
def web(cluster: Cluster, api: Wire) -> Manifest:
    """A healthy Deployment and Service `web`; returns the Deployment as the server has it."""
    api.create("deployments", deployment())
    api.create("services", service())
    cluster.advance(5)
    found: Manifest = api.get(path("deployments", "web"))
    return found
