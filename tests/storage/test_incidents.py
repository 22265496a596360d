"""Alerts folded into incidents: what belongs together, what comes again, and what an end means."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, col, select

from storage import audit, incidents
from storage.database import Database
from storage.incidents import AlertNews, Received
from storage.tables import Alert, AlertStatus, Incident, IncidentStatus, Mind
from tests.storage.samples import AT, CHANNEL, news, proposal
from tools.evidence import Severity
from tools.subjects import AwsSubject, KubernetesSubject, Subject

LATER = AT + timedelta(minutes=5)
RESOLVED = {"status": AlertStatus.RESOLVED, "ends_at": LATER}
ALARM = AwsSubject(
    region="eu-west-2",
    alarm="web-cpu",
    namespace="AWS/EC2",
    metric="CPUUtilization",
    dimensions={"AutoScalingGroupName": "web"},
)


def tell(session: Session, **given: object) -> Received:
    """One delivery of an alert."""
    return incidents.receive(session, news(**given), channel=CHANNEL, at=AT)


def incident(session: Session, number: int = 1) -> Incident:
    return incidents.get(session, number)


def test_the_first_alert_opens_an_incident(database: Database) -> None:
    with database.writing() as session:
        received = tell(session)

    with database.reading() as session:
        opened = incident(session)
        assert received == Received(alert_id=1, incident_id=1, opened=True)
        assert (opened.title, opened.service, opened.environment) == ("checkout restarts", "checkout", "prod")
        assert (opened.status, opened.severity, opened.looks) == (IncidentStatus.OPEN, Severity.SEV2, 1)
        assert opened.subject == KubernetesSubject(namespace="shop", deployment="checkout")
        assert [alert.fingerprint for alert in incidents.alerts_of(session, 1)] == ["fp-1"]


def test_an_alert_without_a_summary_is_called_by_its_name(database: Database) -> None:
    with database.writing() as session:
        tell(session, annotations={})

        assert incident(session).title == "KubePodCrashLooping"


def test_a_repeat_is_counted_and_changes_nothing_else(database: Database) -> None:
    with database.writing() as session:
        tell(session)
        again = tell(session, severity=Severity.SEV1)

    with database.reading() as session:
        (alert,) = incidents.alerts_of(session, 1)
        assert again == Received(alert_id=1, incident_id=1, duplicate=True)
        assert alert.times == 2
        assert len(incidents.listed(session, only_open=False, limit=9)) == 1


def test_a_new_episode_of_an_open_cause_joins_it(database: Database) -> None:
    with database.writing() as session:
        tell(session)
        joined = tell(session, starts_at=LATER)

    assert joined == Received(alert_id=2, incident_id=1)


def test_an_end_resolves_its_episode_and_the_last_end_is_quiet(database: Database) -> None:
    with database.writing() as session:
        tell(session)
        tell(session, fingerprint="fp-2", name="HighErrorRate")

        first = tell(session, **RESOLVED)
        last = tell(session, fingerprint="fp-2", name="HighErrorRate", **RESOLVED)

        assert (first.quiet, last.quiet) == (False, True)
        assert [alert.ends_at for alert in incidents.alerts_of(session, 1)] == [LATER, LATER]


def test_an_end_told_twice_is_quiet_once(database: Database) -> None:
    with database.writing() as session:
        tell(session)

        told = [tell(session, **RESOLVED) for _ in range(2)]

    assert [(one.quiet, one.duplicate) for one in told] == [(True, False), (False, True)]


def test_an_end_that_does_not_say_when_it_began_ends_what_is_firing(database: Database) -> None:
    """CloudWatch's OK message carries the moment of the change only."""
    with database.writing() as session:
        tell(session, subject=ALARM, source="cloudwatch")
        ended = tell(session, subject=ALARM, source="cloudwatch", starts_at=LATER, **RESOLVED)

        (alert,) = incidents.alerts_of(session, 1)
        assert ended == Received(alert_id=1, incident_id=1, quiet=True)
        assert (alert.status, alert.ends_at) == (AlertStatus.RESOLVED, LATER)


def test_an_end_that_was_overtaken_by_a_new_beginning_ends_nothing(database: Database) -> None:
    """SNS does not keep order: the OK of 12:05 may come after the ALARM of 12:07."""
    with database.writing() as session:
        tell(session, subject=ALARM, starts_at=AT + timedelta(minutes=7))

        late = tell(session, subject=ALARM, starts_at=LATER, **RESOLVED)

        assert incidents.firing(session, 1) == 1
        assert (late.incident_id, late.quiet) == (None, False)


def test_an_end_nobody_knows_the_beginning_of_opens_nothing(database: Database) -> None:
    with database.writing() as session:
        received = tell(session, **RESOLVED)

        assert received == Received(alert_id=1, incident_id=None)
        assert incidents.listed(session, only_open=False, limit=9) == []


