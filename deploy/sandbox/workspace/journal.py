"""What has happened on the wire, and who wants to know: the journal of calls and deliveries, and the live feed.

Entries hold what was asked and answered, never a token. The feed carries hints that something changed, not content.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator

KEPT = 5_000
IDLE_CHECK = 0.25


class Journal:
    """The last few thousand calls, deliveries and socket events, oldest first."""

    def __init__(self) -> None:
        self.entries: deque[dict[str, object]] = deque(maxlen=KEPT)

    def write(self, at: float, kind: str, **what: object) -> None:
        """Add one entry."""
        self.entries.append({"at": round(at, 3), "kind": kind, **what})

    def lines(self, last: int = KEPT) -> str:
        """The last entries as JSON lines."""
        return "".join(json.dumps(entry, default=str) + "\n" for entry in list(self.entries)[-last:])


class Feed:
    """A number that grows with every change, and those who wait for it to grow."""

    def __init__(self) -> None:
        self.revision = 0
        self.closing = False
        self._listeners: set[asyncio.Queue[dict[str, object]]] = set()

    def tell(self, kind: str, **what: object) -> None:
        """Something changed."""
        self.revision += 1
        for queue in self._listeners:
            queue.put_nowait({"kind": kind, "revision": self.revision, **what})

    async def listen(self) -> AsyncGenerator[dict[str, object], None]:
        """Every change from now on, until the workspace stops."""
        queue: asyncio.Queue[dict[str, object]] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            while not self.closing:
                try:
                    yield await asyncio.wait_for(queue.get(), IDLE_CHECK)
                except TimeoutError:
                    continue
        finally:
            self._listeners.discard(queue)

    async def past(self, revision: int, timeout_seconds: float) -> int:
        """Wait until the revision has grown past this one, or the time is up; the revision then."""
        if self.revision > revision:
            return self.revision
        changes = self.listen()
        try:
            async with asyncio.timeout(timeout_seconds):
                await anext(changes, None)
        except TimeoutError:
            pass
        finally:
            await changes.aclose()
        return self.revision
