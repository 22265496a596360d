"""Whose votes count, when a quorum is complete, and who could never reach it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.engine import Decision, Effect, decide
from policies.quorum import Ballot, Outcome, People, eligible, exclusions, shortages, tally, thin_rosters
from tests.policies.samples import facts, sheet, shipped

NOW = datetime(2026, 11, 18, 12, 5, tzinfo=UTC)
PEOPLE: People = {
    "owner": frozenset({"ann", "bob"}),
    "sre-oncall": frozenset({"cem", "dee"}),
    "incident-commander": frozenset({"ivy"}),
}
NOBODY: frozenset[str] = frozenset()

ONE_OWNER = decide(sheet(), facts(sheet()))
TWO_AND_OWNER = decide(sheet(), facts(sheet(), action="k8s.scale_deployment", scale_factor=3.0))
FROZEN = decide(sheet(), facts(sheet(), at=datetime(2026, 11, 21, 12, tzinfo=UTC)))
WINDOW = decide(sheet(), facts(sheet(), action="k8s.pause_rollout"))
AUTO = decide(sheet(), facts(sheet(), env="staging"))
DENY = decide(sheet(), facts(sheet(), namespace="kube-system"))


def ballot(person: str, verdict: Literal["approve", "reject"] = "approve", *, minutes_ago: float = 1) -> Ballot:
    """A vote with everything a vote can have."""
    at = NOW - timedelta(minutes=minutes_ago)
    return Ballot(person=person, verdict=verdict, at=at, reason="checked the graphs", stepped_up=True)


def approved_by(*people: str) -> list[Ballot]:
    """One approval from each."""
    return [ballot(person) for person in people]


@pytest.mark.parametrize(
    ("decision", "voters", "outcome", "progress"),
    [
        (ONE_OWNER, [], Outcome.WAITING, ["0 of 1 from owner"]),
        (ONE_OWNER, ["ann"], Outcome.COMPLETE, ["1 of 1 from owner"]),
        (ONE_OWNER, ["ann", "bob"], Outcome.COMPLETE, ["1 of 1 from owner"]),
        (ONE_OWNER, ["cem"], Outcome.WAITING, ["0 of 1 from owner"]),
        (TWO_AND_OWNER, ["cem"], Outcome.WAITING, ["1 of 2 from owner, sre-oncall", "0 of 1 from owner"]),
        (TWO_AND_OWNER, ["cem", "dee"], Outcome.WAITING, ["2 of 2 from owner, sre-oncall", "0 of 1 from owner"]),
        (TWO_AND_OWNER, ["ann"], Outcome.WAITING, ["1 of 2 from owner, sre-oncall", "1 of 1 from owner"]),
        (TWO_AND_OWNER, ["ann", "cem"], Outcome.COMPLETE, ["2 of 2 from owner, sre-oncall", "1 of 1 from owner"]),
        (TWO_AND_OWNER, ["ann", "ann"], Outcome.WAITING, ["1 of 2 from owner, sre-oncall", "1 of 1 from owner"]),
        (
            FROZEN,
            ["ann", "cem"],
            Outcome.WAITING,
            ["2 of 2 from owner, sre-oncall", "0 of 1 from incident-commander", "1 of 1 from owner"],
        ),
        (
            FROZEN,
            ["ann", "cem", "ivy"],
            Outcome.COMPLETE,
            ["2 of 2 from owner, sre-oncall", "1 of 1 from incident-commander", "1 of 1 from owner"],
        ),
        (AUTO, [], Outcome.COMPLETE, []),
        (DENY, ["ann", "bob", "cem", "dee", "ivy"], Outcome.REJECTED, []),
        (WINDOW, [], Outcome.WAITING, ["0 of 1 from owner, sre-oncall"]),
        (WINDOW, ["cem"], Outcome.COMPLETE, ["1 of 1 from owner, sre-oncall"]),
    ],
)
def test_votes_are_counted_for_each_obligation(
    decision: Decision, voters: list[str], outcome: Outcome, progress: list[str]
) -> None:
    counted = tally(decision, approved_by(*voters), PEOPLE, NOBODY, NOW)

    assert counted.outcome is outcome
    assert [str(each) for each in counted.progress] == progress


def test_one_eligible_rejection_is_final() -> None:
    counted = tally(ONE_OWNER, [*approved_by("ann"), ballot("bob", "reject")], PEOPLE, NOBODY, NOW)

    assert (counted.outcome, counted.rejected_by) == (Outcome.REJECTED, ("bob",))


def test_a_person_who_says_both_has_rejected() -> None:
    counted = tally(ONE_OWNER, [ballot("ann", "reject"), ballot("ann")], PEOPLE, NOBODY, NOW)

    assert counted.outcome is Outcome.REJECTED


@pytest.mark.parametrize("person", ["zoe", "ivy", "cem"])
def test_a_rejection_from_outside_the_groups_asked_counts_for_nothing(person: str) -> None:
    counted = tally(ONE_OWNER, [ballot(person, "reject")], PEOPLE, NOBODY, NOW)

    assert counted.outcome is Outcome.WAITING


def test_anyone_who_may_stop_a_window_stops_it() -> None:
    counted = tally(WINDOW, [ballot("dee", "reject")], PEOPLE, NOBODY, NOW)

    assert counted.outcome is Outcome.REJECTED


def test_excluded_people_neither_approve_nor_reject() -> None:
    votes = [ballot("ann"), ballot("bob", "reject")]

    counted = tally(ONE_OWNER, votes, PEOPLE, frozenset({"ann", "bob"}), NOW)

    assert counted.outcome is Outcome.WAITING
    assert str(counted.progress[0]) == "0 of 1 from owner"


@pytest.mark.parametrize(("minutes", "outcome"), [(14.9, Outcome.COMPLETE), (15, Outcome.WAITING)])
def test_an_approval_lapses_with_the_expiry(minutes: float, outcome: Outcome) -> None:
    assert tally(ONE_OWNER, [ballot("ann", minutes_ago=minutes)], PEOPLE, NOBODY, NOW).outcome is outcome


def test_a_rejection_does_not_lapse() -> None:
    votes = [ballot("ann", "reject", minutes_ago=60), ballot("bob")]

    assert tally(ONE_OWNER, votes, PEOPLE, NOBODY, NOW).outcome is Outcome.REJECTED


@pytest.mark.parametrize("missing", [{"reason": None}, {"reason": "  "}, {"stepped_up": False}])
def test_an_approval_without_the_reason_or_sign_in_that_is_asked_does_not_count(missing: dict[str, object]) -> None:
    votes = approved_by("ann", "cem", "ivy")

    counted = tally(FROZEN, [votes[0].model_copy(update=missing), *votes[1:]], PEOPLE, NOBODY, NOW)

    assert counted.outcome is Outcome.WAITING
    assert [each.met for each in counted.progress] == [False, True, False]


def test_a_plain_approval_is_enough_where_nothing_more_is_asked() -> None:
    plain = Ballot(person="ann", verdict="approve", at=NOW)

    assert tally(ONE_OWNER, [plain], PEOPLE, NOBODY, NOW).outcome is Outcome.COMPLETE


@pytest.mark.parametrize(
    ("decision", "excluded", "who"),
    [
        (ONE_OWNER, set(), {"ann", "bob"}),
        (TWO_AND_OWNER, {"ann"}, {"bob", "cem", "dee"}),
        (FROZEN, set(), {"ann", "bob", "cem", "dee", "ivy"}),
        (WINDOW, {"cem"}, {"ann", "bob", "dee"}),
        (AUTO, set(), set()),
        (DENY, set(), set()),
    ],
)
def test_who_may_vote_follows_from_the_groups_asked(decision: Decision, excluded: set[str], who: set[str]) -> None:
    assert eligible(decision, PEOPLE, excluded) == who


def test_whoever_asked_for_a_plan_is_excluded_where_the_policy_says_so() -> None:
    freely = decide(shipped(), facts(shipped(), env="staging", action="k8s.set_image"))

    assert exclusions(ONE_OWNER, {"ann"}, {"eve"}) == {"ann", "eve"}
    assert exclusions(freely, {"ann"}, {"eve"}) == {"eve"}


@pytest.mark.parametrize(
    ("decision", "people", "excluded", "short"),
    [
        (ONE_OWNER, PEOPLE, set(), []),
        (ONE_OWNER, {}, set(), ["prod-restart needs 1 from owner, and 0 could vote"]),
        (ONE_OWNER, {"owner": {"ann"}}, {"ann"}, ["prod-restart needs 1 from owner, and 0 could vote"]),
        (
            TWO_AND_OWNER,
            {"owner": {"ann"}, "sre-oncall": {"ann"}},
            set(),
            ["prod-big-scale needs 2 from owner, sre-oncall, and 1 could vote"],
        ),
        (WINDOW, {}, set(), ["prod-pause-rollout needs 1 from owner, sre-oncall, and 0 could vote"]),
        (AUTO, {}, set(), []),
        (DENY, {}, set(), []),
    ],
)
def test_a_quorum_nobody_can_reach_is_noticed(
    decision: Decision, people: People, excluded: set[str], short: list[str]
) -> None:
    assert [str(each) for each in shortages(decision, people, excluded)] == short


def test_groups_without_anyone_to_spare_are_warned_about() -> None:
    people = {"owner": {"ann"}, "sre-oncall": {"cem"}}

    warnings = thin_rosters(shipped(), people)

    assert warnings == ("rule prod-big-scale: 2 people in owner, sre-oncall, 3 are needed to have one to spare",)


persons = st.sampled_from(["ann", "bob", "cem", "dee", "ivy", "zoe", "bot"])
decisions = st.sampled_from([ONE_OWNER, TWO_AND_OWNER, FROZEN, WINDOW, AUTO, DENY])
rosters = st.dictionaries(st.sampled_from(["owner", "sre-oncall", "incident-commander"]), st.frozensets(persons))
exclusion = st.frozensets(persons, max_size=3)


@st.composite
def some_ballot(draw: st.DrawFn) -> Ballot:
    """Any vote of anybody."""
    verdict: Literal["approve", "reject"] = draw(st.sampled_from(["approve", "approve", "approve", "reject"]))
    return ballot(draw(persons), verdict, minutes_ago=draw(st.sampled_from([0.0, 1.0, 9.0, 20.0])))


ballots = st.lists(some_ballot(), max_size=8)


@given(decision=decisions, votes=ballots, people=rosters, excluded=exclusion)
def test_votes_of_people_who_may_not_vote_never_change_the_tally(
    decision: Decision, votes: list[Ballot], people: People, excluded: frozenset[str]
) -> None:
    may = eligible(decision, people, excluded)

    counted = tally(decision, votes, people, excluded, NOW)

    assert counted == tally(decision, [vote for vote in votes if vote.person in may], people, excluded, NOW)


@given(decision=decisions, votes=ballots, people=rosters, excluded=exclusion, data=st.data())
def test_saying_it_again_or_in_another_order_changes_nothing(
    decision: Decision, votes: list[Ballot], people: People, excluded: frozenset[str], data: st.DataObject
) -> None:
    repeated = data.draw(st.permutations([*votes, *votes]))

    assert tally(decision, repeated, people, excluded, NOW) == tally(decision, votes, people, excluded, NOW)


@given(decision=decisions, votes=ballots, people=rosters, excluded=exclusion, gone=persons)
def test_losing_a_voter_never_helps(
    decision: Decision, votes: list[Ballot], people: People, excluded: frozenset[str], gone: str
) -> None:
    approvals = [vote for vote in votes if vote.verdict == "approve"]
    left = {group: members - {gone} for group, members in people.items()}

    before = tally(decision, approvals, people, excluded, NOW).outcome

    for after in (
        tally(decision, approvals, left, excluded, NOW).outcome,
        tally(decision, approvals, people, excluded | {gone}, NOW).outcome,
        tally(decision, [vote for vote in approvals if vote.person != gone], people, excluded, NOW).outcome,
    ):
        assert after is before or (before, after) == (Outcome.COMPLETE, Outcome.WAITING)


@given(decision=decisions, votes=ballots, people=rosters, excluded=exclusion)
def test_a_complete_quorum_has_enough_different_people_for_each_obligation(
    decision: Decision, votes: list[Ballot], people: People, excluded: frozenset[str]
) -> None:
    counted = tally(decision, votes, people, excluded, NOW)

    if counted.outcome is Outcome.COMPLETE and decision.effect is Effect.APPROVE:
        said = {vote.person for vote in votes if vote.verdict == "approve"}
        for obligation in decision.obligations:
            members = {person for group in obligation.groups for person in people.get(group, ())}
            assert len(said & members - excluded) >= obligation.approvals


@given(decision=decisions, people=rosters, excluded=exclusion)
def test_everybody_approving_completes_exactly_what_has_no_shortage(
    decision: Decision, people: People, excluded: frozenset[str]
) -> None:
    votes = [ballot(person) for person in ["ann", "bob", "cem", "dee", "ivy", "zoe", "bot"]]

    outcome = tally(decision, votes, people, excluded, NOW).outcome

    assert (outcome is Outcome.WAITING) is bool(shortages(decision, people, excluded))
