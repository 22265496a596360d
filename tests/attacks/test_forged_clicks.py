"""Clicks that are not what they claim: each is refused in words, starts nothing, and is on record."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import approval
from bot.approval import Click
from bot.views.ids import PlanReference, parse_reference
from deploy.sandbox.workspace.directory import ALERTS, TEAM_ID
from storage import audit
from storage.tables import PlanStatus, Verdict
from tests.bot.desks import ALICE
from tests.bot.live_desks import LiveBench, reference

SLACK_CONNECT = "T0ELSEWHERE"


def press(gate: LiveBench, **forged: object) -> None:
    """Alice's approval of the first plan, with what is forged about it."""
    usual: dict[str, object] = {
        "event_key": "forged",
        "user_id": ALICE,
        "team_id": TEAM_ID,
        "channel": ALERTS,
        "reference": reference(gate.plan()),
        "verdict": Verdict.APPROVE,
    }
    approval.decide(Click.model_validate({**usual, **forged}), gate.desk)


def refusals(gate: LiveBench) -> list[dict[str, object]]:
    """What the record tells of refused clicks."""
    with gate.database.reading() as session:
        return [json.loads(one.payload) for one in audit.latest(session, 100) if one.event == "click.refused"]


@pytest.mark.parametrize(
    ("user", "team"),
    [
        (ALICE, SLACK_CONNECT),
        ("U0EVIL00001", SLACK_CONNECT),
        ("U0NOBODY001", TEAM_ID),
        ("", TEAM_ID),
        (ALICE, ""),
        (ALICE.lower(), TEAM_ID),
        (f"{ALICE} ", TEAM_ID),
        (f"{ALICE}\u200b", TEAM_ID),
        ("alice", TEAM_ID),
        (f"{ALICE},U0BOB00001", TEAM_ID),
        ("B0AM000001", TEAM_ID),
        ("USLACKBOT", TEAM_ID),
    ],
)
def test_whoever_is_not_exactly_one_of_ours_decides_nothing(user: str, team: str, gate: LiveBench) -> None:
    gate.scaled(4)

    press(gate, user_id=user, team_id=team)

    assert gate.plan().status == PlanStatus.PENDING
    assert [(one["team"], one["verdict"]) for one in refusals(gate)] == [(team, "approve")]
    assert gate.starts.all == []


@pytest.mark.parametrize(
    "forged",
    [
        {"plan_id": "P-2"},
        {"plan_id": "P-0"},
        {"plan_id": "P-999999999"},
        {"plan_id": "P-01"},
        {"plan_id": "INC-1"},
        {"version": 2},
        {"digest": "0" * 16},
        {"digest": "f" * 16},
    ],
    ids=str,
)
def test_a_button_with_another_value_decides_nothing(forged: dict[str, object], gate: LiveBench) -> None:
    gate.scaled(4)
    real = reference(gate.plan())

    press(gate, reference=PlanReference.model_validate({**real.model_dump(), **forged}))

    same_plan = forged == {"plan_id": "P-01"}  # the number is the same, and so are version and digest
    assert (gate.plan().status == PlanStatus.APPROVED) is same_plan
    assert len(refusals(gate)) == (0 if same_plan else 1)


def test_the_digest_of_one_plan_is_no_key_to_another(gate: LiveBench) -> None:
    first, second = gate.ask(), gate.ask()

    press(gate, reference=reference(second).model_copy(update={"plan_id": f"P-{first.id}"}))

    assert gate.plan().status == PlanStatus.PENDING
    assert gate.starts.all == []
    assert len(refusals(gate)) == 1


def test_a_request_sent_again_counts_once_and_both_are_on_record(gate: LiveBench) -> None:
    gate.scaled(8)

    press(gate, reason="needed")
    press(gate, reason="needed")

    assert [one["reason"] for one in refusals(gate)] == ["the same click again"]
    assert len([event for _, event in gate.entries() if event == "vote.approve"]) == 1


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60) | st.from_regex(r"P-[0-9]{1,12}:[0-9]{1,12}:[0-9a-f]{14,18}", fullmatch=True))
def test_a_value_is_read_as_what_it_is_or_not_at_all(value: str) -> None:
    found = parse_reference(value)

    assert found is None or str(found) == value


@pytest.mark.parametrize(
    "value",
    [
        "P-1:1:0123456789abcdef\n",
        " P-1:1:0123456789abcdef",
        "P-1:1:0123456789ABCDEF",
        "P-1:1:0123456789abcde",
        "P-1:-1:0123456789abcdef",
        "P-1:1:0123456789abcdef:approve",
        "P-\u0661:1:0123456789abcdef",
        "<@U0ALICE001>:1:0123456789abcdef",
        "P-1:99999999999999999999:0123456789abcdef",
        '{"plan_id": "P-1"}',
        "",
    ],
)
def test_rubbish_is_no_reference(value: str) -> None:
    assert parse_reference(value) is None
