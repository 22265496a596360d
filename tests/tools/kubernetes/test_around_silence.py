"""What must stay silent around workloads: for every rule, worlds that look like its fault and are well."""

from __future__ import annotations

import pytest

from tests.tools.kubernetes.around import (
    away,
    healthy,
    unready,
)
from tests.tools.kubernetes.around_calm import SILENT
from tests.tools.kubernetes.pictures import (
    endpoints,
)
from tools.diagnosis.kubernetes import around
from tools.diagnosis.kubernetes.catalogue.around import AROUND
from tools.diagnosis.kubernetes.diagnosing import diagnose
from tools.evidence import Finding, Severity
from tools.reads.kubernetes.picture import Picture
from tools.resources import kubernetes
from tools.subjects import KubernetesSubject

NEGATIVES = [
    pytest.param(seen, id=f"{code}: {words}") for code, worlds in SILENT.items() for words, seen in worlds.items()
]


@pytest.mark.parametrize("seen", NEGATIVES)
def test_nothing_is_found_around_workloads_that_are_well(seen: Picture) -> None:
    assert [one.finding.statement for one in around.findings(seen, ())] == []


def test_a_healthy_namespace_is_silent_whatever_the_alert_names() -> None:
    subjects = (KubernetesSubject(namespace="shop"), KubernetesSubject(namespace="shop", service="web"))

    assert [diagnose(healthy(subject=subject)).findings for subject in subjects] == [(), ()]


def test_every_rule_about_surroundings_has_two_worlds_it_is_silent_on() -> None:
    assert {code for code, worlds in SILENT.items() if len(worlds) > 1} == {rule.code for rule in AROUND}


def test_pods_that_have_a_finding_of_their_own_explain_their_service() -> None:
    seen = healthy(pods=(unready(),), endpoints=(endpoints(0, not_ready=1),))
    known = Finding(
        code="k8s.readiness_failing",
        title="web is not ready",
        statement="It does not.",
        severity=Severity.SEV1,
        confidence=9,
        resource=kubernetes("shop", "Deployment", "web"),
        evidence_ids=(),
    )

    alone, explained = list(around.findings(seen, ())), list(around.findings(seen, (known,)))

    assert [one.finding.code for one in alone] == ["k8s.endpoints_not_ready"]
    assert explained == []


def test_a_node_that_went_away_explains_the_service_whose_pods_were_on_it() -> None:
    seen = healthy(nodes=(away(),), pods=(unready(node="node-1"),), endpoints=(endpoints(0, not_ready=1),), budgets=())

    assert [one.finding.code for one in around.findings(seen, ())] == ["k8s.node_not_ready"]