def test_a_beginning_that_comes_after_its_end_is_only_counted(database: Database) -> None:
    with database.writing() as session:
        tell(session, **RESOLVED)

        late = tell(session)

        assert (late.opened, late.duplicate) == (False, True)
        assert incidents.listed(session, only_open=False, limit=9) == []


@pytest.mark.parametrize(
    ("came", "stands"), [("sev2 sev1 sev3", "sev1"), ("sev4 sev3", "sev3"), ("sev1 sev4 sev4", "sev1")]
)
def test_severity_only_rises(database: Database, came: str, stands: str) -> None:
    with database.writing() as session:
        for number, severity in enumerate(came.split()):
            tell(session, fingerprint=f"fp-{number}", severity=Severity(severity))

    with database.reading() as session:
        assert incident(session).severity == stands


def kubernetes(**names: str) -> KubernetesSubject:
    return KubernetesSubject(**{"namespace": "shop", **names})


def alarm(**given: object) -> AwsSubject:
    return ALARM.model_copy(update=given)


CORRELATION: list[tuple[str, Subject | None, Subject | None, bool]] = [
    ("the same Deployment", kubernetes(deployment="web"), kubernetes(deployment="web"), True),
    ("two Deployments", kubernetes(deployment="web"), kubernetes(deployment="api"), False),
    ("two namespaces", kubernetes(deployment="web"), kubernetes(deployment="web", namespace="test"), False),
    ("a Deployment and its pod", kubernetes(deployment="web"), kubernetes(pod="web-7d9c5bf7c9-x2x4z"), True),
    ("two pods of one", kubernetes(pod="web-7d9c5bf7c9-x2x4z"), kubernetes(pod="web-58d6cc4b4f-q8kzp"), True),
    ("a pod that says its Deployment", kubernetes(deployment="web", pod="x-1"), kubernetes(deployment="web"), True),
    ("pods of a DaemonSet", kubernetes(pod="agent-x2x4z"), kubernetes(pod="agent-q8kzp"), True),
    ("two of a StatefulSet", kubernetes(pod="db-0"), kubernetes(pod="db-1"), False),
    ("a name that ends in a word", kubernetes(pod="redis-cache"), kubernetes(deployment="redis"), False),
    ("a Service of the same name", kubernetes(service="web"), kubernetes(deployment="web"), True),
    ("the namespace alone", kubernetes(), kubernetes(), True),
    ("the same instance group", alarm(), alarm(alarm="web-disk", metric="DiskUsed"), True),
    ("two instance groups", alarm(), alarm(dimensions={"AutoScalingGroupName": "api"}), False),
    ("two regions", alarm(), alarm(region="us-east-1"), False),
    ("the order of dimensions", alarm(dimensions={"a": "1", "b": "2"}), alarm(dimensions={"b": "2", "a": "1"}), True),
    ("no dimensions, two alarms", alarm(dimensions={}), alarm(dimensions={}, alarm="b"), False),
    ("a cluster and an account", kubernetes(deployment="web"), alarm(), False),
    ("nothing but a service", None, None, True),
    ("nothing, and a Deployment", None, kubernetes(deployment="checkout"), False),
]


@pytest.mark.parametrize(
    ("first", "second", "one"), [case[1:] for case in CORRELATION], ids=[c[0] for c in CORRELATION]
)
def test_alerts_of_one_cause_are_one_incident(first: Subject | None, second: Subject | None, one: bool) -> None:
    keys = {incidents.correlation_key(news(fingerprint=f"fp-{n}", subject=s)) for n, s in enumerate((first, second))}

    assert len(keys) == (1 if one else 2)


@pytest.mark.parametrize("subject", [kubernetes(deployment="web"), ALARM, None], ids=["cluster", "account", "neither"])
def test_staging_and_production_never_share_an_incident(subject: Subject | None) -> None:
    staging, prod = (news(environment=each, subject=subject) for each in ("staging", "prod"))

    assert incidents.correlation_key(staging) != incidents.correlation_key(prod)


def test_alerts_without_subject_or_service_stand_alone() -> None:
    loose = [news(fingerprint=f"fp-{number}", subject=None, service=None) for number in range(2)]

    assert len({incidents.correlation_key(each) for each in loose}) == 2


def test_a_new_alert_after_the_fix_looks_again(database: Database) -> None:
    with database.writing() as session:
        tell(session)
        incidents.conclude(
            session, 1, mind=Mind(), proposal=proposal(), evidence=(), gaps=(), advice="x", second=None, at=AT
        )
        incidents.move(session, 1, IncidentStatus.MITIGATED, AT)

        back = tell(session, starts_at=LATER)

        again = incident(session)
        assert back == Received(alert_id=2, incident_id=1, opened=True, reopened=True)
        assert (again.status, again.looks) == (IncidentStatus.OPEN, 2)
        assert (again.proposal, again.evidence, again.gaps, again.advice) == (None, None, None, None)
        assert "It is back" in (again.note or "")
        assert [entry.event for entry in audit.latest(session, 1)] == ["incident.reopened"]


