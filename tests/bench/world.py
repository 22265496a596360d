"""The laptop world with a bot in it, as the measurements use it: what is broken in it, and when something showed.

Times are `time.monotonic()` of this process, in which every stand-in runs too.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from deploy.sandbox.cluster import Cluster
from deploy.sandbox.laptop import Laptop
from deploy.sandbox.stories import NOTICED_AFTER
from tests.journeys.scene import Scene, Trouble

SPEED = 20.0
"""Simulated seconds a second in the cluster: a rollout takes less than one."""
QUICK = {"SAYSO_WATCH_SECONDS": "1", "SAYSO_VERIFY_SECONDS": "20"}
PATIENCE = 60.0
NAMES = ("anvil", "bellows", "chisel", "drill", "easel", "file", "gimlet")
"""A workload for each Kubernetes story."""


@contextmanager
def scene(*, cloud: bool = False) -> Iterator[Scene]:
    """A world and its bot, connected and ready."""
    with Laptop(speed=SPEED, cloud=cloud) as laptop, laptop.bot(**QUICK) as bot:
        laptop.driver.wait_for_app()
        world = Scene(laptop, bot)
        try:
            yield world
        finally:
            world.record.close()


def troubles(world: Scene, names: Sequence[str]) -> list[Trouble]:
    """The Kubernetes stories from the first on, each about a workload of its own: broken, noticed, not yet ringing."""
    made = [world.calm(number, name) for number, name in enumerate(names, start=1)]
    for trouble in made:
        trouble.story.break_world(world.laptop)
    world.laptop.pass_time(2 * NOTICED_AFTER)
    return made


def waited_for(holds: Callable[[], bool], what: str, patience: float = PATIENCE, every: float = 0.2) -> float:
    """Wait until something holds; how long that took in seconds. RuntimeError when it never does."""
    started = time.monotonic()
    while not holds():
        if time.monotonic() - started > patience:
            raise RuntimeError(f"{what} did not come within {patience:.0f} s")
        time.sleep(every)
    return time.monotonic() - started


class FirstEffect(threading.Thread):
    """Watches the cluster for the next change sayso makes for good: `with FirstEffect(cluster) as seen: ...`."""

    EVERY = 0.002

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(name="first-effect", daemon=True)
        self._cluster = cluster
        self._before = len(cluster.effects(manager="sayso"))
        self._came = threading.Event()
        self._leaving = False
        self.at = 0.0

    def run(self) -> None:
        while not self._leaving:
            if len(self._cluster.effects(manager="sayso")) > self._before:
                self.at = time.monotonic()
                self._came.set()
                return
            time.sleep(self.EVERY)

    def wait(self) -> float:
        """When it came. RuntimeError when it does not."""
        if not self._came.wait(PATIENCE):
            raise RuntimeError(f"no effect came within {PATIENCE:.0f} s")
        return self.at

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leaving = True
        self.join()
