"""Durable runs: DBOS started once a process, workflows registered by name, each started at most once by its id.

A run survives the death of its process: finished steps are not repeated, the one in flight is entered again. So every
step here is written to be entered twice. Steps give JSON values only, because that is what a resumed run gets back.
"""

from __future__ import annotations

import contextvars
import socket
import uuid
from collections.abc import Callable
from contextlib import nullcontext
from typing import ParamSpec, TypeVar

from sqlalchemy.exc import InterfaceError, OperationalError
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_exponential_jitter

from bot.presence import Presence
from storage.database import FROZEN, durable_url, is_sqlite

P = ParamSpec("P")
R = TypeVar("R")

APPLICATION_VERSION = "1"
"""Pinned: DBOS's default is a hash of the code, which strands every run in flight at an upgrade."""
AT_ONCE = 8
"""Runs of one flow that one process works on at the same time. Each flow has a queue of its own, under its own name:
slow investigations never keep an approved fix waiting."""
PERSISTENT = Retrying(
    retry=retry_if_exception_type((OperationalError, InterfaceError)),
    stop=stop_after_delay(60),
    wait=wait_exponential_jitter(multiplier=0.2, max=5),
    reraise=True,
)
"""A record that is away for a moment (a failover, a writer's turn that did not come) fails no run: as every step may be
entered twice, it is simply entered again."""


def step(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run one step of the current workflow and checkpoint what it returns."""
    from dbos import DBOS

    def persistently() -> R:
        return PERSISTENT(function, *args, **kwargs)

    return DBOS.run_step({"name": function.__name__}, persistently)


class Durable:
    """DBOS in this process. `register` every flow, then `launch`; `stop` leaves running work to the next process."""

    def __init__(self, url: str, on_lost_presence: Callable[[], None]) -> None:
        self._url = url
        self._flows: dict[str, Callable[..., str]] = {}
        self._polls: dict[str, float] = {}
        self._on_lost_presence = on_lost_presence
        self._presence: Presence | None = None
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
                sys_db_idle_transaction_timeout_sec=FROZEN,
                scheduler_polling_interval_sec=5,
            )
        )
        self._workflows = {
            name: DBOS.workflow(name=name, max_recovery_attempts=1000)(flow) for name, flow in self._flows.items()
        }
        if not is_sqlite(self._url):
            self._presence = Presence(self._url, self.executor, APPLICATION_VERSION, self._on_lost_presence)
        with self._presence.alone() if self._presence is not None else nullcontext():
            DBOS.launch()
        for name in self._flows:
            DBOS.register_queue(
                name, worker_concurrency=AT_ONCE, polling_interval_sec=self._polls[name], on_conflict="always_update"
            )
        if self._presence is not None:
            self._presence.look_after_the_others()

    def start(self, name: str, run: str, *args: object) -> None:
        """Start the flow under the id `run`. A run that exists already, finished or not, is left alone.

        An empty context, because one flow may start another from within a step, and the two are independent.
        """
        contextvars.Context().run(self._enqueue, name, run, *args)

    def _enqueue(self, name: str, run: str, *args: object) -> None:
        from dbos import DBOS, SetWorkflowID

        with SetWorkflowID(run):
            DBOS.enqueue_workflow(name, self._workflows[name], *args)

    def is_over(self, run: str) -> bool:
        """Whether nobody works on the run, nor will: it has ended, well or not, or is not known at all."""
        from dbos import DBOS

        status = DBOS.get_workflow_status(run)
        return status is None or status.status not in ("PENDING", "ENQUEUED", "DELAYED")

    def stop(self) -> None:
        """Stop taking work and let go; what is in flight resumes in the next process."""
        from dbos import DBOS

        if self._presence is not None:
            self._presence.stop()
        DBOS.destroy(destroy_registry=True)
        if self._presence is not None:
            self._presence.leave()  # last: from here on others may take what we left
