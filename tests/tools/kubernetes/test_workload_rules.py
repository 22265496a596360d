"""Workloads as wholes: what each rule says of a picture made for it, and what it says in words."""

from __future__ import annotations

import pytest

from bot.evaluation.claims import unfounded
from tests.tools.kubernetes.pictures import (
    ago,
    container,
    deployment,
    ended,
    log,
    picture,
    pod,
    state,
    template,
    unplaced,
)
from tests.tools.kubernetes.workload_faults import CASES
from tests.tools.kubernetes.workloads import (
    cron,
    failed,
    job,
    run,
)
from tools.diagnosis.kubernetes.diagnosing import diagnose
from tools.evidence import Proposal, Role
from tools.reads.kubernetes.picture import Picture


@pytest.mark.parametrize("case", CASES, ids=list(CASES))
def test_each_fault_of_a_workload_is_told_first_and_with_evidence_for_its_words(case: str) -> None:
    code, seen = CASES[case]

    diagnosis = diagnose(seen)

    told = diagnosis.causes[0].finding
    assert told.code == code
    assert told.evidence_ids
    claim = Proposal(hypothesis=told.statement, findings=diagnosis.findings, confidence=told.confidence)
    assert unfounded(claim, diagnosis.evidence) == ()


def words(seen: Picture) -> str:
    """The leading cause's sentence."""
    return diagnose(seen).causes[0].finding.statement


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ("a rollout past its deadline", "revision 1 still serves with 1"),
        ("a quota that is used up, with some replicas there", "requests.cpu 2 of 2"),
        ("Pod Security", "allowPrivilegeEscalation"),
        ("a LimitRange", "maximum memory usage per Container is 1Gi"),
        ("a webhook without endpoints", "its Service mesh/injector has 0 ready endpoints"),
        ("an autoscaler at its maximum and above its target", "may not go beyond 6: cpu 170% for a target of 80%"),
        ("an autoscaler without a request to measure against", "container app requests no cpu"),
        ("an autoscaler of something that is not there", "web does"),
        ("a schedule nobody can read", "minute 61: only 0 to 59 exist"),
        ("a StatefulSet whose second pod holds up the third", "db-1 is not ready, and those after it wait for it"),
        ("a DaemonSet that is not ready on a node", "not ready on node-1"),
    ],
)
def test_the_sentence_names_what_matters(case: str, expected: str) -> None:
    assert expected in words(CASES[case][1])


def test_a_crash_whose_log_names_a_database_is_a_dependency_and_quotes_the_line() -> None:
    refusing = (
        'psycopg2.OperationalError: connection to server at "db" (10.0.0.9), port 5432 failed: Connection refused'
    )
    crash = pod(state(ready=False, running_since=None, waiting="CrashLoopBackOff", last=ended(1), restarts=4))
    seen = picture(workloads=(deployment(template(), available=0),), pods=(crash,), logs=(log(refusing, "bye"),))

    (finding,) = diagnose(seen).findings

    assert (finding.code, finding.role) == ("k8s.crash_loop", Role.DEPENDENCY)
    assert "db:5432" in finding.statement


def test_a_job_tells_its_last_pods_end_and_words() -> None:
    log_of = log("FATAL: password authentication failed for user").model_copy(update={"pod": "migrate-x"})

    said_of = words(picture(jobs=(job(failed()),), pods=(run(),), logs=(log_of,)))

    assert "ended with exit code 1" in said_of
    assert "password authentication failed" in said_of


def test_a_cronjob_whose_last_runs_all_failed_is_told_through_the_latest_of_them() -> None:
    runs = tuple(
        job(failed(minutes=60 * age), name=f"nightly-{age}", cron_job="nightly", created=ago(hours=age + 1))
        for age in (1, 2, 3)
    )

    (cause,) = (one for one in diagnose(picture(jobs=runs, cron_jobs=(cron(),))).causes if one.explains)

    assert cause.finding.code == "k8s.job_failed"
    assert [one.code for one in cause.explains] == ["k8s.cronjob_broken"]


def test_what_happened_once_and_is_over_is_less_sure_than_what_goes_on() -> None:
    limited = template(container(limits={"memory": "128Mi"}))
    over = pod(state(restarts=1, last=ended(137, "OOMKilled")), asked=limited, ready=True)
    again = pod(state(restarts=4, last=ended(137, "OOMKilled")), asked=limited, ready=True)

    once, often = (diagnose(picture(pods=(one,))).findings[0].confidence for one in (over, again))

    assert (once, often) == (6, 9)


def test_a_kind_the_rule_needs_and_could_not_read_makes_it_less_sure() -> None:
    seen = CASES["a rollout past its deadline"][1]
    blind = seen.model_copy(update={"unread": ("replicasets",), "gaps": ("replicasets could not be read",)})
    elsewhere = seen.model_copy(update={"unread": ("ingresses",), "gaps": ("ingresses could not be read",)})

    sure, unsure, unmoved = (diagnose(one).findings[0].confidence for one in (seen, blind, elsewhere))

    assert (sure, unsure, unmoved) == (9, 8, 9)


def test_a_full_node_beside_a_selector_that_fits_is_not_blamed_on_the_selector() -> None:
    message = "0/3 nodes are available: 1 Insufficient memory, 2 node(s) didn't match Pod's node affinity/selector."

    assert diagnose(picture(pods=(unplaced(message),))).findings[0].code == "k8s.unschedulable_resources"
