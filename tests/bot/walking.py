"""A process with one durable flow in it, for tests to kill: `python -m tests.bot.walking URL FOLDER [RUN...]`.

The flow walks three steps and writes each down. The second waits until a file says go. Like the flows of `bot.app` it
has an edge, at which it gives up aloud. SIGTERM stops the process as the bot stops.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

from bot.durable import Durable, step


class Walk:
    """What the steps write to, one line each: the run, the step, and who took it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, run: str, what: str) -> str:
        """One line, in one call."""
        with (self.folder / "steps").open("a") as steps:
            steps.write(f"{run} {what} {os.getpid()}\n")
        return what

    def wait_for_go(self, run: str) -> str:
        """The step that takes long."""
        self.write(run, "second")
        while not (self.folder / "go").exists():
            time.sleep(0.02)
        return "went"

    def walk(self, run: str) -> str:
        """The flow."""
        try:
            step(self.write, run, "first")
            step(self.wait_for_go, run)
            return step(self.write, run, "third")
        except Exception:  # noqa: BLE001 - the flow's edge, as in bot.app
            return step(self.write, run, "gave-up")


def durable(url: str, folder: Path) -> Durable:
    """The durable runs of this process, not launched."""
    made = Durable(url, on_lost_presence=lambda: os._exit(3))
    walk = Walk(folder)

    def flow(run: str) -> str:
        return walk.walk(run)

    made.register("walk", flow)
    return made


def main(url: str, folder: Path, runs: list[str]) -> None:
    """Launch, start these runs, and go on until told to stop."""
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    process = durable(url, folder)
    process.launch()
    for run in runs:
        process.start("walk", run, run)
    (folder / f"up-{os.getpid()}").write_text(process.executor)
    stopping.wait()
    process.stop()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
