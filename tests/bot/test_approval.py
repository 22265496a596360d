"""Clicks: counted once, by the right people, on exactly what they saw; and everything else refused, told and kept."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from bot import approval, intake, standing, sweep
from bot.alerts import AlertStatus, ParsedAlert
from bot.approval import Click
from bot.people import People
from bot.plans import confirming
from bot.starting import run_id
from bot.views.blocks import Message
from bot.views.ids import PlanReference
from deploy.sandbox.workspace import CallFault, Workspace
from deploy.sandbox.workspace.directory import ALERTS, OTHER_TEAM_ID, SHARED, TEAM_ID
from policies.rules import Asked, Deny, Restrict
from storage import audit, executions, incidents, plans
from storage.database import Database
from storage.tables import IncidentStatus, Plan, PlanStatus, ResourceLock, Verdict
from tests.bot.desks import ALICE, BOB, BOTH, CAROL, GROUPS, Bench, client_of
from tests.policies.samples import with_rules
from tests.storage.samples import AT, SOON
from tools.evidence import Severity

PRESSES = itertools.count(1)
GUEST, BOT, OUTSIDER, GONE = "U0GUEST001", "U0AM000001", "U0OUTSIDE1", "U0DAVE0001"


def click(
    plan: Plan,
    user: str,
    verdict: Verdict = Verdict.APPROVE,
    *,
    reason: str | None = None,
    team: str = TEAM_ID,
    key: str | None = None,
    version: int | None = None,
    digest: str | None = None,
    plan_id: str | None = None,
) -> Click:
    """One press of a button on the plan's card, with what differs."""
    reference = PlanReference(
        plan_id=plan_id or f"P-{plan.id}", version=version or plan.version, digest=(digest or plan.digest)[:16]
    )
    return Click(
        event_key=key or f"click:{next(PRESSES)}",
        user_id=user,
        team_id=team,
        channel=ALERTS,
        reference=reference,
        verdict=verdict,
        reason=reason,
    )


def text(told: Message) -> str:
    return json.dumps(told, ensure_ascii=False)


def refusal(desk: Bench) -> str:
    """Why the latest entry says a click was refused."""
    with desk.database.reading() as session:
        (entry,) = audit.latest(session, 1)
    assert entry.event == "click.refused"
    return str(json.loads(entry.payload)["reason"])


@BOTH
def test_one_approval_of_one_who_may_starts_the_plan(desk: Bench) -> None:
    plan = desk.ask()

    told = approval.decide(click(plan, ALICE), desk.desk)

    stands = desk.plan()
    assert "counts" in text(told)
    assert (stands.status, stands.decided_at) == (PlanStatus.APPROVED, AT)
    assert desk.starts.all == [("remediate", run_id(stands), (1, run_id(stands)))]
    assert desk.entries("plan:1") == [
        ("sayso", "plan.pending"),
        (ALICE, "vote.approve"),
        (ALICE, "plan.approved"),
        ("sayso", "lock.taken"),
    ]
    with desk.database.reading() as session:
        assert session.get(ResourceLock, "kubernetes:shop:Deployment:checkout-1") is not None


def test_a_double_click_counts_once(desk: Bench) -> None:
    plan = desk.ask()

    first, second = (approval.decide(click(plan, ALICE), desk.desk) for _ in range(2))

    assert "counts" in text(first)
    assert "takes no votes any more" in text(second)
    assert len(desk.starts.all) == 1
    assert refusal(desk) == "the plan is approved"


@BOTH
def test_the_same_request_sent_again_is_refused_and_kept(desk: Bench) -> None:
    """Slack, or somebody who recorded it, delivers one press a second time."""
    plan = desk.ask(scale_factor=3.0)
    press = click(plan, ALICE)
    approval.decide(press, desk.desk)

    told = approval.decide(press, desk.desk)

    assert "counted before" in text(told)
    assert refusal(desk) == "the same click again"
    assert desk.plan().status == PlanStatus.PENDING


