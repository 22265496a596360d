"""A desk over real parts: a real record, the sandbox's people, the shipped policy; only starting runs is recorded."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from slack_sdk import WebClient
from sqlmodel import select

from bot.desk import Desk, Patience
from bot.durable import Durable
from bot.investigation.budget import Budget
from bot.investigation.minds import Minds
from bot.metrics import Metrics
from bot.people import People
from bot.policy.rulebook import Rulebook
from bot.rehearsal import catalogue
from deploy.sandbox.workspace import BOT_TOKEN, Workspace
from deploy.sandbox.workspace.directory import ALERTS, TEAM_ID
from policies.engine import decide_all
from policies.loading import SHIPPED, load
from policies.rules import Policy
from storage import audit, plans
from storage.database import Database, migrate
from storage.tables import Plan, PlanStatus
from tests.policies.samples import facts as facts_of
from tests.storage.records import empty_sqlite
from tests.storage.samples import AT, a_plan, an_incident
from tools.clients import Readers, Writers
from tools.previews import Rehearsal
from tools.subjects import KubernetesSubject

GROUPS = {"sre-oncall": "S0ONCALL01", "owner": "S0ONCALL01"}
ALICE, BOB, CAROL = "U0ALICE001", "U0BOB00001", "U0CAROL001"


@dataclass
class Clock:
    """The time, which passes only when a test says so."""

    at: datetime = AT

    def __call__(self) -> datetime:
        return self.at

    def pass_(self, **span: float) -> None:
        """Let time pass."""
        self.at += timedelta(**span)


@dataclass
class Starts:
    """Stands where `Durable` does and keeps every start, in order. Runs nothing."""

    executor: str = "this-process"
    all: list[tuple[str, str, tuple[object, ...]]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, name: str, run: str, *args: object) -> None:
        """As `Durable.start`."""
        with self._lock:
            self.all.append((name, run, args))

    def is_over(self, run: str) -> bool:
        """As `Durable.is_over`: what was started is never at its end here."""
        return False

    @property
    def runs(self) -> set[str]:
        """The runs there would be: one for each id, however often it was started."""
        return {run for _, run, _ in self.all}


@dataclass(frozen=True)
class Bench:
    """A desk, with what a test needs to steer what is around it."""

    desk: Desk
    clock: Clock
    starts: Starts
    workspace: Workspace

    @property
    def database(self) -> Database:
        """The record."""
        return self.desk.database

    def plan(self, number: int = 1) -> Plan:
        """The plan as it stands."""
        with self.database.reading() as session:
            return plans.get(session, number)

    def under(self, policy: Policy) -> Bench:
        """The same desk under another policy."""
        return replace(self, desk=replace(self.desk, rulebook=Rulebook(policy)))

    def ask(
        self,
        *,
        requester: str = "sayso",
        status: PlanStatus = PlanStatus.PENDING,
        rehearsed: Rehearsal | None = None,
        steerers: tuple[str, ...] = (),
        **facts: object,
    ) -> Plan:
        """A plan to scale a Deployment (2x in production, where the facts say nothing else), judged and asked about."""
        with self.database.writing() as session:
            number = session.exec(select(sa.func.count()).select_from(Plan)).one() + 1
            name = f"checkout-{number}"
            subject = KubernetesSubject(namespace="shop", deployment=name)
            incident = an_incident(session, fingerprint=name, subject=subject, service=name)
            given = {
                "action": "k8s.scale_deployment",
                "namespace": "shop",
                "service": name,
                "scale_factor": 2.0,
                **facts,
            }
            decided = decide_all(self.desk.policy, [facts_of(self.desk.policy, at=self.clock(), **given)])
            return a_plan(
                session,
                incident.id or 0,
                status=status,
                decided=decided,
                requester=requester,
                deployment=name,
                rehearsed=rehearsed,
                steerers=steerers,
            )

    def entries(self, subject: str | None = None) -> list[tuple[str, str]]:
        """Who did what, oldest first, as the record tells it."""
        with self.database.reading() as session:
            return [(entry.actor, entry.event) for entry in reversed(audit.latest(session, 1000, subject))]


BOTH = pytest.mark.parametrize("database", ["sqlite", "postgres"], indirect=True)
"""Runs a test on both databases, where `database` is `either_database`."""


@contextmanager
def either_database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """An empty record in SQLite, or in what `BOTH` says: for a fixture that tests ask for by the name `database`."""
    if getattr(request, "param", "sqlite") == "sqlite":
        database = empty_sqlite(request.getfixturevalue("sqlite_url"))
    else:
        database = Database(request.getfixturevalue("postgres_url"))
        migrate(database)
    yield database
    database.close()


@contextmanager
def bench(database: Database, workspace: Workspace) -> Iterator[Bench]:
    """A desk over this record and these people."""
    clock, starts = Clock(), Starts()
    yield Bench(desk_of(database, workspace, clock, starts), clock, starts, workspace)


def desk_of(database: Database, workspace: Workspace, clock: Clock, starts: Starts | Durable) -> Desk:
    """The desk, wired by hand like `bot.app` does it."""
    return Desk(
        database=database,
        durable=starts,  # type: ignore[arg-type]
        readers=Readers(kubernetes=None, aws=None),
        writers=Writers(kubernetes=None, aws=None),
        rulebook=Rulebook(shipped()),
        people=People(client_of(workspace), TEAM_ID, GROUPS, clock),
        minds=Minds(model=None, budget=Budget()),
        metrics=Metrics(),
        patience=Patience(verify=1.0, watch=0.1, poll=0.05),
        environment="prod",
        channel=ALERTS,
        now=clock,
    )


def client_of(workspace: Workspace) -> WebClient:
    """The bot's Slack client."""
    return WebClient(token=BOT_TOKEN, base_url=workspace.api_url, timeout=10, retry_handlers=[])


def shipped() -> Policy:
    """The rules that ship."""
    return load(SHIPPED.read_text(), catalogue())
