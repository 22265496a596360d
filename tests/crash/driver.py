"""The killer: `python -m tests.crash.driver URL FOLDER KILLS PLANS REPLICAS SEED`. Kills bots until enough have died.

Everything is imported once and children are forked, so that a life costs no import; nothing is opened before a fork.
Then all are killed and one last generation drains what is left. Prints what it did as JSON.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path

from tests.crash.app import Run, live

LIFE = (0.4, 3.0)
"""Seconds a bot lives in the killing time, shared out among the replicas."""
DRAINS_WITHIN = 900.0


@dataclass
class Killing:
    """What happened to the bots."""

    kills: int = 0
    unexpected: list[str] = field(default_factory=list)
    """Ends that were not our doing, or took too long."""
    killing_s: float = 0.0
    draining_s: float = 0.0


def drive(run: Run, kills: int, replicas: int, seed: int) -> Killing:
    """Kill so often, then let the rest come to its end."""
    chance, told, started = random.Random(seed), Killing(), time.monotonic()
    _wait_for([_fork(run_of(run, plans=0), drain=True)], told)  # the schema, and DBOS's own
    living = [_fork(run, drain=False) for _ in range(replicas)]
    while told.kills < kills:
        time.sleep(chance.uniform(*LIFE) / replicas)
        victim = chance.randrange(replicas)
        _kill(living[victim], told)
        told.kills += 1
        living[victim] = _fork(run, drain=False)
    for pid in living:
        _kill(pid, told)
    told.killing_s = time.monotonic() - started
    _wait_for([_fork(run, drain=True) for _ in range(replicas)], told)
    told.draining_s = time.monotonic() - started - told.killing_s
    return told


def run_of(run: Run, plans: int) -> Run:
    """The same run with another number of plans."""
    return Run(run.database, run.world, run.slack, plans, run.folder)


def _fork(run: Run, *, drain: bool) -> int:
    pid = os.fork()
    if pid:
        return pid
    log = os.open(run.folder / "bots.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    try:
        live(run, drain=drain)
    except BaseException:  # noqa: BLE001 - the child's edge: it must not go on as a second driver
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _kill(pid: int, told: Killing) -> None:
    os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    if not (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL):
        told.unexpected.append(f"ended by itself with {os.waitstatus_to_exitcode(status)}")


def _wait_for(pids: list[int], told: Killing) -> None:
    deadline = time.monotonic() + DRAINS_WITHIN
    left = set(pids)
    while left and time.monotonic() < deadline:
        for pid in tuple(left):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                left.discard(pid)
                if status != 0:
                    told.unexpected.append(f"drained with {os.waitstatus_to_exitcode(status)}")
        time.sleep(0.05)
    for pid in left:
        told.unexpected.append(f"not drained after {DRAINS_WITHIN:.0f} s")
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def main(url: str, folder: Path, kills: int, plans: int, replicas: int, seed: int) -> None:
    """The world, the killing, and what happened as JSON."""
    with (folder / "world.log").open("w") as log:
        world = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.world", str(folder / "journal")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,  # it tells of every asker that was killed
            text=True,
        )
    assert world.stdout is not None
    addresses = json.loads(world.stdout.readline())
    run = Run(url, addresses["world"], addresses["slack"], plans, folder)
    try:
        told = drive(run, kills, replicas, seed)
    finally:
        world.communicate()
    sys.stdout.write(json.dumps(told.__dict__) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *(int(word) for word in sys.argv[3:7]))
