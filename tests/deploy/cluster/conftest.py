"""A cluster whose time moves only when a test says so, and plain HTTP to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.sandbox.cluster import Cluster
from tests.deploy.cluster.manifests import Manifest, deployment, service
from tests.deploy.cluster.wire import Wire


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A fresh cluster with namespace `shop`, standing still."""
    with Cluster(speed=0) as running:
        running.load([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}])
        running.advance(0)
        yield running


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
    found: Manifest = api.get("/apis/apps/v1/namespaces/shop/deployments/web")
    return found


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Six before 1.16, which the official client's dates still pull in, has an importer Python warns about."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.filterwarnings("ignore:_SixMetaPathImporter:ImportWarning"))
