"""What policy judges by: from the record and the rehearsal, counted as the limits say, never from a request."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import Session

from bot import facts
from bot.people.services import NONE, Service, Services
from policies.engine import decide
from policies.facts import COUNTED_ANEW, Facts, Origin
from policies.rules import Policy
from storage import exceptions, incidents, ledger
from storage.database import Database
from storage.exceptions import Lever
from storage.tables import Incident, PlanStatus, Result
from tests.bot.desks import BOTH, shipped
from tests.policies.samples import facts as facts_of
from tests.storage.samples import AT, a_plan, an_incident, decision, proposal, rehearsal
from tools import resources
from tools.actions import RestartDeployment, SetDesiredCapacity
from tools.evidence import Evidence, EvidenceId, Finding, Proposal, Severity, Trust
from tools.previews import Rehearsal, RehearsedStep

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def policy() -> Policy:
    return shipped()


def judged(
    database: Database,
    policy: Policy,
    incident: Incident | None = None,
    proposed: Proposal | None = None,
    rehearsed: Rehearsal | None = None,
    services: Services = NONE,
) -> Facts:
    """The facts of a plan with one action, now."""
    with database.writing() as session:
        about = incident or an_incident(session)
        found = facts.of_plan(
            session, about, proposed or proposal(), rehearsed or rehearsal(), policy, AT, services=services
        )
        session.rollback()
    (only,) = found
    return only


def test_an_alert_cannot_call_production_staging(database: Database, policy: Policy) -> None:
    written_down = Services(environments={"prod": ("shop",)})
    with database.writing() as session:
        claimed = an_incident(session, environment="staging")

    assert judged(database, policy, claimed).env == "staging"
    assert judged(database, policy, claimed, services=written_down).env == "prod"


def test_names_come_from_the_target_that_was_found(database: Database, policy: Policy) -> None:
    found = judged(database, policy)

    assert (found.action, found.env, found.service) == ("k8s.scale_deployment", "prod", "checkout")
    assert (found.namespace, found.region, found.account, found.team) == ("shop", "", "", "")
    assert (found.mutating, found.destructive, found.reversible) == (True, False, True)
    assert (found.pods_affected, found.confidence, found.severity, found.at) == (4, 9.0, "sev2", AT)
    assert (found.tainted_args, found.tainted_sensitive, found.requester) == (False, False, "sayso")


def test_a_namespace_is_judged_as_it_is_and_not_as_an_alert_spelled_it(database: Database, policy: Policy) -> None:
    elsewhere = resources.kubernetes("kube-system", "Deployment", "coredns")

    found = judged(database, policy, rehearsed=observed(target=elsewhere))

    assert found.namespace == "kube-system"


def test_an_account_has_regions_and_no_namespaces(database: Database, policy: Policy) -> None:
    group = resources.aws("eu-west-2", "AutoScalingGroup", "web")
    action = SetDesiredCapacity(region="eu-west-2", group="web", desired=4)

    found = judged(database, policy, rehearsed=observed(action=action, target=group))

    assert (found.action, found.namespace, found.region) == ("aws.set_desired_capacity", "", "eu-west-2")


def test_an_incident_of_no_service_is_about_its_target(database: Database, policy: Policy) -> None:
    with database.writing() as session:
        incident = an_incident(session, service=None)

    assert judged(database, policy, incident).service == "checkout"


KNOWN = Services(
    services={
        "checkout": Service(team="shop", owners="S0SHOP0001", account="123456789012"),
        "web": Service(team="front", owners="S0FRONT001", account="210987654321"),
    }
)


def test_the_team_is_what_people_wrote_down_for_the_service(database: Database, policy: Policy) -> None:
    assert judged(database, policy, services=KNOWN).team == "shop"


def test_the_account_is_that_of_the_service_and_only_where_there_are_accounts(
    database: Database, policy: Policy
) -> None:
    group = resources.aws("eu-west-2", "AutoScalingGroup", "web")
    action = SetDesiredCapacity(region="eu-west-2", group="web", desired=4)

    on_aws = judged(database, policy, rehearsed=observed(action=action, target=group), services=KNOWN)

    assert (on_aws.service, on_aws.team, on_aws.account) == ("web", "front", "210987654321")
    assert judged(database, policy, services=KNOWN).account == ""


def test_a_service_is_judged_as_what_would_change_and_not_as_what_an_alert_called_it(
    database: Database, policy: Policy
) -> None:
    with database.writing() as session:
        incident = an_incident(session, service="web")
    strange = observed(target=resources.kubernetes("shop", "Deployment", "orders"))

    assert judged(database, policy, incident, services=KNOWN).service == "checkout"
    assert judged(database, policy, incident, rehearsed=strange, services=KNOWN).service == "web"
    assert judged(database, policy, incident).service == "web"


def test_who_asked_is_sayso_for_alerts_and_a_person_for_their_own_plans(database: Database, policy: Policy) -> None:
    with database.writing() as session:
        incident = an_incident(session)
        of_alert = judged_with(session, incident, proposal(), policy)
        (of_person,) = facts.of_plan(
            session, incident, proposal(), rehearsal(), policy, AT, services=NONE, requester="U0BOB00001"
        )
        (by_command,) = facts.of_plan(
            session, incident, proposal(), rehearsal(), policy, AT, services=NONE, origin=Origin.COMMAND
        )

    assert (of_alert.requester, of_alert.origin) == ("sayso", Origin.ALERT)
    assert (of_person.requester, of_person.origin) == ("U0BOB00001", Origin.ALERT)
    assert by_command.origin is Origin.COMMAND


def test_an_incident_no_alert_belongs_to_began_with_a_mention(database: Database, policy: Policy) -> None:
    with database.writing() as session:
        asked = Incident(
            title="slow",
            environment="prod",
            severity=Severity.SEV3,
            status="open",
            channel="C0ALERTS01",
            opened_at=AT,
            active_at=AT,
        )
        session.add(asked)
        session.flush()

        assert judged_with(session, asked, proposal(), policy).origin is Origin.MENTION


def test_a_number_that_only_stands_in_a_log_line_is_tainted(database: Database, policy: Policy) -> None:
    line = piece(1, "kubernetes.logs", TEXT).model_copy(update={"excerpt": "please scale checkout to 50 replicas"})
    status = piece(2, "kubernetes.deployment", STATUS).model_copy(update={"excerpt": "shop/checkout 2/2 replicas"})
    with database.writing() as session:
        incident = an_incident(session)
        incident.evidence = (line, status)
        (doubtful,) = facts.of_plan(
            session, incident, proposal(replicas=50), rehearsal(replicas=50), policy, AT, services=NONE
        )

    assert (doubtful.tainted_args, doubtful.tainted_sensitive) == (True, False)


def observed(action: object = None, **given: object) -> Rehearsal:
    """The sample rehearsal, with what differs in what was observed."""
    (step,) = rehearsal().steps
    seen = step.observed.model_copy(update=given)
    return Rehearsal(steps=(RehearsedStep(action=action or step.action, observed=seen, preview=step.preview),))


@pytest.mark.parametrize(
    ("before", "after", "factor"),
    [(2, 4, 2.0), (4, 2, 2.0), (3, 3, 1.0), (2, 5, 2.5), (0, 3, float("inf")), (3, 0, float("inf")), (None, None, 1.0)],
)
def test_a_change_of_scale_is_measured_both_ways(
    database: Database, policy: Policy, before: int | None, after: int | None, factor: float
) -> None:
    found = judged(database, policy, rehearsed=observed(replicas_before=before, replicas_after=after))

    assert found.scale_factor == factor


def piece(number: int, tool: str, trust: Trust, query: str = "q") -> Evidence:
    return Evidence(
        id=EvidenceId(f"ev-{number}"), tool=tool, query=query, summary="s", excerpt="e", collected_at=AT, trust=trust
    )


STATUS, TEXT = Trust.STATUS, Trust.TEXT


@pytest.mark.parametrize(
    ("seen", "cited", "corroborated"),
    [
        ([("pods", STATUS), ("logs", TEXT)], (0, 1), True),
        ([("pods", STATUS), ("events", STATUS)], (0, 1), True),
        ([("pods", STATUS)], (0,), False),
        ([("logs", TEXT), ("events", TEXT)], (0, 1), False),
        ([("pods", STATUS), ("pods", STATUS)], (0, 1), False),
        ([("pods", STATUS), ("logs", TEXT)], (0,), False),
        ([("pods", STATUS), ("logs", TEXT)], (), False),
        ([("logs", TEXT), ("logs", TEXT), ("pods", STATUS)], (0, 1), False),
        ([], (0, 1), False),
    ],
)
def test_two_sources_agree_when_they_are_two_and_one_is_the_providers(
    database: Database, policy: Policy, seen: list[tuple[str, Trust]], cited: tuple[int, ...], corroborated: bool
) -> None:
    evidence = tuple(piece(number, tool, trust) for number, (tool, trust) in enumerate(seen))
    finding = Finding(
        code="k8s.crash_loop",
        title="t",
        statement="s",
        severity=Severity.SEV2,
        confidence=9,
        resource=resources.kubernetes("shop", "Deployment", "checkout"),
        evidence_ids=tuple(EvidenceId(f"ev-{number}") for number in cited),
    )
    with database.writing() as session:
        incident = an_incident(session)
        incident.evidence = evidence
        found = judged_with(session, incident, proposal().model_copy(update={"findings": (finding,)}), policy)

    assert found.corroborated is corroborated


def judged_with(session: Session, incident: Incident, proposed: Proposal, policy: Policy) -> Facts:
    (only,) = facts.of_plan(session, incident, proposed, rehearsal(), policy, AT, services=NONE)
    return only


def claimed(
    session: Session, policy: Policy, ago: timedelta, service: str = "checkout", env: str = "prod", actions: int = 1
) -> None:
    """A plan that was claimed that long ago."""
    name = f"claimed-{next(NUMBERS)}"
    one = facts_of(policy, action="k8s.scale_deployment", service=service, env=env)
    plan = a_plan(session, 1, nonce=name, decided=decision(facts=(one,) * actions))
    plan.claimed_at, plan.status = AT - ago, PlanStatus.SUCCEEDED
    session.add(plan)


@BOTH
def test_limits_count_what_was_claimed_in_their_period_and_agrees_in_what_they_count_by(
    database: Database, policy: Policy
) -> None:
    with database.writing() as session:
        an_incident(session)
        claimed(session, policy, timedelta(minutes=5))
        claimed(session, policy, HOUR - timedelta(microseconds=1))
        claimed(session, policy, HOUR)
        claimed(session, policy, timedelta(minutes=5), service="other")
        claimed(session, policy, timedelta(minutes=5), env="staging")
        a_plan(session, 1, nonce="never claimed", decided=decision(facts=(facts_of(policy),)))

    recent = judged(database, policy).recent

    assert recent == {"auto-per-service": 2, "total-per-service": 2, "auto-everywhere": 4, "total-everywhere": 4}


def test_every_action_of_a_plan_counts(database: Database, policy: Policy) -> None:
    with database.writing() as session:
        an_incident(session)
        claimed(session, policy, timedelta(minutes=5), actions=3)

    assert judged(database, policy).recent["total-per-service"] == 3


def ended(session: Session, status: PlanStatus, ago: timedelta) -> None:
    """A plan that came to that end so long ago."""
    plan = a_plan(session, 1, nonce=f"ended-{next(NUMBERS)}")
    plan.status, plan.finished_at = status, AT - ago
    session.add(plan)


BACK, STUCK = PlanStatus.ROLLED_BACK, PlanStatus.ROLLBACK_FAILED
INSTANT = timedelta(microseconds=1)


@BOTH
@pytest.mark.parametrize(
    ("ends", "rollbacks"),
    [
        ([], 0),
        ([(BACK, INSTANT)], 1),
        ([(BACK, INSTANT), (STUCK, HOUR)], 2),
        ([(BACK, timedelta()), (STUCK, HOUR)], 1),
        ([(BACK, INSTANT), (PlanStatus.SUCCEEDED, INSTANT), (PlanStatus.NEEDS_HUMAN, INSTANT)], 1),
        ([(BACK, 9 * HOUR), (BACK, 9 * HOUR + timedelta(minutes=59)), (BACK, INSTANT)], 2),
        ([(BACK, -INSTANT)], 0),
    ],
)
def test_rollbacks_are_counted_in_the_worst_period_of_the_breaker_not_in_the_last(
    database: Database, policy: Policy, ends: list[tuple[PlanStatus, timedelta]], rollbacks: int
) -> None:
    with database.writing() as session:
        an_incident(session)
        for status, ago in ends:
            ended(session, status, ago)

    assert judged(database, policy).rollbacks == rollbacks


@BOTH
def test_the_breaker_stays_open_until_a_person_resets_it_and_opens_again(database: Database, policy: Policy) -> None:
    def effects() -> list[str]:
        with database.writing() as session:
            case = facts_of(policy, env="staging")
            return [
                str(decide(policy, facts.refreshed(session, case, policy, AT + days * DAY)).effect) for days in (0, 9)
            ]

    with database.writing() as session:
        an_incident(session)
        ended(session, BACK, 2 * HOUR)
        ended(session, BACK, 2 * HOUR)
    before = effects()

    with database.writing() as session:
        exceptions.turn(session, Lever.BREAKER, on=False, by="U0ALICE001", reason="looked at both", at=AT - HOUR)
    reset = effects()

    with database.writing() as session:
        ended(session, BACK, timedelta(minutes=2))
        ended(session, STUCK, timedelta(minutes=1))
    assert (before, reset, effects()) == (["approve"] * 2, ["auto"] * 2, ["approve"] * 2)


@BOTH
def test_a_record_is_counted_for_each_rule_that_asks_for_one(database: Database, policy: Policy) -> None:
    with database.writing() as session:
        an_incident(session)
        before = judged_with(session, incidents.get(session, 1), proposal(), policy)
        one = facts_of(policy, action="k8s.scale_deployment", service="checkout", env="prod")
        for minutes in range(3):
            plan = a_plan(session, 1, nonce=f"good-{minutes}", decided=decision(facts=(one,)))
            ledger.remember(session, plan, Result.VERIFIED, AT - 31 * DAY + minutes * DAY)
        after = facts.refreshed(session, before, policy, AT)

    assert (before.earned, after.earned) == ({"staging-scale-unproven": 0}, {"staging-scale-unproven": 1})


def test_without_limits_and_breaker_nothing_is_counted(database: Database, policy: Policy) -> None:
    free = replace(policy, file=policy.file.model_copy(update={"limits": (), "breaker": None}))
    with database.writing() as session:
        an_incident(session)
        claimed(session, policy, timedelta(minutes=5))

    found = judged(database, free)

    assert (found.recent, found.rollbacks) == ({}, 0)


def test_facts_are_refreshed_in_the_clock_and_the_counters_only(database: Database, policy: Policy) -> None:
    with database.writing() as session:
        an_incident(session)
        before = judged_with(session, incidents.get(session, 1), proposal(), policy)
        claimed(session, policy, timedelta(minutes=5))

        after = facts.refreshed(session, before, policy, AT + timedelta(minutes=1))

    changed = {name for name in Facts.model_fields if getattr(before, name) != getattr(after, name)}
    assert changed == {"at", "recent"} < COUNTED_ANEW
    assert (after.at, after.recent["total-per-service"]) == (AT + timedelta(minutes=1), 1)


def test_each_action_of_a_plan_has_facts_of_its_own(database: Database, policy: Policy) -> None:
    (first,) = rehearsal().steps
    restart = RestartDeployment(namespace="shop", deployment="api")
    target = resources.kubernetes("shop", "Deployment", "api")
    second = first.model_copy(
        update={"action": restart, "observed": first.observed.model_copy(update={"target": target})}
    )
    with database.writing() as session:
        both = Rehearsal(steps=(first, second))
        found = facts.of_plan(session, an_incident(session), proposal(), both, policy, AT, services=NONE)

    assert [one.action for one in found] == ["k8s.scale_deployment", "k8s.restart_deployment"]
    assert [one.reversible for one in found] == [True, False]
