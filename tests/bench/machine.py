"""How noisy the machine is while it is measured: cores, load, and one fixed piece of work timed before and after.

A number taken at load 8 on two cores says little; the reader is told, and may compare the calibration with an idle run.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.bench.rows import median

ROUNDS = 5
BLOCK = b"sayso" * 2_000
SYNCS = 20


@dataclass(frozen=True)
class Noise:
    """The state of the machine at one moment."""

    cores: int
    load: float
    """Processes that wanted to run, averaged over the last minute."""
    calibration_ms: float
    """One fixed piece of single-threaded work, median: on a quiet machine the same at every run."""
    fsync_ms: float
    """Making 4 KiB durable in the temporary folder, median: the floor under every recorded change."""

    def words(self) -> str:
        """For people."""
        return (
            f"load {self.load:.1f} on {self.cores} cores, calibration {self.calibration_ms:.0f} ms, "
            f"fsync {self.fsync_ms:.1f} ms"
        )


def noise() -> Noise:
    """Look at the machine; takes about a third of a second when it is quiet."""
    return Noise(
        cores=len(os.sched_getaffinity(0)),
        load=os.getloadavg()[0],
        calibration_ms=median([_work() for _ in range(ROUNDS)]),
        fsync_ms=_fsync(),
    )


def resident_mb(pid: int) -> float:
    """Memory of a process that is in RAM now, as the kernel counts it (`VmRSS`)."""
    return _status(pid)["VmRSS"] / 1024


def cpu_seconds(pid: int) -> float:
    """Processor time a process has used so far, all its threads, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # utime and stime, counted after the name


def _status(pid: int) -> Mapping[str, int]:
    """The sizes of `/proc/<pid>/status`, in KiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    parts = (line.split() for line in lines if line.endswith(" kB"))
    return {name.rstrip(":"): int(size) for name, size, _ in parts}


def _work() -> float:
    started = time.perf_counter()
    total = 0
    for number in range(200):
        total += sum(hashlib.sha256(BLOCK + bytes([number])).digest())
        total += sum(each * each for each in range(1_000))
    return (time.perf_counter() - started) * 1000


def _fsync() -> float:
    samples = []
    with tempfile.TemporaryFile() as file:
        for _ in range(SYNCS):
            started = time.perf_counter()
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
            samples.append((time.perf_counter() - started) * 1000)
    return median(samples)
