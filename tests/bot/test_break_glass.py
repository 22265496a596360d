"""Breaking the glass: one person who may, past the quorum and the freeze, past nothing else; told, and reviewed."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from bot import answers, standing
from bot.answers import Opens, Typed
from bot.emergencies import break_glass
from bot.emergencies.break_glass import Breaking
from bot.sign_in.step_up import SignIns
from bot.views.ids import PlanReference
from deploy.sandbox.workspace import CallFault, Workspace
from deploy.sandbox.workspace.directory import ALERTS, INCIDENTS, OTHER_TEAM_ID, TEAM_ID
from policies import rules
from policies.governance import BreakGlass as Rules
from policies.rules import Asked, Deny, Policy, Restrict
from storage import audit, exceptions, executions, plans
from storage.database import Database
from storage.exceptions import Lever, Purpose
from storage.tables import BreakGlass, Message, Plan, PlanStatus, SignIn
from tests.bot.desks import ALICE, BOB, BOTH, CAROL, Bench, bench
from tests.policies.samples import with_rules
from tests.storage.samples import AT

PRESSES = itertools.count(1)
GUEST = "U0GUEST001"
RULES = Rules.model_validate(
    {
        "eligible": ("sre-oncall",),
        "approvals": 1,
        "step_up": False,
        "reason": True,
        "incident": True,
        "ttl": "30m",
        "overrides_deny": False,
        "tell_skipped": True,
        "channel": "audit",
        "block_next_until_reviewed": True,
    }
)


@pytest.fixture
def plain(database: Database, ws: Workspace) -> Iterator[Bench]:
    """The shipped rules, which have no glass to break."""
    ws.reset()
    with bench(database, ws) as made:
        yield replace(made, desk=replace(made.desk, audit_channel=INCIDENTS))


@pytest.fixture
def desk(plain: Bench) -> Bench:
    """Rules with break-glass."""
    return plain.under(breakable(plain.desk.policy))


def breakable(policy: Policy, **differs: object) -> Policy:
    """The policy with a `break_glass` section."""
    file = policy.file.model_copy(update={"break_glass": RULES.model_copy(update=differs)})
    return rules.compiled(file, policy.sha256, policy.catalogue)


def breaking(plan: Plan, user: str = ALICE, **differs: object) -> Breaking:
    """What the modal's submission becomes."""
    reference = PlanReference(plan_id=f"P-{plan.id}", version=plan.version, digest=plan.digest[:16])
    usual: dict[str, object] = {
        "event_key": f"glass:{next(PRESSES)}",
        "user_id": user,
        "team_id": TEAM_ID,
        "reference": reference,
        "reason": "nobody answers and the shop is down",
    }
    return Breaking.model_validate({**usual, **differs})


def smash(desk: Bench, plan: Plan, user: str = ALICE, **differs: object) -> str:
    """Break the glass; what is told."""
    return break_glass.go(breaking(plan, user, **differs), desk.desk)["text"]


def say(desk: Bench, user: str, text: str) -> str:
    told = answers.command(Typed(key=f"command:{next(PRESSES)}", user_id=user, team_id=TEAM_ID, text=text), desk.desk)
    return json.dumps(told.view if isinstance(told, Opens) else told, ensure_ascii=False)


def wanted(desk: Bench, key: str) -> Message:
    with desk.database.reading() as session:
        found = session.get(Message, key)
    assert found is not None
    return found


def lost(desk: Bench, number: int = 1) -> str | None:
    """Why the claim would not find the agreement any more."""
    plan = desk.plan(number)
    roll = standing.roll_at_claim(plan, desk.desk)
    with desk.database.reading() as session:
        found = standing.lost_agreement(session, plan, roll, desk.desk)
    return None if found is None else found.reason


@BOTH
def test_one_person_runs_a_plan_that_asks_two_and_everybody_skipped_is_told(desk: Bench) -> None:
    plan = desk.ask(scale_factor=3.0)

    told = smash(desk, plan)

    stands = desk.plan()
    assert "runs without its approvals" in told
    assert (stands.status, stands.decided_at, len(desk.starts.runs)) == (PlanStatus.APPROVED, AT, 1)
    assert lost(desk) is None
    assert wanted(desk, f"glass:1:{BOB}").channel == BOB
    assert "without asking you" in wanted(desk, f"glass:1:{BOB}").wanted
    notice = wanted(desk, "glass:1")
    assert notice.channel == INCIDENTS
    assert "the shop is down" in notice.wanted
    assert "break_glass.review" in notice.wanted
    with desk.database.reading() as session:
        (broken,) = exceptions.broken_for(session, stands)
        (entry,) = [one for one in audit.latest(session, 20) if one.event == "glass.broken"]
    assert (broken.user_id, broken.skipped, broken.until) == (ALICE, (BOB,), AT + timedelta(minutes=15))
    assert json.loads(entry.payload)["skipped"] == [BOB]
    assert [event for _, event in desk.entries("plan:1")][:3] == ["plan.pending", "glass.broken", "plan.approved"]