@BOTH
def test_two_must_agree_and_each_counts_once(desk: Bench) -> None:
    plan = desk.ask(scale_factor=3.0)

    first = approval.decide(click(plan, ALICE), desk.desk)
    again = approval.decide(click(plan, ALICE), desk.desk)
    waiting = desk.plan().status
    approval.decide(click(plan, BOB), desk.desk)

    assert "1 of 2" in text(first)
    assert "already approved" in text(again)
    assert (waiting, desk.plan().status) == (PlanStatus.PENDING, PlanStatus.APPROVED)
    assert len(desk.starts.runs) == 1
    assert [event for _, event in desk.entries("plan:1")] == [
        "plan.pending",
        "vote.approve",
        "click.refused",
        "vote.approve",
        "plan.approved",
        "lock.taken",
    ]


@BOTH
def test_one_rejection_with_its_reason_ends_the_plan(desk: Bench) -> None:
    plan = desk.ask(scale_factor=3.0)
    approval.decide(click(plan, ALICE), desk.desk)

    told = approval.decide(click(plan, BOB, Verdict.REJECT, reason="not during the sale"), desk.desk)

    stands = desk.plan()
    assert "nothing will run" in text(told)
    assert (stands.status, stands.outcome, stands.finished_at) == (PlanStatus.REJECTED, "not during the sale", AT)
    assert desk.starts.all == []
    with desk.database.reading() as session:
        assert incidents.get(session, 1).status == IncidentStatus.NEEDS_HUMAN
        assert plans.votes(session, stands)[-1].reason == "not during the sale"
    assert desk.entries("plan:1")[-2:] == [(BOB, "vote.reject"), (BOB, "plan.rejected")]


def test_an_approval_after_a_rejection_changes_nothing(desk: Bench) -> None:
    plan = desk.ask()
    approval.decide(click(plan, BOB, Verdict.REJECT, reason="no"), desk.desk)

    told = approval.decide(click(plan, ALICE), desk.desk)

    assert "takes no votes any more" in text(told)
    assert (desk.plan().status, desk.starts.all) == (PlanStatus.REJECTED, [])


@pytest.mark.parametrize(
    ("user", "team", "reason"),
    [
        (GUEST, TEAM_ID, "guests may not decide"),
        (BOT, TEAM_ID, "bots and workflows never decide"),
        (GONE, TEAM_ID, "this account is deactivated"),
        (OUTSIDER, OTHER_TEAM_ID, "only people of this workspace may decide"),
        (ALICE, OTHER_TEAM_ID, "only people of this workspace may decide"),
        (CAROL, TEAM_ID, "not among those the plan asks"),
    ],
)
@pytest.mark.parametrize("verdict", Verdict)
def test_who_may_not_decide_is_told_privately_and_put_on_record(
    desk: Bench, user: str, team: str, reason: str, verdict: Verdict
) -> None:
    plan = desk.ask()

    approval.decide(click(plan, user, verdict, team=team, reason="because"), desk.desk)

    assert (desk.plan().status, desk.starts.all) == (PlanStatus.PENDING, [])
    assert refusal(desk) == reason
    assert desk.entries("plan:1") == [("sayso", "plan.pending"), (user, "click.refused")]


def test_a_refused_click_is_kept_with_all_it_claimed(desk: Bench) -> None:
    plan = desk.ask()

    approval.decide(click(plan, CAROL), desk.desk)

    with desk.database.reading() as session:
        (entry,) = audit.latest(session, 1)
    assert json.loads(entry.payload) == {
        "reason": "not among those the plan asks",
        "verdict": "approve",
        "version": 1,
        "digest": plan.digest[:16],
        "team": TEAM_ID,
        "channel": ALERTS,
    }


def test_who_asked_for_a_plan_does_not_approve_it(desk: Bench) -> None:
    plan = desk.ask(requester=ALICE)

    approval.decide(click(plan, ALICE), desk.desk)
    refused = refusal(desk)
    approval.decide(click(plan, BOB), desk.desk)

    assert refused == "not among those the plan asks"
    assert desk.plan().status == PlanStatus.APPROVED


