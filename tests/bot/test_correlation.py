"""One trouble, one incident, as people meet it: joined alerts, flapping, storms, and taking apart what is not one."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from slack_bolt import App
from sqlmodel import col, select

from bot import crowds, intake, regrouping, second_look, triage
from bot.alerts import AlertStatus, ParsedAlert
from bot.answers import Opens, Typed, command
from bot.investigation.rules import Conclusion
from bot.listeners import register
from bot.people import services
from bot.regrouping import Split
from bot.views.ids import ActionId
from bot.views.limits import view_violations, violations
from bot.weighing import weigh
from deploy.sandbox.workspace import SIGNING_SECRET
from deploy.sandbox.workspace.directory import ALERTS, TEAM_ID
from storage import incidents
from storage.tables import Incident, IncidentStatus, Message, Mind, PlanStatus
from tests.bot.desks import ALICE, BOB, BOTH, Bench, client_of
from tests.bot.test_listeners import connected, show
from tests.storage.samples import AT, a_plan
from tests.tools.kubernetes.pictures import deployment, picture, template
from tools.correlation.storms import PER_MINUTE
from tools.evidence import Finding, Proposal, Severity
from tools.resources import kubernetes
from tools.subjects import KubernetesSubject

GWEN, CAROL = "U0GUEST001", "U0CAROL001"
SERVICES = services.load(
    """\
services:
  payments: {team: pay, owners: S0ONCALL01, aliases: [payments-api]}
  web: {team: front, owners: S0ONCALL01, depends_on: [payments]}
"""
)


@pytest.fixture
def desk(desk: Bench) -> Bench:
    """A desk that knows what depends on what."""
    return replace(desk, desk=replace(desk.desk, services=SERVICES))


def alert(service: str, name: str = "HighErrorRate", *, resolved: bool = False, **given: object) -> ParsedAlert:
    """An alert about a service, with what differs."""
    usual: dict[str, object] = {
        "fingerprint": f"{service}-{name}",
        "source": "alertmanager",
        "name": name,
        "severity": Severity.SEV2,
        "status": AlertStatus.RESOLVED if resolved else AlertStatus.FIRING,
        "service": service,
        "environment": "prod",
        "labels": {"namespace": "shop", "deployment": service, "severity": "error"},
        "annotations": {},
        "starts_at": AT,
        "ends_at": AT if resolved else None,
        "generator_url": None,
        "group_key": "g",
    }
    return ParsedAlert.model_validate({**usual, **given})


def ring(desk: Bench, *services: str, **given: object) -> None:
    intake.receive([alert(service, **given) for service in services], desk.desk)  # type: ignore[arg-type]


def incident(desk: Bench, number: int = 1) -> Incident:
    with desk.database.reading() as session:
        return incidents.get(session, number)


def shown(desk: Bench, key: str = "incident:1") -> str:
    with desk.database.reading() as session:
        return session.get_one(Message, key).wanted


def joined(desk: Bench, number: int = 1) -> list[str]:
    """The identities that joined, oldest first."""
    with desk.database.reading() as session:
        return list(incidents.memberships(session, number))


@BOTH
def test_what_depends_on_an_ailing_service_joins_its_incident_and_the_card_says_why(desk: Bench) -> None:
    ring(desk, "payments")

    ring(desk, "web")

    card = shown(desk)
    assert desk.starts.runs == {"triage-1-1"}
    assert "HighErrorRate: one hop from payments; same namespace, shop" in card
    assert "Joined alerts" in card


def test_a_service_is_known_by_its_other_names(desk: Bench) -> None:
    ring(desk, "payments-api")

    assert incident(desk).service == "payments"


@pytest.mark.parametrize(
    ("given", "severity"),
    [
        ({"name": "TargetDown", "labels": {"namespace": "shop"}, "severity": "sev3"}, "sev2"),
        ({"name": "TargetDown", "labels": {"namespace": "shop", "severity": "warning"}, "severity": "sev3"}, "sev3"),
        ({"name": "SlowAnswers", "labels": {"namespace": "shop"}, "severity": "sev3"}, "sev3"),
    ],
)
def test_an_alert_without_a_severity_of_its_own_gets_one_by_rule(
    desk: Bench, given: dict[str, object], severity: str
) -> None:
    ring(desk, "web", **given)

    assert incident(desk).severity == severity


def test_the_kind_of_trouble_is_on_the_card(desk: Bench) -> None:
    ring(desk, "web", name="KubePodCrashLooping")

    assert incident(desk).category == "crash"
    assert "Severity SEV2 · crash" in shown(desk)


def test_a_flapping_alert_makes_one_thread_and_its_card_is_drawn_once_a_minute(desk: Bench) -> None:
    ring(desk, "web")
    for _ in range(2):  # cleared and back, twice
        ring(desk, "web", resolved=True, starts_at=desk.clock())
        desk.clock.pass_(minutes=2)
        ring(desk, "web", starts_at=desk.clock())
    drawn = shown(desk)

    desk.clock.pass_(seconds=10)
    ring(desk, "web", name="Slow", starts_at=desk.clock())
    held_back = shown(desk)
    crowds.settle(desk.desk)
    still_held_back = shown(desk)
    desk.clock.pass_(minutes=1)
    crowds.settle(desk.desk)

    assert "It is back, for the 2nd time in 4 min: flapping." in drawn
    assert (held_back, still_held_back) == (drawn, drawn)
    assert "Slow" in shown(desk)
    assert [number for number in (1, 2) if f"triage-{number}-1" in desk.starts.runs] == [1]


def storm(desk: Bench, count: int) -> int:
    """So many services ring one after the other; the number of the storm's incident."""
    for number in range(count):
        ring(desk, f"s{number:02}x", starts_at=desk.clock() + timedelta(milliseconds=number))
    with desk.database.reading() as session:
        return session.exec(select(Incident.id).where(col(Incident.open_key) == "prod:storm")).one() or 0


