"""Values that the view tests draw: one incident, told from the first alert to every end it can have."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from bot.plans.fields import fields_of
from bot.views import editing, ephemeral, evidence, help, home, incident, lists, modals, nudges, plan  # noqa: A004 - the module's name
from bot.views.editing import Editable
from bot.views.evidence import EvidenceReport
from bot.views.help import Command
from bot.views.home import Home, Needed
from bot.views.incident import Cause, IncidentCard, IncidentState, Mind
from bot.views.lists import AuditRow, IncidentRow, PartHealth, PlanRow, Status
from bot.views.modals import Timeline, TimelineEntry
from bot.views.nudges import Nudge, NudgeKind
from bot.views.plan import Closing, Glass, Holder, Other, Party, PlanCard, PlanState, VoteLine
from bot.views.plan_card import Wish
from bot.views.steps import ChangeLine, CheckLine, Step, StepState
from tools import evidence as seen
from tools.actions import RestartDeployment, ScaleDeployment, SetProbe, SetServiceSelector
from tools.evidence import Evidence, Finding, Severity, Trust
from tools.resources import kubernetes

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
ALICE, BOB, ONCALL = "U0ALICE001", "U0BOB00001", "S0ONCALL01"
DIGEST = "9f3c2a4b5d6e7f80" + "0123456789abcdef" * 3
CHECKOUT = kubernetes("shop", "Deployment", "checkout")


def after(minutes: float) -> datetime:
    """A time in the story."""
    return NOON + timedelta(minutes=minutes)


STATUS: Evidence = seen.evidence(
    tool="kubernetes.pods",
    query="shop app=checkout",
    summary="3 of 3 pods of checkout crash",
    excerpt="checkout-6d4f9-abcde  0/1  CrashLoopBackOff  restarts=7\nlast exit: 1 (Error)",
    at=NOON,
    trust=Trust.STATUS,
    url="https://grafana.example/d/checkout?from=now-1h&to=now",
)
LOGS: Evidence = seen.evidence(
    tool="kubernetes.logs",
    query="shop/checkout-6d4f9-abcde previous",
    summary="the last lines before the crash",
    excerpt="FATAL could not connect to postgres://db-typo:5432/orders: name not known\n<script>alert(1)</script>",
    at=after(0.2),
    trust=Trust.TEXT,
    url="https://logs.example/evil",
)
QUOTA: Evidence = seen.evidence(
    tool="kubernetes.events",
    query="shop",
    summary="no quota was hit",
    excerpt="(none)",
    at=after(0.3),
    trust=Trust.STATUS,
)
FINDING = Finding(
    code="k8s.bad_env",
    title="An environment variable changed before the crashes",
    statement="DB_HOST of checkout/app went from db to db-typo in revision 42; the process exits since then.",
    severity=Severity.SEV2,
    confidence=9,
    resource=CHECKOUT,
    evidence_ids=(STATUS.id, LOGS.id),
)
MODEL = Mind(model="gpt-5-mini", calls=6, tokens=9_240)
CAUSE = Cause(statement=FINDING.statement, confidence=9, resource=CHECKOUT)

STEP = Step(
    title="Restore DB_HOST on checkout/app from revision 41",
    target=CHECKOUT,
    changes=(
        ChangeLine(path="spec.template.spec.containers[app].env.DB_HOST", before="db-typo", after="db"),
        ChangeLine(path="spec.template.metadata.annotations.cause", before=None, after="first line\n- forged: line"),
    ),
    blast_radius="3 pods are replaced one by one; at least 2 stay ready",
    undo="DB_HOST becomes db-typo again",
    command="kubectl -n shop set env deploy/checkout -c app DB_HOST=db",
    dry_run="accepted by the API server",
    warnings=("only 1 replica is ready now",),
)
SCALE = Step(
    title="Scale checkout to 4 replicas",
    target=CHECKOUT,
    changes=(ChangeLine(path="spec.replicas", before="3", after="4"),),
    blast_radius="1 pod is added",
    undo="3 replicas again",
    command="kubectl -n shop scale deploy/checkout --replicas=4",
    dry_run="accepted by the API server",
)
CRITERIA = (
    CheckLine(condition="checkout has rolled out completely"),
    CheckLine(condition="k8s.bad_env is gone from checkout"),
)
APPROVED_BY_ALICE = VoteLine(user_id=ALICE, verdict="approve", at=after(4))


def incident_card(state: IncidentState, **changes: object) -> IncidentCard:
    """The incident in one state."""
    told: dict[str, object] = {
        "id": "INC-142",
        "render": 7,
        "state": state,
        "severity": Severity.SEV2,
        "title": "HighErrorRate & crash loop in <checkout>",
        "service": "checkout",
        "environment": "prod-eu",
        "since": NOON,
        "updated_at": after(2),
        "alerts": 14,
        "cause": None if state in (IncidentState.INVESTIGATING, IncidentState.NO_PLAN) else CAUSE,
        "mind": None if state is IncidentState.INVESTIGATING else MODEL,
    }
    return IncidentCard.model_validate(told | changes)


def plan_card(state: PlanState, **changes: object) -> PlanCard:
    """The plan in one state, with no more than what every state has."""
    told: dict[str, object] = {
        "plan_id": "P-77",
        "version": 1,
        "digest": DIGEST,
        "render": 2,
        "state": state,
        "incident_id": "INC-142",
        "service": "checkout",
        "environment": "prod-eu",
        "steps": (STEP, SCALE),
        "criteria": CRITERIA,
        "policy": "Needs 1 of owner, sre-oncall, not the requester: production fixes need one person (prod-fix).",
        "approvers": (Party(id=ONCALL, name="sre-oncall"), Party(name="the owners of checkout")),
        "progress": ("0 of 1 from owner, sre-oncall",),
        "proposed_at": NOON,
        "expires_at": after(15),
        "reasoning": "DB_HOST was changed 40 s before the first crash. See http://evil.example <!channel>",
    }
    return PlanCard.model_validate(told | changes)


def steps(first: StepState, second: StepState, note: str | None = None) -> tuple[Step, Step]:
    """The plan's two steps, this far along."""
    ended = {"ended_at": after(5)} if first is not StepState.RUNNING else {}
    return STEP.model_copy(update={"state": first, "note": note, **ended}), SCALE.model_copy(update={"state": second})


