"""A second look, once, where the first saw nothing and the alert still fires."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from bot import intake, second_look, triage
from bot.sweep import sweep
from deploy.sandbox.workspace import Workspace
from storage import incidents
from storage.database import Database
from storage.tables import Incident, IncidentStatus, Message, Mind
from tests.bot.desks import BOTH, Bench, bench
from tests.bot.test_intake import alert
from tools.evidence import Evidence, Finding, Proposal, Severity
from tools.resources import kubernetes

AGAIN = ("triage", "triage-1-2", (1, 2))


@pytest.fixture
def desk(database: Database, ws: Workspace) -> Iterator[Bench]:
    """A desk with one incident, whose first look has begun."""
    ws.reset()
    with bench(database, ws) as made:
        intake.receive([alert()], made.desk)
        triage.begin(1, made.desk)
        yield made


def conclude(desk: Bench, *findings: Finding) -> None:
    """The look ends with this, and no plan."""
    told = Proposal(hypothesis="Nothing explains it", findings=findings, confidence=1)
    evidence: tuple[Evidence, ...] = ()
    with desk.database.writing() as session:
        incidents.conclude(
            session,
            1,
            mind=Mind(),
            proposal=told,
            evidence=evidence,
            gaps=(),
            advice=None,
            second=None,
            at=desk.clock(),
        )
    triage.propose(1, incident(desk).looks, desk.desk)


def incident(desk: Bench) -> Incident:
    with desk.database.reading() as session:
        return incidents.get(session, 1)


FINDING = Finding(
    code="k8s.crash",
    title="It crashes",
    statement="It exits with 1.",
    severity=Severity.SEV2,
    confidence=9,
    resource=kubernetes("shop", "Deployment", "checkout"),
    evidence_ids=(),
)


@BOTH
def test_what_showed_nothing_is_looked_at_again_after_half_a_minute(desk: Bench) -> None:
    conclude(desk)
    said = incident(desk).note
    desk.clock.pass_(seconds=29)
    sweep(desk.desk)
    early = AGAIN in desk.starts.all
    desk.clock.pass_(seconds=1)

    sweep(desk.desk)

    assert said == second_look.NOTE
    assert (early, AGAIN in desk.starts.all) == (False, True)
    assert (incident(desk).status, incident(desk).looks) == (IncidentStatus.OPEN, 2)
    assert ("sayso", "incident.second_look") in desk.entries("incident:1")
    with desk.database.reading() as session:
        assert "Looking again" in session.get_one(Message, "incident:1").wanted


@BOTH
def test_replicas_look_again_once(desk: Bench) -> None:
    conclude(desk)
    desk.clock.pass_(seconds=30)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: second_look.look_again(desk.desk), range(4)))

    assert desk.entries("incident:1").count(("sayso", "incident.second_look")) == 1
    assert incident(desk).looks == 2


def test_there_is_no_third_look(desk: Bench) -> None:
    conclude(desk)
    desk.clock.pass_(seconds=30)
    second_look.look_again(desk.desk)
    triage.begin(1, desk.desk)
    conclude(desk)
    desk.clock.pass_(minutes=5)

    second_look.look_again(desk.desk)

    assert incident(desk).looks == 2
    assert incident(desk).note is None


def test_what_cleared_meanwhile_is_left_alone(desk: Bench) -> None:
    conclude(desk)
    intake.receive([alert(resolved=True)], desk.desk)
    desk.clock.pass_(seconds=30)

    second_look.look_again(desk.desk)

    assert incident(desk).looks == 1


def test_a_known_cause_without_a_fix_is_not_looked_at_again(desk: Bench) -> None:
    conclude(desk, FINDING)
    desk.clock.pass_(seconds=30)

    second_look.look_again(desk.desk)

    assert incident(desk).looks == 1
    assert incident(desk).note is None


def test_old_incidents_are_not_looked_at_again_after_an_upgrade(desk: Bench) -> None:
    conclude(desk)
    desk.clock.pass_(minutes=10)

    second_look.look_again(desk.desk)

    assert incident(desk).looks == 1
