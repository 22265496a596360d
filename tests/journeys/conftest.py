"""One world and one bot process for each file of journeys; a file says what differs by overriding a fixture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from deploy.sandbox.laptop import Laptop
from tests.journeys.scene import Scene

SPEED = 20.0
"""Simulated seconds a second: a rollout takes less than a second, a crash loop is seen in one."""
QUICK = {"SAYSO_WATCH_SECONDS": "1", "SAYSO_VERIFY_SECONDS": "20", "SAYSO_SWEEP_SECONDS": "0.5"}


@pytest.fixture(scope="module")
def laptop() -> Iterator[Laptop]:
    """Workspace and cluster; a file that needs AWS or a model makes its own."""
    with Laptop(speed=SPEED, cloud=False) as laptop:
        yield laptop


@pytest.fixture(scope="module")
def environment() -> Mapping[str, str]:
    """What this file's bot is told besides where everything is."""
    return {}


@pytest.fixture(scope="module")
def scene(laptop: Laptop, environment: Mapping[str, str]) -> Iterator[Scene]:
    """The bot in its world. Whatever the file's journeys were, the audit chain holds and nothing blew up."""
    scene = Scene(laptop, laptop.bot(**{**QUICK, **environment}).start())
    yield scene
    scene.bot.kill()  # sooner over than asking it to stop, and the record must bear that
    assert scene.record.chain().fault is None
    assert "Traceback" not in scene.bot.log_tail(10_000)
    scene.record.close()