def closing(minutes: float, by: str | None = None, reason: str | None = None) -> Closing:
    """An end of the plan."""
    return Closing(at=after(minutes), by=by, reason=reason)


DONE, RUNNING, TO_DO = StepState.DONE, StepState.RUNNING, StepState.TO_DO
HELD = tuple(line.model_copy(update={"met": True, "detail": "3 of 3 ready"}) for line in CRITERIA)
VOTED = {"votes": (APPROVED_BY_ALICE,)}
WINDOW_POLICY = "Runs in 10 min unless owner or sre-oncall stops it: a small scale-up is routine."
IN_WINDOW = {"fires_at": after(10), "policy": WINDOW_POLICY, "progress": ()}
FIVE = tuple(
    STEP.model_copy(update={"title": f"Restore DB_HOST on checkout-{number}/app from revision 41", "target": target})
    for number, target in enumerate((kubernetes("shop", "Deployment", f"checkout-{n}") for n in range(1, 6)), 1)
)
PLANS: Mapping[str, PlanCard] = {
    "pending": plan_card(PlanState.PENDING, ping=True),
    "pending_one_vote": plan_card(
        PlanState.PENDING, **VOTED, steps=(STEP,), reasoning=None, note="The policy became stricter; one vote stands."
    ),
    "approved": plan_card(PlanState.APPROVED, **VOTED),
    "approved_waiting": plan_card(
        PlanState.APPROVED,
        **VOTED,
        holder=Holder(plan_id="P-76", title="Roll back checkout", since=after(3), approved_by=(BOB,)),
    ),
    "approved_by_window": plan_card(PlanState.APPROVED, fires_at=after(10), policy=WINDOW_POLICY),
    "window": plan_card(PlanState.PENDING, **IN_WINDOW, steps=(SCALE,), reasoning=None),
    "window_in_doubt": plan_card(
        PlanState.PENDING, note="It did not run by itself: policy asks for people now.", steps=(SCALE,), reasoning=None
    ),
    "pending_crowded": plan_card(
        PlanState.PENDING,
        rivals=tuple(Other(plan_id=f"P-{number}", state=PlanState.PENDING, at=NOON) for number in range(78, 85)),
        alike=Other(plan_id="P-70", state=PlanState.EXPIRED, at=after(-20)),
        step_up=True,
        widened=("sre-leads",),
        fallbacks=("sre-oncall for owner",),
        progress=("stage 1: 1 of 1 from owner", "stage 2: 0 of 1 from sre-leads"),
        votes=(VoteLine(user_id=BOB, verdict="approve", at=after(3), on_behalf_of=(ALICE,), stepped_up=True),),
    ),
    "pending_five_steps": plan_card(PlanState.PENDING, steps=FIVE, reasoning=None),
    "undoing_another": plan_card(
        PlanState.PENDING, steps=(SCALE,), undoes="P-70", reasoning=None, wish=Wish(by=BOB, why="the node starves")
    ),
    "edited": plan_card(PlanState.PENDING, replaces="P-70", wish=Wish(by=BOB)),
    "executing": plan_card(PlanState.EXECUTING, **VOTED, steps=steps(RUNNING, TO_DO)),
    "verifying": plan_card(PlanState.VERIFYING, **VOTED, steps=steps(DONE, DONE)),
    "succeeded": plan_card(
        PlanState.SUCCEEDED,
        **VOTED,
        steps=steps(DONE, DONE),
        criteria=HELD,
        closing=closing(7, by=None),
        can_undo=True,
    ),
    "succeeded_taken_back": plan_card(
        PlanState.SUCCEEDED,
        **VOTED,
        steps=steps(DONE, DONE),
        criteria=HELD,
        closing=closing(7, by=None),
        undone_by=Other(plan_id="P-79", state=PlanState.SUCCEEDED, at=after(20)),
    ),
    "succeeded_past_the_quorum": plan_card(
        PlanState.SUCCEEDED,
        steps=steps(DONE, DONE),
        criteria=HELD,
        closing=closing(7, by=None),
        glass=Glass(user_id=BOB, at=after(2), reason="customers cannot pay; nobody answers"),
    ),
    "rolling_back": plan_card(PlanState.ROLLING_BACK, **VOTED, steps=steps(DONE, DONE)),
    "rolled_back": plan_card(
        PlanState.ROLLED_BACK,
        **VOTED,
        steps=steps(StepState.UNDONE, StepState.UNDONE),
        closing=closing(9, reason="ready pods fell from 3 to 1"),
    ),
    "rollback_failed": plan_card(
        PlanState.ROLLBACK_FAILED, **VOTED, steps=steps(StepState.FAILED, DONE, "409 conflict"), closing=closing(9)
    ),
    "rejected": plan_card(
        PlanState.REJECTED,
        votes=(VoteLine(user_id=BOB, verdict="reject", at=after(3), reason="we are mid-migration"),),
        closing=closing(3, by=BOB, reason="we are mid-migration"),
    ),
    "expired": plan_card(PlanState.EXPIRED, closing=closing(15), can_ask_again=True),
    "expired_half_way": plan_card(
        PlanState.EXPIRED,
        **VOTED,
        closing=closing(15, reason="Not enough people answered."),
        answered=True,
        can_ask_again=True,
    ),
    "stale": plan_card(
        PlanState.STALE, closing=closing(6, reason="generation of checkout went from 42 to 43"), can_ask_again=True
    ),
    "superseded": plan_card(PlanState.SUPERSEDED, closing=closing(6, reason="version 2 is below")),
    "cancelled": plan_card(PlanState.CANCELLED, closing=closing(6, reason="the alert resolved by itself")),
    "needs_human": plan_card(PlanState.NEEDS_HUMAN, **VOTED, steps=steps(StepState.UNKNOWN, TO_DO), closing=closing(6)),
    "failed": plan_card(
        PlanState.FAILED, **VOTED, steps=steps(StepState.FAILED, TO_DO, "403 forbidden"), closing=closing(6)
    ),
    "executing_by_policy": plan_card(PlanState.EXECUTING, steps=steps(RUNNING, TO_DO), policy="Runs without asking."),
}
INCIDENTS: Mapping[str, IncidentCard] = {
    **{state.value: incident_card(state) for state in IncidentState if state is not IncidentState.NO_PLAN},
    "no_plan": incident_card(
        IncidentState.NO_PLAN,
        evidence=(STATUS, LOGS, QUOTA),
        gaps=("AWS: AccessDenied for ecs:DescribeServices", "logs older than an hour"),
        mind=Mind(model="gpt-5-mini", failure="timeout"),
    ),
    "model_cause": incident_card(
        IncidentState.AWAITING_APPROVAL,
        cause=CAUSE.model_copy(update={"unverified": True, "confidence": 4}),
        note="plan P-77 waits for sre-oncall",
        mind=Mind(),
        severity=Severity.SEV1,
    ),
}
REPORT = EvidenceReport(
    incident_id="INC-142", findings=(FINDING,), evidence=(STATUS, LOGS, QUOTA), gaps=("AWS: timeout",), mind=MODEL
)
TIMELINE = Timeline(
    incident_id="INC-142",
    entries=(
        TimelineEntry(at=NOON, actor="sayso", event="opened from Alertmanager: HighErrorRate"),
        TimelineEntry(at=after(4), actor=ALICE, event="approved plan P-77"),
    ),
)
INCIDENT_ROW = IncidentRow(
    id="INC-142",
    title="HighErrorRate",
    service="checkout",
    environment="prod-eu",
    severity=Severity.SEV2,
    state=IncidentState.AWAITING_APPROVAL,
    since=NOON,
    permalink="https://demo.slack.example/archives/C0ALERTS01/p1",
)
PLAN_ROW = PlanRow(
    id="P-77",
    version=1,
    incident_id="INC-142",
    title="Restore DB_HOST on checkout/app from revision 41",
    state=PlanState.PENDING,
    at=after(15),
    permalink="https://demo.slack.example/archives/C0ALERTS01/p2?thread_ts=1&cid=C0ALERTS01",
)
AUDIT_ROW = AuditRow(sequence=912, at=after(4), actor=ALICE, event="plan.voted", subject="P-77", hash="9f3c" * 16)
PARTS = (
    PartHealth(name="Slack", ok=True, detail="connected"),
    PartHealth(name="model", ok=False, detail="timeout after 20 s"),
)
STATUS_SEEN = Status(parts=PARTS, open_incidents=1, pending_plans=1, stopped=True)
HOME = Home(
    render=3,
    needs_you=(Needed(plan=PLAN_ROW, reference=plan_card(PlanState.PENDING).reference),),
    open_incidents=(INCIDENT_ROW,),
    outcomes=(PLAN_ROW.model_copy(update={"state": PlanState.SUCCEEDED}),),
    parts=PARTS,
    updated_at=after(6),
)
COMMANDS = (
    Command(usage="incidents", does="open incidents"),
    Command(usage="why <plan>", does="why a plan needs whom it needs"),
)
REFERENCE = plan_card(PlanState.PENDING).reference


