"""Plans that wait, put forward as the flows do it: through `bot.plans.proposing`, under a policy of the test's own."""

from __future__ import annotations

from collections.abc import Mapping

from bot import approval
from bot.approval import Click
from bot.plans import proposing
from bot.plans.proposing import Draft
from bot.starting import start_if_free
from bot.views.blocks import Message
from bot.views.ids import PlanReference
from deploy.sandbox.workspace.directory import ALERTS, TEAM_ID
from policies.engine import decide_all
from policies.governance import Step
from policies.rules import Policy, compiled
from storage import incidents
from storage.tables import Plan, PlanStatus, Verdict
from tests.bot.desks import ALICE, Bench
from tests.policies.samples import facts as facts_of
from tests.storage.samples import an_incident, proposal, rehearsal
from tools.previews import Rehearsal
from tools.subjects import KubernetesSubject


def put_forward(
    desk: Bench,
    deployment: str = "checkout",
    *,
    replicas: int = 4,
    rehearsed: Rehearsal | None = None,
    alert: Mapping[str, object] | None = None,
    incident: int | None = None,
    **facts: object,
) -> Plan:
    """A plan to scale a Deployment, of a new incident or of one that is there; started if policy lets it run."""
    given = {
        "action": "k8s.scale_deployment",
        "env": "staging",
        "namespace": "shop",
        "service": deployment,
        "scale_factor": 2.0,
    }
    with desk.database.writing() as session:
        subject = KubernetesSubject(namespace="shop", deployment=deployment)
        told = {"fingerprint": deployment, "subject": subject, "service": deployment, **(alert or {})}
        about = incidents.get(session, incident) if incident else an_incident(session, at=desk.clock(), **told)
        decided = decide_all(desk.desk.policy, [facts_of(desk.desk.policy, at=desk.clock(), **{**given, **facts})])
        draft = Draft(
            about.id or 0,
            about.looks,
            proposal(replicas, deployment),
            rehearsed or rehearsal(replicas, deployment),
            decided,
        )
        plan = proposing.write_down(session, draft, desk.desk)
    if plan.status == PlanStatus.APPROVED:
        start_if_free(plan.id or 0, desk.desk)
    return plan


def say(desk: Bench, plan: Plan, verdict: Verdict, user: str = ALICE, reason: str | None = None) -> Message:
    """Press Approve or Run now, or submit the reason of Reject or Stop."""
    return approval.decide(
        Click(
            event_key=f"click:{plan.id}:{user}:{verdict}:{desk.clock()}",
            user_id=user,
            team_id=TEAM_ID,
            channel=ALERTS,
            reference=reference_of(plan),
            verdict=verdict,
            reason=reason,
        ),
        desk.desk,
    )


def reference_of(plan: Plan) -> PlanReference:
    """What the buttons of the plan's card carry."""
    return PlanReference(plan_id=f"P-{plan.id}", version=plan.version, digest=plan.digest[:16])


def with_chain(policy: Policy, **steps: tuple[str, ...]) -> Policy:
    """The policy, where every rule that asks people escalates: `notify_0=("owner",), widen_300=("sre-leads",)`."""
    chain = tuple(_step(name, groups) for name, groups in steps.items())
    rules = tuple(
        rule.model_copy(update={"require": rule.require.model_copy(update={"escalate": "tests"})})
        if rule.effect in ("approve", "restrict")
        else rule
        for rule in policy.file.rules
    )
    file = policy.file.model_copy(update={"rules": rules, "escalation": {"tests": chain}})
    return compiled(file, policy.sha256, policy.catalogue)


def _step(name: str, groups: tuple[str, ...]) -> Step:
    verb, after = name.split("_")
    return Step.model_validate({"after": f"{after}s", verb: groups})