def test_a_storm_is_one_thread_with_a_summary_that_is_edited_in_place(desk: Bench) -> None:
    number = storm(desk, PER_MINUTE + 3)
    first = shown(desk, f"incident:{number}:storm")
    desk.clock.pass_(seconds=16)

    ring(desk, "late", starts_at=desk.clock())

    after = shown(desk, f"incident:{number}:storm")
    assert "`s00x` ×1" in first
    assert "candidates: they began first" in first
    assert f"*{PER_MINUTE + 4} alerts in this storm.*" in after
    assert incident(desk, number).title == "Alert storm in prod"
    assert incident(desk, 1).note == f"Merged into INC-{number}."
    assert [list(violations(json.loads(one))) for one in (first, after)] == [[], []]


def take_out(desk: Bench, identity: str, user_id: str = ALICE, number: int = 1) -> str:
    told = regrouping.split(Split(user_id=user_id, team_id=TEAM_ID, incident_id=number, identity=identity), desk.desk)
    return json.dumps(told)


def test_an_alert_that_was_taken_out_is_looked_at_by_itself(desk: Bench) -> None:
    ring(desk, "payments", "web")

    told = take_out(desk, joined(desk)[0])

    assert "It is INC-2 now" in told
    assert desk.starts.all[-1] == ("triage", "triage-2-1", (2, 1))
    assert incident(desk, 2).subject is not None
    assert "Taken out of INC-1." in shown(desk, "incident:2")
    assert "Joined alerts" not in shown(desk)


def test_what_had_cleared_already_is_closed_once_it_is_taken_out(desk: Bench) -> None:
    ring(desk, "payments", "web")
    ring(desk, "web", resolved=True)

    take_out(desk, joined(desk)[0])

    assert incident(desk, 2).status == IncidentStatus.RESOLVED
    assert desk.starts.runs == {"triage-1-1"}


@pytest.mark.parametrize(
    ("user_id", "identity", "says"),
    [(GWEN, "", "guests may not"), (ALICE, "0" * 16, "not in it any more")],
)
def test_what_cannot_be_taken_out_stays(desk: Bench, user_id: str, identity: str, says: str) -> None:
    ring(desk, "payments", "web")

    told = take_out(desk, identity or joined(desk)[0], user_id)

    assert says in told
    assert len(joined(desk)) == 1


def test_the_list_of_joined_alerts_says_why_each_is_there(desk: Bench) -> None:
    ring(desk, "payments", "web")

    form = regrouping.form(1, desk.desk)

    assert "one hop from payments" in json.dumps(form)
    assert list(view_violations(form)) == []


def test_the_button_lists_what_joined_and_takes_one_out(desk: Bench) -> None:
    app = App(client=client_of(desk.workspace), signing_secret=SIGNING_SECRET, process_before_response=True)
    register(app, desk.desk)
    ring(desk, "payments", "web")
    show(desk)
    with desk.database.reading() as session:
        card = session.get_one(Message, "incident:1").ts or ""

    with connected(app, desk.workspace):
        alice = desk.workspace.person("alice")
        alice.click(ALERTS, card, ActionId.SPLIT)
        modal = desk.workspace.wait_for_view("alice", "INC-1: joined")
        alice.submit(modal, {"alert": joined(desk)[0]})
        told = desk.workspace.wait_for_ephemeral("alice", "It is INC-2 now")

    assert told.thread_ts == card
    assert [one for one in (joined(desk), joined(desk, 2)) if one] == []


