"""Container logs: the lines of the current run and of the one before it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from deploy.sandbox.cluster.images import App

_KEPT_LINES = 5_000


@dataclass(frozen=True)
class Line:
    """One line and when it was written."""

    at: datetime
    text: str


class LogBook:
    """The logs of all containers, by pod uid, container name and run."""

    def __init__(self) -> None:
        self._runs: dict[tuple[str, str], dict[int, deque[Line]]] = {}

    def write(self, uid: str, container: str, run: int, at: datetime, text: str) -> None:
        """Add a line to a run; the run before the previous one is forgotten."""
        runs = self._runs.setdefault((uid, container), {})
        runs.setdefault(run, deque(maxlen=_KEPT_LINES)).append(Line(at, text))
        for old in [number for number in runs if number < run - 1]:
            del runs[old]

    def lines(self, uid: str, container: str, run: int) -> list[Line]:
        """The lines of one run, oldest first."""
        return list(self._runs.get((uid, container), {}).get(run, ()))

    def forget(self, uid: str) -> None:
        """Drop the logs of a pod that is gone."""
        for place in [place for place in self._runs if place[0] == uid]:
            del self._runs[place]


def chatter(app: App, since: datetime, until: datetime) -> Iterator[Line]:
    """The lines a chatty program has written between two moments; made up when read, so that they cost nothing."""
    if not app.chatter:
        return
    count = min(_KEPT_LINES, int((until - since).total_seconds() / app.chatter_seconds))
    for number in range(count, 0, -1):
        yield Line(until - timedelta(seconds=(number - 1) * app.chatter_seconds), app.chatter)
