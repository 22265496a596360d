"""PostgreSQL instead of SQLite: the same story, and two replicas of which one dies at work."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from deploy.sandbox.bot import BotProcess
from deploy.sandbox.laptop import Laptop, free_port
from storage.tables import ExecutionStatus, Phase, PlanStatus
from tests.journeys.conftest import QUICK
from tests.journeys.scene import APPROVE, Scene, eventually

TAKEN_OVER_WITHIN = 15.0
"""Seconds in which the surviving replica finishes what a dead one began."""


@pytest.fixture
def replicas(laptop: Laptop, postgres_url: str) -> Iterator[tuple[BotProcess, BotProcess]]:
    """Two bots on one PostgreSQL database, with a watch long enough to be killed in."""
    slow = {**QUICK, "SAYSO_WATCH_SECONDS": "4", "DATABASE_URL": postgres_url}
    first = BotProcess({**laptop.environment(), **slow}, laptop.folder / "first.log")
    port = str(free_port())
    second = BotProcess({**laptop.environment(), **slow, "SAYSO_HTTP_PORT": port}, laptop.folder / "second.log")
    first.start()
    second.start()
    laptop.driver.wait_for_app(connections=2)
    yield first, second
    first.kill()
    second.kill()


def test_when_the_replica_at_work_is_killed_the_other_one_finishes(
    laptop: Laptop, replicas: tuple[BotProcess, BotProcess]
) -> None:
    scene = Scene(laptop, replicas[0])
    trouble = scene.trouble(1, "replicated")
    trouble.asks()
    trouble.click("alice", APPROVE)
    trouble.card("Verifying")
    owner = scene.record.executions(trouble.plan())[0].owner or ""
    (busy,) = [replica for replica in replicas if f"executor={owner}" in replica.log_tail(1000)]
    busy.kill()
    killed = time.monotonic()
    assert trouble.plan().status == PlanStatus.VERIFYING

    trouble.card("Succeeded")
    took = time.monotonic() - killed

    assert took < TAKEN_OVER_WITHIN
    assert len(trouble.effects()) == 1
    assert [(one.phase, one.status) for one in scene.record.executions(trouble.plan())] == [
        (Phase.APPLY, ExecutionStatus.DONE)
    ]
    assert trouble.plan().status == PlanStatus.SUCCEEDED
    assert scene.record.chain().fault is None
    scene.record.close()


def test_a_story_is_told_on_postgresql(laptop: Laptop, postgres_url: str) -> None:
    with laptop.bot(**QUICK, DATABASE_URL=postgres_url) as bot:
        scene = Scene(laptop, bot)
        trouble = scene.trouble(1, "kept")
        trouble.asks()

        trouble.click("alice", APPROVE)

        trouble.card("Succeeded")
        assert trouble.healed
        assert len(trouble.effects()) == 1
        trouble.clear()
        trouble.root("Resolved")
        eventually(lambda: scene.record.incidents(trouble.sign)[0].resolved_at is not None, "the end of it")
        assert scene.record.chain().fault is None
        scene.record.close()
