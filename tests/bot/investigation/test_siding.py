"""When model and rules differ, the surer of the two leads by what it can show, and the other one is told as well."""

from __future__ import annotations

import pytest

from bot.investigation.rules import Conclusion
from bot.investigation.siding import LESS_SURE, NOTHING_PROPOSED, is_verdict, side
from bot.investigation.values import Answer, Usage
from storage.tables import Mind
from tools import resources
from tools.actions import Action, RestartDeployment, SetServiceSelector, UndoRollout
from tools.evidence import Finding, Proposal, Severity

CHECKOUT = resources.kubernetes("shop", "Deployment", "checkout")
BACK = UndoRollout(namespace="shop", deployment="checkout", to_revision=1)
RESTART = RestartDeployment(namespace="shop", deployment="checkout")
SELECTOR = SetServiceSelector(namespace="shop", service="web", selector={"app": "web"})
MIND = Mind(model="m", calls=2)


def found(code: str, confidence: int = 8) -> Finding:
    return Finding(
        code=code,
        title=code,
        statement=code,
        severity=Severity.SEV2,
        confidence=confidence,
        resource=CHECKOUT,
        evidence_ids=(),
    )


def proposal(*actions: Action, findings: tuple[Finding, ...] = (), confidence: int = 8) -> Proposal:
    return Proposal(hypothesis="h", findings=findings, actions=actions, confidence=confidence)


def sided(known: Proposal, said: Proposal) -> tuple[Mind, Conclusion]:
    answer = Answer(proposal=said, evidence=(), usage=Usage(), dropped=("a quote",), model="m", reads=("k8s_nodes",))
    return side(Conclusion(proposal=known, remarks=("ours",)), answer, MIND)


RULES = proposal(BACK, findings=(found("k8s.rollout"),), confidence=8)
ADVICE = proposal(findings=(found("k8s.rollout"),), confidence=8)
NOTHING = proposal(confidence=1)


@pytest.mark.parametrize(
    ("known", "said", "leads"),
    [
        (RULES, proposal(BACK, confidence=5), "model"),
        (RULES, proposal(BACK, RESTART, confidence=5), "model"),
        (RULES, proposal(RESTART, confidence=8), "model"),
        (RULES, proposal(RESTART, confidence=7), LESS_SURE),
        (RULES, proposal(findings=(found("k8s.rollout"),)), NOTHING_PROPOSED),
        (RULES, proposal(), NOTHING_PROPOSED),
        (ADVICE, proposal(findings=(found("model.other"),), confidence=7), LESS_SURE),
        (ADVICE, proposal(findings=(found("model.other"),), confidence=8), "model"),
        (ADVICE, proposal(RESTART, findings=(found("k8s.rollout"),), confidence=5), "model"),
        (NOTHING, proposal(RESTART, confidence=2), "model"),
        (NOTHING, proposal(confidence=1), "model"),
        (proposal(SELECTOR), proposal(SELECTOR, confidence=3), "model"),
    ],
)
def test_who_leads(known: Proposal, said: Proposal, leads: str) -> None:
    mind, concluded = sided(known, said)

    assert concluded.proposal.actions == (said.actions if leads == "model" else known.actions)
    assert mind.failure == (None if leads == "model" else leads)
    assert "Left out of the model's answer: a quote" in concluded.remarks
    assert concluded.reads == ("k8s_nodes",)


def test_what_the_model_would_do_is_told_beside_the_rules_plan_in_our_words() -> None:
    _, concluded = sided(RULES, proposal(RESTART, confidence=5).model_copy(update={"hypothesis": "trust me"}))

    assert f"The model would rather: {RESTART.title} (confidence 5/10, unverified)" in concluded.remarks
    assert not any("trust me" in remark for remark in concluded.remarks)


def test_where_the_model_sees_the_cause_is_told_where_it_would_do_nothing() -> None:
    _, concluded = sided(ADVICE, proposal(findings=(found("model.other"),), confidence=4))

    assert "The model suspects shop/Deployment/checkout (confidence 4/10, unverified)" in concluded.remarks


def test_a_model_that_leads_keeps_the_rules_fix_behind_it_and_their_findings_beside_its_own() -> None:
    suspected = found("model.hypothesis", confidence=2)

    _, concluded = sided(RULES, proposal(RESTART, findings=(suspected, found("model.other")), confidence=9))

    assert concluded.second == RULES
    assert [one.code for one in concluded.proposal.findings] == ["model.other", "k8s.rollout", "model.hypothesis"]


def test_only_what_we_made_of_an_answer_is_a_verdict() -> None:
    assert is_verdict(LESS_SURE)
    assert is_verdict(NOTHING_PROPOSED)
    assert not is_verdict("timeout")