def test_the_modal_says_what_is_run_and_who_is_not_asked(desk: Bench) -> None:
    desk.ask(scale_factor=3.0)

    shown = say(desk, ALICE, "break-glass P-1")

    assert "nobody else will be asked" in shown
    assert "checkout-1" in shown
    assert "INC-1" in shown
    assert "Needs 2 approvals from owner or sre-oncall" in shown


@pytest.mark.parametrize("text", ["break-glass", "break-glass P-9", "break-glass INC-1", "break-glass P-²"])
def test_a_glass_before_nothing_cannot_be_broken(desk: Bench, text: str) -> None:
    desk.ask()

    assert "no plan of that name" in say(desk, ALICE, text)


def test_a_policy_without_the_section_has_no_glass(plain: Bench) -> None:
    plan = plain.ask()

    assert "has no break-glass" in say(plain, ALICE, "break-glass P-1")
    assert "has no break-glass" in smash(plain, plan)
    assert (plain.plan().status, plain.starts.all) == (PlanStatus.PENDING, [])


NOBODY_SCALES = Deny(
    id="nobody-scales",
    why="Nobody scales anything today.",
    when={"action": ("k8s.scale_deployment",)},  # type: ignore[arg-type]
    effect="deny",
)
FROZEN = Restrict(
    id="frozen",
    why="Change freeze: only with the leads.",
    when={"mutating": True},  # type: ignore[arg-type]
    effect="restrict",
    require=Asked.model_validate({"approvals": 2, "from": ("sre-oncall",), "must_include": ("sre-leads",)}),
)


def refused(desk: Bench) -> str:
    """Why the latest entry says the glass stays whole; nothing runs."""
    with desk.database.reading() as session:
        (entry,) = audit.latest(session, 1)
    assert entry.event == "glass.refused"
    assert desk.starts.all == []
    return str(json.loads(entry.payload)["reason"])


def test_what_policy_denies_stays_denied(desk: Bench) -> None:
    plan = desk.ask()
    denying = desk.under(with_rules(desk.desk.policy, NOBODY_SCALES))

    smash(denying, plan)

    assert "policy denies it" in refused(desk)
    assert desk.plan().status == PlanStatus.PENDING


def test_what_policy_denies_after_the_glass_was_broken_does_not_run(desk: Bench) -> None:
    smash(desk, desk.ask())

    later = desk.under(with_rules(desk.desk.policy, NOBODY_SCALES))

    assert "Policy no longer allows it" in (lost(later) or "")


def test_a_freeze_is_passed(desk: Bench) -> None:
    frozen = desk.under(with_rules(desk.desk.policy, FROZEN))
    plan = frozen.ask()

    smash(frozen, plan)

    assert frozen.plan().status == PlanStatus.APPROVED
    assert lost(frozen) is None


def test_nothing_else_is_passed(desk: Bench) -> None:
    """An altered plan, an old version, a plan that is decided, one whose time is over, the stop switch, no reason."""
    plan = desk.ask()
    smash(desk, plan, reference=PlanReference(plan_id="P-1", version=1, digest="0" * 16))
    old = refused(desk)
    smash(desk, plan, reason="  x ")
    silent = refused(desk)
    with desk.database.writing() as session:
        exceptions.turn(session, Lever.STOP, on=True, by=BOB, reason=None, at=AT)
    smash(desk, plan)
    stopped = refused(desk)
    with desk.database.writing() as session:
        exceptions.turn(session, Lever.STOP, on=False, by=BOB, reason=None, at=AT)
        session.execute(sa.update(Plan).values(requester="U0MALLORY1"))
    smash(desk, plan)
    altered = refused(desk)
    with desk.database.writing() as session:
        plans.move(session, plans.get(session, 1), PlanStatus.REJECTED, AT)
    smash(desk, plan)
    decided = refused(desk)

    assert "older version" in old
    assert "say in a few words" in silent
    assert "sayso is stopped" in stopped
    assert "does not match its digest" in altered
    assert "it is rejected" in decided