@pytest.mark.parametrize(
    ("differs", "reason"),
    [
        ({"digest": "0" * 16}, "an older version of the plan"),
        ({"version": 2}, "an older version of the plan"),
        ({"plan_id": "P-99"}, "no such plan"),
        ({"plan_id": "P-" + "9" * 40}, "no such plan"),
        ({"plan_id": "INC-1"}, "no such plan"),
    ],
)
def test_a_button_of_another_plan_decides_nothing(desk: Bench, differs: dict[str, str], reason: str) -> None:
    plan = desk.ask()

    told = approval.decide(click(plan, ALICE, **differs), desk.desk)  # type: ignore[arg-type]

    assert "nothing was done" in text(told)
    assert refusal(desk) == reason
    assert (desk.plan().status, desk.starts.all) == (PlanStatus.PENDING, [])


def test_a_button_from_before_the_plan_was_made_anew_decides_nothing(desk: Bench) -> None:
    old = desk.ask()
    with desk.database.writing() as session:
        plans.move(session, plans.get(session, 1), PlanStatus.SUPERSEDED, AT)

    told = approval.decide(click(old, ALICE), desk.desk)

    assert "was replaced" in text(told)
    assert refusal(desk) == "the plan is superseded"


def test_a_plan_somebody_altered_in_the_database_cannot_be_approved(desk: Bench) -> None:
    plan = desk.ask()
    with desk.database.writing() as session:
        session.execute(sa.update(Plan).values(requester="U0MALLORY1"))

    told = approval.decide(click(plan, ALICE), desk.desk)

    assert "does not match its digest" in text(told)
    assert refusal(desk) == "the stored plan was altered"
    assert desk.starts.all == []


@pytest.mark.parametrize(("late", "counted"), [(timedelta(microseconds=-1), True), (timedelta(0), False)])
def test_the_last_moment_counts_and_the_next_does_not(desk: Bench, late: timedelta, counted: bool) -> None:
    plan = desk.ask()
    desk.clock.at = SOON + late

    told = approval.decide(click(plan, ALICE), desk.desk)

    assert (desk.plan().status == PlanStatus.APPROVED) is counted
    assert ("expired" in text(told)) is not counted


@pytest.mark.parametrize("status", [s for s in PlanStatus if s is not PlanStatus.PENDING])
def test_only_a_pending_plan_takes_votes(desk: Bench, status: PlanStatus) -> None:
    plan = desk.ask()
    with desk.database.writing() as session:
        session.execute(sa.update(Plan).values(status=status))

    approval.decide(click(plan, ALICE), desk.desk)

    assert refusal(desk) == f"the plan is {status}"
    assert (desk.plan().status, desk.starts.all) == (status, [])


NEEDS_REASON = Restrict(
    id="needs-reason",
    why="Whoever agrees to this says why.",
    when={"mutating": True},  # type: ignore[arg-type]
    effect="restrict",
    require=Asked.model_validate({"approvals": 1, "from": ("sre-oncall",), "reason": True}),
)


def test_a_plan_that_needs_reasons_takes_no_approval_without_one(desk: Bench) -> None:
    strict = desk.under(with_rules(desk.desk.policy, NEEDS_REASON))
    plan = strict.ask()
    reference = click(plan, ALICE).reference

    bare = approval.decide(click(plan, ALICE), strict.desk)
    refused = refusal(desk)
    approval.decide(click(plan, ALICE, reason="p95 doubled"), strict.desk)

    assert confirming.wanted(reference, strict.desk).reason
    assert "needs a reason" in text(bare)
    assert refused == "no reason was given"
    assert desk.plan().status == PlanStatus.APPROVED


def test_a_plan_that_asks_for_no_reason_wants_none(desk: Bench) -> None:
    plan = desk.ask()

    assert not confirming.wanted(click(plan, ALICE).reference, desk.desk)
    assert not confirming.wanted(click(plan, ALICE, plan_id="P-99").reference, desk.desk)


NO_MORE = Deny(
    id="no-more",
    why="Nobody scales anything today.",
    when={"action": ("k8s.scale_deployment",)},  # type: ignore[arg-type]
    effect="deny",
)


