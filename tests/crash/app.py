"""One bot of a crash run: the real flows on the real record, with the crash runs' world to change.

It boots as `bot.app` does, without Slack's surfaces: it proposes the run's plans, two clickers press every button twice
as two people, and the sweep goes round. In drain mode it ends once everything has.
"""

from __future__ import annotations

import os
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlmodel import Session, col, select

from bot import approval
from bot.app import _fence, register_flows
from bot.desk import Desk, Patience
from bot.durable import Durable, step
from bot.policy.rulebook import Rulebook
from bot.rehearsal import catalogue
from bot.sweep import sweep
from bot.views.ids import PlanReference
from deploy.sandbox.cluster.api.access import Identity
from deploy.sandbox.cluster.kubeconfig import write_kubeconfig
from deploy.sandbox.workspace.directory import ALERTS, TEAM_ID
from policies.engine import decide_all
from policies.loading import SHIPPED, load
from policies.rules import Approve, Policy, compiled
from storage import incidents, plans
from storage.database import Database, hold_alone, migrate
from storage.tables import Incident, IncidentStatus, Plan, PlanStatus, Verdict
from tests.bot.desks import ALICE, BOB, desk_of
from tests.crash.cases import Case, number_of
from tests.crash.hands import World, install
from tests.policies.samples import facts
from tests.storage.samples import news
from tools.clients import Readers
from tools.clients.kubernetes import KubernetesReader
from tools.subjects import KubernetesSubject

AT_ONCE = 8
"""Plans on their way at the same time."""
UNANSWERED = timedelta(seconds=3)
"""How long the plan waits that nobody answers."""
ANSWERED = timedelta(minutes=20)
CONTROL = "bare"
"""A call to the world in a step without any guard: over a long run it shows duplicates, or the kills do not land."""


@dataclass(frozen=True)
class Run:
    """What every bot of a run is told."""

    database: str
    world: str
    slack: str
    plans: int
    folder: Path


@dataclass(frozen=True)
class _Elsewhere:
    """A workspace that runs in another process."""

    api_url: str


def live(run: Run, *, drain: bool) -> None:
    """Be a bot, until killed; in drain mode until all is done."""
    alone = hold_alone(run.database)
    world = World(run.world)
    install(world)
    database = Database(run.database)
    migrate(database)
    durable = Durable(run.database, on_lost_presence=_fence)
    desk = _desk(run, database, durable)
    register_flows(durable, desk)
    durable.register("triage", lambda incident_id, look: "nobody rang")
    durable.register(CONTROL, _bare(world))
    durable.launch()
    for number, who in enumerate(((ALICE, BOB), (BOB, ALICE))):
        _round(f"clicker-{number}", 0.05, lambda who=who, number=number: _click(desk, who, number))  # type: ignore[misc]
    _round("sweep", 0.3, lambda: sweep(desk))
    _round("proposer", 0.1, lambda: _propose(desk, run.plans))
    while not (drain and _is_over(desk, run.plans)):
        time.sleep(0.1)
    durable.stop()
    database.close()
    assert alone is None or not alone.closed


def _desk(run: Run, database: Database, durable: Durable) -> Desk:
    kubeconfig = run.folder / "kubeconfig"
    if not kubeconfig.exists():
        write_kubeconfig(kubeconfig, run.world, Identity.READER)
    elsewhere: Any = _Elsewhere(run.slack)
    wired = desk_of(database, elsewhere, lambda: datetime.now(UTC), durable)  # type: ignore[arg-type]
    return replace(
        wired,
        readers=Readers(kubernetes=KubernetesReader.from_kubeconfig(kubeconfig), aws=None),
        rulebook=Rulebook(two_people()),
        patience=Patience(verify=2.0, watch=0.1, poll=0.06),
    )


def two_people() -> Policy:
    """The rules that ship, but two people must agree to every fix, and no limit holds the run up."""
    shipped = load(SHIPPED.read_text(), catalogue())
    asking = tuple(
        rule.model_copy(update={"require": rule.require.model_copy(update={"approvals": 2})})
        if isinstance(rule, Approve)
        else rule
        for rule in shipped.file.rules
    )
    file = shipped.file.model_copy(update={"rules": asking, "limits": (), "breaker": None})
    return compiled(file, shipped.sha256, shipped.catalogue)