def test_a_plan_whose_time_is_over_stays_so(desk: Bench) -> None:
    plan = desk.ask()
    desk.clock.at = plan.not_after

    smash(desk, plan)

    assert "does not wait for approvals" in refused(desk)


def test_a_busy_target_is_waited_for(desk: Bench) -> None:
    plan, other = desk.ask(), desk.ask()
    with desk.database.writing() as session:
        executions.take_locks(session, other.id or 0, ["kubernetes:shop:Deployment:checkout-1"], AT)

    smash(desk, plan)

    assert (desk.plan().status, desk.starts.all) == (PlanStatus.APPROVED, [])


@pytest.mark.parametrize(
    ("user", "team", "why"),
    [
        (CAROL, TEAM_ID, "only people of sre-oncall"),
        (GUEST, TEAM_ID, "guests may not decide"),
        (ALICE, OTHER_TEAM_ID, "only people of this workspace"),
    ],
)
def test_only_those_the_policy_names_break_it(desk: Bench, user: str, team: str, why: str) -> None:
    smash(desk, desk.ask(), user, team_id=team)

    assert why in refused(desk)


def test_while_slack_cannot_say_who_may_it_stays_whole(desk: Bench) -> None:
    plan = desk.ask()
    desk.workspace.fault(CallFault(method="usergroups.users.list", error="internal_error", times=5))

    smash(desk, plan)

    assert "Slack could not say" in refused(desk)


def test_the_next_glass_waits_for_the_review_of_the_last_by_somebody_else(desk: Bench) -> None:
    first, second = desk.ask(), desk.ask()
    smash(desk, first)
    blocked = smash(desk, second, BOB)
    own = say(desk, ALICE, "review P-1 it was right, I think")
    strangers = say(desk, CAROL, "review P-1 looks fine to me")
    still = smash(desk, second, BOB)

    signed = say(desk, BOB, "review P-1 it was right: the shop was down")
    after = smash(desk, second, BOB)

    assert "P-1 has not been reviewed" in blocked
    assert "somebody else must review" in own
    assert "only people of the approver groups" in strangers
    assert "P-1 has not been reviewed" in still
    assert "on record" in signed
    assert "runs without" in after
    assert "Reviewed by" in wanted(desk, "glass:1").wanted
    assert "break_glass.review" not in wanted(desk, "glass:1").wanted
    assert (BOB, "glass.reviewed") in desk.entries("plan:1")


def test_a_review_is_signed_once_and_of_what_there_is(desk: Bench) -> None:
    smash(desk, desk.ask())
    say(desk, BOB, "review P-1 it was right")

    assert "waits for a review" in say(desk, BOB, "review P-1 again")
    assert "waits for a review" in say(desk, BOB, "review P-7 whatever")
    assert "Type it like" in say(desk, BOB, "review P-1")


def test_what_was_broken_holds_for_its_time_only(desk: Bench) -> None:
    short = desk.under(breakable(desk.desk.policy, ttl=60))
    smash(short, short.ask(scale_factor=3.0))
    desk.clock.pass_(seconds=60)

    assert "no longer has the agreement" in (lost(short) or "")


def test_who_broke_it_must_still_be_one_who_may_at_the_claim(desk: Bench) -> None:
    smash(desk, desk.ask())
    desk.workspace.set_usergroup("S0ONCALL01", BOB, CAROL)
    desk.clock.pass_(seconds=61)

    assert "no longer has the agreement" in (lost(desk) or "")


def test_a_policy_that_took_the_glass_away_does_not_take_what_was_broken(desk: Bench, plain: Bench) -> None:
    smash(desk, desk.ask(scale_factor=3.0))

    assert "no longer has the agreement" in (lost(plain) or "")


def test_where_two_must_break_it_one_is_not_enough(desk: Bench) -> None:
    two = desk.under(breakable(desk.desk.policy, approvals=2))
    plan = two.ask(scale_factor=3.0)

    first = smash(two, plan)
    waiting = two.plan().status
    smash(two, plan)
    same_person = two.plan().status
    smash(two, plan, BOB)

    assert "wants 2 people" in first
    assert (waiting, same_person, two.plan().status) == (PlanStatus.PENDING, PlanStatus.PENDING, PlanStatus.APPROVED)
    assert lost(two) is None


def test_the_same_submission_again_changes_nothing(desk: Bench) -> None:
    two = desk.under(breakable(desk.desk.policy, approvals=2))
    plan = two.ask()
    smash(two, plan, event_key="glass:same")

    again = smash(two, plan, event_key="glass:same")

    assert "counted before" in again
    with desk.database.reading() as session:
        assert len(exceptions.broken_for(session, plan)) == 1