def test_what_policy_forbids_by_now_is_not_approved(desk: Bench) -> None:
    plan = desk.ask()
    stricter = desk.under(with_rules(desk.desk.policy, NO_MORE))

    told = approval.decide(click(plan, ALICE), stricter.desk)

    stands = desk.plan()
    assert "Policy no longer allows it" in text(told)
    assert (stands.status, desk.starts.all) == (PlanStatus.STALE, [])
    assert desk.entries("plan:1")[1:] == [("sayso", "plan.stale"), (ALICE, "click.refused")]
    with desk.database.reading() as session:
        assert incidents.get(session, 1).status == IncidentStatus.NEEDS_HUMAN
        assert plans.votes(session, stands) == []


def test_what_policy_asks_more_of_by_now_waits_for_more(desk: Bench) -> None:
    plan = desk.ask()
    two = Asked.model_validate({"approvals": 2, "from": ("sre-oncall",)})
    stricter = desk.under(with_rules(desk.desk.policy, NEEDS_REASON.model_copy(update={"require": two})))

    approval.decide(click(plan, ALICE), stricter.desk)
    waiting = desk.plan().status
    approval.decide(click(plan, BOB), stricter.desk)

    assert (waiting, desk.plan().status) == (PlanStatus.PENDING, PlanStatus.APPROVED)


def test_what_policy_would_ask_nobody_about_by_now_is_still_taken_from_those_who_were_asked(desk: Bench) -> None:
    """The fourth automatic restart of the hour asks a person; when they click, the first one is an hour ago."""
    recent = {"auto-per-service": 3}
    plan = desk.ask(action="k8s.restart_deployment", env="staging", scale_factor=1.0, recent=recent)
    assert plan.decision.effect == "approve"

    approval.decide(click(plan, CAROL), desk.desk)
    refused = refusal(desk)
    approval.decide(click(plan, ALICE), desk.desk)

    assert refused == "not among those the plan asks"
    assert desk.plan().status == PlanStatus.APPROVED


def test_when_slack_cannot_say_who_is_who_nothing_is_counted(desk: Bench) -> None:
    plan = desk.ask()
    desk.workspace.fault(CallFault(method="users.info", error="internal_error"))
    press = click(plan, ALICE)

    told = approval.decide(press, desk.desk)
    refused = refusal(desk)
    approval.decide(press, desk.desk)

    assert "Slack could not say who you are" in text(told)
    assert "users.info failed" in refused
    assert desk.plan().status == PlanStatus.APPROVED


def test_somebody_who_has_left_the_group_may_not_decide(desk: Bench) -> None:
    plan = desk.ask()
    desk.workspace.set_usergroup("S0ONCALL01", BOB)

    approval.decide(click(plan, ALICE), desk.desk)

    assert refusal(desk) == "not among those the plan asks"


def test_a_vote_of_somebody_who_has_left_since_does_not_complete_the_quorum(desk: Bench) -> None:
    plan = desk.ask(scale_factor=3.0)
    approval.decide(click(plan, ALICE), desk.desk)
    desk.workspace.set_usergroup("S0ONCALL01", BOB, CAROL)
    desk.clock.pass_(seconds=61)

    approval.decide(click(plan, BOB), desk.desk)
    waiting = desk.plan().status
    approval.decide(click(plan, CAROL), desk.desk)

    assert (waiting, desk.plan().status) == (PlanStatus.PENDING, PlanStatus.APPROVED)


def test_who_agreed_to_a_plan_that_was_sent_back_presses_again(desk: Bench) -> None:
    """Slack was away when the run looked who may approve: the plan waits again, with every agreement it needs."""
    plan = desk.ask()
    approval.decide(click(plan, ALICE), desk.desk)
    with desk.database.writing() as session:
        away = standing.Objection(PlanStatus.PENDING, "Slack could not say who may approve.")
        standing.send_back(session, plans.get(session, 1), away, AT)
        executions.release_locks(session, 1)

    approval.decide(click(plan, ALICE), desk.desk)

    stands = desk.plan()
    assert (stands.status, stands.round) == (PlanStatus.APPROVED, 2)
    assert len(desk.starts.runs) == 2


