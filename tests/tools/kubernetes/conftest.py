"""A fresh shop for each test. Time stands still in it but when a test lets it pass."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.sandbox.cluster import Cluster
from tests.tools.kubernetes.shop import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """The shop, healthy."""
    with Cluster(speed=0, rbac=True) as cluster:
        opened = Shop.open(cluster, tmp_path)
        yield opened
        opened.reader.close()
        if opened.writers.kubernetes is not None:
            opened.writers.kubernetes.close()
