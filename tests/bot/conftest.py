"""What most tests of the flows stand on: the sandbox's people, an empty record, and a desk over both."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deploy.sandbox.cluster import Cluster
from deploy.sandbox.workspace import Workspace
from storage.database import Database
from tests.bot.desks import Bench, bench, either_database
from tests.tools.kubernetes.shop import Shop


@pytest.fixture(scope="module")
def ws() -> Iterator[Workspace]:
    """The sandbox's workspace, shared by a module's tests; `desk` empties it."""
    with Workspace() as workspace:
        yield workspace


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A cluster with a healthy Deployment `web`."""
    with Cluster(speed=0, rbac=True) as cluster:
        found = Shop.open(cluster, tmp_path_factory.mktemp("shop"))
        yield found
        found.close()


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """An empty record: SQLite, or what `BOTH` says."""
    with either_database(request) as database:
        yield database


@pytest.fixture
def desk(database: Database, ws: Workspace) -> Iterator[Bench]:
    """A desk under the shipped rules, where nothing has happened yet."""
    ws.reset()
    with bench(database, ws) as made:
        yield made
