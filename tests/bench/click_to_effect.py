"""From somebody's click on Approve to the first change in the cluster: each Kubernetes story once.

In between lie the socket, the vote and its quorum, the durable start, every check of the claim, and the intent.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from tests.bench.rows import Row, median, under
from tests.bench.world import NAMES, FirstEffect, scene, troubles, waited_for
from tests.journeys.scene import APPROVE, Scene, Trouble

APPROVER = "alice"


def measure() -> Iterator[Row]:
    """Approve each story's plan, and wait for what it does."""
    with scene() as world:
        times = [_until_effect(world, trouble) for trouble in troubles(world, NAMES)]
    how = f"{len(times)} plans, to the write's arrival at the API server; fastest {min(times):.0f} ms"
    yield Row("Click to first effect, median", median(times), "ms", how, under(300))
    yield Row("Click to first effect, slowest", max(times), "ms", "the same plans")


def _until_effect(world: Scene, trouble: Trouble) -> float:
    card = trouble.asks()
    time.sleep(0.5)  # a person reads before they click; what else the alert started is over by then
    with FirstEffect(world.laptop.cluster) as effect:
        clicked = time.monotonic()
        ack = world.driver.person(APPROVER).click(card.channel, card.ts, APPROVE)
        assert ack.acked, ack.reason
        took = effect.wait() - clicked
    waited_for(lambda: trouble.plan().finished_at is not None, f"the end of {trouble.name}'s plan")
    return took * 1000
