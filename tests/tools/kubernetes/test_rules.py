"""Each rule says what it should of a picture made for it, with evidence, and the cause comes before its symptoms."""

from __future__ import annotations

import pytest

from tests.tools.kubernetes.pictures import (
    ago,
    container,
    deployment,
    ended,
    log,
    node,
    picture,
    pod,
    revision,
    service,
    state,
    template,
    unplaced,
    variable,
    waiting,
)
from tests.tools.kubernetes.pod_faults import CASES
from tools.diagnosis.kubernetes.diagnosing import CONTAINER_RULES, diagnose
from tools.diagnosis.kubernetes.scheduling import scheduler_reasons
from tools.evidence import Finding, Severity
from tools.reads.kubernetes.picture import Picture
from tools.subjects import KubernetesSubject


def only_finding(seen: Picture) -> Finding:
    """The one finding a picture leads to."""
    (finding,) = diagnose(seen).findings
    return finding


@pytest.mark.parametrize("case", CASES, ids=list(CASES))
def test_each_fault_is_called_by_its_cause_and_nothing_else(case: str) -> None:
    code, seen = CASES[case]

    diagnosis = diagnose(seen)

    assert [finding.code for finding in diagnosis.findings] == [code]
    cited = set(diagnosis.findings[0].evidence_ids)
    assert cited
    assert cited == {piece.id for piece in diagnosis.evidence}


def test_every_rule_names_its_condition() -> None:
    undocumented = [rule.__name__ for rule in CONTAINER_RULES if "k8s." not in (rule.__doc__ or "")]

    assert undocumented == []


def test_two_pods_of_one_workload_make_one_finding() -> None:
    ill = waiting("CrashLoopBackOff", last=ended(1), restarts=4)

    diagnosis = diagnose(picture(workloads=(deployment(template()),), pods=(pod(ill), pod(ill, name="web-1-bbbbb"))))

    assert [finding.resource.name for finding in diagnosis.findings] == ["web"]


def test_what_the_rollout_changed_is_evidence_and_shows_no_value() -> None:
    before = template(container(env=(variable("DATABASE_URL", "from Secret db/url"), variable("MODE"))))
    now = template(container(env=(variable("MODE").model_copy(update={"fingerprint": "other"}),)))
    ill = waiting("CrashLoopBackOff", last=ended(1))

    diagnosis = diagnose(
        picture(
            workloads=(deployment(now, revision(1, before, available=2)),),
            pods=(pod(ill, asked=now, replica_set="web-2"),),
            logs=(log("DATABASE_URL is not set"),),
        )
    )

    changes = [piece.excerpt for piece in diagnosis.evidence if piece.tool == "kubernetes.revisions"]
    assert changes == [
        "app env DATABASE_URL: from Secret db/url -> absent\napp env MODE: value set (3 characters) -> another value"
    ]
    assert diagnosis.findings[0].confidence == 10
    assert "revision 1 still set it" in diagnosis.findings[0].statement


def test_a_variable_the_container_does_have_is_not_called_missing() -> None:
    asked = template(container(env=(variable("DATABASE_URL"),)))
    ill = waiting("CrashLoopBackOff", last=ended(1))

    finding = only_finding(picture(pods=(pod(ill, asked=asked),), logs=(log("DATABASE_URL is not set"),)))

    assert finding.code == "k8s.crash_loop"


def test_a_loop_that_runs_for_a_moment_is_still_a_loop() -> None:
    between = state(running_since=ago(seconds=2), last=ended(1, minutes=0.5), restarts=3)

    finding = only_finding(picture(pods=(pod(between),)))

    assert finding.code == "k8s.crash_loop"


def test_the_workload_the_alert_names_comes_first() -> None:
    other = waiting("InvalidImageName")
    named = waiting("CrashLoopBackOff", last=ended(1))
    seen = picture(
        subject=KubernetesSubject(namespace="shop", deployment="web"),
        workloads=(deployment(template()), deployment(template(labels={"app": "api"}), name="api")),
        pods=(pod(other, name="api-1-x", owner_name="api", replica_set="web-1"), pod(named)),
    )

    findings = diagnose(seen).findings

    assert [finding.resource.name for finding in findings] == ["web", "api"]


def test_an_alert_on_a_service_means_the_workload_behind_it() -> None:
    seen = picture(
        subject=KubernetesSubject(namespace="shop", service="front"),
        workloads=(deployment(template(labels={"app": "api"}), name="api"), deployment(template())),
        services=(service({"app": "web"}, name="front"),),
        pods=(
            pod(waiting("InvalidImageName"), name="api-1-x", owner_name="api", replica_set="web-1"),
            pod(waiting("CrashLoopBackOff", last=ended(1))),
        ),
    )

    findings = diagnose(seen).findings

    assert findings[0].resource.name == "web"


@pytest.mark.parametrize(("available", "severity"), [(0, Severity.SEV1), (1, Severity.SEV2), (2, Severity.SEV3)])
def test_severity_follows_from_what_still_serves(available: int, severity: Severity) -> None:
    ill = waiting("CrashLoopBackOff", last=ended(1))

    finding = only_finding(picture(workloads=(deployment(template(), available=available),), pods=(pod(ill),)))

    assert finding.severity is severity


def test_the_largest_node_decides_whether_a_request_can_ever_be_met() -> None:
    asked = template(container(requests={"memory": "16Gi"}))
    stuck = unplaced("0/2 nodes are available: 2 Insufficient memory.", asked)

    small = only_finding(picture(pods=(stuck,), nodes=(node(memory=8), node("node-1", memory=15))))
    large = only_finding(picture(pods=(stuck,), nodes=(node(memory=8), node("node-1", memory=32))))

    assert (small.code, large.code) == ("k8s.request_exceeds_any_node", "k8s.unschedulable_resources")


def test_the_schedulers_sentence_is_read_reason_by_reason() -> None:
    message = (
        "0/4 nodes are available: 1 Too many pods, 4 Insufficient memory. preemption: 0/4 nodes are available: 4 x."
    )

    reasons = scheduler_reasons(message)

    assert reasons == {"Too many pods": 1, "Insufficient memory": 4}
