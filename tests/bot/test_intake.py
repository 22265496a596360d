"""Alerts at the door and the repair round: what they start, what they close, and what they must let go."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlmodel import select

from bot import intake
from bot.alerts import AlertStatus, ParsedAlert
from bot.intake import Receipt
from bot.starting import run_id, start_if_free
from bot.sweep import expire, sweep
from storage import audit, executions, inbox, incidents, plans
from storage.tables import InboxEvent, Incident, IncidentStatus, Message, PlanStatus, ResourceLock
from tests.bot.desks import BOTH, Bench
from tests.storage.samples import AT, SOON
from tools.evidence import Severity
from tools.subjects import KubernetesSubject

S = PlanStatus


def alert(name: str = "fp-1", *, resolved: bool = False, deployment: str = "checkout", **given: object) -> ParsedAlert:
    """An alert about a Deployment, with what differs."""
    usual: dict[str, object] = {
        "fingerprint": name,
        "source": "alertmanager",
        "name": "KubePodCrashLooping",
        "severity": Severity.SEV2,
        "status": AlertStatus.RESOLVED if resolved else AlertStatus.FIRING,
        "service": deployment,
        "environment": "prod",
        "labels": {"namespace": "shop", "deployment": deployment},
        "annotations": {},
        "starts_at": AT,
        "ends_at": AT if resolved else None,
        "generator_url": None,
        "group_key": "g",
    }
    return ParsedAlert.model_validate({**usual, **given})


def incident(desk: Bench, number: int = 1) -> Incident:
    with desk.database.reading() as session:
        return incidents.get(session, number)


@BOTH
def test_a_new_alert_opens_an_incident_shows_it_and_starts_to_look(desk: Bench) -> None:
    receipt = intake.receive([alert()], desk.desk)

    assert receipt == Receipt(opened=1)
    assert desk.starts.all == [("triage", "triage-1-1", (1, 1))]
    assert incident(desk).subject == KubernetesSubject(namespace="shop", deployment="checkout", service=None)
    with desk.database.reading() as session:
        card = session.get(Message, "incident:1")
        assert card is not None
        assert "KubePodCrashLooping" in card.wanted


def test_a_repeat_is_folded_and_starts_nothing(desk: Bench) -> None:
    intake.receive([alert()], desk.desk)

    receipt = intake.receive([alert()], desk.desk)

    assert receipt == Receipt(folded=1)
    assert len(desk.starts.all) == 1
    assert 'sayso_alerts_folded_total{source="alertmanager"} 1.0' in desk.desk.metrics.exposition().decode()


def test_the_alerts_of_one_delivery_are_told_apart(desk: Bench) -> None:
    told = [alert(), alert("fp-2"), alert("fp-3", deployment="api"), alert(), alert("fp-9", resolved=True)]

    receipt = intake.receive(told, desk.desk)

    assert (receipt.opened, receipt.folded) == (2, 1)
    assert desk.starts.runs == {"triage-1-1", "triage-2-1"}


def test_a_delivery_is_recorded_whole_or_not_at_all(desk: Bench) -> None:
    """The second of three cannot be stored: the sender comes again with all of them, and none is counted twice."""
    spoiled = alert("fp-2").model_copy(update={"starts_at": None})

    with pytest.raises(ValueError, match="starts_at"):
        intake.receive([alert(), spoiled, alert("fp-3")], desk.desk)

    with desk.database.reading() as session:
        assert incidents.listed(session, only_open=False, limit=9) == []
    assert (desk.starts.all, desk.entries()) == ([], [])


def test_an_alert_that_names_no_environment_is_of_ours(desk: Bench) -> None:
    intake.receive([alert(environment=None), alert("fp-2", environment="staging")], desk.desk)

    assert [incident(desk, number).environment for number in (1, 2)] == ["prod", "staging"]


@BOTH
def test_eight_deliveries_of_one_alert_at_once_are_all_taken(desk: Bench) -> None:
    with ThreadPoolExecutor(8) as pool:
        receipts = list(pool.map(lambda _: intake.receive([alert(), alert("fp-2")], desk.desk), range(8)))

    assert sum(receipt.opened for receipt in receipts) == 1
    assert sum(receipt.folded for receipt in receipts) == 14
    assert desk.starts.runs == {"triage-1-1"}
    with desk.database.reading() as session:
        assert [one.times for one in incidents.alerts_of(session, 1)] == [8, 8]


def test_the_last_end_resolves_the_incident(desk: Bench) -> None:
    intake.receive([alert(), alert("fp-2")], desk.desk)

    intake.receive([alert(resolved=True)], desk.desk)
    still = incident(desk).status
    receipt = intake.receive([alert("fp-2", resolved=True)], desk.desk)

    assert (still, incident(desk).status) == (IncidentStatus.OPEN, IncidentStatus.RESOLVED)
    assert receipt == Receipt(resolved=1)
    assert [event for _, event in desk.entries("incident:1")] == [
        "incident.opened",
        "incident.joined",
        "alert.resolved",
        "alert.resolved",
        "incident.resolved",
    ]


def test_an_alert_after_the_end_is_another_incident_with_a_run_of_its_own(desk: Bench) -> None:
    intake.receive([alert(), alert(resolved=True)], desk.desk)

    intake.receive([alert(starts_at=AT + timedelta(hours=1))], desk.desk)

    assert [incident(desk, number).status for number in (1, 2)] == ["resolved", "open"]
    assert desk.starts.all[-1] == ("triage", "triage-2-1", (2, 1))


def test_an_alert_after_the_fix_is_another_look_at_the_same_incident(desk: Bench) -> None:
    intake.receive([alert()], desk.desk)
    with desk.database.writing() as session:
        incidents.move(session, 1, IncidentStatus.MITIGATED, AT)

    receipt = intake.receive([alert(starts_at=AT + timedelta(hours=1))], desk.desk)

    assert receipt.opened == 1
    assert desk.starts.all[-1] == ("triage", "triage-1-2", (1, 2))


def clear(desk: Bench, number: int = 1) -> None:
    """The alert of the incident of that plan clears by itself."""
    resolved = alert(f"checkout-{number}", resolved=True, deployment=f"checkout-{number}")
    intake.receive([resolved], desk.desk)


@pytest.mark.parametrize("status", [S.PENDING, S.APPROVED])
def test_an_alert_that_clears_by_itself_closes_what_waits_for_people(desk: Bench, status: PlanStatus) -> None:
    desk.ask(status=status)

    clear(desk)

    stands = desk.plan()
    assert (stands.status, stands.outcome, stands.finished_at) == (S.CANCELLED, "The alert cleared by itself.", AT)
    assert incident(desk).status == IncidentStatus.RESOLVED
    assert 'sayso_plans_total{outcome="cancelled"} 1.0' in desk.desk.metrics.exposition().decode()


@pytest.mark.parametrize("status", [S.EXECUTING, S.VERIFYING, S.ROLLING_BACK])
def test_an_alert_that_clears_leaves_what_runs_to_its_end(desk: Bench, status: PlanStatus) -> None:
    desk.ask(status=status)

    clear(desk)

    assert desk.plan().status == status
    assert incident(desk).status == IncidentStatus.OPEN


@BOTH
def test_a_plan_cancelled_just_before_its_run_claims_it_lets_its_target_go(desk: Bench) -> None:
    desk.ask(status=S.APPROVED)
    start_if_free(1, desk.desk)

    clear(desk)

    assert locked(desk) == []
    waits_for_the_same = desk.ask(status=S.APPROVED, rehearsed=desk.plan().rehearsal)
    assert start_if_free(waits_for_the_same.id or 0, desk.desk) is True


def locked(desk: Bench) -> list[str]:
    with desk.database.reading() as session:
        return list(session.exec(select(ResourceLock.resource)))


@BOTH
@pytest.mark.parametrize(
    ("status", "why"), [(S.PENDING, "nobody answered"), (S.APPROVED, "approved, but never got to start")]
)
def test_an_open_plan_expires_when_its_time_is_up(desk: Bench, status: PlanStatus, why: str) -> None:
    desk.ask(status=status)
    desk.clock.at = SOON - timedelta(microseconds=1)
    expire(desk.desk)
    before = desk.plan().status
    desk.clock.at = SOON

    expire(desk.desk)
    expire(desk.desk)

    assert (before, desk.plan().status) == (status, S.EXPIRED)
    assert incident(desk).status == IncidentStatus.NEEDS_HUMAN
    assert why in (incident(desk).note or "")
    assert [event for _, event in desk.entries("plan:1")][-1:] == ["plan.expired"]
    assert 'sayso_plans_total{outcome="expired"} 1.0' in desk.desk.metrics.exposition().decode()


def test_a_plan_that_expires_just_before_its_run_claims_it_lets_its_target_go(desk: Bench) -> None:
    desk.ask(status=S.APPROVED)
    start_if_free(1, desk.desk)
    desk.clock.at = SOON

    expire(desk.desk)

    assert locked(desk) == []


@pytest.mark.parametrize("status", [s for s in PlanStatus if s not in plans.OPEN])
def test_what_runs_or_has_ended_never_expires(desk: Bench, status: PlanStatus) -> None:
    desk.ask(status=status)
    desk.clock.at = SOON + timedelta(days=1)

    expire(desk.desk)

    assert desk.plan().status == status


@BOTH
def test_replicas_that_sweep_at_once_expire_a_plan_once(desk: Bench) -> None:
    for _ in range(3):
        desk.ask()
    desk.clock.at = SOON

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: expire(desk.desk), range(6)))

    expired = [event for _, event in desk.entries() if event == "plan.expired"]
    assert len(expired) == 3
    with desk.database.reading() as session:
        assert audit.verify_all(session).fault is None


def test_the_sweep_starts_what_a_crash_left_approved(desk: Bench) -> None:
    """Approved and committed; the process died before it could start the run."""
    plan = desk.ask(status=S.APPROVED)

    sweep(desk.desk)

    assert ("remediate", run_id(plan), (1, run_id(plan))) in desk.starts.all


def test_the_sweep_looks_at_what_nobody_looked_at(desk: Bench) -> None:
    for number, status in enumerate(IncidentStatus, start=1):
        intake.receive([alert(f"fp-{number}", deployment=f"d-{number}")], desk.desk)
        with desk.database.writing() as session:
            incidents.move(session, number, status, AT)
    desk.starts.all.clear()

    sweep(desk.desk)

    assert desk.starts.runs == {"triage-1-1", "triage-2-1"}


def test_the_sweep_forgets_what_was_handled_a_week_ago(desk: Bench) -> None:
    with desk.database.writing() as session:
        inbox.accept(session, "old", "message", "{}", AT)
        inbox.handled(session, "old", AT)
    desk.clock.pass_(days=7, seconds=1)

    sweep(desk.desk)

    with desk.database.reading() as session:
        assert session.get(InboxEvent, "old") is None


def test_the_sweep_starts_the_most_severe_first_and_one_of_those_that_share_a_target(desk: Bench) -> None:
    first = desk.ask(status=S.APPROVED)
    desk.ask(status=S.APPROVED, rehearsed=first.rehearsal)
    third = desk.ask(status=S.APPROVED)
    with desk.database.writing() as session:
        worst = incidents.get(session, 3)
        worst.severity = Severity.SEV1
        session.add(worst)

    sweep(desk.desk)

    remediations = dict.fromkeys(run for name, run, _ in desk.starts.all if name == "remediate")
    assert list(remediations) == [run_id(third), run_id(first)]
    with desk.database.reading() as session:
        assert executions.has_locks(session, 2, ["kubernetes:shop:Deployment:checkout-1"]) is False
