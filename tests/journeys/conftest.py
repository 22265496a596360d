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
    """The bot in its world. Whatever the file's journeys were, the audit chain holds at their end."""
    with laptop.bot(**{**QUICK, **environment}) as bot:
        laptop.driver.wait_until(lambda: bot.url, "the bot")
        scene = Scene(laptop, bot)
        yield scene
        assert scene.record.chain().fault is None
        scene.record.close()