@pytest.mark.parametrize("status", [s for s in IncidentStatus if s not in ("mitigated", "resolved")])
def test_a_new_alert_of_an_incident_being_worked_on_only_joins(database: Database, status: IncidentStatus) -> None:
    with database.writing() as session:
        tell(session)
        incidents.move(session, 1, status, AT)

        joined = tell(session, starts_at=LATER)

        assert (joined.opened, incident(session).status, incident(session).looks) == (False, status, 1)


def test_a_closed_incident_stays_closed_and_the_next_alert_opens_another(database: Database) -> None:
    with database.writing() as session:
        tell(session)
        assert incidents.move(session, 1, IncidentStatus.RESOLVED, LATER)

        moved = [incidents.move(session, 1, to, LATER) for to in IncidentStatus]
        fresh = tell(session, starts_at=LATER + timedelta(minutes=11))

        assert moved == [False] * len(IncidentStatus)
        assert (incident(session).status, incident(session).resolved_at) == (IncidentStatus.RESOLVED, LATER)
        assert fresh == Received(alert_id=2, incident_id=2, opened=True)


def test_moving_says_why_and_who(database: Database) -> None:
    with database.writing() as session:
        tell(session)
        incidents.move(session, 1, IncidentStatus.NEEDS_HUMAN, LATER, note="Nobody knows", actor="U0ALICE001")

    with database.reading() as session:
        (entry,) = audit.latest(session, 1)
        assert incident(session).note == "Nobody knows"
        assert (entry.event, entry.actor, entry.payload) == (
            "incident.needs_human",
            "U0ALICE001",
            '{"note":"Nobody knows"}',
        )


def test_what_a_crash_left_untouched_is_found(database: Database) -> None:
    with database.writing() as session:
        for number, status in enumerate(IncidentStatus, start=1):
            tell(session, fingerprint=f"fp-{number}", subject=kubernetes(deployment=f"d-{number}"))
            incidents.move(session, number, status, AT)

        waiting = {each.status for each in incidents.waiting_for_triage(session)}
        unresolved = {each.status for each in incidents.listed(session, only_open=True, limit=99)}

    assert waiting == {IncidentStatus.OPEN, IncidentStatus.INVESTIGATING}
    assert unresolved == set(IncidentStatus) - {IncidentStatus.RESOLVED}


def test_there_is_no_incident_nobody_opened(database: Database) -> None:
    with database.reading() as session, pytest.raises(KeyError, match="no incident 7"):
        incidents.get(session, 7)


def test_eight_deliveries_of_one_alert_at_once_are_one_incident(database: Database) -> None:
    """A pair of Alertmanagers, each retrying, and two replicas behind one address."""

    def deliver(_: int) -> Received:
        with database.writing() as session:
            return tell(session)

    with ThreadPoolExecutor(8) as pool:
        received = list(pool.map(deliver, range(8)))

    with database.reading() as session:
        (alert,) = incidents.alerts_of(session, 1)
        assert sum(one.opened for one in received) == 1
        assert sum(one.duplicate for one in received) == 7
        assert alert.times == 8
        assert audit.verify_all(session).entries == 1


def test_eight_different_alerts_of_one_cause_at_once_are_one_incident(database: Database) -> None:
    def deliver(number: int) -> Received:
        with database.writing() as session:
            return tell(session, fingerprint=f"fp-{number}")

    with ThreadPoolExecutor(8) as pool:
        received = list(pool.map(deliver, range(8)))

    assert {one.incident_id for one in received} == {1}
    assert sum(one.opened for one in received) == 1


DELIVERIES = st.lists(
    st.builds(
        lambda fingerprint, minute, status: news(
            fingerprint=fingerprint,
            status=status,
            starts_at=AT + timedelta(minutes=minute),
            ends_at=AT + timedelta(minutes=minute + 1) if status is AlertStatus.RESOLVED else None,
        ),
        st.sampled_from(["a", "b"]),
        st.integers(0, 3),
        st.sampled_from(AlertStatus),
    ),
    max_size=12,
)


@given(deliveries=DELIVERIES)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_in_any_order_there_is_one_open_incident_at_most_and_quiet_means_quiet(
    database: Database, deliveries: list[AlertNews]
) -> None:
    with database.writing() as session:
        for each in deliveries:
            received = incidents.receive(session, each, channel=CHANNEL, at=AT)
            if received.quiet:
                assert received.incident_id is not None
                assert incidents.firing(session, received.incident_id) == 0
            episodes = session.exec(select(Alert).where(col(Alert.incident_id).is_not(None))).all()
            assert len({(alert.fingerprint, alert.starts_at) for alert in episodes}) == len(episodes)
        assert len(incidents.listed(session, only_open=True, limit=9)) <= 1
        session.rollback()
