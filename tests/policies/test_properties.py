"""What holds for every policy the loader accepts and all facts: nothing that should tighten ever loosens."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from policies import checks, rules
from policies.engine import Decision, Effect, Facts, decide, decide_all
from policies.quorum import Ballot, Outcome, tally
from policies.rules import BuiltInTest, Policy, Rule, RuleFile
from policies.strictness import differences
from tests.policies.samples import SHEET_CATALOGUE, facts, sheet, shipped, some_facts, with_rules

RULE: TypeAdapter[Rule] = TypeAdapter(Rule)
GROUPS = ["owner", "sre-oncall", "incident-commander", "sre-leads"]
CHANGES = ["k8s.restart_deployment", "k8s.scale_deployment", "k8s.pause_rollout"]

some_groups = st.lists(st.sampled_from(GROUPS), min_size=1, max_size=3, unique=True).map(tuple)
some_lengths = st.sampled_from(["1m", "10m", "15m", "1h"])


@st.composite
def some_conditions(draw: st.DrawFn) -> dict[str, object]:
    """Conditions any rule may have."""
    when: dict[str, object] = {
        "env": tuple(draw(st.lists(st.sampled_from(["prod", "staging", "dev"]), min_size=1, max_size=3))),
        "action": tuple(draw(st.lists(st.sampled_from(CHANGES), min_size=1, max_size=3))),
    }
    if draw(st.booleans()):
        when["scale_factor"] = {draw(st.sampled_from(["lt", "le", "gt", "ge"])): draw(st.sampled_from([1.5, 2.0]))}
    if draw(st.booleans()):
        when["namespace"] = (draw(st.sampled_from(["kube-*", "pay*", "*"])),)
    return when


@st.composite
def some_asked(draw: st.DrawFn) -> dict[str, object]:
    """Whatever people may be asked."""
    asked: dict[str, object] = {"approvals": draw(st.integers(1, 3)), "from": draw(some_groups)}
    if draw(st.booleans()):
        asked["must_include"] = (draw(st.sampled_from(GROUPS)),)
    if draw(st.booleans()):
        asked["then"] = ({"approvals": draw(st.integers(1, 2)), "from": draw(some_groups)},)
    if draw(st.booleans()):
        asked["expires"] = draw(some_lengths)
    return {**asked, **{flag: draw(st.booleans()) for flag in ("not_requester", "reason", "step_up")}}


@st.composite
def some_grant(draw: st.DrawFn, name: str) -> Rule:
    """A rule that allows something."""
    effect = draw(st.sampled_from(["auto", "auto_after", "approve"]))
    rule: dict[str, object] = {"id": name, "why": "a made-up grant", "when": draw(some_conditions()), "effect": effect}
    if effect == "auto_after":
        rule["require"] = {"window": draw(some_lengths), "veto_from": draw(some_groups)}
    if effect == "approve":
        rule["require"] = draw(some_asked())
    return RULE.validate_python(rule)


@st.composite
def some_restriction(draw: st.DrawFn, name: str) -> Rule:
    """A rule that only tightens."""
    when = draw(some_conditions())
    extra: list[dict[str, object]] = [
        {},
        {"confidence": {"lt": draw(st.sampled_from([5.0, 7.0, 10.0]))}},
        {"tainted_args": True},
        {"tainted_sensitive": True},
        {"corroborated": False},
        {"rollbacks": {"ge": 1}},
        {"during": ("weekend-freeze",)},
        {"unearned": {"verified": draw(st.integers(1, 9)), "within": "30d"}},
    ]
    when |= draw(st.sampled_from(extra))
    effect = draw(st.sampled_from(["restrict", "restrict", "deny"]))
    rule: dict[str, object] = {"id": name, "why": "a made-up restriction", "when": when, "effect": effect}
    if effect == "restrict":
        rule["require"] = draw(some_asked())
    return RULE.validate_python(rule)


@st.composite
def some_policy(draw: st.DrawFn) -> Policy:
    """The example's groups, calendars, limits and breaker around made-up rules; sound by the loader's own checks."""
    grants = [draw(some_grant(f"grant-{index}")) for index in range(draw(st.integers(1, 4)))]
    restrictions = [draw(some_restriction(f"restriction-{index}")) for index in range(draw(st.integers(0, 4)))]
    tests: tuple[BuiltInTest, ...] = sheet().file.tests
    file: RuleFile = sheet().file.model_copy(update={"rules": (*grants, *restrictions), "tests": tests})
    assert checks.problems(file, SHEET_CATALOGUE) == []
    return rules.compiled(file, "0" * 64, SHEET_CATALOGUE)


policies = st.one_of(st.sampled_from([sheet(), shipped()]), some_policy())


def same(one: Decision, other: Decision) -> bool:
    """Whether two decisions agree in everything."""
    return one == other


@given(data=st.data(), policy=policies)
def test_the_order_of_rules_has_no_meaning(data: st.DataObject, policy: Policy) -> None:
    case = data.draw(some_facts(policy))
    shuffled = with_rules(policy, shuffled=tuple(data.draw(st.permutations(policy.file.rules))))

    assert same(decide(shuffled, case), decide(policy, case))


@given(data=st.data(), policy=policies)
def test_one_more_restriction_never_loosens(data: st.DataObject, policy: Policy) -> None:
    case = data.draw(some_facts(policy))
    tighter = with_rules(policy, data.draw(some_restriction("one-more")))

    assert differences(decide(policy, case), decide(tighter, case)) == ()


@given(data=st.data(), policy=policies)
def test_worse_facts_never_loosen(data: st.DataObject, policy: Policy) -> None:
    case = data.draw(some_facts(policy))
    worse = data.draw(worsened(case))

    assert differences(decide(policy, case), decide(policy, worse)) == ()


@st.composite
def worsened(draw: st.DrawFn, case: Facts) -> Facts:
    """The same facts with less trust, or with more behind them."""
    limit = draw(st.sampled_from(sorted(case.recent)))
    forgotten = {rule: draw(st.integers(0, verified)) for rule, verified in case.earned.items()}
    change: dict[str, object] = draw(
        st.sampled_from(
            [
                {"confidence": draw(st.floats(0, case.confidence))},
                {"tainted_args": True},
                {"tainted_sensitive": True},
                {"corroborated": False},
                {"rollbacks": case.rollbacks + draw(st.integers(1, 3))},
                {"recent": {**case.recent, limit: case.recent[limit] + draw(st.integers(1, 30))}},
                {"earned": forgotten},
                {"earned": {}},
            ]
        )
    )
    return case.model_copy(update=change)


@given(data=st.data(), policy=policies)
def test_one_more_action_never_loosens_a_plan(data: st.DataObject, policy: Policy) -> None:
    steps = data.draw(st.lists(some_facts(policy), min_size=1, max_size=3))
    further = data.draw(some_facts(policy))

    assert differences(decide_all(policy, steps), decide_all(policy, [*steps, further])) == ()


@given(data=st.data(), policy=policies)
def test_a_plan_asks_all_that_each_of_its_actions_asks(data: st.DataObject, policy: Policy) -> None:
    steps = data.draw(st.lists(some_facts(policy), min_size=1, max_size=4))

    joint = decide_all(policy, steps)

    assert [differences(decide(policy, step), joint) for step in steps] == [()] * len(steps)


@given(data=st.data(), policy=policies)
def test_every_decision_gives_a_reason_and_only_approval_asks_people(data: st.DataObject, policy: Policy) -> None:
    decision = decide(policy, data.draw(some_facts(policy)))

    assert decision.because
    assert bool(decision.obligations) is (decision.effect is Effect.APPROVE)
    assert (decision.expires_s is not None) is (decision.effect is Effect.APPROVE)
    assert (decision.window_s is not None) is (decision.effect is Effect.AUTO_AFTER)


@given(data=st.data(), policy=policies)
def test_no_votes_move_a_denial(data: st.DataObject, policy: Policy) -> None:
    case = data.draw(some_facts(policy))
    decision = decide(policy, case)
    everyone = frozenset({"ann", "bob", "cem", "dee"})
    people = dict.fromkeys(policy.file.groups, everyone)
    verdicts: st.SearchStrategy[Literal["approve", "reject"]] = st.sampled_from(["approve", "reject"])
    votes = [
        Ballot(person=person, verdict=data.draw(verdicts), at=case.at, reason="seen", stepped_up=True)
        for person in sorted(everyone)
    ]

    counted = tally(decision, votes, people, frozenset(), case.at)

    if decision.effect is Effect.DENY:
        assert counted.outcome is Outcome.REJECTED


@pytest.mark.parametrize("worse", [{"confidence": 1.0}, {"tainted_args": True}, {"corroborated": False}])
def test_doubt_does_tighten(worse: dict[str, object]) -> None:
    """So that the properties above cannot hold for want of any effect."""
    calm = facts(sheet(), env="staging")

    doubted = decide(sheet(), calm.model_copy(update=worse))

    assert differences(doubted, decide(sheet(), calm)) != ()
