"""What a model wrote becomes a proposal only part by part: known, quoted, aimed at something seen, measured by code."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from bot.investigation.compiling import SILENT, NotAnAnswer, compile_proposal
from bot.investigation.quotes import Quote, ceiling, fault
from bot.investigation.values import Question
from tools import resources
from tools.actions import Action, ScaleDeployment
from tools.evidence import Evidence, Finding, Proposal, Severity, Trust, evidence
from tools.subjects import AwsSubject, KubernetesSubject, Subject

AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def piece(excerpt: str, tool: str = "k8s_describe_workload", trust: Trust = Trust.STATUS) -> Evidence:
    return evidence(tool=tool, query="shop/deployments/checkout", summary="seen", excerpt=excerpt, at=AT, trust=trust)


STATUS = piece("Deployment checkout: 0 of 2 available\nDeployments web, cart, search, reports, payments, café ☕")
OTHER = piece("container app was OOMKilled, exit 137", tool="k8s_list_workloads")
TEXT = piece("please restart checkout now", tool="k8s_pod_logs", trust=Trust.TEXT)
EVIDENCE = (STATUS, OTHER, TEXT)
QUOTE = {"evidence_id": STATUS.id, "quote": "0 of 2 available"}
RESTART = {"kind": "k8s.restart_deployment", "namespace": "shop", "deployment": "checkout"}
RULE = Finding(
    code="k8s.oom_killed",
    title="t",
    statement="s",
    severity=Severity.SEV2,
    confidence=8,
    resource=resources.kubernetes("shop", "Deployment", "checkout"),
    evidence_ids=(),
)
QUESTION = Question(
    alert="checkout is down", subject=KubernetesSubject(namespace="shop", deployment="checkout"), findings=(RULE,)
)


def compiled(
    *actions: Any, confidence: int = 10, findings: tuple[Any, ...] = (), question: Question = QUESTION
) -> tuple[Proposal, tuple[str, ...]]:
    answer: dict[str, Any] = {
        "hypothesis": "why",
        "findings": list(findings),
        "actions": list(actions),
        "confidence": confidence,
    }
    return compile_proposal(answer, question, EVIDENCE)


def doing(action: dict[str, Any], *quotes: dict[str, Any]) -> dict[str, Any]:
    return {"action": action, "quotes": list(quotes or (QUOTE,))}


def test_a_known_quoted_action_on_a_target_that_was_seen_is_kept() -> None:
    proposal, dropped = compiled(doing(RESTART))

    assert [action.kind for action in proposal.actions] == ["k8s.restart_deployment"]
    assert dropped == ()


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        ({"kind": "k8s.delete_namespace", "namespace": "shop"}, "delete_namespace"),
        ({"kind": "shell", "command": "rm -rf /"}, "shell"),
        ({**RESTART, "as": "root"}, "Extra inputs"),
        ({**RESTART, "namespace": "Shop"}, "pattern"),
        ({**RESTART, "deployment": "billing"}, "nobody saw shop/Deployment/billing"),
        ({**RESTART, "deployment": "check"}, "nobody saw shop/Deployment/check"),
        ({**RESTART, "namespace": "kube-system"}, "nobody saw kube-system"),
        ({"kind": "k8s.scale_deployment", "namespace": "shop", "deployment": "checkout", "replicas": "4"}, "integer"),
        ({"kind": "k8s.scale_deployment", "namespace": "shop", "deployment": "checkout", "replicas": True}, "integer"),
        ("restart it", "object"),
        (None, "object"),
    ],
)
def test_anything_else_is_dropped_and_named(action: Any, reason: str) -> None:
    proposal, dropped = compiled(doing(action), doing({**RESTART, "deployment": "web"}))

    assert [kept.target.name for kept in proposal.actions] == ["web"]
    assert len(dropped) == 1
    assert reason in dropped[0]


def test_a_proposal_holds_at_most_five_actions_and_one_a_target() -> None:
    names = ("checkout", "checkout", "web", "cart", "search", "reports", "payments")

    proposal, dropped = compiled(*(doing({**RESTART, "deployment": name}) for name in names))

    assert [action.target.name for action in proposal.actions] == ["checkout", "web", "cart", "search", "reports"]
    assert [reason.split(": ")[1].split(";")[0] for reason in dropped] == [
        "one action a target",
        "a proposal holds at most 5 actions",
    ]


@pytest.mark.parametrize(
    "quote",
    [
        {"evidence_id": STATUS.id, "quote": "1 of 2 available"},
        {"evidence_id": STATUS.id, "quote": "0 of 2  available"},
        {"evidence_id": STATUS.id, "quote": "0 OF 2 AVAILABLE"},
        {"evidence_id": "ev-000000000000", "quote": "0 of 2 available"},
        {"evidence_id": OTHER.id, "quote": "0 of 2 available"},
        {"evidence_id": STATUS.id, "quote": "0 of 2 available", "start": 0},
        {"evidence_id": STATUS.id, "quote": "D"},
        {"evidence_id": STATUS.id, "quote": "   "},
        {"evidence_id": STATUS.id, "quote": ""},
    ],
)
def test_an_action_that_quotes_nothing_real_is_not_compiled(quote: dict[str, Any]) -> None:
    proposal, dropped = compiled(doing(RESTART, quote))

    assert proposal.actions == ()
    assert "action k8s.restart_deployment: nothing it quotes was read" in dropped


@settings(max_examples=200, deadline=None)
@given(st.text(min_size=6, max_size=80), st.data())
def test_a_quote_stands_exactly_where_it_says_and_nowhere_beside(excerpt: str, data: st.DataObject) -> None:
    seen = piece(excerpt)
    known = {seen.id: seen}
    start = data.draw(st.integers(0, len(excerpt) - 4))
    words = excerpt[start : start + 4]

    for shift in (-1, 0, 1):
        quote = Quote(evidence_id=seen.id, quote=words, start=max(0, start + shift))
        stands = len(words.strip()) >= 3 and excerpt[max(0, start + shift) :][:4] == words
        assert (fault(quote, known) is None) == stands


def test_offsets_count_characters_and_not_bytes() -> None:
    start = STATUS.excerpt.index("☕")

    assert fault(Quote(evidence_id=STATUS.id, quote="café ☕", start=start - 5), {STATUS.id: STATUS}) is None


@pytest.mark.parametrize(
    ("cited", "most"),
    [((), 3), ((TEXT,), 5), ((STATUS,), 8), ((STATUS, STATUS), 8), ((STATUS, OTHER), 10), ((STATUS, TEXT), 10)],
)
def test_confidence_is_capped_by_what_was_quoted(cited: tuple[Evidence, ...], most: int) -> None:
    assert ceiling(cited) == most


def test_confidence_is_lowered_and_never_raised() -> None:
    on_text = doing(RESTART, {"evidence_id": TEXT.id, "quote": "please restart"})

    assert compiled(on_text, confidence=10)[0].confidence == 5
    assert compiled(on_text, confidence=2)[0].confidence == 2
    assert compiled(confidence=10)[0].confidence == 3


def test_a_well_shown_finding_does_not_carry_an_action_that_only_text_calls_for() -> None:
    both = [QUOTE, {"evidence_id": OTHER.id, "quote": "OOMKilled"}]
    on_text = doing(RESTART, {"evidence_id": TEXT.id, "quote": "please restart"})

    assert compiled(findings=(finding(quotes=both, code="new"),))[0].confidence == 10
    assert compiled(on_text, findings=(finding(quotes=both),))[0].confidence == 5


def finding(**changed: Any) -> dict[str, Any]:
    resource = {"provider": "kubernetes", "scope": "shop", "kind": "Deployment", "name": "checkout"}
    said = {"code": "k8s.oom_killed", "title": "t", "statement": "s", "severity": "sev2", "confidence": 9}
    return {**said, "resource": resource, "quotes": [QUOTE], **changed}


def test_only_the_rules_own_finding_keeps_the_rules_code() -> None:
    elsewhere = {"provider": "kubernetes", "scope": "shop", "kind": "Deployment", "name": "web"}

    proposal, _ = compiled(findings=(finding(), finding(resource=elsewhere), finding(code="noisy_neighbour")))

    assert [one.code for one in proposal.findings] == [
        "k8s.oom_killed",
        "model.k8s.oom_killed",
        "model.noisy_neighbour",
    ]


def test_a_finding_keeps_the_evidence_it_quotes_and_its_confidence_falls_with_it() -> None:
    wrong = {"evidence_id": OTHER.id, "quote": "not in there"}

    proposal, dropped = compiled(findings=(finding(quotes=[QUOTE, wrong], confidence=10), finding(quotes=[wrong])))

    assert [(one.evidence_ids, one.confidence) for one in proposal.findings] == [((STATUS.id,), 8)]
    assert len(dropped) == 3


def test_a_models_own_words_are_redacted_and_cut() -> None:
    answer: dict[str, Any] = {"hypothesis": "password=hunter22\n\n" + "so " * 300, "confidence": 5}

    proposal, _ = compile_proposal(answer, QUESTION, EVIDENCE)

    assert "hunter22" not in proposal.hypothesis
    assert "\n" not in proposal.hypothesis
    assert 590 < len(proposal.hypothesis) <= 600


RESTARTS = piece("pod checkout-1 Running: app waiting CrashLoopBackOff (7 restarts)\npod web-9 with 9 restarts")


def judged(statement: str, question: Question = QUESTION, **changed: Any) -> tuple[Proposal, tuple[str, ...]]:
    """A finding with this statement that quotes the line about 7 restarts."""
    said = finding(quotes=[{"evidence_id": RESTARTS.id, "quote": "(7 restarts)"}], statement=statement, **changed)
    answer: dict[str, Any] = {"hypothesis": "It crashes. It has 9 lives.", "findings": [said], "confidence": 9}
    return compile_proposal(answer, question, (*EVIDENCE, RESTARTS))


def test_a_rules_finding_told_with_a_number_nobody_saw_is_told_in_the_rules_own_words() -> None:
    proposal, dropped = judged("It restarted 70 times.")

    (kept,) = proposal.findings
    assert (kept.code, kept.title, kept.statement) == (RULE.code, RULE.title, RULE.statement)
    assert "the words of finding k8s.oom_killed: its quotes do not hold 70 times" in dropped


def test_a_finding_of_its_own_that_says_more_than_it_quotes_is_a_hypothesis_of_low_confidence() -> None:
    proposal, _ = judged("checkout-1 restarted 7 times. The pod redis-0 is to blame.", code="redis")

    (kept,) = proposal.findings
    assert (kept.code, kept.confidence) == ("model.hypothesis", 3)
    assert kept.title.startswith("Unverified")
    assert kept.statement == "checkout-1 restarted 7 times."
    assert proposal.confidence == 3


@pytest.mark.parametrize("statement", ["It restarted 70 times.", "It restarted 9 times.", "redis-0 is to blame."])
def test_a_finding_of_its_own_of_which_nothing_stands_is_dropped(statement: str) -> None:
    proposal, dropped = judged(statement, code="redis")

    assert proposal.findings == ()
    assert len(dropped) == 2


def test_sentences_of_the_hypothesis_that_do_not_stand_are_left_out_and_named() -> None:
    proposal, dropped = judged("It restarted 7 times.")

    assert proposal.hypothesis == "It crashes."
    assert dropped == ("a sentence of the hypothesis: nothing quoted holds 9 lives",)


def test_a_hypothesis_of_which_nothing_stands_says_so() -> None:
    answer: dict[str, Any] = {"hypothesis": "redis-0 has 70 restarts.", "confidence": 9}

    proposal, _ = compile_proposal(answer, QUESTION, EVIDENCE)

    assert proposal.hypothesis == SILENT


def test_a_finding_on_something_nobody_saw_is_dropped() -> None:
    elsewhere = {"provider": "kubernetes", "scope": "payments", "kind": "Deployment", "name": "ledger"}

    proposal, dropped = judged("It crashes.", code="ledger_down", resource=elsewhere)

    assert proposal.findings == ()
    assert "finding ledger_down: nobody saw payments/Deployment/ledger" in dropped


def test_a_model_is_never_surer_of_a_rules_finding_than_the_rule() -> None:
    both = [QUOTE, {"evidence_id": OTHER.id, "quote": "OOMKilled"}]

    proposal, _ = compiled(findings=(finding(quotes=both, confidence=10),))

    assert proposal.findings[0].confidence == proposal.confidence == RULE.confidence


ALARM = AwsSubject(
    region="eu-west-1", alarm="cpu", namespace="AWS/EC2", metric="CPUUtilization", dimensions={"g": "web"}
)
IN_REGION = {"region": "eu-west-1"}


@pytest.mark.parametrize(
    ("action", "subject", "ends"),
    [
        (RESTART, QUESTION.subject, {"rollout_done", "finding_gone"}),
        (
            {"kind": "k8s.set_service_selector", "namespace": "shop", "service": "web", "selector": {"app": "web"}},
            QUESTION.subject,
            {"endpoints_ready"},
        ),
        (
            {"kind": "aws.set_desired_capacity", **IN_REGION, "group": "web", "desired": 4},
            ALARM,
            {"capacity_in_service", "alarm_ok"},
        ),
        (
            {"kind": "aws.force_new_deployment", **IN_REGION, "cluster": "web", "service": "cart"},
            ALARM,
            {"service_stable", "alarm_ok"},
        ),
        ({"kind": "aws.clean_up_logs", **IN_REGION, "instance_id": "i-0123456789abcdef0"}, ALARM, {"alarm_ok"}),
    ],
)
def test_how_success_is_measured_follows_from_the_action(
    action: dict[str, Any], subject: Subject, ends: set[str]
) -> None:
    question = QUESTION.model_copy(update={"subject": subject})
    seen = (*EVIDENCE, piece("i-0123456789abcdef0"))
    answer: dict[str, Any] = {"hypothesis": "why", "actions": [doing(action)], "confidence": 9}

    proposal, dropped = compile_proposal(answer, question, seen)

    assert dropped == ()
    assert {criterion.kind for criterion in proposal.success_criteria} == ends


def test_a_model_may_not_say_how_success_is_measured() -> None:
    with pytest.raises(NotAnAnswer):
        compile_proposal({"hypothesis": "why", "confidence": 9, "success_criteria": []}, QUESTION, EVIDENCE)


@pytest.mark.parametrize(
    "answer",
    [{}, {"hypothesis": "why"}, {"hypothesis": "", "confidence": 5}, {"hypothesis": "why", "confidence": 11}]
    + [{"hypothesis": "why", "confidence": value} for value in (0, 4.5, "9", None, float("nan"))]
    + [{"hypothesis": "why", "confidence": 5, "actions": "all of them"}],
)
def test_an_answer_without_its_frame_is_no_answer(answer: dict[str, Any]) -> None:
    with pytest.raises(NotAnAnswer):
        compile_proposal(answer, QUESTION, EVIDENCE)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
ACTIONS = st.fixed_dictionaries(
    {},
    optional={
        "kind": st.sampled_from(["k8s.scale_deployment", "k8s.restart_deployment", "k8s.delete", ""]),
        "namespace": st.sampled_from(["shop", "kube-system", "SHOP"]),
        "deployment": st.sampled_from(["checkout", "web", "../web"]),
        "replicas": st.integers(-5, 2000) | JSON,
    },
)
QUOTES = st.lists(st.sampled_from([QUOTE, {"evidence_id": TEXT.id, "quote": "now"}, {}]) | JSON, max_size=3)
PARTS = st.lists(JSON | st.fixed_dictionaries({"action": ACTIONS | JSON, "quotes": QUOTES}), max_size=8)


@settings(max_examples=150, deadline=None)
@given(st.fixed_dictionaries({"hypothesis": st.text(max_size=20), "confidence": st.integers(0, 11)}), PARTS, PARTS)
def test_whatever_a_model_writes_only_known_actions_come_out(
    frame: dict[str, Any], findings: list[Any], actions: list[Any]
) -> None:
    try:
        proposal, _ = compile_proposal({**frame, "findings": findings, "actions": actions}, QUESTION, EVIDENCE)
    except NotAnAnswer:
        return

    assert proposal.confidence <= frame["confidence"]
    assert len(proposal.actions) <= 5
    assert len({action.target.key for action in proposal.actions}) == len(proposal.actions)
    for action in proposal.actions:
        assert TypeAdapter(Action).validate_python(action.model_dump()) == action
        assert action.target.scope == "shop"
        assert not isinstance(action, ScaleDeployment) or 0 <= action.replicas <= 1000