def _bare(world: World) -> Callable[[int], str]:
    """The control: what durable steps alone do to a call that nothing guards."""

    def call(number: int) -> str:
        world.do(f"bare-{number}", f"bare-{number}", mode="every call")
        return "called"

    def bare(number: int) -> str:
        return step(call, number)

    return bare


def _round(name: str, every: float, once: Callable[[], object]) -> None:
    """Do it again and again, as this bot's threads do; a fault ends the process, which the driver then reports."""

    def rounds() -> None:
        try:
            while True:
                once()
                time.sleep(every)
        except BaseException:  # noqa: BLE001 - the thread's edge
            traceback.print_exc()
            os._exit(2)

    threading.Thread(target=rounds, name=name, daemon=True).start()


def _propose(desk: Desk, count: int) -> None:
    """Write the next plan down while few are on their way. One transaction: two replicas never write the same one."""
    with desk.database.writing() as session:
        known = len(session.exec(select(Incident.id)).all())
        under_way = len(plans.in_status(session, *plans.OPEN, *plans.RUNNING))
        if known >= count or under_way >= AT_ONCE:
            return
        case = Case(known + 1)
        _write_down(session, case, desk)
    if case.answer == "approve":
        desk.durable.start(CONTROL, f"{CONTROL}-{case.number}", case.number)


def _write_down(session: Session, case: Case, desk: Desk) -> None:
    at, subject = desk.now(), KubernetesSubject(namespace="shop", deployment=case.workload)
    alert = news(fingerprint=case.workload, subject=subject, service=case.workload, starts_at=at)
    received = incidents.receive(session, alert, channel=ALERTS, at=at)
    incident_id = received.incident_id or 0
    judged = [
        facts(desk.policy, action=action.kind, namespace="shop", service=case.workload, at=at)
        for action in case.actions
    ]
    plans.propose(
        session,
        incident_id=incident_id,
        look=1,
        proposal=case.proposal,
        rehearsal=case.rehearsal,
        decision=decide_all(desk.policy, judged),
        status=PlanStatus.PENDING,
        requester="sayso",
        not_after=at + (UNANSWERED if case.answer == "nobody" else ANSWERED),
        nonce=f"nonce-{case.number}",
        at=at,
    )
    incidents.move(session, incident_id, IncidentStatus.AWAITING_APPROVAL, at)


def _click(desk: Desk, who: tuple[str, str], clicker: int) -> None:
    """Press the button of every plan that asks, twice as each of two people; the second is Slack's own repetition."""
    with desk.database.reading() as session:
        asking = session.exec(select(Plan).where(Plan.status == PlanStatus.PENDING).order_by(col(Plan.id))).all()
    for plan in asking:
        case = Case(number_of(plan.proposal.actions[0].deployment))  # type: ignore[union-attr]
        if case.answer == "nobody":
            continue
        verdict = Verdict.REJECT if case.answer == "reject" else Verdict.APPROVE
        for user in who:
            key = f"press-{desk.durable.executor}-{clicker}-{time.time_ns()}"
            for _ in range(2):
                approval.decide(_press(plan, user, verdict, key), desk)


def _press(plan: Plan, user: str, verdict: Verdict, key: str) -> approval.Click:
    reference = PlanReference(plan_id=f"P-{plan.id}", version=plan.version, digest=plan.digest[:16])
    return approval.Click(
        event_key=key,
        user_id=user,
        team_id=TEAM_ID,
        channel=ALERTS,
        reference=reference,
        verdict=verdict,
        reason="for the crash run",
    )


def _is_over(desk: Desk, count: int) -> bool:
    """Whether every plan has come to its end, and no run is left."""
    from dbos import DBOS

    with desk.database.reading() as session:
        ended = session.exec(select(Plan.id).where(col(Plan.status).in_(plans.ENDS))).all()
    if len(ended) < count:
        return False
    return not DBOS.list_workflows(status=["PENDING", "ENQUEUED"], load_input=False, load_output=False)
