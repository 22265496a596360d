"""A desk whose hands reach a sandbox cluster: plans that were really rehearsed, and runs carried out step by step."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bot import approval
from bot.approval import Click
from bot.cards import plan_name
from bot.plans import proposing
from bot.plans.proposing import Draft
from bot.rehearsal import rehearse
from bot.remediation import finish
from bot.remediation.calling import carry_out
from bot.remediation.claiming import claim
from bot.remediation.verifying import verify
from bot.starting import run_id, start_if_free
from bot.views.blocks import Message
from bot.views.ids import PlanReference
from deploy.sandbox.cluster import Cluster
from deploy.sandbox.workspace import Workspace
from deploy.sandbox.workspace.directory import ALERTS, TEAM_ID
from storage import audit, plans
from storage.database import Database
from storage.tables import Incident, Phase, Plan, PlanStatus, Verdict
from tests.bot.desks import ALICE, Bench, bench
from tests.storage.samples import an_incident
from tests.tools.kubernetes.shop import Shop
from tools.actions import Action, ScaleDeployment
from tools.clients import Readers
from tools.criteria import RolloutDone
from tools.evidence import Proposal
from tools.previews import Rehearsal
from tools.subjects import KubernetesSubject

WEB = "/apis/apps/v1/namespaces/shop/deployments/web"
SPEED = 30.0
"""Simulated seconds a second: pods come and go while a test waits a moment."""


@dataclass(frozen=True)
class LiveBench(Bench):
    """A desk over a cluster with the shop's `web` in it."""

    shop: Shop

    def propose(self, *actions: Action, requester: str = "sayso", service: str = "web") -> Plan:
        """A plan as triage would write it down: rehearsed against the cluster, judged, and asked about."""
        subject = KubernetesSubject(namespace="shop", deployment="web")
        with self.database.writing() as session:
            incident = an_incident(session, fingerprint=f"fp-{service}", subject=subject, service=service)
        proposal = Proposal(
            hypothesis="Too few pods",
            actions=actions,
            success_criteria=(RolloutDone(namespace="shop", deployment="web"),),
            confidence=9,
        )
        rehearsal = rehearse(proposal, self.desk.writers)
        assert isinstance(rehearsal, Rehearsal), rehearsal
        decision = proposing.judge(incident, proposal, rehearsal, self.desk, requester)
        draft = Draft(incident.id or 0, 1, proposal, rehearsal, decision, requester)
        with self.database.writing() as session:
            return proposing.write_down(session, draft, self.desk)

    def scaled(self, replicas: int) -> Plan:
        """A plan to give `web` so many pods."""
        return self.propose(ScaleDeployment(namespace="shop", deployment="web", replicas=replicas))

    def vote(self, number: int, user: str, verdict: Verdict = Verdict.APPROVE, reason: str | None = None) -> Message:
        """What somebody is told who decides a plan as it stands."""
        plan = self.plan(number)
        click = Click(
            event_key=f"click:{number}:{user}:{verdict}:{plan.round}",
            user_id=user,
            team_id=TEAM_ID,
            channel=ALERTS,
            reference=reference(plan),
            verdict=verdict,
            reason=reason,
        )
        return approval.decide(click, self.desk)

    def run(self, number: int) -> str:
        """Carry out an approved plan, as its durable run does. Returns how it ended."""
        plan = self.plan(number)
        start_if_free(number, self.desk)
        baseline = claim(number, run_id(plan), self.desk)
        if baseline is None:
            return str(self.plan(number).status)
        for step in range(len(plan.rehearsal.steps)):
            ended = carry_out(number, step, Phase.APPLY, self.desk)
            if ended != "done":
                return finish(number, PlanStatus.NEEDS_HUMAN, self.desk)
        well = verify(number, baseline, self.desk)
        return finish(number, PlanStatus.SUCCEEDED if well else PlanStatus.NEEDS_HUMAN, self.desk)

    def succeed(self, plan: Plan) -> Plan:
        """Approve a plan and carry it out."""
        self.vote(plan.id or 0, ALICE)
        assert self.run(plan.id or 0) == PlanStatus.SUCCEEDED
        return self.plan(plan.id or 0)

    def replicas(self) -> int:
        """How many pods `web` is to have."""
        return int(self.shop.deployment("web")["spec"]["replicas"])

    def newest(self) -> Plan:
        """The plan that was written down last."""
        with self.database.reading() as session:
            return plans.listed(session, 1)[0]

    def incident(self, number: int = 1) -> Incident:
        """The incident as it stands."""
        with self.database.reading() as session:
            found = session.get(Incident, number)
            assert found is not None
            return found

    def reasons(self, event: str) -> list[str]:
        """Why something was refused, as the record tells it."""
        with self.database.reading() as session:
            entries = [one for one in reversed(audit.latest(session, 1000)) if one.event == event]
        return [str(json.loads(one.payload)["reason"]) for one in entries]


def reference(plan: Plan) -> PlanReference:
    """What the buttons of a plan's card carry."""
    return PlanReference(plan_id=plan_name(plan.id), version=plan.version, digest=plan.digest[:16])


def said(message: Message) -> str:
    """What a private answer says."""
    return message["text"]


@contextmanager
def live_bench(database: Database, workspace: Workspace, folder: Path) -> Iterator[LiveBench]:
    """A desk over this record, these people, and a cluster of its own."""
    with Cluster(speed=SPEED, rbac=True) as cluster, bench(database, workspace) as made:
        shop = Shop.open(cluster, folder)
        desk = replace(made.desk, readers=Readers(kubernetes=shop.reader, aws=None), writers=shop.writers)
        yield LiveBench(desk, made.clock, made.starts, workspace, shop)
        shop.close()
