"""What attacks are made on: a desk over a real record and a real cluster, with plans people really were asked about."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.sandbox.workspace import Workspace
from storage.database import Database
from tests.bot.live_desks import LiveBench, live_bench
from tests.storage.records import empty_sqlite


@pytest.fixture(scope="module")
def ws() -> Iterator[Workspace]:
    """The people."""
    with Workspace() as workspace:
        yield workspace


@pytest.fixture
def record(sqlite_url: str) -> Iterator[Database]:
    """An empty record."""
    opened = empty_sqlite(sqlite_url)
    yield opened
    opened.close()


@pytest.fixture
def gate(record: Database, ws: Workspace, tmp_path: Path) -> Iterator[LiveBench]:
    """A desk over a cluster with a healthy `web`."""
    ws.reset()
    with live_bench(record, ws, tmp_path) as bench:
        yield bench
