"""Shops in sandbox clusters: a fresh one for tests that change it, shared ones for tests that only look.

Time stands still in all of them but when a test lets it pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from deploy.sandbox.cluster import Cluster
from tests.tools.kubernetes.shop import Broken, Shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """The shop, healthy, for one test alone."""
    with opened(tmp_path) as fresh:
        yield fresh


@pytest.fixture(scope="session")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The shop, healthy, for everybody: nobody may change it."""
    with opened(tmp_path_factory.mktemp("untouched")) as shared:
        yield shared


@pytest.fixture(scope="session")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broken]:
    """A shop for each story, made when first asked for: nobody may change it."""
    made: dict[str, Shop] = {}
    with ExitStack() as stack:

        def of(story: str) -> Shop:
            if story not in made:
                made[story] = stack.enter_context(opened(tmp_path_factory.mktemp(story)))
                made[story].break_down(story)
            return made[story]

        yield of


@contextmanager
def opened(directory: Path) -> Iterator[Shop]:
    """A cluster with the shop in it, under the permissions both identities really get."""
    with Cluster(speed=0, rbac=True) as cluster:
        found = Shop.open(cluster, directory)
        yield found
        found.close()
