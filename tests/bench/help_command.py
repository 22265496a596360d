"""What `sayso --help` costs: processor time and memory of the process, several times, by the kernel's own account."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from deploy.sandbox.bot import REPOSITORY
from tests.bench.rows import Row, median, under

TIMES = 7
# A small parent: a child's peak memory starts with what its parent had when it was forked.
WRAPPER = """
import os, sys
child = os.posix_spawn(sys.executable, [sys.executable, "-m", "bot", "--help"], os.environ,
    file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)])
_, status, usage = os.wait4(child, 0)
print(status, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
"""


def measure() -> Iterator[Row]:
    """Run it, once for nothing (bytecode, page cache) and then in earnest."""
    _help()
    runs = [_help() for _ in range(TIMES)]
    seconds, sizes = [run[0] for run in runs], [run[1] for run in runs]
    spread = f"median of {TIMES} runs, user and system; {min(seconds):.2f} to {max(seconds):.2f} s"
    yield Row("sayso --help: processor time", median(seconds), "s", spread, under(0.4))
    yield Row("sayso --help: memory", max(sizes), "MB", f"largest ru_maxrss of {TIMES} runs", under(60))


def _help() -> tuple[float, float]:
    """Seconds and MB of one run."""
    command = [sys.executable, "-I", "-S", "-c", WRAPPER]
    told = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    status, seconds, kib = told.split()
    if int(status) != 0:
        raise RuntimeError("sayso --help failed")
    return float(seconds), int(kib) / 1024
