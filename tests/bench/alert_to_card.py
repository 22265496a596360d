"""From an alert's webhook to the plan's card before people, without a model: each Kubernetes story once.

One after the other, with a pause: Slack lets a channel take three posts at once and then one a second, and a story
makes three (the incident, its evidence, the plan).
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from tests.bench.rows import Row, median, under
from tests.bench.world import NAMES, scene, troubles
from tests.journeys.scene import Trouble

PAUSE = 3.0
"""Seconds until a channel takes three posts at once again."""


def measure() -> Iterator[Row]:
    """Ring each story's alert, and wait for its card."""
    with scene() as world:
        times = [_until_card(trouble) for trouble in troubles(world, NAMES)]
    how = f"{len(times)} stories, from before the POST to the card in the workspace; slowest {max(times):.2f} s"
    yield Row("Alert to plan card, median", median(times), "s", how, under(2))
    yield Row("Alert to plan card, slowest", max(times), "s", "the same stories", under(2))


def _until_card(trouble: Trouble) -> float:
    started = time.monotonic()
    trouble.asks()
    took = time.monotonic() - started
    time.sleep(PAUSE)
    return took
