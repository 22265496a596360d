"""Who may decide, asked of the sandbox's Slack: full members of our own workspace, known for certain, or nobody."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from slack_sdk import WebClient

from bot.people import FRESH, LookupFailed, NotAllowed, People, Person
from deploy.sandbox.workspace import BOT_TOKEN, CallFault, Workspace
from deploy.sandbox.workspace.directory import ALERTS, OTHER_TEAM_ID, SHARED, TEAM_ID
from tests.bot.desks import ALICE, BOB, CAROL, GROUPS, Clock, client_of


@pytest.fixture(scope="module")
def workspace() -> Iterator[Workspace]:
    with Workspace() as workspace:
        yield workspace


@pytest.fixture
def ws(workspace: Workspace) -> Workspace:
    """Slack as it starts out."""
    workspace.reset()
    return workspace


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def people(ws: Workspace, clock: Clock) -> People:
    return People(client_of(ws), TEAM_ID, GROUPS | {"sre-leads": "S0LEADS001"}, clock)


def asked(ws: Workspace, method: str = "usergroups.users.list") -> int:
    return len(ws.calls(method))


@pytest.mark.parametrize(
    ("user", "groups"), [(ALICE, ("owner", "sre-oncall")), (BOB, ("owner", "sre-leads", "sre-oncall")), (CAROL, ())]
)
def test_a_member_is_known_with_the_groups_they_are_in(people: People, user: str, groups: tuple[str, ...]) -> None:
    assert people.identify(user, TEAM_ID) == Person(user_id=user, groups=groups)


@pytest.mark.parametrize(
    ("user", "team", "reason"),
    [
        ("U0GUEST001", TEAM_ID, "guests may not decide"),
        ("U0DAVE0001", TEAM_ID, "this account is deactivated"),
        ("U0AM000001", TEAM_ID, "bots and workflows never decide"),
        ("U0BOT00001", TEAM_ID, "bots and workflows never decide"),
        ("U0OUTSIDE1", OTHER_TEAM_ID, "only people of this workspace may decide"),
        ("U0OUTSIDE1", TEAM_ID, "only people of this workspace may decide"),
        (ALICE, OTHER_TEAM_ID, "only people of this workspace may decide"),
        (ALICE, "", "only people of this workspace may decide"),
        ("U0NOBODY01", TEAM_ID, "Slack could not say who you are"),
        ("alice", TEAM_ID, "Slack could not say who you are"),
        ("", TEAM_ID, "Slack could not say who you are"),
    ],
)
def test_everybody_else_is_refused_and_told_why(people: People, user: str, team: str, reason: str) -> None:
    found = people.identify(user, team)

    assert isinstance(found, NotAllowed)
    assert reason in found.reason


def test_somebody_of_another_team_is_refused_without_asking_slack(people: People, ws: Workspace) -> None:
    people.identify(ALICE, OTHER_TEAM_ID)

    assert asked(ws, "users.info") == 0


def test_a_guest_in_an_approver_group_is_still_a_guest(people: People, ws: Workspace) -> None:
    ws.set_usergroup("S0ONCALL01", "U0GUEST001")

    assert people.identify("U0GUEST001", TEAM_ID) == NotAllowed(reason="guests may not decide")


def test_somebody_deactivated_a_moment_ago_is_refused(people: People, ws: Workspace) -> None:
    people.identify(ALICE, TEAM_ID)

    ws.set_standing("alice", "deactivated")

    assert people.identify(ALICE, TEAM_ID) == NotAllowed(reason="this account is deactivated")


FAULTS = {
    "an error": CallFault(method="?", error="internal_error"),
    "a broken server": CallFault(method="?", status=500, error="fatal_error"),
    "a revoked token": CallFault(method="?", error="token_revoked"),
    "too many questions": CallFault(method="?", status=429),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
@pytest.mark.parametrize("method", ["users.info", "usergroups.users.list"])
def test_when_slack_does_not_answer_nobody_may_decide(
    people: People, ws: Workspace, method: str, fault: CallFault
) -> None:
    ws.fault(fault.model_copy(update={"method": method}))

    found = people.identify(ALICE, TEAM_ID)

    assert isinstance(found, NotAllowed)
    assert f"{method} failed" in found.reason
    assert isinstance(people.identify(ALICE, TEAM_ID), Person)


def test_when_slack_is_not_there_at_all_nobody_may_decide(clock: Clock) -> None:
    nowhere = WebClient(token=BOT_TOKEN, base_url="http://127.0.0.1:9/api/", timeout=2)

    found = People(nowhere, TEAM_ID, GROUPS, clock).identify(ALICE, TEAM_ID)

    assert isinstance(found, NotAllowed)
    assert "users.info failed" in found.reason


def test_a_slack_that_is_too_slow_is_a_slack_that_does_not_answer(ws: Workspace, clock: Clock) -> None:
    hurried = WebClient(token=BOT_TOKEN, base_url=ws.api_url, timeout=1)
    ws.fault(CallFault(method="users.info", delay=1.5))

    assert isinstance(People(hurried, TEAM_ID, GROUPS, clock).identify(ALICE, TEAM_ID), NotAllowed)


def test_rosters_are_remembered_for_a_minute(people: People, ws: Workspace, clock: Clock) -> None:
    people.rosters()
    first = asked(ws)
    ws.set_usergroup("S0ONCALL01", CAROL)
    clock.pass_(seconds=FRESH.total_seconds() - 0.001)

    remembered = people.rosters()
    clock.pass_(seconds=0.001)
    fresh = people.rosters()

    assert timedelta(seconds=60) == FRESH
    assert (asked(ws), first) == (4, 2)
    assert remembered["sre-oncall"] == {ALICE, BOB}
    assert fresh["sre-oncall"] == {CAROL}


def test_a_roster_that_is_too_old_does_not_stand_in_for_slack(people: People, ws: Workspace, clock: Clock) -> None:
    people.rosters()
    clock.pass_(seconds=61)
    ws.fault(CallFault(method="usergroups.users.list", error="internal_error"))

    with pytest.raises(LookupFailed):
        people.rosters()


def test_half_of_the_rosters_does_not_pass_for_all(people: People, ws: Workspace) -> None:
    """The second of two usergroups fails: what was learned of the first must not pass for both."""
    ws.fault(CallFault(method="usergroups.users.list", delay=0.001))
    ws.fault(CallFault(method="usergroups.users.list", error="internal_error"))

    with pytest.raises(LookupFailed):
        people.rosters()

    assert set(people.rosters()) == {"sre-oncall", "owner", "sre-leads"}


def test_somebodys_standing_is_believed_for_a_minute_and_no_longer(people: People, ws: Workspace, clock: Clock) -> None:
    before = people.refusal(ALICE)
    ws.set_standing("alice", "deactivated")
    clock.pass_(seconds=FRESH.total_seconds() - 0.001)

    remembered = people.refusal(ALICE)
    clock.pass_(seconds=0.001)

    assert (before, remembered) == (None, None)
    assert people.refusal(ALICE) == "this account is deactivated"


def test_a_standing_that_is_too_old_does_not_stand_in_for_slack(people: People, ws: Workspace, clock: Clock) -> None:
    people.refusal(ALICE)
    clock.pass_(seconds=61)
    ws.fault(CallFault(method="users.info", error="internal_error"))

    with pytest.raises(LookupFailed):
        people.refusal(ALICE)


def test_a_click_asks_again_whatever_is_remembered(people: People, ws: Workspace) -> None:
    people.refusal(ALICE)
    ws.set_standing("alice", "guest")

    assert people.identify(ALICE, TEAM_ID) == NotAllowed(reason="guests may not decide")
    assert people.refusal(ALICE) == "guests may not decide"


@pytest.mark.parametrize(("channel", "shared"), [(ALERTS, False), (SHARED, True)])
def test_a_channel_shared_with_another_organisation_is_known(people: People, channel: str, shared: bool) -> None:
    assert people.is_shared(channel) is shared


def test_a_channel_nobody_can_look_up_is_not_taken_for_ours(people: People) -> None:
    with pytest.raises(LookupFailed):
        people.is_shared("C0NOBODY01")


def test_a_changed_group_is_asked_for_again_at_once(people: People, ws: Workspace) -> None:
    people.rosters()
    ws.set_usergroup("S0ONCALL01")

    people.forget()

    assert people.identify(ALICE, TEAM_ID) == Person(user_id=ALICE, groups=())


def test_a_usergroup_that_is_gone_entitles_nobody(ws: Workspace, clock: Clock) -> None:
    people = People(client_of(ws), TEAM_ID, {"sre-oncall": "S0GONE0001"}, clock)

    assert isinstance(people.identify(ALICE, TEAM_ID), NotAllowed)


def test_a_group_is_mentioned_by_its_usergroup(people: People) -> None:
    assert (people.usergroup("sre-oncall"), people.usergroup("nobody")) == ("S0ONCALL01", None)
