"""Levels of approval: who may agree when, that nobody serves two of them, and that one more never loosens."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from policies.engine import Decision, Effect, Obligation, decide, decide_all, explain, summary
from policies.quorum import Ballot, Outcome, People, eligible, not_yet, shortages, tally, thin_rosters
from policies.rules import Policy, Rule
from policies.strictness import differences
from tests.policies.samples import facts, sheet, some_facts, with_rules

RULE: TypeAdapter[Rule] = TypeAdapter(Rule)
NOW = datetime(2026, 11, 18, 12, 5, tzinfo=UTC)
NOBODY: frozenset[str] = frozenset()
PEOPLE: People = {
    "owner": frozenset({"ann", "bob", "lea"}),
    "sre-oncall": frozenset({"cem", "dee"}),
    "sre-leads": frozenset({"lea", "max"}),
    "incident-commander": frozenset({"ivy"}),
}


def chain(*stages: tuple[int, list[str]], name: str = "levels", **asked: object) -> Rule:
    """A restriction on every production restart that asks one stage after the other."""
    (approvals, groups), *later = stages
    require: dict[str, object] = {"approvals": approvals, "from": tuple(groups), **asked}
    if later:
        require["then"] = tuple({"approvals": count, "from": tuple(names)} for count, names in later)
    when = {"env": ("prod",), "action": ("k8s.restart_deployment",)}
    rule = {"id": name, "why": "a rule with levels", "when": when, "effect": "restrict", "require": require}
    return RULE.validate_python(rule)


def asked_by(*rules: Rule) -> Decision:
    """What is asked for a production restart: one owner, and what these rules add."""
    policy = with_rules(sheet(), *rules)
    return decide(policy, facts(policy))


OWNER_THEN_LEAD = asked_by(chain((1, ["owner"]), (1, ["sre-leads"])))
THREE_LEVELS = asked_by(chain((1, ["owner"]), (1, ["sre-oncall"]), (1, ["sre-leads"])))


def votes(*people: str, verdict: Literal["approve", "reject"] = "approve") -> list[Ballot]:
    """One vote from each, a second after the other."""
    start = NOW - timedelta(minutes=1)
    return [Ballot(person=who, verdict=verdict, at=start + timedelta(seconds=n)) for n, who in enumerate(people)]


def counted(decision: Decision, *people: str) -> tuple[Outcome, list[str]]:
    """The outcome and progress after these people approved, in this order."""
    result = tally(decision, votes(*people), PEOPLE, NOBODY, NOW)
    return result.outcome, [str(each) for each in result.progress if each.obligation.rule == "levels"]


def test_stages_are_obligations_in_their_order() -> None:
    asks = [(str(each), each.stage) for each in OWNER_THEN_LEAD.obligations]

    assert asks == [("1 of owner", 1), ("1 of owner", 1), ("1 of sre-leads in stage 2", 2)]
    assert [len(stage) for stage in OWNER_THEN_LEAD.stages] == [2, 1]


@pytest.mark.parametrize(
    ("people", "outcome", "progress"),
    [
        ([], Outcome.WAITING, ["0 of 1 from owner", "0 of 1 from sre-leads in stage 2"]),
        (["ann"], Outcome.WAITING, ["1 of 1 from owner", "0 of 1 from sre-leads in stage 2"]),
        (["ann", "max"], Outcome.COMPLETE, ["1 of 1 from owner", "1 of 1 from sre-leads in stage 2"]),
        (["max", "ann"], Outcome.WAITING, ["1 of 1 from owner", "0 of 1 from sre-leads in stage 2"]),
        (["max"], Outcome.WAITING, ["0 of 1 from owner", "0 of 1 from sre-leads in stage 2"]),
        (["lea"], Outcome.WAITING, ["1 of 1 from owner", "0 of 1 from sre-leads in stage 2"]),
        (["lea", "max"], Outcome.COMPLETE, ["1 of 1 from owner", "1 of 1 from sre-leads in stage 2"]),
        (["ann", "lea"], Outcome.COMPLETE, ["1 of 1 from owner", "1 of 1 from sre-leads in stage 2"]),
        (["ann", "bob"], Outcome.WAITING, ["1 of 1 from owner", "0 of 1 from sre-leads in stage 2"]),
        (["zoe", "ann", "max"], Outcome.COMPLETE, ["1 of 1 from owner", "1 of 1 from sre-leads in stage 2"]),
    ],
)
def test_a_later_stage_counts_only_what_was_said_after_the_one_before_was_met_by_somebody_else(
    people: list[str], outcome: Outcome, progress: list[str]
) -> None:
    assert counted(OWNER_THEN_LEAD, *people) == (outcome, progress)


def test_three_levels_take_three_people_in_their_order() -> None:
    complete = [order for order in itertools.permutations(["ann", "cem", "max"]) if done(THREE_LEVELS, order)]

    assert complete == [("ann", "cem", "max")]


def done(decision: Decision, order: Sequence[str]) -> bool:
    """Whether these approvals, in this order, complete the decision."""
    return tally(decision, votes(*order), PEOPLE, NOBODY, NOW).outcome is Outcome.COMPLETE


def test_a_stage_opens_when_everything_asked_before_is_met_whatever_rule_asked_it() -> None:
    both = asked_by(chain((1, ["owner"]), (1, ["sre-leads"])), chain((1, ["sre-oncall"]), name="also"))

    assert not done(both, ["ann", "max", "cem"])
    assert done(both, ["ann", "cem", "max"])


def test_a_group_that_must_be_included_belongs_to_the_first_stage() -> None:
    decision = asked_by(chain((1, ["owner"]), (1, ["sre-leads"]), must_include=("incident-commander",)))

    assert not done(decision, ["ann", "max", "ivy"])
    assert done(decision, ["ann", "ivy", "max"])


def test_anyone_of_any_stage_may_reject_at_any_time() -> None:
    rejected = tally(OWNER_THEN_LEAD, votes("max", verdict="reject"), PEOPLE, NOBODY, NOW)

    assert (rejected.outcome, rejected.rejected_by) == (Outcome.REJECTED, ("max",))
    assert {"ann", "bob", "lea", "max"} == eligible(OWNER_THEN_LEAD, PEOPLE, NOBODY)


@pytest.mark.parametrize(
    ("person", "given", "said"),
    [
        ("ann", [], None),
        ("max", [], "stage 1 is open, and it does not ask you: 0 of 1 from owner; 0 of 1 from owner"),
        ("max", ["ann"], None),
        ("bob", ["ann"], "stage 2 is open, and it does not ask you: 0 of 1 from sre-leads in stage 2"),
        ("lea", [], None),
        ("lea", ["ann"], None),
        ("lea", ["lea"], "you approved in stage 1, and nobody serves two stages"),
        ("bob", ["ann", "max"], None),
    ],
)
def test_whoever_presses_too_early_is_told_what_comes_first(person: str, given: list[str], said: str | None) -> None:
    assert not_yet(OWNER_THEN_LEAD, votes(*given), person, PEOPLE, NOBODY, NOW) == said


def test_without_stages_nobody_is_ever_too_early() -> None:
    plain = asked_by()

    assert {not_yet(plain, votes(*given), "bob", PEOPLE, NOBODY, NOW) for given in ([], ["ann"], ["bob"])} == {None}


@pytest.mark.parametrize(
    ("people", "short"),
    [
        ({"owner": {"ann"}, "sre-leads": {"max"}}, []),
        ({"owner": {"lea"}, "sre-leads": {"lea"}}, ["levels needs 1 from sre-leads, and 0 could vote"]),
        ({"owner": {"lea", "ann"}, "sre-leads": {"lea"}}, []),
        ({"owner": {"ann"}, "sre-leads": set()}, ["levels needs 1 from sre-leads, and 0 could vote"]),
    ],
)
def test_stages_that_want_the_same_only_person_are_noticed(people: People, short: list[str]) -> None:
    assert [str(each) for each in shortages(OWNER_THEN_LEAD, people, NOBODY)] == short


def test_a_stage_with_nobody_to_spare_is_warned_about() -> None:
    policy = with_rules(sheet(), chain((1, ["owner"]), (2, ["sre-leads"])))

    warnings = thin_rosters(policy, {**PEOPLE, "owner": {"ann", "bob", "lea"}})

    assert "rule levels: 2 people in sre-leads, 3 are needed to have one to spare" in warnings


def test_the_card_tells_the_stages_in_their_order() -> None:
    assert summary(OWNER_THEN_LEAD).startswith("Needs 1 approval from owner, then 1 from sre-leads, not from")
    assert "  asks 1 of sre-leads in stage 2 (levels)" in explain(OWNER_THEN_LEAD).splitlines()


def test_a_later_stage_is_told_even_where_an_earlier_one_asks_the_same() -> None:
    twice = asked_by(chain((1, ["owner"]), (1, ["owner"])))

    assert summary(twice).startswith("Needs 1 approval from owner, then 1 from owner, not from")


def test_a_plan_asks_the_stages_of_all_its_actions() -> None:
    policy = with_rules(sheet(), chain((1, ["owner"]), (1, ["sre-leads"])))
    scale = facts(policy, action="k8s.scale_deployment")

    decision = decide_all(policy, [scale, facts(policy)])

    assert [each.stage for each in decision.obligations] == [1, 1, 1, 2]


def test_a_decision_with_stages_reads_back_as_itself_and_one_from_before_there_were_stages_too() -> None:
    shape = TypeAdapter(Decision)
    stored = shape.dump_json(OWNER_THEN_LEAD).decode()

    assert shape.validate_json(stored) == OWNER_THEN_LEAD
    assert TypeAdapter(Obligation).validate_json('{"rule":"a","approvals":1,"groups":["owner"]}').stage == 1


def staged(*stages: list[tuple[int, str]]) -> Decision:
    """An approval that asks these numbers of these groups, stage by stage."""
    asked = tuple(
        Obligation(rule=f"r{number}", approvals=approvals, groups=(group,), stage=number)
        for number, stage in enumerate(stages, start=1)
        for approvals, group in stage
    )
    return asked_by().model_copy(update={"obligations": asked})


@pytest.mark.parametrize(
    ("now", "than", "said"),
    [
        (staged([(1, "a")], [(1, "b")]), staged([(1, "a")], [(1, "b")]), ()),
        (staged([(1, "a")]), staged([(1, "a")], [(1, "b")]), ()),
        (staged([(1, "b")]), staged([(1, "a")], [(1, "b")]), ()),
        (staged([(1, "a"), (1, "b")]), staged([(1, "a")], [(1, "b")]), ()),
        (staged([(1, "a")], [(1, "c")]), staged([(1, "a")], [(1, "b")], [(1, "c")]), ()),
        (staged([(1, "a")], [(1, "b")]), staged([(1, "a"), (1, "b")]), ("it needs 1 of b in stage 2 (r2)",)),
        (staged([(1, "a")], [(1, "b")]), staged([(1, "b")], [(1, "a")]), ("it needs 1 of b in stage 2 (r2)",)),
        (staged([(1, "a")], [(2, "b")]), staged([(1, "a")], [(1, "b")]), ("it needs 2 of b in stage 2 (r2)",)),
        (staged([(1, "a")], [(1, "b")]), staged([(1, "a")]), ("it needs 1 of b in stage 2 (r2)",)),
        (staged([(1, "a")], [(1, "a")]), staged([(2, "a")]), ("it needs 1 of a in stage 2 (r2)",)),
    ],
)
def test_stages_are_covered_only_by_stages_in_the_same_order(
    now: Decision, than: Decision, said: tuple[str, ...]
) -> None:
    assert differences(now, than) == said


GROUPS = ["owner", "sre-oncall", "sre-leads"]
WHO = ["ann", "bob", "cem", "lea", "max"]
some_stage = st.tuples(st.integers(1, 2), st.lists(st.sampled_from(GROUPS), min_size=1, max_size=2, unique=True))
some_chain = st.lists(some_stage, min_size=1, max_size=3)
rosters = st.fixed_dictionaries({group: st.frozensets(st.sampled_from(WHO), max_size=4) for group in GROUPS})
orders = st.lists(st.sampled_from(WHO), unique=True, max_size=5)


@given(data=st.data(), stages=some_chain, one_more=some_stage, policy=st.just(sheet()))
def test_one_more_stage_never_loosens(
    data: st.DataObject, stages: list[tuple[int, list[str]]], one_more: tuple[int, list[str]], policy: Policy
) -> None:
    case = data.draw(some_facts(policy))

    before = decide(with_rules(policy, chain(*stages)), case)
    after = decide(with_rules(policy, chain(*stages, one_more)), case)

    assert differences(before, after) == ()


@given(stages=some_chain, people=rosters, order=orders, data=st.data())
def test_losing_a_voter_never_helps_a_chain(
    stages: list[tuple[int, list[str]]], people: People, order: list[str], data: st.DataObject
) -> None:
    assume(order)
    decision, gone = asked_by(chain(*stages)), data.draw(st.sampled_from(order))

    with_them = tally(decision, votes(*order), people, NOBODY, NOW).outcome
    without = [
        tally(decision, votes(*(who for who in order if who != gone)), people, NOBODY, NOW).outcome,
        tally(decision, votes(*order), people, frozenset({gone}), NOW).outcome,
        tally(decision, votes(*order), {name: who - {gone} for name, who in people.items()}, NOBODY, NOW).outcome,
    ]

    assert with_them is Outcome.COMPLETE or without == [Outcome.WAITING] * 3


@given(stages=some_chain, people=rosters, order=orders)
def test_a_completed_chain_was_served_by_different_people_stage_by_stage(
    stages: list[tuple[int, list[str]]], people: People, order: list[str]
) -> None:
    decision = asked_by(chain(*stages))

    result = tally(decision, votes(*order), people, NOBODY, NOW)

    served = [
        {who for each in result.progress if each.obligation.stage == stage for who in each.approved_by}
        for stage in range(1, len(stages) + 1)
    ]
    assert sum(map(len, served)) == len(set().union(*served))
    for earlier, later in itertools.pairwise(served):
        assert not later or max(map(order.index, earlier)) < min(map(order.index, later))
    if result.outcome is Outcome.COMPLETE:
        assert all(len(each.approved_by) >= each.obligation.approvals for each in result.progress)


@given(stages=some_chain, people=rosters)
def test_a_shortage_is_told_exactly_when_no_order_of_approvals_completes_a_chain(
    stages: list[tuple[int, list[str]]], people: People
) -> None:
    """One demand a stage. Where several rules ask in one stage a shortage may stay unseen, and the plan expires."""
    asked = staged(*([(1, "owner")] for _ in stages))
    obligations = tuple(
        each.model_copy(update={"approvals": count, "groups": tuple(names)})
        for each, (count, names) in zip(asked.obligations, stages, strict=True)
    )
    decision = asked.model_copy(update={"obligations": obligations})

    possible = any(
        tally(decision, votes(*order), people, NOBODY, NOW).outcome is Outcome.COMPLETE
        for order in itertools.permutations(WHO)
    )

    assert bool(shortages(decision, people, NOBODY)) is not possible


some_demands = st.lists(
    st.lists(st.tuples(st.integers(1, 2), st.sampled_from(GROUPS)), min_size=1, max_size=2), min_size=1, max_size=3
)


@st.composite
def weakened(draw: st.DrawFn, stages: list[list[tuple[int, str]]]) -> list[list[tuple[int, str]]]:
    """The same demands with some dropped or lowered, and some stages asked at once instead of one after the other."""
    coin = st.booleans()
    weaker: list[list[tuple[int, str]]] = []
    for stage in stages:
        kept = [(draw(st.integers(1, approvals)), group) for approvals, group in stage if draw(coin)]
        at_once = draw(coin)
        if weaker and at_once:
            weaker[-1] += kept
        elif kept:
            weaker.append(kept)
    return weaker


@given(than=some_demands, people=rosters, order=orders, data=st.data())
def test_what_an_earlier_decision_covers_its_votes_complete(
    than: list[list[tuple[int, str]]], people: People, order: list[str], data: st.DataObject
) -> None:
    asked_before, asked_now = staged(*than), staged(*data.draw(weakened(than)))

    before = tally(asked_before, votes(*order), people, NOBODY, NOW).outcome

    assert differences(asked_now, asked_before) == ()
    assert before is Outcome.WAITING or tally(asked_now, votes(*order), people, NOBODY, NOW).outcome is before


@given(stages=some_chain, people=rosters, order=orders, person=st.sampled_from(WHO))
def test_whoever_is_told_to_wait_would_have_changed_nothing(
    stages: list[tuple[int, list[str]]], people: People, order: list[str], person: str
) -> None:
    assume(person not in order)
    decision, given = asked_by(chain(*stages)), votes(*order)
    assume(not_yet(decision, given, person, people, NOBODY, NOW) is not None)

    before = tally(decision, given, people, NOBODY, NOW)

    assert tally(decision, votes(*order, person), people, NOBODY, NOW) == before
    assert decision.effect is Effect.APPROVE
