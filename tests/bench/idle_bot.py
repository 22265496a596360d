"""What the bot costs when nothing happens: memory after it has settled, and processor time over ten seconds."""

from __future__ import annotations

import time
from collections.abc import Iterator

from deploy.sandbox.laptop import Laptop
from tests.bench.machine import cpu_seconds, resident_mb
from tests.bench.rows import Row, under

SETTLED_AFTER = 3.0
WATCHED = 10.0


def measure() -> Iterator[Row]:
    """Start a bot that can reach everything, and leave it alone."""
    with Laptop() as laptop, laptop.bot() as bot:
        laptop.driver.wait_for_app()
        time.sleep(SETTLED_AFTER)
        before, started = cpu_seconds(bot.pid), time.monotonic()
        time.sleep(WATCHED)
        share = (cpu_seconds(bot.pid) - before) / (time.monotonic() - started)
        memory = resident_mb(bot.pid)
    yield Row("Idle bot: memory", memory, "MB", "VmRSS of the one process, cluster and AWS enabled", under(300))
    yield Row("Idle bot: processor", share * 100, "%", f"of one core, over {WATCHED:.0f} s; sweeps every second here")