def stricter(desk: Bench, **asked: object) -> Bench:
    """The desk under rules that ask more, besides what they asked before."""
    more = {"approvals": 1, "from": ("sre-oncall",), **asked}
    rule = NEEDS_REASON.model_copy(update={"require": Asked.model_validate(more)})
    return desk.under(with_rules(desk.desk.policy, rule))


@BOTH
def test_a_policy_that_became_stricter_asks_anew_and_lets_people_say_it_again(desk: Bench) -> None:
    """What Alice said is too old under the new rules: without a new round she could never agree again."""
    plan = desk.ask(scale_factor=3.0)
    approval.decide(click(plan, ALICE), desk.desk)
    desk.clock.pass_(seconds=90)
    hurried = stricter(desk, expires="60s")

    approval.decide(click(plan, BOB), hurried.desk)
    waiting = desk.plan()
    approval.decide(click(plan, ALICE), hurried.desk)

    stands = desk.plan()
    assert (waiting.status, waiting.round, waiting.decision.expires_s) == (PlanStatus.PENDING, 2, 60)
    assert (stands.status, stands.round) == (PlanStatus.APPROVED, 2)
    assert [event for _, event in desk.entries("plan:1")][:5] == [
        "plan.pending",
        "vote.approve",
        "plan.asked_again",
        "vote.approve",
        "vote.approve",
    ]
    assert run_id(stands) in desk.starts.runs


@pytest.mark.parametrize(
    ("said", "status"), [("p95 doubled", PlanStatus.APPROVED), (None, PlanStatus.PENDING)], ids=["enough", "too little"]
)
def test_what_was_said_in_an_earlier_round_counts_where_it_still_suffices(
    desk: Bench, said: str | None, status: PlanStatus
) -> None:
    plan = desk.ask(scale_factor=3.0)
    approval.decide(click(plan, ALICE, reason=said), desk.desk)
    more = stricter(desk, reason=True)

    approval.decide(click(plan, BOB, reason="so it did"), more.desk)

    stands = desk.plan()
    assert (stands.status, stands.round) == (status, 2)


def test_a_stricter_policy_is_told_on_the_card_and_asked_once(desk: Bench) -> None:
    plan = desk.ask(scale_factor=3.0)
    more = stricter(desk, reason=True)

    for _ in range(3):
        approval.decide(click(plan, ALICE), more.desk)

    assert desk.plan().round == 2
    assert "approvals need a reason" in (desk.plan().outcome or "")
    assert [event for _, event in desk.entries("plan:1")].count("plan.asked_again") == 1


def test_slack_is_not_asked_while_a_plan_is_held(desk: Bench) -> None:
    """The people are remembered for a minute, and that minute ends between the check and the count."""
    plan = desk.ask()
    desk.desk.people.rosters()
    ticks = itertools.count()

    def hasty() -> datetime:
        return desk.clock() + timedelta(seconds=61 * next(ticks))

    desk.workspace.fault(CallFault(method="usergroups.users.list", delay=0.01))
    hurried = replace(desk.desk, people=People(client_of(desk.workspace), TEAM_ID, GROUPS, hasty))
    database = Watched(desk.database, desk.workspace)

    told = approval.decide(click(plan, ALICE), replace(hurried, database=database))  # type: ignore[arg-type]

    assert "counts" in text(told)
    assert database.asked_inside == []


class Watched:
    """The record, watching whether Slack is asked while a transaction writes."""

    def __init__(self, database: Database, workspace: Workspace) -> None:
        self._database, self._workspace = database, workspace
        self.asked_inside: list[object] = []

    def reading(self) -> AbstractContextManager[Session]:
        return self._database.reading()

    @contextmanager
    def writing(self) -> Iterator[Session]:
        before = len(self._workspace.journal("call"))
        with self._database.writing() as session:
            yield session
            self.asked_inside += self._workspace.journal("call")[before:]


def test_a_voter_whose_account_was_deactivated_does_not_complete_the_quorum(desk: Bench) -> None:
    """Still in the usergroup, and no longer with the company."""
    plan = desk.ask(scale_factor=3.0)
    approval.decide(click(plan, ALICE), desk.desk)
    desk.workspace.set_standing("alice", "deactivated")
    desk.clock.pass_(seconds=61)

    approval.decide(click(plan, BOB), desk.desk)

    assert desk.plan().status == PlanStatus.PENDING


