"""Durable runs: DBOS started once a process, workflows registered by name, each started at most once by its id.

A run survives the death of its process: finished steps are not repeated, the one in flight is entered again. So every
step here is written to be entered twice. Steps give JSON values only, because that is what a resumed run gets back.
"""

from __future__ import annotations

import contextvars
import socket
import threading
import uuid
import zlib
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from storage.database import durable_url, is_sqlite

P = ParamSpec("P")
R = TypeVar("R")

APPLICATION_VERSION = "1"
"""Pinned: DBOS's default is a hash of the code, which strands every run in flight at an upgrade."""
AT_ONCE = 8
"""Runs of one flow that one process works on at the same time. Each flow has a queue of its own, under its own name:
slow investigations never keep an approved fix waiting."""
PRESENCE = 0x5A751
"""Advisory lock namespace under which a PostgreSQL replica shows that it is alive; any constant of ours."""


def step(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run one step of the current workflow and checkpoint what it returns."""
    from dbos import DBOS

    return DBOS.run_step({"name": function.__name__}, function, *args, **kwargs)


class Durable:
    """DBOS in this process. `register` every flow, then `launch`; `stop` leaves running work to the next process."""

    def __init__(self, url: str, on_lost_presence: Callable[[], None]) -> None:
        self._url = url
        self._flows: dict[str, Callable[..., str]] = {}
        self._polls: dict[str, float] = {}
        self._on_lost_presence = on_lost_presence
        self._presence: _Presence | None = None
        self.executor = "local" if is_sqlite(url) else f"{socket.gethostname()}-{uuid.uuid4().hex[:12]}"
        """Names this process; on PostgreSQL fresh every boot, so that a dead one's work can be told from a live one's.
        """

    def register(self, name: str, flow: Callable[..., str], poll: float = 0.05) -> None:
        """Make a flow startable and resumable under its name; `poll` is the most seconds a start waits to be noticed.

        All are registered before `launch`.
        """
        self._flows[name], self._polls[name] = flow, poll

    def launch(self) -> None:
        """Start DBOS and go on with whatever a dead process left behind."""
        from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer

        DBOS(
            config=DBOSConfig(
                name="sayso",
                system_database_url=durable_url(self._url),
                executor_id=self.executor,
                application_version=APPLICATION_VERSION,
                serializer=DBOSPortableJSONSerializer(),
                log_level="WARNING",
                console_log_level="WARNING",
                notification_listener_polling_interval_sec=0.05 if is_sqlite(self._url) else 1.0,
                scheduler_polling_interval_sec=5,
            )
        )
        self._workflows = {
            name: DBOS.workflow(name=name, max_recovery_attempts=1000)(flow) for name, flow in self._flows.items()
        }
        if not is_sqlite(self._url):
            self._presence = _Presence(self._url, self.executor, self._on_lost_presence)
        DBOS.launch()
        for name in self._flows:
            DBOS.register_queue(
                name, worker_concurrency=AT_ONCE, polling_interval_sec=self._polls[name], on_conflict="always_update"
            )
        if self._presence is not None:
            self._presence.start()

    def start(self, name: str, run: str, *args: object) -> None:
        """Start the flow under the id `run`. A run that exists already, finished or not, is left alone.

        An empty context, because one flow may start another from within a step, and the two are independent.
        """
        contextvars.Context().run(self._enqueue, name, run, *args)

    def _enqueue(self, name: str, run: str, *args: object) -> None:
        from dbos import DBOS, SetWorkflowID

        with SetWorkflowID(run):
            DBOS.enqueue_workflow(name, self._workflows[name], *args)

    def stop(self) -> None:
        """Stop taking work and let go; what is in flight resumes in the next process."""
        from dbos import DBOS

        if self._presence is not None:
            self._presence.stop()
        DBOS.destroy(destroy_registry=True)
        if self._presence is not None:
            self._presence.leave()  # last: from here on others may take what we left


class _Presence(threading.Thread):
    """Shows that this replica lives, and takes over the work of replicas that no longer do. PostgreSQL only.

    Open-source DBOS does not notice dead executors: each holds a session advisory lock, and whoever can take the lock
    of an executor with pending work knows that it is dead. Losing our own connection means others may take our work:
    stop at once.
    """

    def __init__(self, url: str, executor: str, on_lost: Callable[[], None]) -> None:
        import psycopg

        super().__init__(name="presence", daemon=True)
        self._executor, self._on_lost = executor, on_lost
        self._stopping = threading.Event()
        self._connection = psycopg.connect(
            url, autocommit=True, keepalives_idle=10, keepalives_interval=5, keepalives_count=2
        )
        if not self._try_lock(executor):
            raise RuntimeError(f"executor id {executor} is already in use")

    def run(self) -> None:
        import psycopg

        try:
            while not self._stopping.wait(0.5):
                self._connection.execute("SELECT 1")
                self._take_over()
        except psycopg.Error:
            if not self._stopping.is_set():
                self._on_lost()

    def stop(self) -> None:
        """Take over nothing more. Others still see this replica as alive."""
        self._stopping.set()
        self.join(timeout=5)

    def leave(self) -> None:
        """Give the lock back."""
        self._connection.close()

    def _take_over(self) -> None:
        from dbos import DBOS

        pending = DBOS.list_workflows(
            status="PENDING", app_version=APPLICATION_VERSION, load_input=False, load_output=False
        )
        for executor in {run.executor_id for run in pending if run.executor_id} - {self._executor}:
            if not self._try_lock(executor):
                continue  # alive, or somebody else is taking it over
            try:
                dead = DBOS.list_workflows(
                    executor_id=executor,
                    status="PENDING",
                    app_version=APPLICATION_VERSION,
                    load_input=False,
                    load_output=False,
                )
                for run in dead:  # listed again under the lock: resuming a live run would repeat its step
                    DBOS.resume_workflow(run.workflow_id, queue_name=run.queue_name)
            finally:
                self._connection.execute("SELECT pg_advisory_unlock(%s, %s)", (PRESENCE, _lock_number(executor)))

    def _try_lock(self, executor: str) -> bool:
        row = self._connection.execute(
            "SELECT pg_try_advisory_lock(%s, %s)", (PRESENCE, _lock_number(executor))
        ).fetchone()
        return bool(row and row[0])


def _lock_number(executor: str) -> int:
    return zlib.crc32(executor.encode()) - 2**31
