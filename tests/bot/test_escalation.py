"""While nobody answers: who is told, who may answer too, who is paged, each once; and that an answer ends it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlmodel import col, select

from bot import standing
from bot.plans import escalation
from bot.slack import Outbox
from bot.sweep import sweep
from deploy.sandbox.workspace import CallFault, Workspace
from policies.rules import Approve, Group, Policy, compiled
from storage import audit
from storage.database import Database
from storage.tables import Escalation, Message, Plan, PlanStatus, Verdict
from tests.bot.desks import ALICE, BOB, BOTH, CAROL, Bench, bench, client_of, shipped
from tests.bot.waiting import put_forward, say, with_chain
from tests.policies.samples import sheet
from tools.evidence import Severity

S = PlanStatus
ONCALL, LEADS = "S0ONCALL01", "S0LEADS001"


def chained(**steps: tuple[str, ...]) -> Policy:
    """The shipped rules with one chain for everything that asks people."""
    return with_chain(shipped(), **steps)


@pytest.fixture
def desk(database: Database, ws: Workspace) -> Iterator[Bench]:
    """A desk where owners are told at once, others may answer after five minutes, and on-call is paged after ten."""
    ws.reset()
    with bench(database, ws) as made:
        yield made.under(chained(notify_0=("owner",), widen_300=("sre-leads",), page_600=("sre-oncall",)))


def said(desk: Bench, words: str = "") -> list[Message]:
    """The messages of escalations that say this, oldest first."""
    with desk.database.reading() as session:
        ours = select(Message).where(col(Message.key).startswith("escalation:"), col(Message.wanted).contains(words))
        return list(session.exec(ours.order_by(col(Message.key))))


def nudges(desk: Bench) -> list[str]:
    """What was done, by the record."""
    with desk.database.reading() as session:
        entries = [one for one in reversed(audit.latest(session, 100)) if one.event == "plan.escalated"]
    return [str(json.loads(one.payload)["nudge"]) for one in entries]


def card(desk: Bench) -> str:
    with desk.database.reading() as session:
        return session.get_one(Message, "plan:1").wanted


def test_each_step_happens_when_its_time_has_come(desk: Bench) -> None:
    put_forward(desk, env="prod", alert={"severity": Severity.SEV3})
    happened = []
    for minutes in (0, 4, 1, 4, 1, 4):
        desk.clock.pass_(minutes=minutes)
        sweep(desk.desk)
        happened.append(nudges(desk))

    assert happened == [
        ["notify"],
        ["notify"],
        ["notify", "widen"],
        ["notify", "widen"],
        ["notify", "widen", "page"],
        ["notify", "widen", "page"],
    ]
    assert f"<!subteam^{ONCALL}>: this plan waits for you" in said(desk)[0].wanted
    assert all(message.thread_key == "incident:1" for message in said(desk) if message.channel == desk.desk.channel)


@BOTH
def test_a_step_happens_once_with_several_replicas_and_after_a_restart(desk: Bench) -> None:
    put_forward(desk, env="prod")
    desk.clock.pass_(minutes=10)
    again = replace(desk, desk=replace(desk.desk))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: escalation.escalate((desk, again)[number % 2].desk), range(8)))

    assert sorted(nudges(desk)) == ["page", "widen"]
    assert len(said(desk)) == 2 + 2  # each in the thread, and the page to alice and to bob


def test_owners_whom_the_card_mentions_are_not_told_twice(desk: Bench) -> None:
    put_forward(desk, env="prod", alert={"severity": Severity.SEV1})

    sweep(desk.desk)

    assert said(desk) == []
    assert f"<!subteam^{ONCALL}>" in card(desk)


@BOTH
def test_an_answer_ends_the_escalation(desk: Bench) -> None:
    plan = put_forward(desk, env="prod")
    desk.clock.pass_(minutes=5)
    sweep(desk.desk)

    say(desk, plan, Verdict.REJECT, reason="We know; leave it.")

    desk.clock.pass_(minutes=5)
    sweep(desk.desk)
    assert nudges(desk) == ["widen"]
    with desk.database.reading() as session:
        assert all(one.done_at is not None for one in session.exec(select(Escalation)))


def test_whoever_is_paged_is_told_directly_with_nothing_to_press(desk: Bench, ws: Workspace) -> None:
    put_forward(desk, env="prod")
    desk.clock.pass_(minutes=10)

    sweep(desk.desk)

    direct = [message for message in said(desk) if message.channel != desk.desk.channel]
    assert {message.channel for message in direct} == {ALICE, BOB}
    assert all("Plan *P-1* needs an answer" in message.wanted for message in direct)
    assert not any('"button"' in message.wanted for message in direct)
    outbox = Outbox(client_of(ws), desk.database, "this-process", desk.desk.metrics, desk.clock)
    for _ in range(3):
        outbox.deliver()
    assert all(message.ts for message in said(desk, "needs an answer"))


def test_a_page_waits_until_slack_says_whom(desk: Bench, ws: Workspace) -> None:
    put_forward(desk, env="prod")
    desk.clock.pass_(minutes=10)
    ws.fault(CallFault(method="usergroups.users.list", error="internal_error"))

    sweep(desk.desk)
    first = nudges(desk)
    sweep(desk.desk)

    assert first == ["widen"]
    assert nudges(desk) == ["widen", "page"]


@BOTH
def test_widening_lets_others_answer_and_lowers_no_number(desk: Bench) -> None:
    """Two leads are asked, and there is only Bob; after five minutes the owners, with Alice, may answer too."""
    desk = desk.under(with_chain(asking_two_leads(), widen_300=("owner",)))
    plan = put_forward(desk, env="prod")
    say(desk, plan, Verdict.APPROVE, ALICE)
    too_early = desk.entries("plan:1")[-1]
    desk.clock.pass_(minutes=5)
    sweep(desk.desk)

    desk.clock.pass_(seconds=1)
    say(desk, plan, Verdict.APPROVE, ALICE, reason="again")
    half = (desk.plan().status, card(desk))
    say(desk, plan, Verdict.APPROVE, CAROL)
    say(desk, plan, Verdict.APPROVE, BOB)

    assert too_early == (ALICE, "click.refused")
    assert half[0] == S.PENDING
    assert "Nobody answered in time, so owner may answer too." in half[1]
    assert "1 of 2 from leads, owner" in half[1]
    assert (CAROL, "click.refused") in desk.entries("plan:1")
    assert desk.plan().status == S.APPROVED
    with desk.database.reading() as session:
        roll = standing.call_roll(desk.plan(), desk.desk)
        assert standing.lost_agreement(session, desk.plan(), roll, desk.desk) is None


def test_people_asked_anew_are_waited_for_from_then_on(desk: Bench) -> None:
    plan = put_forward(desk, env="prod")
    desk.clock.pass_(minutes=10)
    sweep(desk.desk)
    with desk.database.writing() as session:
        why = standing.Objection(S.PENDING, "Slack could not say who may approve.")
        approved = session.get_one(Plan, plan.id)
        approved.status = S.APPROVED
        session.flush()
        standing.send_back(session, approved, why, desk.clock())

    sweep(desk.desk)

    assert nudges(desk) == ["widen", "page", "notify"]


def test_what_would_come_after_the_end_is_never_written_down(desk: Bench) -> None:
    late = desk.under(chained(notify_60=("owner",), page_1200=("sre-oncall",)))

    put_forward(late, env="prod")

    with desk.database.reading() as session:
        assert [one.nudge for one in session.exec(select(Escalation))] == ["notify"]


def test_nobody_is_escalated_to_about_a_window(desk: Bench) -> None:
    put_forward(desk.under(sheet()))
    desk.clock.pass_(minutes=9)
    sweep(desk.under(sheet()).desk)

    assert (desk.plan().status, said(desk)) == (S.PENDING, [])


def asking_two_leads() -> Policy:
    """The shipped rules, where a production fix needs two of a group that is only Bob."""
    file = shipped().file
    rules = tuple(
        rule.model_copy(update={"require": rule.require.model_copy(update={"from_": ("leads",), "approvals": 2})})
        if isinstance(rule, Approve)
        else rule
        for rule in file.rules
    )
    groups = {**file.groups, "leads": Group.model_validate({"resolve": f"usergroup:{LEADS}"})}
    return compiled(file.model_copy(update={"rules": rules, "groups": groups}), shipped().sha256, shipped().catalogue)
