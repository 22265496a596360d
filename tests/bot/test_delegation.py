"""Lending one's vote: who may, to whom and how long; and how a lent vote counts, never twice and never for oneself."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator

import pytest

from bot import answers, approval, standing
from bot.answers import Opens, Typed
from bot.approval import Click
from bot.views.ids import PlanReference
from deploy.sandbox.workspace import CallFault, Workspace
from deploy.sandbox.workspace.directory import ALERTS, TEAM_ID
from policies import rules
from policies.governance import Delegation
from policies.rules import Policy
from storage import plans
from storage.database import Database
from storage.tables import Message, Plan, PlanStatus, Verdict
from tests.bot.desks import ALICE, BOB, BOTH, CAROL, Bench, bench

PRESSES = itertools.count(1)
RULES = Delegation.model_validate(
    {"max_hops": 1, "max_duration": "14d", "reason": True, "groups": ("owner", "sre-oncall")}
)


@pytest.fixture
def plain(database: Database, ws: Workspace) -> Iterator[Bench]:
    """The shipped rules, but that they lend no votes."""
    ws.reset()
    with bench(database, ws) as made:
        file = made.desk.policy.file.model_copy(update={"delegation": None})
        yield made.under(rules.compiled(file, made.desk.policy.sha256, made.desk.policy.catalogue))


@pytest.fixture
def desk(plain: Bench) -> Bench:
    """Rules that let votes be lent."""
    return plain.under(lending(plain.desk.policy))


def lending(policy: Policy, **differs: object) -> Policy:
    """The policy with a `delegation` section."""
    file = policy.file.model_copy(update={"delegation": RULES.model_copy(update=differs)})
    return rules.compiled(file, policy.sha256, policy.catalogue)


def say(desk: Bench, user: str, text: str, key: str | None = None) -> str:
    """Type the slash command; what is answered, as one string."""
    told = answers.command(
        Typed(key=key or f"command:{next(PRESSES)}", user_id=user, team_id=TEAM_ID, text=text), desk.desk
    )
    assert not isinstance(told, Opens)
    return json.dumps(told, ensure_ascii=False)


def approve(desk: Bench, plan: Plan, user: str, verdict: Verdict = Verdict.APPROVE) -> str:
    """Press the button; what is told, as one string."""
    reference = PlanReference(plan_id=f"P-{plan.id}", version=plan.version, digest=plan.digest[:16])
    click = Click(
        event_key=f"click:{next(PRESSES)}",
        user_id=user,
        team_id=TEAM_ID,
        channel=ALERTS,
        reference=reference,
        verdict=verdict,
        reason="because",
    )
    return json.dumps(approval.decide(click, desk.desk), ensure_ascii=False)


def events(desk: Bench) -> list[str]:
    return [event for _, event in desk.entries()]


@BOTH
def test_a_lent_vote_counts_with_both_names_on_record(desk: Bench) -> None:
    told = say(desk, ALICE, f"delegate <@{CAROL}|carol> 3d on holiday")
    plan = desk.ask()

    counted = approve(desk, plan, CAROL)

    assert "You lent" in told
    assert "counts" in counted
    assert desk.plan().status == PlanStatus.APPROVED
    with desk.database.reading() as session:
        (vote,) = plans.votes(session, plan)
        notice = session.get(Message, "delegation:1")
    assert (vote.user_id, vote.on_behalf_of, vote.groups) == (CAROL, ALICE, ("owner", "sre-oncall"))
    assert notice is not None
    assert notice.channel == CAROL
    assert ("sayso", "plan.approved") not in desk.entries()
    assert (ALICE, "delegation.made") in desk.entries()


def test_a_policy_without_the_section_lends_nothing(plain: Bench) -> None:
    told = say(plain, ALICE, f"delegate <@{CAROL}> 3d on holiday")

    assert "lends no votes" in told
    assert (ALICE, "delegation.refused") in plain.entries()


@pytest.mark.parametrize(
    ("who", "text", "why"),
    [
        (ALICE, f"delegate <@{CAROL}> 15d holiday", "at most 14 d"),
        (ALICE, f"delegate <@{ALICE}> 3d holiday", "your own vote already"),
        (ALICE, "delegate <@U0GUEST001> 3d holiday", "guests may not decide"),
        (ALICE, "delegate <@U0OUTSIDE1> 3d holiday", "only people of this workspace"),
        (ALICE, "delegate <@U0BOT00001> 3d holiday", "bots and workflows"),
        (ALICE, "delegate <@U0NOBODY01> 3d holiday", "could not say who may do that"),
        (CAROL, f"delegate <@{BOB}> 3d holiday", "in none of the groups"),
    ],
)
def test_what_must_not_be_lent_is_refused_and_recorded(desk: Bench, who: str, text: str, why: str) -> None:
    told = say(desk, who, text)

    assert why in told
    assert events(desk)[-1].endswith(".refused")
    assert "delegation.made" not in events(desk)


@pytest.mark.parametrize(
    "text",
    [
        "delegate",
        "delegate @carol 3d holiday",
        f"delegate <@{CAROL}>",
        f"delegate <@{CAROL}> 3d",
        f"delegate <@{CAROL}> holiday 3d",
        f"delegate <@{CAROL}> 0d holiday",
        f"delegate <@{CAROL}> 3d no",
    ],
)
def test_what_was_not_understood_is_explained_and_changes_nothing(desk: Bench, text: str) -> None:
    assert "/sayso delegate @bob 3d holiday" in say(desk, ALICE, text)

    assert "delegation.made" not in events(desk)


def test_a_lent_vote_is_gone_when_its_time_is_over_or_it_is_taken_back(desk: Bench) -> None:
    say(desk, ALICE, f"delegate <@{CAROL}> 5m lunch")
    plan = desk.ask()
    desk.clock.pass_(minutes=5)
    late = approve(desk, plan, CAROL)
    say(desk, ALICE, f"delegate <@{CAROL}> 1h meeting")
    say(desk, ALICE, f"undelegate <@{CAROL}>")

    after = approve(desk, plan, CAROL)

    assert "not among those" in late
    assert "not among those" in after
    assert (ALICE, "delegation.revoked") in desk.entries()


def test_what_was_lent_cannot_be_lent_on(desk: Bench, ws: Workspace) -> None:
    ws.set_usergroup("S0ONCALL01", ALICE)
    say(desk, ALICE, f"delegate <@{BOB}> 3d holiday")

    told = say(desk, BOB, f"delegate <@{CAROL}> 3d holiday too")
    plan = desk.ask()

    assert "in none of the groups" in told
    assert "not among those" in approve(desk, plan, CAROL)


def test_who_is_lent_two_votes_has_one(desk: Bench) -> None:
    """Two must agree; Carol holds what both lent, and is one person."""
    for lender in (ALICE, BOB):
        say(desk, lender, f"delegate <@{CAROL}> 3d holiday")
    plan = desk.ask(scale_factor=3.0)

    first, second = approve(desk, plan, CAROL), approve(desk, plan, CAROL)

    assert "1 of 2" in first
    assert "already approved" in second
    assert desk.plan().status == PlanStatus.PENDING


@BOTH
def test_a_lender_who_votes_and_the_one_they_lent_to_are_one_vote(desk: Bench) -> None:
    say(desk, ALICE, f"delegate <@{CAROL}> 3d holiday")
    plan = desk.ask(scale_factor=3.0)
    approve(desk, plan, CAROL)

    approve(desk, plan, ALICE)
    waiting = desk.plan().status
    approve(desk, plan, BOB)

    assert (waiting, desk.plan().status) == (PlanStatus.PENDING, PlanStatus.APPROVED)


def test_after_the_lender_has_voted_the_lent_vote_is_not_there(desk: Bench) -> None:
    say(desk, ALICE, f"delegate <@{CAROL}> 3d holiday")
    plan = desk.ask(scale_factor=3.0)
    approve(desk, plan, ALICE)

    assert "not among those" in approve(desk, plan, CAROL)


def test_one_vote_is_lent_to_one_person_at_a_time(desk: Bench) -> None:
    say(desk, ALICE, f"delegate <@{CAROL}> 3d holiday")

    assert "to somebody already" in say(desk, ALICE, f"delegate <@{BOB}> 3d holiday")


@pytest.mark.parametrize("requester", [ALICE, CAROL])
def test_neither_the_requester_nor_whom_they_lent_to_approves(desk: Bench, requester: str) -> None:
    say(desk, ALICE, f"delegate <@{CAROL}> 3d holiday")
    plan = desk.ask(requester=requester)

    assert "not among those" in approve(desk, plan, CAROL)


def test_a_lent_vote_falls_when_the_lender_has_left_before_the_claim(desk: Bench, ws: Workspace) -> None:
    say(desk, ALICE, f"delegate <@{CAROL}> 3d holiday")
    plan = desk.ask()
    approve(desk, plan, CAROL)
    before = objection_is(desk)
    ws.set_standing("alice", "deactivated")
    desk.clock.pass_(seconds=61)

    after = objection_is(desk)

    assert before is None
    assert after is not None
    assert "no longer has the agreement" in after


def test_a_policy_that_stops_lending_ends_what_was_lent(desk: Bench, plain: Bench) -> None:
    say(desk, ALICE, f"delegate <@{CAROL}> 3d holiday")
    plan = desk.ask()
    shorter = plain.under(lending(plain.desk.policy, max_duration=3600))
    narrower = plain.under(lending(plain.desk.policy, groups=("sre-leads",)))

    assert all("not among those" in approve(each, plan, CAROL) for each in (plain, shorter, narrower))


def test_a_rejection_by_lent_right_is_final_too(desk: Bench) -> None:
    say(desk, ALICE, f"delegate <@{CAROL}> 3d holiday")
    plan = desk.ask()

    approve(desk, plan, CAROL, Verdict.REJECT)

    assert desk.plan().status == PlanStatus.REJECTED


def test_everybody_can_see_what_is_lent(desk: Bench) -> None:
    none = say(desk, CAROL, "delegations")
    say(desk, ALICE, f"delegate <@{CAROL}> 3d on holiday")

    listed = say(desk, BOB, "delegations")

    assert "Nobody has lent" in none
    assert f"<@{ALICE}> → <@{CAROL}>" in listed
    assert "on holiday" in listed


def test_a_command_that_is_replayed_is_taken_once(desk: Bench) -> None:
    say(desk, ALICE, f"delegate <@{CAROL}> 3d holiday", key="command:1")
    say(desk, ALICE, f"undelegate <@{CAROL}>")

    again = say(desk, ALICE, f"delegate <@{CAROL}> 3d holiday", key="command:1")

    assert "taken before" in again
    assert events(desk)[-1] == "command.refused"
    assert events(desk).count("delegation.made") == 1


def test_when_slack_cannot_say_who_is_who_nothing_is_lent(desk: Bench, ws: Workspace) -> None:
    ws.fault(CallFault(method="usergroups.users.list", error="internal_error", times=4))

    told = say(desk, ALICE, f"delegate <@{CAROL}> 3d holiday")

    assert "Slack could not say" in told
    assert "delegation.made" not in events(desk)


def test_a_mention_lends_nothing(desk: Bench) -> None:
    told = json.dumps(answers.reply(f"delegate <@{CAROL}> 3d holiday", desk.desk))

    assert "only as the command" in told
    assert events(desk) == []


def objection_is(desk: Bench) -> str | None:
    """Why the claim would not find the agreement any more."""
    plan = desk.plan()
    roll = standing.roll_at_claim(plan, desk.desk)
    with desk.database.reading() as session:
        found = standing.lost_agreement(session, plan, roll, desk.desk)
    return None if found is None else found.reason