def test_while_slack_cannot_say_who_an_earlier_voter_is_nothing_is_counted(desk: Bench) -> None:
    plan = desk.ask(scale_factor=3.0)
    approval.decide(click(plan, ALICE), desk.desk)
    desk.clock.pass_(seconds=61)
    desk.workspace.fault(CallFault(method="users.info", delay=0.001))
    desk.workspace.fault(CallFault(method="users.info", error="internal_error"))

    approval.decide(click(plan, BOB), desk.desk)
    refused = refusal(desk)
    approval.decide(click(plan, BOB), desk.desk)

    assert "Slack could not say who may approve" in refused
    assert desk.plan().status == PlanStatus.APPROVED


@BOTH
def test_two_completing_votes_at_once_are_both_counted(desk: Bench) -> None:
    """Neither knew of the other when it asked Slack who everybody is."""
    for number in range(1, 6):
        plan = desk.ask(scale_factor=3.0)
        presses = [click(plan, ALICE), click(plan, BOB)]

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda press: approval.decide(press, desk.desk), presses))

        assert desk.plan(number).status == PlanStatus.APPROVED


class Overtaken:
    """The record, where something else happens just before the first transaction that writes."""

    def __init__(self, database: Database, first: Callable[[], None]) -> None:
        self._database, self._first = database, [first]

    def reading(self) -> AbstractContextManager[Session]:
        return self._database.reading()

    def writing(self) -> AbstractContextManager[Session]:
        while self._first:
            self._first.pop()()
        return self._database.writing()


def test_a_vote_cast_meanwhile_counts_only_once_its_voter_was_identified(desk: Bench) -> None:
    """Bob votes, and is deactivated, after Slack was asked about everybody who had voted so far."""
    plan = desk.ask(scale_factor=3.0)

    def bob_votes_and_leaves() -> None:
        approval.decide(click(plan, BOB), desk.desk)
        desk.workspace.set_standing("bob", "deactivated")
        desk.clock.pass_(seconds=61)

    overtaken = Overtaken(desk.database, bob_votes_and_leaves)

    approval.decide(click(plan, ALICE), replace(desk.desk, database=overtaken))  # type: ignore[arg-type]

    assert desk.plan().status == PlanStatus.PENDING
    assert [event for _, event in desk.entries("plan:1")].count("vote.approve") == 2


def test_who_edited_or_instructed_a_plan_does_not_approve_it(desk: Bench) -> None:
    plan = desk.ask(steerers=(ALICE,))

    approval.decide(click(plan, ALICE), desk.desk)
    refused = refusal(desk)
    approval.decide(click(plan, BOB), desk.desk)

    assert refused == "not among those the plan asks"
    assert desk.plan().status == PlanStatus.APPROVED


def test_a_click_in_a_channel_shared_with_another_organisation_counts_for_nothing(desk: Bench) -> None:
    plan = desk.ask()

    told = approval.decide(click(plan, ALICE).model_copy(update={"channel": SHARED}), desk.desk)

    assert "shared with another organisation" in text(told)
    assert refusal(desk) == "the channel is shared with another organisation"
    assert desk.plan().status == PlanStatus.PENDING


def test_a_channel_slack_cannot_describe_is_no_place_to_decide(desk: Bench) -> None:
    plan = desk.ask()
    desk.workspace.fault(CallFault(method="conversations.info", error="internal_error"))

    approval.decide(click(plan, ALICE), desk.desk)
    refused = refusal(desk)
    home = approval.decide(click(plan, ALICE).model_copy(update={"channel": ""}), desk.desk)

    assert "Slack could not say who is in this channel" in refused
    assert "counts" in text(home)


def test_a_vote_leaves_on_record_by_which_rules_it_was_given(desk: Bench) -> None:
    plan = desk.ask()

    approval.decide(click(plan, ALICE), desk.desk)

    with desk.database.reading() as session:
        (vote,) = [one for one in audit.latest(session, 9) if one.event == "vote.approve"]
    told = json.loads(vote.payload)
    assert told["policy"] == desk.desk.policy.sha256
    assert (told["on_behalf_of"], told["stepped_up"], told["round"]) == (None, False, 1)


