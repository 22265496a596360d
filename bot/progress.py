"""Showing in the thread what a look is doing while it runs: told by the investigation, written by a thread of its own.

A convenience: whatever goes wrong here is logged, and the investigation goes on. Nothing waits for Slack; each line is
a wish in the outbox, in its own short transaction, at most one every EVERY seconds.
"""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Self, assert_never

import structlog

from bot import cards
from bot.desk import Desk
from bot.investigation.values import Reading, RulesSpoke, Stage, Thinking
from bot.naming import incident_name
from bot.views import progress as view
from bot.views.progress import Progress
from storage.tables import Mind

log = structlog.get_logger(__name__)
QUIET, EVERY = 1.5, 2.0
"""Seconds: a look that ends within the first says nothing, a longer one something new this often."""


class Telling:
    """Tells of one look while it runs: `with Telling(...) as telling: think(..., tell=telling)`, then `ended(mind)`."""

    def __init__(self, incident_id: int, look: int, desk: Desk, quiet: float = QUIET, every: float = EVERY) -> None:
        self._incident_id, self._look, self._desk = incident_id, look, desk
        self._quiet, self._every = quiet, every
        self._began = time.monotonic()
        self._now = Progress(incident_id=incident_name(incident_id), seconds=0)
        self._shown = False
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep_telling, name=f"progress-{incident_id}", daemon=True)

    def __call__(self, stage: Stage) -> None:
        """Note where the look stands; it is shown when the time has come."""
        with self._lock:
            self._now = self._now.model_copy(update=_news(stage))

    def ended(self, mind: Mind) -> None:
        """Say what was done, if anything was said before."""
        taken = {"calls": mind.calls, "tokens": mind.tokens, "dollars": mind.dollars, "failure": mind.failure}
        asked = mind.answered_by or mind.model if mind.calls else None
        with self._lock:
            self._now = self._now.model_copy(update={**taken, "model": asked, "over": True})
        if self._shown:
            self._show()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        if error is not None:
            self.ended(Mind(failure="sayso itself failed while looking"))

    def _keep_telling(self) -> None:
        """Until the look is over; the first time after a while, so that quick looks stay quiet."""
        pause = self._quiet
        while not self._over.wait(pause):
            self._show()
            pause = self._every

    def _show(self) -> None:
        with self._lock:
            now = self._now.model_copy(update={"seconds": time.monotonic() - self._began})
        incident = f"incident:{self._incident_id}"
        try:
            with self._desk.database.writing() as session:
                key = f"{incident}:progress:{self._look}"
                cards.show(session, key, view.card(now), self._desk, thread=incident, priority=4)
        except Exception:  # the boundary: a line that cannot be shown is no reason to stop looking
            log.exception("progress.failed", incident_id=self._incident_id)
        else:
            self._shown = True


def _news(stage: Stage) -> dict[str, object]:
    """What a stage changes about what is shown."""
    match stage:
        case RulesSpoke():
            return {"rules": stage.found or ""}
        case Reading():
            return {"reading": stage.what, "reads": stage.number}
        case Thinking():
            return {"model": stage.model, "calls": stage.calls, "tokens": stage.tokens}
        case _:
            assert_never(stage)