def test_the_second_look_goes_where_another_alert_points(desk: Bench) -> None:
    ring(desk, "web")
    triage.begin(1, desk.desk)
    ring(desk, "payments")
    with desk.database.writing() as session:
        nothing = Proposal(hypothesis="Nothing shows", confidence=1)
        given = {"evidence": (), "gaps": (), "advice": None, "second": None}
        incidents.conclude(session, 1, mind=Mind(), proposal=nothing, at=AT, **given)  # type: ignore[arg-type]
    triage.propose(1, 1, desk.desk)
    desk.clock.pass_(seconds=31)

    second_look.look_again(desk.desk)

    assert incident(desk).looks == 2
    assert incident(desk).subject == KubernetesSubject(namespace="shop", deployment="payments")


def say(desk: Bench, words: str, user_id: str = ALICE) -> str:
    typed = Typed(key=f"{words}-{user_id}-{desk.clock()}", user_id=user_id, team_id=TEAM_ID, text=words)
    answer = command(typed, desk.desk)
    return json.dumps(answer.view if isinstance(answer, Opens) else answer)


def test_two_incidents_can_be_put_together_by_a_command_and_taken_apart_again(desk: Bench) -> None:
    ring(desk, "payments", "cart")

    told = say(desk, "merge INC-2 into INC-1")
    form = say(desk, "split INC-1")

    assert "INC-2 was merged into INC-1." in told
    assert (incident(desk, 2).status, incident(desk, 2).merged_into) == (IncidentStatus.RESOLVED, 1)
    assert f"was INC-2: merged by {ALICE}" in form
    assert "Merged into INC-1." in shown(desk, "incident:2")
    take_out(desk, joined(desk)[0])
    assert (incident(desk, 2).status, incident(desk, 2).looks) == (IncidentStatus.OPEN, 2)


@BOTH
def test_a_plan_that_waits_is_cancelled_by_a_merge_and_never_carried_over(desk: Bench) -> None:
    ring(desk, "payments", "cart")
    with desk.database.writing() as session:
        a_plan(session, 2)
        incidents.move(session, 2, IncidentStatus.AWAITING_APPROVAL, AT)

    by_a_stranger = say(desk, "merge INC-2 into INC-1", user_id=CAROL)
    before = desk.plan().status
    say(desk, "merge INC-2 into INC-1", user_id=BOB)

    assert "only people of the approver groups" in by_a_stranger
    assert before == PlanStatus.PENDING
    assert (desk.plan().status, desk.plan().outcome) == (PlanStatus.CANCELLED, "INC-2 was merged into INC-1.")


def test_an_incident_whose_plan_runs_is_not_merged_and_nothing_changes(desk: Bench) -> None:
    ring(desk, "payments", "cart")
    with desk.database.writing() as session:
        a_plan(session, 2, status=PlanStatus.EXECUTING)
        a_plan(session, 2, nonce="waits")

    told = say(desk, "merge INC-2 into INC-1")

    assert "a plan that is not at its end" in told
    assert (desk.plan(2).status, incident(desk, 2).status) == (PlanStatus.PENDING, IncidentStatus.OPEN)


@pytest.mark.parametrize("words", ["merge", "merge INC-2", "merge INC-2 into", "merge a into b"])
def test_an_order_that_names_no_two_incidents_says_how_to_say_it(desk: Bench, words: str) -> None:
    assert "/sayso merge INC-8 into INC-7" in say(desk, words)


def test_incidents_of_two_environments_are_merged_only_when_somebody_insists(desk: Bench) -> None:
    ring(desk, "payments")
    ring(desk, "cart", environment="staging")

    told = [say(desk, words) for words in ("merge INC-2 into INC-1", "merge INC-2 into INC-1 anyway")]

    assert "INC-2 is in staging" in told[0]
    assert "INC-2 was merged into INC-1." in told[1]


BLAMED = Finding(
    code="k8s.crash_loop",
    title="Crash loop",
    statement="It crashes",
    severity=Severity.SEV2,
    confidence=9,
    resource=kubernetes("shop", "Deployment", "web"),
    evidence_ids=(),
)


@pytest.mark.parametrize(("available", "severity"), [(0, "sev1"), (1, "sev2")])
def test_a_workload_with_no_replica_left_in_production_is_an_outage(desk: Bench, available: int, severity: str) -> None:
    ring(desk, "web")
    seen = picture(workloads=(deployment(template(), available=available),))
    found = Conclusion(proposal=Proposal(hypothesis="x", findings=(BLAMED,), confidence=9), picture=seen)

    with desk.database.writing() as session:
        weigh(session, incidents.get(session, 1), found, desk.desk)

    assert incident(desk).severity == severity
    assert bool(incident(desk).remarks) is (available == 0)
