"""What counts as a looser policy: by its files, by decisions of the past, and by a grid of cases. In doubt it is."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from policies import grid, rules
from policies.catalogue import Catalogue
from policies.conditions import When
from policies.coverage import covers
from policies.engine import decide
from policies.loading import load
from policies.loosening import in_files, loosenings, replay
from policies.replay import Direction, changes
from policies.rules import Policy, Rule
from policies.strictness import differences
from tests.policies.samples import DEFAULTS, SHEET, SHEET_CATALOGUE, facts, sheet, shipped, some_facts, with_rules
from tests.policies.test_properties import some_conditions, some_grant, some_policy, some_restriction

CASES = yaml.safe_load(Path(__file__).with_name("loosenings.yaml").read_text())
LOOSER, TIGHTER = CASES["looser"], CASES["tighter"]
Edits = list[tuple[str, str]]


def changed(edits: Edits) -> Policy:
    """The example with some of its text replaced, in its next version, through the whole loader."""
    text = SHEET.replace("version: 43", "version: 44", 1)
    for old, new in edits:
        assert text.count(old) == 1, f"{text.count(old)} times: {old}"
        text = text.replace(old, new)
    return load(text, SHEET_CATALOGUE, active=sheet())


@pytest.mark.parametrize("change", LOOSER.values(), ids=LOOSER)
def test_a_change_that_allows_more_is_told_in_a_sentence(change: dict[str, object]) -> None:
    """By the files alone: the grid must not be what saves it."""
    edits, told = change["edits"], str(change["told"])
    assert isinstance(edits, list)

    found = [one.what for one in in_files(sheet(), changed(edits))]

    assert any(told in one for one in found), found


@pytest.mark.parametrize("change", TIGHTER.values(), ids=TIGHTER)
def test_a_change_that_only_tightens_is_not_looser(change: dict[str, object]) -> None:
    edits = change["edits"]
    assert isinstance(edits, list)

    assert loosenings(sheet(), changed(edits), ()) == ()


def test_a_new_grant_for_an_action_nobody_ever_asked_for_is_looser_with_an_example() -> None:
    edits = LOOSER["a new grant"]["edits"]

    (told,) = loosenings(sheet(), changed(edits), ())

    assert told.what == (
        "Rule dev-restart is new and allows what it describes (action k8s.restart_deployment; env dev)."
    )
    assert told.example is not None
    assert "k8s.restart_deployment in dev" in told.example
    assert "“Not allowed” becomes “Runs without asking”" in told.example


def test_the_same_file_is_not_looser_and_the_same_rules_in_other_words_are_not_either() -> None:
    again = load(SHEET, SHEET_CATALOGUE)
    reordered = with_rules(sheet(), shuffled=tuple(reversed(sheet().file.rules)))

    assert loosenings(sheet(), again, ()) == ()
    assert list(in_files(sheet(), reordered)) == []


def test_what_is_known_of_an_action_may_not_change_unseen() -> None:
    kinds = {**SHEET_CATALOGUE.kinds, "k8s.delete_pvc": SHEET_CATALOGUE.kinds["k8s.restart_deployment"]}
    elsewhere = rules.compiled(sheet().file, "1" * 64, Catalogue(kinds=kinds))

    assert "What is known of the action k8s.delete_pvc is not as it was." in [
        one.what for one in in_files(sheet(), elsewhere)
    ]


def test_only_a_decision_of_the_past_may_show_what_got_looser() -> None:
    """Two policies whose files are taken for the same: what a stored decision shows still counts."""
    without = tuple(rule for rule in sheet().file.rules if rule.id != "prod-big-scale")
    new = with_rules(sheet(), shuffled=without)
    past = facts(sheet(), action="k8s.scale_deployment", scale_factor=7.0)

    (change,) = changes(sheet(), new, [past])

    assert change.direction is Direction.LOOSER
    assert "prod-big-scale" in change.named
    assert "x7" in str(change)


def test_a_replay_counts_what_changes_and_in_which_direction() -> None:
    edits = [
        ("confidence: {lt: 7}", "confidence: {lt: 8}"),
        ("confidence: 7}, expect: {effect: auto}", "confidence: 8}, expect: {effect: auto}"),
        ("approvals: 2, from: [owner, sre-oncall], not_requester: true, reason: true, expires: 10m", BIG_AFTER),
    ]
    past = [
        facts(sheet(), confidence=7.5, env="staging"),
        facts(sheet(), confidence=7.5, env="staging", at=datetime(2026, 11, 19, 12, tzinfo=UTC)),
        facts(sheet(), action="k8s.scale_deployment", scale_factor=3.0),
        facts(sheet()),
    ]

    told = replay(sheet(), changed(edits), past)

    assert (told.replayed, told.looser, told.stricter, told.different, told.changed) == (4, 0, 2, 1, 3)
    assert any(one.startswith("different: k8s.scale_deployment in prod") for one in told.examples)


BIG_AFTER = (
    "approvals: 2, from: [owner, sre-oncall], must_include: [sre-leads], "
    "not_requester: true, reason: true, expires: 11m"
)


def test_a_renamed_limit_does_not_make_every_stored_decision_look_strict() -> None:
    """What was counted under another name then would be an unknown count, and deny."""
    edits = [("id: total-global", "id: total"), ("total-global: 20", "total: 20"), ("[total-global]", "[total]")]
    past = [facts(sheet(), env="staging")]

    told = replay(sheet(), changed(edits), past)

    assert told.changed == 0


def test_the_grid_reaches_every_rule_of_both_policies_and_stays_small() -> None:
    for policy in (sheet(), shipped()):
        cases = grid.cases(policy, policy)
        matched = {line.rule for one in cases for line in decide(policy, one).trace if line.matched}

        assert matched == {rule.id for rule in policy.file.rules}
        assert len(cases) < grid.CASES_MOST


def test_a_file_with_hundreds_of_rules_is_compared_on_no_more_cases_than_there_is_time_for() -> None:
    last = sheet().file.rules[-1]
    copies = [last.model_copy(update={"id": f"copy-{number}", "when": _of(number)}) for number in range(300)]

    assert len(grid.cases(sheet(), with_rules(sheet(), *copies))) == grid.CASES_MOST


def _of(number: int) -> When:
    return When(mutating=True, service=(f"service-{number}-*",))


@pytest.mark.parametrize(
    ("wide", "narrow", "certain"),
    [
        ({"env": ("prod",)}, {"env": ("prod",), "service": ("api",)}, True),
        ({"env": ("prod",), "service": ("api",)}, {"env": ("prod",)}, False),
        ({"env": ("prod", "staging")}, {"env": ("prod",)}, True),
        ({"env": ("prod",)}, {"env": ("prod", "staging")}, False),
        ({"service": ("pay*",)}, {"service": ("payments", "pay-*")}, True),
        ({"service": ("pay-*",)}, {"service": ("pay*",)}, False),
        ({"service": ("pay?",)}, {"service": ("pay*",)}, False),
        ({"service": ("pay?",)}, {"service": ("pay?",)}, True),
        ({"action": ("k8s.*",)}, {"action": ("k8s.restart",)}, False),
        ({"scale_factor": {"le": 2.0}}, {"scale_factor": {"lt": 2.0}}, True),
        ({"scale_factor": {"lt": 2.0}}, {"scale_factor": {"le": 2.0}}, False),
        ({"scale_factor": {"gt": 1.0}}, {"scale_factor": {"ge": 1.0}}, False),
        ({"scale_factor": {"ge": 1.0}}, {"scale_factor": {"gt": 1.0, "le": 2.0}}, True),
        ({"mutating": True}, {"mutating": False}, False),
        ({"unearned": {"verified": 5, "within": "30d"}}, {"unearned": {"verified": 3, "within": "30d"}}, True),
        ({"unearned": {"verified": 3, "within": "30d"}}, {"unearned": {"verified": 5, "within": "30d"}}, False),
    ],
)
def test_conditions_cover_others_only_where_that_is_certain(
    wide: dict[str, object], narrow: dict[str, object], certain: bool
) -> None:
    assert covers(When.model_validate(wide), When.model_validate(narrow)) is certain


@st.composite
def some_next(draw: st.DrawFn, old: Policy) -> Policy:
    """A policy that somebody might make of another: one rule, or each of them, stays, goes or becomes another."""
    every = old.file.rules
    touched = every if draw(st.booleans()) else (draw(st.sampled_from(every)),)
    kept = [new for rule in every for new in ([rule] if rule not in touched else draw(some_fate(rule)))]
    if draw(st.booleans()) or not kept:
        kept.append(draw(some_restriction("added")))
    return rules.compiled(old.file.model_copy(update={"rules": tuple(kept)}), "1" * 64, old.catalogue)


@st.composite
def some_fate(draw: st.DrawFn, rule: Rule) -> list[Rule]:
    """What becomes of one rule."""
    match draw(st.sampled_from(["stays", "goes", "elsewhere", "elsewhere", "another"])):
        case "goes":
            return []
        case "elsewhere":
            return [rule.model_copy(update={"when": When.model_validate(draw(some_conditions()))})]
        case "another":
            return [draw(some_restriction(rule.id) if draw(st.booleans()) else some_grant(rule.id))]
        case _:
            return [rule]


@settings(max_examples=60, deadline=None)
@given(data=st.data(), old=some_policy())
def test_what_the_files_do_not_call_looser_decides_nothing_more_loosely(data: st.DataObject, old: Policy) -> None:
    new = data.draw(some_next(old))
    if list(in_files(old, new)):
        return
    for case in [data.draw(some_facts(old)) for _ in range(5)]:
        assert differences(decide(old, case), decide(new, case)) == ()


def test_the_shipped_rules_are_no_looser_than_themselves_with_one_more_deny() -> None:
    more = """rules:
  - id: no-tuesdays
    why: "Nobody touches the ledger of an evening."
    when: {mutating: true, service: [ledger]}
    effect: deny
"""
    text = (
        DEFAULTS.replace("rules:\n", more, 1)
        .replace("\nversion: 1 ", "\nversion: 99 ")
        .replace("\nversion: 2 ", "\nversion: 99 ")
    )
    tested = text.replace(
        "\ntests:\n",
        "\ntests:\n  - {name: ledger, given: {action: k8s.set_env, service: ledger}, expect: {effect: deny}}\n",
        1,
    )

    assert loosenings(shipped(), load(tested, shipped().catalogue, active=shipped()), ()) == ()
