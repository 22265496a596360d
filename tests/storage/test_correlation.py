"""What joins an open incident, what comes back, what a storm takes in, and what people take apart or put together."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlmodel import Session

from storage import audit, incidents, investigations
from storage.database import Database
from storage.incidents import Received, Refused
from storage.tables import AlertStatus, Incident, IncidentStatus, Investigation, Mind, PlanStatus
from tests.storage.samples import AT, CHANNEL, a_plan, news, proposal
from tools.changes import Change
from tools.correlation.profile import service
from tools.correlation.storms import PER_MINUTE
from tools.evidence import Finding, Proposal, Severity
from tools.radius import BlastRadius, Checked
from tools.resources import kubernetes
from tools.severity import Weighed
from tools.subjects import KubernetesSubject
from tools.topology import Link, Relation, Topology

ALICE = "U0ALICE001"
ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
"""For what asks the database nothing that another test has not asked both kinds."""
SHOP = Topology(
    links=(Link(source=service("web"), relation=Relation.DEPENDS_ON, target=service("payments")),),
)


def at(minutes: float) -> datetime:
    return AT + timedelta(minutes=minutes)


def ring(
    session: Session,
    deployment: str,
    name: str = "HighErrorRate",
    *,
    minutes: float = 0,
    resolved: bool = False,
    began: float | None = None,
    topology: Topology = SHOP,
    **given: object,
) -> Received:
    """An alert about a Deployment rings, or clears."""
    started = at(minutes if began is None else began)
    said: dict[str, object] = {
        "fingerprint": f"{deployment}-{name}",
        "name": name,
        "service": deployment,
        "labels": {"namespace": "shop", "deployment": deployment},
        "annotations": {},
        "subject": KubernetesSubject(namespace="shop", deployment=deployment),
        "starts_at": started,
        "status": AlertStatus.RESOLVED if resolved else AlertStatus.FIRING,
        "ends_at": at(minutes) if resolved else None,
        **given,
    }
    return incidents.receive(session, news(**said), channel=CHANNEL, at=at(minutes), around=topology)


def clear(session: Session, deployment: str, *, began: float, minutes: float) -> None:
    """The last alert clears, and the incident with it."""
    received = ring(session, deployment, began=began, minutes=minutes, resolved=True)
    assert received.quiet
    incidents.move(session, received.incident_id or 0, IncidentStatus.RESOLVED, at(minutes))


def conclude(session: Session, number: int, found: Proposal, **given: object) -> None:
    incidents.conclude(
        session,
        number,
        mind=Mind(),
        proposal=found,
        evidence=(),
        gaps=(),
        advice=None,
        second=None,
        at=AT,
        **given,  # type: ignore[arg-type]
    )


NOTHING = Proposal(hypothesis="Nothing shows", confidence=1)
FOUND = Proposal(
    hypothesis="It is out of memory",
    findings=(
        Finding(
            code="k8s.oom_killed",
            title="Out of memory",
            statement="Killed",
            severity=Severity.SEV2,
            confidence=9,
            resource=kubernetes("shop", "Deployment", "web"),
            evidence_ids=(),
        ),
    ),
    confidence=9,
)


def test_what_fits_an_open_incident_joins_it_and_says_why(database: Database) -> None:
    with database.writing() as session:
        ring(session, "payments", "ConnectionsExhausted")

        joined = ring(session, "web", minutes=2)

    with database.reading() as session:
        (why,) = incidents.memberships(session, 1).values()
        (entry,) = audit.latest(session, 1)
        assert joined == Received(alert_id=2, incident_id=1)
        assert why.reasons == ("one hop from payments", "same namespace, shop")
        assert (entry.event, "one hop from payments" in entry.payload) == ("incident.joined", True)
        assert [name for name, _ in incidents.latest_memberships(session, 1)] == ["HighErrorRate"]


APART: list[tuple[str, dict[str, object]]] = [
    ("an unrelated service of the namespace", {"deployment": "cart"}),
    ("the same text in another environment", {"deployment": "web", "environment": "staging"}),
    ("the same service in another environment", {"deployment": "payments", "name": "Slow", "environment": "staging"}),
    ("an incident that was quiet for too long", {"deployment": "web", "minutes": 6}),
]


@pytest.mark.parametrize("given", [case[1] for case in APART], ids=[case[0] for case in APART])
def test_what_does_not_fit_gets_an_incident_of_its_own(database: Database, given: dict[str, object]) -> None:
    with database.writing() as session:
        ring(session, "payments")

        assert ring(session, **given).incident_id == 2  # type: ignore[arg-type]


def test_an_incident_takes_nothing_in_half_an_hour_after_it_was_opened(database: Database) -> None:
    with database.writing() as session:
        for minutes in range(0, 32, 4):
            ring(session, "payments", f"Alert{minutes}", minutes=minutes)

        assert ring(session, "web", minutes=31).incident_id == 2


CART = kubernetes("shop", "Deployment", "cart")
DEPLOYED = Change(at=at(-4), resource=CART, what="image", source="rollout")


def test_a_change_that_an_incident_is_put_down_to_ties_the_next_alert_to_it(database: Database) -> None:
    blamed = FOUND.model_copy(update={"findings": (FOUND.findings[0].model_copy(update={"resource": CART}),)})
    with database.writing() as session:
        ring(session, "payments")
        conclude(session, 1, blamed, changes=(DEPLOYED,))

        ring(session, "cart", minutes=1)

        (why,) = incidents.memberships(session, 1).values()
        assert "cart was changed 5 min earlier" in why.reasons


@ON_SQLITE
def test_neighbours_that_fail_each_by_their_own_rollout_stay_apart(database: Database) -> None:
    ill = BlastRadius(affected=(Checked(resource=CART, detail="0 of 2 available"),))
    with database.writing() as session:
        ring(session, "payments")
        conclude(session, 1, FOUND, changes=(DEPLOYED,), radius=ill)

        joined = ring(session, "cart", minutes=1)

        assert (joined.incident_id, joined.opened) == (2, True)


def test_an_alert_that_joins_leaves_a_plan_that_waits_alone(database: Database) -> None:
    with database.writing() as session:
        ring(session, "payments")
        conclude(session, 1, proposal())
        a_plan(session, 1)
        incidents.move(session, 1, IncidentStatus.AWAITING_APPROVAL, AT)

        joined = ring(session, "web", minutes=1)

        incident = incidents.get(session, 1)
        assert (joined.incident_id, joined.opened) == (1, False)
        assert (incident.status, incident.looks) == (IncidentStatus.AWAITING_APPROVAL, 1)


def test_where_nothing_was_found_an_alert_that_joins_says_where_else_to_look(database: Database) -> None:
    with database.writing() as session:
        ring(session, "web")
        conclude(session, 1, NOTHING)
        incidents.move(session, 1, IncidentStatus.NEEDS_HUMAN, AT)

        joined = ring(session, "payments", minutes=0.5)

        incident = incidents.get(session, 1)
        assert (joined.incident_id, joined.opened, incident.looks) == (1, True, 2)
        assert incident.subject == KubernetesSubject(namespace="shop", deployment="payments")


def test_what_is_back_within_ten_minutes_is_the_same_incident(database: Database) -> None:
    with database.writing() as session:
        ring(session, "web")
        clear(session, "web", began=0, minutes=3)

        back = ring(session, "web", minutes=12)

        incident = incidents.get(session, 1)
        assert (back.incident_id, back.opened, back.reopened) == (1, True, True)
        assert (incident.status, incident.flaps, incident.resolved_at) == (IncidentStatus.OPEN, 1, None)
        assert (incident.note or "").startswith("It is back")
        assert audit.latest(session, 1)[0].event == "incident.reopened"


@pytest.mark.parametrize(
    "given", [{"minutes": 14}, {"minutes": 4, "deployment": "cart"}, {"minutes": 4, "name": "Slow"}]
)
def test_what_comes_later_or_is_another_alert_is_another_incident(database: Database, given: dict[str, object]) -> None:
    with database.writing() as session:
        ring(session, "web")
        clear(session, "web", began=0, minutes=3)

        assert ring(session, **{"deployment": "web", **given}).incident_id == 2  # type: ignore[arg-type]


def test_a_flapping_incident_is_not_looked_at_again_each_time(database: Database) -> None:
    looks: list[bool] = []
    with database.writing() as session:
        ring(session, "web")
        for minutes in (2, 4, 6, 12):
            clear(session, "web", began=minutes - 2 if minutes < 12 else 6, minutes=minutes - 1)
            looks.append(ring(session, "web", minutes=minutes).opened)
            looked(session, minutes)

        incident = incidents.get(session, 1)
        assert looks == [True, True, False, True]
        assert incident.flaps == 4
        assert incident.note == "It is back, for the 4th time in 12 min: flapping."


def looked(session: Session, minutes: float) -> None:
    """The look that was started, if one was, took place."""
    incident = incidents.get(session, 1)
    if incident.status == IncidentStatus.OPEN:
        look = Investigation(
            incident_id=1,
            look=incident.looks,
            started_at=at(minutes),
            finished_at=at(minutes),
            version="0",
            mind=Mind(),
            proposal=NOTHING,
            evidence=(),
            reads=(),
        )
        investigations.keep(session, look)


def split(database: Database, identity: str, incident_id: int = 1) -> Incident:
    with database.writing() as session:
        about = KubernetesSubject(namespace="shop", deployment="web")
        incident = incidents.get(session, incident_id)
        return incidents.split(session, incident, identity, about, by=ALICE, at=at(3))


def of_web(database: Database) -> str:
    with database.reading() as session:
        return next(iter(incidents.memberships(session, 1)))


def joined_pair(database: Database) -> None:
    with database.writing() as session:
        ring(session, "payments")
        ring(session, "web", minutes=1)


def test_what_is_taken_out_gets_an_incident_of_its_own_and_stays_out(database: Database) -> None:
    joined_pair(database)

    apart = split(database, of_web(database))

    with database.writing() as session:
        again = [ring(session, "web", minutes=minutes) for minutes in (3, 3.5)]
        others = ring(session, "web", "Slow", minutes=4)
        assert (apart.id, apart.status, apart.title) == (2, IncidentStatus.OPEN, "HighErrorRate")
        assert [one.incident_id for one in again] == [2, 2]
        assert others.incident_id == 2
        assert [alert.service for alert in incidents.alerts_of(session, 1)] == ["payments"]
        events = [entry.event for entry in reversed(audit.latest(session, 9)) if entry.actor == ALICE]
        assert events == ["incident.split", "incident.opened"]


def test_what_was_taken_out_stays_out_when_both_come_back(database: Database) -> None:
    joined_pair(database)
    split(database, of_web(database))
    with database.writing() as session:
        for number in (1, 2):
            incidents.move(session, number, IncidentStatus.RESOLVED, at(5))

        came = [ring(session, name, minutes=60) for name in ("payments", "web")]

        assert [one.incident_id for one in came] == [3, 4]


def test_the_alert_that_opened_an_incident_cannot_be_taken_out(database: Database) -> None:
    joined_pair(database)
    with database.reading() as session:
        opener = incidents.anchor_of(session, 1)

    with pytest.raises(Refused, match="not in it"):
        split(database, opener)


def test_two_people_who_take_the_same_alert_out_make_one_incident(database: Database) -> None:
    joined_pair(database)
    identity = of_web(database)

    def take_out(_: int) -> int:
        try:
            return split(database, identity).id or 0
        except Refused:
            return 0

    with ThreadPoolExecutor(4) as pool:
        came = sorted(pool.map(take_out, range(4)))

    assert came == [0, 0, 0, 2]


def test_a_merge_moves_the_alerts_and_a_split_takes_it_back_whole(database: Database) -> None:
    with database.writing() as session:
        ring(session, "payments")
        ring(session, "cart")
        ring(session, "cart", "Slow", minutes=1)
        one, into = incidents.get(session, 2), incidents.get(session, 1)
        incidents.merge(session, one, into, by=ALICE, at=at(2))
        assert (one.status, one.merged_into, one.note) == (IncidentStatus.RESOLVED, 1, "Merged into INC-1.")
        assert len(incidents.alerts_of(session, 1)) == 3
        identity = next(iter(incidents.memberships(session, 1)))

    apart = split(database, identity)

    with database.reading() as session:
        assert (apart.id, apart.merged_into, apart.looks, apart.status) == (2, None, 2, IncidentStatus.OPEN)
        assert [len(incidents.alerts_of(session, number)) for number in (1, 2)] == [1, 2]


def test_people_may_put_together_again_what_they_took_apart(database: Database) -> None:
    joined_pair(database)
    split(database, of_web(database))
    with database.writing() as session:
        incidents.merge(session, incidents.get(session, 2), incidents.get(session, 1), by=ALICE, at=at(4))
        for number in (1,):
            incidents.move(session, number, IncidentStatus.RESOLVED, at(5))

        came = [ring(session, name, minutes=60) for name in ("payments", "web")]

        assert [one.incident_id for one in came] == [3, 3]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"environment": "staging"}, "is in staging"),
        ({"closed": True}, "is closed"),
        ({"itself": True}, "one and the same"),
    ],
)
def test_what_cannot_be_merged_is_refused(database: Database, given: dict[str, object], why: str) -> None:
    with database.writing() as session:
        ring(session, "payments")
        ring(session, "cart", environment=given.get("environment", "prod"))
        if given.get("closed"):
            incidents.move(session, 2, IncidentStatus.RESOLVED, AT)
        one, into = incidents.get(session, 2), incidents.get(session, 2 if given.get("itself") else 1)

        with pytest.raises(Refused, match=why):
            incidents.merge(session, one, into, by=ALICE, at=AT)


@pytest.mark.parametrize("status", [PlanStatus.PENDING, PlanStatus.EXECUTING])
def test_an_incident_with_a_plan_under_way_is_never_merged_silently(database: Database, status: PlanStatus) -> None:
    with database.writing() as session:
        ring(session, "payments")
        ring(session, "cart")
        a_plan(session, 2, status=status)

        with pytest.raises(Refused, match="plan that is not at its end"):
            incidents.merge(session, incidents.get(session, 2), incidents.get(session, 1), by=ALICE, at=AT)


def storm(session: Session, count: int, *, minutes: float = 0.1) -> list[Received]:
    return [ring(session, f"s{number:02}x", minutes=minutes) for number in range(count)]


def test_more_alerts_than_people_can_read_are_one_incident(database: Database) -> None:
    with database.writing() as session:
        storm(session, PER_MINUTE - 1)
        conclude(session, 2, FOUND)
        before = len(incidents.listed(session, only_open=True, limit=99))

        storm(session, PER_MINUTE + 5, minutes=0.5)

        left = incidents.listed(session, only_open=True, limit=99)
        assert before == PER_MINUTE - 1
        assert [one.title for one in left] == ["Alert storm in prod", "HighErrorRate"]
        assert (left[0].id, left[1].id, incidents.is_storm(left[0])) == (PER_MINUTE, 2, True)
        why = next(iter(incidents.memberships(session, PER_MINUTE).values()))
        assert "alert storm" in why.reasons[0]


@ON_SQLITE
def test_after_the_storm_a_new_alert_is_an_incident_again(database: Database) -> None:
    with database.writing() as session:
        storm(session, PER_MINUTE + 5)
        folded = ring(session, "payments", minutes=0.2)

        later = ring(session, "web", minutes=3)

        assert incidents.is_storm(incidents.get(session, folded.incident_id or 0))
        assert incidents.get(session, later.incident_id or 0).title == "HighErrorRate"


@ON_SQLITE
def test_a_storm_does_not_take_in_what_belongs_to_an_open_incident(database: Database) -> None:
    with database.writing() as session:
        storm(session, PER_MINUTE - 1)
        conclude(session, 2, FOUND)
        storm(session, PER_MINUTE + 5)

        assert ring(session, "s01x", "Slow", minutes=0.5).incident_id == 2


@ON_SQLITE
def test_a_storm_of_staging_is_none_of_production(database: Database) -> None:
    with database.writing() as session:
        for number in range(PER_MINUTE + 2):
            ring(session, f"s{number}x", environment="staging")

        assert incidents.get(session, ring(session, "web").incident_id or 0).title == "HighErrorRate"


def test_severity_is_raised_once_and_never_lowered(database: Database) -> None:
    with database.writing() as session:
        ring(session, "web")

        told = [
            incidents.raise_severity(session, 1, Weighed(severity=Severity(to), why="no replica is left"), AT)
            for to in ("sev1", "sev1", "sev3")
        ]

        assert told == [True, False, False]
        assert incidents.get(session, 1).severity == "sev1"
        assert audit.latest(session, 1)[0].event == "incident.severity_raised"
