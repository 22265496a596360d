"""Cause before symptom, whatever is loudest: by concern, role, time and what rests on what."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools import resources
from tools.diagnosis import in_order
from tools.diagnosis.ranking import Scene, ranked
from tools.diagnosis.rule import ANYTHING, Rule
from tools.evidence import Finding, Role, Severity
from tools.resources import Resource
from tools.topology import Link, Relation, Topology

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
WEB = resources.kubernetes("shop", "Deployment", "web")
FRONT = resources.kubernetes("shop", "Service", "front")
NODE = resources.kubernetes("", "Node", "node-0")
DATABASE = resources.kubernetes("shop", "StatefulSet", "db")
OTHER = resources.kubernetes("shop", "Deployment", "other")
LINKS = Topology(
    links=(
        Link(source=FRONT, relation=Relation.SELECTS, target=WEB),
        Link(source=WEB, relation=Relation.RUNS_ON, target=NODE),
        Link(source=WEB, relation=Relation.DEPENDS_ON, target=DATABASE),
    )
)


def rule(code: str, role: Role, *explained_by: str) -> Rule:
    """An entry of a catalogue."""
    return Rule(code=code, role=role, source="s", evidence="e", remedy="r", silent_on=("n",), explained_by=explained_by)


RULES = {
    one.code: one
    for one in (
        rule("image", Role.CHANGE),
        rule("memory", Role.RESOURCE),
        rule("pressure", Role.RESOURCE),
        rule("away", Role.DEPENDENCY),
        rule("evicted", Role.RESOURCE, "pressure"),
        rule("crash", Role.SYMPTOM),
        rule("stuck", Role.SYMPTOM, ANYTHING),
        rule("empty", Role.SYMPTOM, ANYTHING),
    )
}


def finding(code: str, resource: Resource = WEB, *, minutes: float | None = None, **changes: object) -> Finding:
    """A finding of one of these rules, begun so many minutes ago."""
    known: dict[str, object] = {
        "code": code,
        "title": code,
        "statement": f"{code}.",
        "severity": Severity.SEV2,
        "confidence": 8,
        "resource": resource,
        "evidence_ids": (),
        "role": RULES[code].role,
        "since": NOW - timedelta(minutes=minutes) if minutes is not None else None,
    }
    return Finding.model_validate({**known, **changes})


def told(*findings: Finding, onset: datetime | None = None, named: Resource = WEB) -> list[tuple[str, ...]]:
    """The groups as codes: each cause, then what it explains."""
    scene = Scene(
        rules=RULES,
        topology=LINKS,
        onset=onset,
        concerns=lambda one: one.resource == named,
        near=lambda one: one.resource.key in {below.key for below in LINKS.below(named)},
    )
    return [(cause.finding.code, *(one.code for one in cause.explains)) for cause in ranked(findings, scene)]


CASES: dict[str, tuple[tuple[Finding, ...], list[tuple[str, ...]]]] = {
    "nothing": ((), []),
    "a change explains the symptoms of its own workload": (
        (finding("stuck"), finding("crash"), finding("image")),
        [("image", "crash", "stuck")],
    ),
    "of two symptoms the deeper is the cause": ((finding("stuck"), finding("crash")), [("crash", "stuck")]),
    "two faults of one workload stand beside each other": (
        (finding("memory"), finding("image")),
        [("image",), ("memory",)],
    ),
    "what is below explains what rests on it": (
        (finding("empty", FRONT), finding("crash")),
        [("crash", "empty")],
    ),
    "a node explains only what names it as a reason": (
        (finding("crash"), finding("evicted"), finding("pressure", NODE)),
        [("pressure", "evicted", "crash")],
    ),
    "a node does not explain a crash by itself": (
        (finding("crash"), finding("pressure", NODE)),
        [("crash",), ("pressure",)],
    ),
    "what a log says it cannot reach is the cause": (
        (finding("crash"), finding("memory", DATABASE)),
        [("memory", "crash")],
    ),
    "a call does not explain a change": (
        (finding("image"), finding("memory", DATABASE)),
        [("image",), ("memory",)],
    ),
    "loud noise elsewhere does not lead": (
        (finding("image", OTHER, severity=Severity.SEV1, confidence=10), finding("crash", confidence=5)),
        [("crash",), ("image",)],
    ),
    "a guess does not lead over what was shown, whatever its role": (
        (finding("image", confidence=4), finding("crash", confidence=6)),
        [("crash",), ("image",)],
    ),
    "what can wait does not lead": (
        (finding("image", severity=Severity.SEV4), finding("memory")),
        [("memory",), ("image",)],
    ),
    "the earlier of two equals comes first": (
        (finding("away", minutes=5), finding("away", resource=FRONT, minutes=20)),
        [("away",), ("away",)],
    ),
    "what began clearly later explains nothing below it": (
        (finding("empty", FRONT, minutes=60), finding("crash", minutes=10)),
        [("crash",), ("empty",)],
    ),
}


@pytest.mark.parametrize("case", CASES, ids=list(CASES))
def test_the_cause_comes_first_and_names_what_it_explains(case: str) -> None:
    findings, groups = CASES[case]

    assert told(*findings) == groups
    assert told(*reversed(findings)) == groups


def test_what_began_after_the_onset_did_not_cause_it() -> None:
    late, early = finding("image", minutes=5), finding("memory", minutes=40)

    assert told(late, early, onset=NOW - timedelta(minutes=30)) == [("memory",), ("image",)]
    assert told(late, early) == [("image",), ("memory",)]


def test_what_is_stale_comes_after_what_is_fresh() -> None:
    stale, fresh = finding("pressure", minutes=60 * 24 * 3), finding("memory", minutes=12)

    assert told(stale, fresh, onset=NOW - timedelta(minutes=10)) == [("memory",), ("pressure",)]


def test_a_cause_below_concerns_the_alert_when_it_explains_it() -> None:
    scene = Scene(rules=RULES, topology=LINKS, concerns=lambda one: one.resource == FRONT)

    causes = ranked((finding("empty", FRONT), finding("crash"), finding("image", OTHER)), scene)

    assert [(cause.finding.code, cause.concerns) for cause in causes] == [("crash", True), ("image", False)]


def test_with_nothing_on_the_alerts_own_what_it_rests_on_is_told() -> None:
    assert told(finding("pressure", NODE), finding("image", OTHER)) == [("pressure",), ("image",)]


def test_two_that_explain_each_other_leave_one_cause() -> None:
    rules = {
        "image": rule("image", Role.CHANGE, "memory"),
        "memory": rule("memory", Role.RESOURCE, "image"),
    }

    causes = ranked((finding("memory"), finding("image")), Scene(rules=rules))

    assert [(cause.finding.code, len(cause.explains)) for cause in causes] == [("image", 1)]


FINDINGS = st.lists(
    st.builds(
        lambda code, resource, minutes, confidence: finding(code, resource, minutes=minutes, confidence=confidence),
        st.sampled_from(sorted(RULES)),
        st.sampled_from((WEB, FRONT, NODE, DATABASE, OTHER)),
        st.none() | st.integers(0, 2000),
        st.integers(1, 10),
    ),
    max_size=8,
    unique_by=lambda one: (one.code, one.resource.key),
)


@given(FINDINGS, st.randoms(use_true_random=False))
def test_every_finding_is_told_once_in_an_order_that_does_not_depend_on_theirs(
    findings: list[Finding], random: Random
) -> None:
    shuffled = list(findings)
    random.shuffle(shuffled)
    scene = Scene(rules=RULES, topology=LINKS, concerns=lambda one: one.resource == WEB)

    causes = ranked(findings, scene)

    assert sorted(map(str, in_order(causes))) == sorted(map(str, findings))
    assert ranked(shuffled, scene) == causes