ISSUER = SignIns(
    public_url="http://127.0.0.1:9/",
    issuer="http://127.0.0.1:9",
    client_id="c",
    client_secret=SecretStr("not-a-secret"),
)


@pytest.fixture
def guarded(desk: Bench) -> Bench:
    """Rules whose glass wants a fresh sign-in."""
    strict = desk.under(breakable(desk.desk.policy, step_up=True))
    return replace(strict, desk=replace(strict.desk, sign_ins=ISSUER))


def test_a_glass_that_wants_a_sign_in_is_not_broken_from_slack_alone(guarded: Bench) -> None:
    told = break_glass.go(breaking(guarded.ask()), guarded.desk)

    assert "sign-in/" in json.dumps(told)
    assert guarded.plan().status == PlanStatus.PENDING
    assert guarded.entries("plan:1")[-1] == (ALICE, "sign_in.asked")


def test_without_an_issuer_such_a_glass_stays_whole(guarded: Bench) -> None:
    bare = replace(guarded, desk=replace(guarded.desk, sign_ins=SignIns()))

    smash(bare, bare.ask())

    assert "none is configured" in refused(bare)


def link(desk: Bench, plan: Plan, **differs: object) -> str:
    """A link somebody has signed in with; under what it is on record."""
    usual: dict[str, object] = {
        "user_id": ALICE,
        "purpose": Purpose.BREAK_GLASS,
        "expires_at": AT + timedelta(minutes=5),
    }
    given = {**usual, **differs}
    with desk.database.writing() as session:
        exceptions.ask_sign_in(session, plan, token="a-token", reason="r", at=AT, **given)  # type: ignore[arg-type]
    return exceptions.hash_of("a-token")


def test_a_fresh_sign_in_breaks_it_once(guarded: Bench) -> None:
    plan = guarded.ask()
    token = link(guarded, plan)

    smash(guarded, plan, sign_in=token)

    assert guarded.plan().status == PlanStatus.APPROVED
    assert lost(guarded) is None
    with guarded.database.reading() as session:
        assert [one.stepped_up for one in exceptions.broken_for(session, plan)] == [True]
        assert session.get_one(SignIn, token).used_at == AT


def test_a_link_that_was_used_breaks_nothing_more(guarded: Bench) -> None:
    two = guarded.under(breakable(guarded.desk.policy, approvals=2, step_up=True))
    plan = two.ask()
    token = link(two, plan)
    smash(two, plan, sign_in=token)

    again = smash(two, plan, sign_in=token)

    assert "sign-in link was used before" in again
    with two.database.reading() as session:
        assert len(exceptions.broken_for(session, plan)) == 1


@pytest.mark.parametrize(
    "differs", [{"user_id": BOB}, {"purpose": Purpose.APPROVE}, {"expires_at": AT}], ids=["theirs", "approve", "late"]
)
def test_a_sign_in_for_something_else_breaks_nothing(guarded: Bench, differs: dict[str, object]) -> None:
    plan = guarded.ask()

    smash(guarded, plan, sign_in=link(guarded, plan, **differs))

    assert "sign-in link was used before" in refused(guarded)


def test_a_sign_in_for_another_plan_breaks_nothing(guarded: Bench) -> None:
    plan, other = guarded.ask(), guarded.ask()

    smash(guarded, plan, sign_in=link(guarded, other))

    assert "sign-in link was used before" in refused(guarded)


def test_glass_broken_without_a_sign_in_does_not_hold_where_one_is_wanted_by_now(desk: Bench) -> None:
    smash(desk, desk.ask(scale_factor=3.0))

    assert "no longer has the agreement" in (lost(desk.under(breakable(desk.desk.policy, step_up=True))) or "")


def test_a_row_alone_is_nobodys_leave(desk: Bench) -> None:
    """Somebody who writes into the database names a person who may not."""
    desk.ask(status=PlanStatus.APPROVED, scale_factor=3.0)
    with desk.database.writing() as session:
        row = BreakGlass(plan_id=1, user_id=CAROL, reason="r", skipped=(), broken_at=AT, until=AT + timedelta(hours=1))
        row.reviewed_at = None
        session.add(row)

    assert "no longer has the agreement" in (lost(desk) or "")


def test_notices_go_to_the_incidents_channel_where_no_other_is_named(desk: Bench) -> None:
    bare = replace(desk, desk=replace(desk.desk, audit_channel=None))

    smash(bare, bare.ask())

    assert wanted(bare, "glass:1").channel == ALERTS
