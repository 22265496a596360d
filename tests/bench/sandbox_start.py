"""How long the laptop world takes to come up: workspace, cluster and AWS, in a process that has just begun."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from deploy.sandbox.bot import REPOSITORY
from tests.bench.rows import Row, median, under

TIMES = 3
PROGRAM = """
import time
started = time.monotonic()
from deploy.sandbox.laptop import Laptop
imported = time.monotonic()
with Laptop():
    print(imported - started, time.monotonic() - started)
"""


def measure() -> Iterator[Row]:
    """Start it in fresh processes: the import is part of what somebody waits for."""
    runs = [_start() for _ in range(TIMES)]
    whole = [run[1] for run in runs]
    spread = (
        f"median of {TIMES}, imports included ({median([run[0] for run in runs]):.1f} s); slowest {max(whole):.1f} s"
    )
    yield Row("Sandbox up", median(whole), "s", spread, under(5))


def _start() -> tuple[float, float]:
    """Seconds to import, and to everything answering."""
    told = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout
    imported, ready = told.split()[:2]
    return float(imported), float(ready)
