"""What a plan's card tells from the record, and which card somebody saw when they voted."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta

from bot import cards, triage
from bot.plans.proposing import Draft
from bot.sweep import sweep
from policies.conditions import When
from policies.rules import Asked, Restrict
from storage import audit, exceptions, incidents, messages, plans
from storage.exceptions import Lever
from storage.tables import Message, PlanStatus, Switch, Verdict
from tests.bot.desks import ALICE, BOB, Bench, shipped
from tests.bot.waiting import put_forward, say
from tests.policies.samples import with_rules

S = PlanStatus


def card(desk: Bench, number: int = 1) -> Message:
    with desk.database.reading() as session:
        return session.get_one(Message, f"plan:{number}")


def test_a_vote_is_recorded_with_the_card_its_voter_saw(desk: Bench) -> None:
    plan = put_forward(desk, env="prod")
    with desk.database.writing() as session:
        messages.posted(session, "plan:1", render=1, ts="17.1")
    seen = card(desk).wanted

    say(desk, plan, Verdict.APPROVE)

    with desk.database.reading() as session:
        (vote,) = [one for one in audit.latest(session, 50, "plan:1") if one.event == "vote.approve"]
    digest = hashlib.sha256(seen.encode()).hexdigest()
    assert json.loads(vote.payload)["card"] == {"card_sha256": digest, "shown": 1, "wanted": 1, "ts": "17.1"}
    assert card(desk).wanted != seen


def test_a_card_that_slack_never_took_was_seen_by_nobody(desk: Bench) -> None:
    plan = put_forward(desk, env="prod")

    with desk.database.reading() as session:
        seen = cards.seen(session, plan)

    assert (seen["wanted"], seen["shown"], seen["ts"]) == (1, 0, None)


def test_stages_are_told_in_their_order(desk: Bench) -> None:
    then = {"approvals": 1, "from": ("owner",), "then": ({"approvals": 1, "from": ("sre-oncall",)},)}
    two_levels = Restrict(
        id="two-levels",
        why="The owner first, then somebody on call.",
        when=When.model_validate({"mutating": True}),
        effect="restrict",
        require=Asked.model_validate(then),
    )

    put_forward(desk.under(with_rules(shipped(), two_levels)), env="prod")

    told = card(desk).wanted
    assert told.index("stage 1: 0 of 1 from owner") < told.index("stage 2: 0 of 1 from sre-oncall")


def test_who_answered_before_time_ran_out_is_not_called_nobody(desk: Bench) -> None:
    plan = put_forward(desk, env="prod", scale_factor=3.0)  # two people are asked
    say(desk, plan, Verdict.APPROVE)
    desk.clock.pass_(minutes=10)

    sweep(desk.desk)

    assert desk.plan().status == S.EXPIRED
    assert "Nobody answered" not in card(desk).wanted
    assert "Not enough people answered." in card(desk).wanted


def test_what_waits_while_people_have_stopped_sayso_says_so(desk: Bench) -> None:
    with desk.database.writing() as session:
        session.add(Switch(name=Lever.STOP, is_on=True, set_by=BOB, set_at=desk.clock()))
    plan = put_forward(desk, env="prod")

    say(desk, plan, Verdict.APPROVE)

    assert desk.plan().status == S.APPROVED
    assert "sayso is stopped by hand" in card(desk).wanted


def test_a_plan_past_the_quorum_names_who_did_it_and_that_nobody_has_reviewed_it(desk: Bench) -> None:
    plan = put_forward(desk, env="prod")
    with desk.database.writing() as session:
        at = desk.clock()
        until = at + timedelta(minutes=30)
        told = {"user_id": BOB, "reason": "nobody answers", "stepped_up": True, "skipped": (ALICE,)}
        exceptions.break_glass(session, plan, **told, at=at, until=until)  # type: ignore[arg-type]
        cards.show_plan(session, plan, desk.desk)

    assert f"Run by <@{BOB}> alone" in card(desk).wanted
    assert "Not reviewed yet." in card(desk).wanted


def test_a_plan_that_ends_is_no_rival_any_more(desk: Bench) -> None:
    first = put_forward(desk, env="prod")
    put_forward(desk, env="prod", alert={"fingerprint": "other", "subject": None, "service": "other"})
    before = card(desk, 2).wanted

    say(desk, first, Verdict.REJECT, reason="no")

    assert "Other plans want the same target: P-1" in before
    assert "Other plans want" not in card(desk, 2).wanted


def test_looking_again_at_the_same_fix_leaves_the_plan_and_its_votes(desk: Bench) -> None:
    """The second look comes to what two people are being asked already."""
    plan = put_forward(desk, env="prod", scale_factor=3.0)
    say(desk, plan, Verdict.APPROVE)
    with desk.database.writing() as session:
        incidents.look_again(session, incidents.get(session, 1), "Looking again, as somebody asked.")
        draft = Draft(1, 2, plan.proposal, plan.rehearsal, plan.decision)

        again = triage.asked_already(session, draft, desk.desk)

    assert again
    with desk.database.reading() as session:
        assert [one.status for one in plans.of_incident(session, 1)] == [S.PENDING]
        assert len(plans.votes(session, plan)) == 1
        assert "P-1 is still the fix" in (incidents.get(session, 1).note or "")
    assert desk.entries("plan:1")[-1] == ("sayso", "plan.confirmed")
