"""The bot beside the laptop world: the very process production runs, told by its environment where everything is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

REPOSITORY = Path(__file__).parents[2]
INHERITED = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV", "PYTHONWARNINGS")
"""All a bot gets of our own environment: a proxy or a cloud account of the laptop must not leak in."""


class BotProcess:
    """`python -m bot run` as a child: `with BotProcess(environment, log) as bot`. Its log goes to a file."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
        self.environment = {**kept, **environment}
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where its webhooks, health and metrics answer."""
        return f"http://127.0.0.1:{self.environment['SAYSO_HTTP_PORT']}"

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    def start(self, timeout: float = 30) -> Self:
        """Start it and wait until it is ready. RuntimeError with the end of its log when it does not get there."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bot", "run"], env=self.environment, cwd=REPOSITORY, stdout=log, stderr=log
            )
        deadline = time.monotonic() + timeout
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the bot did not start; the end of {self._log}:\n{self.log_tail()}")
            time.sleep(0.05)
        return self

    def kill(self) -> None:
        """kill -9: no goodbye, no clean-up."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to stop, and wait."""
        self._end(signal.SIGTERM)

    def log_tail(self, lines: int = 30) -> str:
        """The end of its log."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-lines:])

    def _end(self, number: signal.Signals) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(number)
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _ready(self) -> bool:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"{self.url}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
