"""Showing that this replica lives, and taking over from those that no longer do. PostgreSQL only.

What is taken over are durable runs; what a run is, and how one is started, is `bot.durable`'s.
"""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    import psycopg
    from dbos import WorkflowStatus

log = structlog.get_logger(__name__)
PRESENCE = 0x5A751
"""Advisory lock namespace under which a PostgreSQL replica shows that it is alive; any constant of ours."""
SILENCE = 10.0
"""Seconds after which a replica that shows no sign of life is taken for dead: frozen, cut off, or without power. Then
PostgreSQL ends the session that holds its lock (`idle_session_timeout`), and others take over."""
BEAT = 0.5


class Presence:
    """Shows that this replica lives, and takes over the work of replicas that no longer do. PostgreSQL only.

    Open-source DBOS does not notice dead executors: each holds a session advisory lock, and whoever can take the lock
    of an executor with pending work knows that it is dead. Losing our own connection means others may take our work:
    stop at once. Two threads, so that a slow look at the others' work never keeps our own heart from beating.
    """

    def __init__(self, url: str, executor: str, version: str, on_lost: Callable[[], None]) -> None:
        self._executor, self._version, self._on_lost = executor, version, on_lost
        self._stopping, self._leaving = threading.Event(), threading.Event()
        self._connection = _connect(url)
        if not self._lock(_lock_number(executor)):
            raise RuntimeError(f"executor id {executor} is already in use")
        self._heart = self._thread("presence", self._beat, self._leaving)
        self._helper: threading.Thread | None = None

    def look_after_the_others(self) -> None:
        """From now on, once DBOS is launched, take over what the dead leave."""
        self._helper = self._thread("take-over", self._take_over, self._stopping)

    def stop(self) -> None:
        """Take over nothing more. Others still see this replica as alive."""
        self._stopping.set()
        if self._helper is not None:
            self._helper.join(timeout=5)

    def leave(self) -> None:
        """Give the lock back."""
        self._leaving.set()
        self._heart.join(timeout=5)
        self._connection.close()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """For what only one replica may do at a time: DBOS lays its tables out when it is launched.

        Asked for again and again: a statement that waited would itself be waited for, by an index that is being made.
        """
        while not self._lock(0):
            time.sleep(0.1)
        try:
            yield
        finally:
            self._unlock(0)

    def _thread(self, name: str, once: Callable[[], None], until: threading.Event) -> threading.Thread:
        thread = threading.Thread(target=self._rounds, args=(once, until), name=name, daemon=True)
        thread.start()
        return thread

    def _rounds(self, once: Callable[[], None], until: threading.Event) -> None:
        while not until.wait(BEAT):
            try:
                once()
            except Exception:  # the thread's edge: a replica that no longer looked after the others would tell nobody
                if until.is_set():
                    return
                if self._connection.closed:
                    self._on_lost()
                    return
                log.exception("presence.failed", executor=self._executor)  # and tried again

    def _beat(self) -> None:
        self._connection.execute("SELECT 1")

    def _take_over(self) -> None:
        for executor in {run.executor_id for run in self._pending() if run.executor_id} - {self._executor}:
            if not self._lock(_lock_number(executor)):
                continue  # alive, or somebody else is taking it over
            try:
                self._resume_all(executor)
            finally:
                self._unlock(_lock_number(executor))

    def _resume_all(self, executor: str) -> None:
        """Put the dead one's runs back into their queues. Listed again under the lock: resuming a live run would
        repeat its step.
        """
        from dbos import DBOS

        dead = self._pending(executor)
        for run in dead:
            DBOS.resume_workflow(run.workflow_id, queue_name=run.queue_name)
        log.warning("presence.took_over", dead=executor, runs=len(dead))

    def _pending(self, executor: str | None = None) -> list[WorkflowStatus]:
        """Runs that some executor, or this one, has in hand."""
        from dbos import DBOS

        return DBOS.list_workflows(
            executor_id=executor, status="PENDING", app_version=self._version, load_input=False, load_output=False
        )

    def _lock(self, number: int) -> bool:
        """Whether the lock is ours now; never waits."""
        row = self._connection.execute("SELECT pg_try_advisory_lock(%s, %s)", (PRESENCE, number)).fetchone()
        return bool(row and row[0])

    def _unlock(self, number: int) -> None:
        self._connection.execute("SELECT pg_advisory_unlock(%s, %s)", (PRESENCE, number))


def _connect(url: str) -> psycopg.Connection:
    """The one connection whose end means that its replica is dead. Either side notices the other's silence in time."""
    import psycopg

    seconds = round(SILENCE)
    return psycopg.connect(
        url,
        autocommit=True,
        keepalives_idle=seconds // 2,
        keepalives_interval=seconds // 4,
        keepalives_count=2,
        tcp_user_timeout=seconds * 1000,
        options=f"-c idle_session_timeout={seconds}s",
    )


def _lock_number(executor: str) -> int:
    return zlib.crc32(executor.encode()) - 2**31