EDITABLE = tuple(
    Editable(title=action.title, target=str(action.target), fields=fields_of(action))
    for action in (
        ScaleDeployment(namespace="shop", deployment="checkout", replicas=4),
        SetProbe(namespace="shop", deployment="checkout", container="app", probe="readiness", path="/readyz"),
        SetServiceSelector(namespace="shop", service="checkout", selector={"app": "checkout", "tier": "web"}),
        RestartDeployment(namespace="shop", deployment="checkout"),
    )
)
"""A form with every kind of input, and an action that has none."""


def a_nudge(kind: NudgeKind) -> Nudge:
    return Nudge(
        kind=kind,
        plan_id="P-77",
        incident_id="INC-142",
        title=STEP.title,
        service="checkout",
        environment="prod-eu",
        parties=(Party(id=ONCALL, name="sre-oncall"), Party(name="sre-leads")),
        expires_at=after(15),
        channel="C0ALERTS01",
    )


def messages() -> dict[str, Mapping[str, object]]:
    """Every message, drawn."""
    drawn: dict[str, Mapping[str, object]] = {f"plan_{name}": plan.card(value) for name, value in PLANS.items()}
    drawn |= {f"incident_{name}": incident.card(value) for name, value in INCIDENTS.items()}
    drawn |= {
        **{f"nudge_{kind.value}": nudges.reply(a_nudge(kind)) for kind in NudgeKind},
        "nudge_page_direct": nudges.page(a_nudge(NudgeKind.PAGE)),
        "evidence": evidence.report(REPORT),
        "evidence_nothing": evidence.report(EvidenceReport(incident_id="INC-142", findings=(), evidence=(QUOTA,))),
        "help": help.answer(COMMANDS),
        "help_unknown": help.answer(COMMANDS, unknown="drop `tables`"),
        "list_incidents": lists.incidents([INCIDENT_ROW]),
        "list_incidents_none": lists.incidents([]),
        "list_plans": lists.plans([PLAN_ROW] * 20),
        "list_audit": lists.audit([AUDIT_ROW]),
        "list_status": lists.status(STATUS_SEEN),
    }
    return drawn | {f"private_{name}": value for name, value in _private().items()}