def test_an_approved_plan_waits_while_another_works_on_its_target(desk: Bench) -> None:
    plan, other = desk.ask(), desk.ask()
    with desk.database.writing() as session:
        executions.take_locks(session, other.id or 0, ["kubernetes:shop:Deployment:checkout-1"], AT)

    approval.decide(click(plan, ALICE), desk.desk)

    assert (desk.plan().status, desk.starts.all) == (PlanStatus.APPROVED, [])


@BOTH
def test_a_hundred_and_twenty_clicks_at_once_start_one_run(desk: Bench) -> None:
    """Everybody at once: two who may, three who may not, old buttons, and the same request many times."""
    plan = desk.ask()
    replayed = click(plan, BOB)
    presses = [
        *(click(plan, ALICE) for _ in range(30)),
        *(click(plan, BOB) for _ in range(30)),
        *(click(plan, CAROL) for _ in range(15)),
        *(click(plan, GUEST) for _ in range(10)),
        *(click(plan, ALICE, digest="0" * 16) for _ in range(10)),
        *(click(plan, ALICE, team=OTHER_TEAM_ID) for _ in range(5)),
        *[replayed] * 20,
    ]
    random.Random(7).shuffle(presses)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda press: approval.decide(press, desk.desk), presses))

    events = [event for _, event in desk.entries("plan:1")]
    assert desk.plan().status == PlanStatus.APPROVED
    assert len(desk.starts.all) == 1
    assert events.count("plan.approved") == 1
    assert events.count("vote.approve") == 1
    assert events.count("click.refused") == 119
    with desk.database.reading() as session:
        assert audit.verify_all(session).fault is None


@BOTH
def test_approvals_and_rejections_at_once_end_in_one_of_the_two(desk: Bench) -> None:
    for number in range(1, 4):
        plan = desk.ask()
        presses = [click(plan, who, verdict, reason="r") for who in (ALICE, BOB) for verdict in Verdict] * 3

        with ThreadPoolExecutor(12) as pool:
            list(pool.map(lambda press: approval.decide(press, desk.desk), presses))

        events = [event for _, event in desk.entries(f"plan:{number}")]
        stands = desk.plan(number)
        assert events.count("plan.approved") + events.count("plan.rejected") == 1
        assert (run_id(stands) in desk.starts.runs) == (stands.status == PlanStatus.APPROVED)


def alert(number: int, status: AlertStatus = AlertStatus.FIRING) -> ParsedAlert:
    return ParsedAlert(
        fingerprint=f"also-{number}",
        source="alertmanager",
        name="HighErrorRate",
        severity=Severity.SEV2,
        status=status,
        service="checkout-1",
        environment="prod",
        labels={"namespace": "shop", "deployment": "checkout-1"},
        annotations={},
        starts_at=AT,
        ends_at=AT if status is AlertStatus.RESOLVED else None,
        generator_url=None,
        group_key="g",
    )


@BOTH
def test_clicks_alerts_and_the_sweep_never_lock_each_other_out(desk: Bench) -> None:
    """They touch the same incident, plan and card in different orders; none may fail, and the chain holds."""
    plan = desk.ask(scale_factor=3.0)
    work: list[Callable[[], object]] = [
        *[lambda user=user: approval.decide(click(plan, user), desk.desk) for user in (ALICE, CAROL) * 10],
        *[lambda n=n: intake.receive([alert(n), alert(n + 100)], desk.desk) for n in range(20)],
        *[lambda n=n: intake.receive([alert(n, AlertStatus.RESOLVED)], desk.desk) for n in range(0, 20, 2)],
        *[lambda: sweep.sweep(desk.desk)] * 5,
    ]
    random.Random(3).shuffle(work)

    with ThreadPoolExecutor(16) as pool:
        for done in [pool.submit(each) for each in work]:
            done.result()

    with desk.database.reading() as session:
        assert audit.verify_all(session).fault is None
        assert len(plans.votes(session, plans.get(session, 1))) == 1
        assert len(incidents.listed(session, only_open=True, limit=9)) == 1
