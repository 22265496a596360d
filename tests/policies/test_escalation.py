"""Which chain a decision follows while nobody answers, and that widening it only ever adds people."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import escalation
from policies.decisions import Decision, Obligation
from policies.engine import decide
from policies.facts import Facts
from tests.policies.samples import facts, sheet, shipped, some_facts

GROUPS = ("owner", "sre-oncall", "incident-commander", "sre-leads")
A_SATURDAY = datetime(2026, 11, 21, 12, tzinfo=UTC)
"""Production is frozen then, by the sheet's rules."""


@pytest.mark.parametrize(
    ("given", "chain"),
    [
        ({"action": "k8s.restart_deployment"}, "default"),
        ({"action": "k8s.scale_deployment", "scale_factor": 3.0}, "urgent"),
        ({"action": "k8s.delete_pvc", "destructive": True, "reversible": False}, "urgent"),
        ({"action": "k8s.restart_deployment", "env": "staging"}, None),
        ({"action": "k8s.restart_deployment", "env": "staging", "confidence": 6.0}, None),
        ({"action": "k8s.scale_deployment", "env": "staging"}, None),
        ({"action": "k8s.restart_deployment", "namespace": "kube-system"}, None),
    ],
    ids=["one rule", "the shorter expiry", "a delete", "automatic", "asked without a chain", "a window", "denied"],
)
def test_the_chain_is_that_of_the_matched_rule_with_the_shortest_expiry(
    given: dict[str, object], chain: str | None
) -> None:
    decision = decide(sheet(), facts(sheet(), **given))

    found = escalation.chain(sheet(), decision)

    assert found == (sheet().file.escalation[chain] if chain else ())


@pytest.mark.parametrize(("env", "steps"), [("prod", 2), ("staging", 0)])
def test_the_shipped_rules_escalate_in_production(env: str, steps: int) -> None:
    decision = decide(shipped(), facts(shipped(), action="k8s.set_env", env=env))

    found = escalation.chain(shipped(), decision)

    assert len(found) == steps


def test_a_group_that_must_be_among_them_is_not_replaced_by_another() -> None:
    decision = decide(sheet(), facts(sheet(), at=A_SATURDAY))

    wider = escalation.widened(sheet(), decision, {"sre-leads"})

    assert Obligation(rule="freeze", approvals=1, groups=("incident-commander",)) in wider.obligations
    assert ("owner", "sre-oncall", "sre-leads") in {each.groups for each in wider.obligations}


@given(found=some_facts(sheet()), groups=st.frozensets(st.sampled_from(GROUPS)))
def test_widening_never_lowers_a_number_nor_takes_anybody_away(found: Facts, groups: frozenset[str]) -> None:
    decision = decide(sheet(), found)

    wider = escalation.widened(sheet(), decision, groups)

    assert same_but_obligations(wider, decision)
    for before, after in zip(decision.obligations, wider.obligations, strict=True):
        assert (after.approvals, after.rule, after.stage) == (before.approvals, before.rule, before.stage)
        assert set(before.groups) <= set(after.groups) <= set(before.groups) | groups


def same_but_obligations(one: Decision, other: Decision) -> bool:
    return one.model_copy(update={"obligations": ()}) == other.model_copy(update={"obligations": ()})