def views() -> dict[str, Mapping[str, object]]:
    """Every modal and the Home tab, drawn."""
    return {
        "modal_approve": modals.approve(REFERENCE),
        "modal_approve_destructive": modals.approve(REFERENCE, reason=False, targets=("i-0123456789abcdef0",)),
        "modal_stop": modals.stop(REFERENCE),
        "modal_edit": editing.form(REFERENCE, EDITABLE),
        "modal_undo": editing.undo_form(REFERENCE, (STEP.model_copy(update={"title": f"Take back: {STEP.title}"}),)),
        "modal_working": modals.working("Edit P-77", "Rehearsing it against the live targets.", "working-V1"),
        "modal_answer": modals.answer("Edit P-77", ephemeral.note("P-78 stands instead of P-77.")),
        "modal_reject": modals.reject(REFERENCE),
        "modal_details": modals.details(PLANS["pending"], (FINDING,), (STATUS, LOGS)),
        "modal_timeline": modals.timeline(TIMELINE),
        "modal_loading": modals.loading("Plan P-77", str(REFERENCE)),
        "modal_error": modals.error("c0ffee12", "Slack did not answer."),
        "modal_notice": modals.notice("There is no such plan."),
        "home": home.view(HOME),
        "home_quiet": home.view(Home(render=0, parts=PARTS[:1], updated_at=NOON)),
    }


def _private() -> dict[str, Mapping[str, object]]:
    return {
        "not_allowed": ephemeral.not_allowed("P-77", "you asked for it yourself", (ONCALL,)),
        "unauthorised": ephemeral.unauthorised("guests do not decide"),
        "already_voted": ephemeral.already_voted("P-77", "approve", after(4)),
        "vote_counted": ephemeral.vote_counted("P-77", ("1 of 2 from owner, sre-oncall",)),
        "replaced": ephemeral.replaced("P-77", "https://demo.slack.example/archives/C0ALERTS01/p3"),
        "expired": ephemeral.expired("P-77", after(15)),
        "too_late": ephemeral.too_late("P-77", PlanState.EXECUTING),
        "unknown_plan": ephemeral.unknown_plan(),
        "unknown_click": ephemeral.unknown_click(),
        "not_here": ephemeral.not_here("it is shared with another company"),
        "failed": ephemeral.failed("c0ffee12"),
        "note": ephemeral.note("Looking again; I will edit the card."),
    }
