"""Values the record's tests share: a moment, an alert, a rehearsed plan, and both written down."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlmodel import Session

from policies.decisions import Decision, Effect, Obligation, Reason
from storage import incidents, plans
from storage.incidents import AlertNews
from storage.tables import AlertStatus, Incident, Plan, PlanStatus
from tools import resources
from tools.actions import ScaleDeployment
from tools.criteria import RolloutDone
from tools.evidence import Proposal, Severity
from tools.previews import Change, Observed, Preview, Rehearsal, RehearsedStep
from tools.subjects import KubernetesSubject

AT = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
SOON = AT + timedelta(minutes=15)
CHANNEL = "C0ALERTS01"


def news(**given: object) -> AlertNews:
    """A pod of checkout crash loops, with what differs."""
    usual: dict[str, object] = {
        "fingerprint": "fp-1",
        "source": "alertmanager",
        "name": "KubePodCrashLooping",
        "severity": Severity.SEV2,
        "status": AlertStatus.FIRING,
        "service": "checkout",
        "environment": "prod",
        "labels": {"namespace": "shop"},
        "annotations": {"summary": "checkout restarts"},
        "starts_at": AT,
        "ends_at": None,
        "generator_url": None,
        "subject": KubernetesSubject(namespace="shop", deployment="checkout"),
    }
    return AlertNews.model_validate({**usual, **given})


def proposal(replicas: int = 4, deployment: str = "checkout") -> Proposal:
    """More replicas for a Deployment, and how to tell that they came."""
    return Proposal(
        hypothesis="Two replicas are too few",
        actions=(ScaleDeployment(namespace="shop", deployment=deployment, replicas=replicas),),
        success_criteria=(RolloutDone(namespace="shop", deployment=deployment),),
        confidence=9,
    )


def rehearsal(replicas: int = 4, deployment: str = "checkout") -> Rehearsal:
    """That proposal, rehearsed."""
    observed = Observed(
        target=resources.kubernetes("shop", "Deployment", deployment),
        uid="uid-1",
        generation=7,
        spec_digest="d" * 64,
        before='{"replicas":2}',
        replicas_before=2,
        replicas_after=replicas,
        pods_affected=replicas,
    )
    preview = Preview(
        changes=(Change(path="spec.replicas", before="2", after=str(replicas)),),
        blast_radius=f"{replicas} pods of {deployment}",
        undo="back to 2 replicas",
        command=f"kubectl -n shop scale deployment {deployment} --replicas={replicas}",
        dry_run="accepted by the API server",
    )
    action = ScaleDeployment(namespace="shop", deployment=deployment, replicas=replicas)
    return Rehearsal(steps=(RehearsedStep(action=action, observed=observed, preview=preview),))


def decision(**given: object) -> Decision:
    """One person of sre-oncall is asked, with what differs."""
    usual: dict[str, object] = {
        "effect": Effect.APPROVE,
        "obligations": (Obligation(rule="prod-fix", approvals=1, groups=("sre-oncall",)),),
        "expires_s": 900,
        "because": (Reason(rule="prod-fix", why="Production needs a person."),),
        "trace": (),
        "policy_version": 1,
        "policy_sha256": "0" * 64,
        "facts": (),
    }
    return Decision.model_validate({**usual, **given})


def an_incident(session: Session, at: datetime = AT, **given: object) -> Incident:
    """An incident, opened by an alert."""
    received = incidents.receive(session, news(**given), channel=CHANNEL, at=at)
    assert received.incident_id is not None
    return incidents.get(session, received.incident_id)


def a_plan(
    session: Session,
    incident_id: int,
    *,
    status: PlanStatus = PlanStatus.PENDING,
    decided: Decision | None = None,
    deployment: str = "checkout",
    nonce: str | None = None,
    requester: str = "sayso",
    not_after: datetime = SOON,
    look: int = 1,
    rehearsed: Rehearsal | None = None,
    steerers: tuple[str, ...] = (),
) -> Plan:
    """A plan of that incident, proposed."""
    return plans.propose(
        session,
        incident_id=incident_id,
        look=look,
        proposal=proposal(deployment=deployment),
        rehearsal=rehearsed or rehearsal(deployment=deployment),
        decision=decided or decision(),
        status=status,
        requester=requester,
        steerers=steerers,
        not_after=not_after,
        nonce=nonce or f"nonce-{incident_id}-{deployment}-{look}",
        at=AT,
    )
