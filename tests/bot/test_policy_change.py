"""A change of the rules: tighter ones at once, looser ones when enough of the right people agreed, all on record."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from bot import approval
from bot.policy import policy_cards, policy_change, rules_file
from bot.policy.policy_change import Considered, Fate, PolicyClick, Submission
from bot.policy.rulebook import opened
from bot.policy.rules_file import RulesFile
from bot.rehearsal import catalogue
from bot.views.blocks import Message
from bot.views.ids import PlanReference
from bot.views.limits import view_violations, violations
from bot.views.policy import PolicyReference, diff, reject
from deploy.sandbox.workspace import CallFault, Workspace
from deploy.sandbox.workspace.directory import ALERTS, OTHER_TEAM_ID, SHARED, TEAM_ID
from policies.rules import Policy
from storage import audit, messages, policies
from storage.database import Database
from storage.tables import Plan, PlanStatus, PolicyStatus, PolicyVersion, Verdict
from tests.bot.desks import ALICE, BOB, BOTH, CAROL, Bench, bench
from tests.bot.rewriting import FIRST, policy, rewritten
from tests.storage.samples import AT

PRESSES = itertools.count(1)
NEXT = FIRST + 1


@pytest.fixture
def desk(database: Database, ws: Workspace) -> Iterator[Bench]:
    """A desk whose rules are on record; Alice, Bob and Carol are on call, and may decide about them."""
    ws.reset()
    ws.set_usergroup("S0ONCALL01", ALICE, BOB, CAROL)
    with bench(database, ws) as made:
        rulebook = opened(database, rewritten(FIRST), "rules.yaml", catalogue(), AT)
        yield replace(made, desk=replace(made.desk, rulebook=rulebook))


def put(desk: Bench, text: str, author: str | None = None, origin: str = "proposal") -> Considered:
    wanted = Submission(text=text, name="rules.yaml", origin=origin, author=author)
    return policy_change.consider(wanted, desk.database, catalogue(), desk.clock())


def asked(desk: Bench, author: str | None = ALICE, version: int = NEXT) -> PolicyVersion:
    """A looser version that people are asked about."""
    came = put(desk, rewritten(version, 30), author)
    assert came.fate is Fate.PROPOSED
    policy_cards.show_all(desk.desk)
    return row(desk, came.row or 0)


def row(desk: Bench, number: int) -> PolicyVersion:
    with desk.database.reading() as session:
        return policies.get(session, number)


def press(
    desk: Bench,
    version: PolicyVersion,
    user: str,
    verdict: Verdict = Verdict.APPROVE,
    *,
    key: str | None = None,
    team: str = TEAM_ID,
    channel: str = ALERTS,
    sha256: str | None = None,
    number: int | None = None,
) -> str:
    """Press a button of the version's card; what is answered, as text."""
    reference = PolicyReference(row=number or version.id or 0, sha256=sha256 or version.sha256)
    click = PolicyClick(
        event_key=key or f"click:policy:{next(PRESSES)}",
        user_id=user,
        team_id=team,
        channel=channel,
        reference=reference,
        verdict=verdict,
        reason="Not on a Friday." if verdict is Verdict.REJECT else None,
    )
    return text(policy_change.decide(click, desk.desk))


def text(told: Message) -> str:
    return json.dumps(told, ensure_ascii=False)


def card(desk: Bench, version: PolicyVersion) -> str:
    with desk.database.reading() as session:
        found = messages.find(session, f"policy:{version.id}")
    assert found is not None
    assert violations(json.loads(found.wanted)) == []
    return found.wanted


def in_force(desk: Bench) -> Policy:
    return desk.desk.policy


def refusal(desk: Bench) -> str:
    with desk.database.reading() as session:
        (entry,) = audit.latest(session, 1)
    assert entry.event == "click.refused"
    return str(json.loads(entry.payload)["reason"])


@BOTH
def test_two_who_are_not_the_author_bring_a_looser_version_into_force(desk: Bench) -> None:
    version = asked(desk)

    first = press(desk, version, BOB)
    between = in_force(desk).version
    second = press(desk, version, CAROL)

    assert "1 of 2" in first
    assert between == FIRST
    assert "decides from now on" in second
    assert in_force(desk).sha256 == version.sha256
    assert desk.entries(policies.subject(NEXT)) == [
        (ALICE, "policy.proposed"),
        (BOB, "vote.approve"),
        (CAROL, "vote.approve"),
        (CAROL, "policy.activated"),
    ]
    assert "Rules in force" in card(desk, version)


def test_the_card_says_who_wants_what_and_who_has_to_agree(desk: Bench) -> None:
    desk.ask()
    version = asked(desk)

    shown = card(desk, version)

    assert f"May the rules allow more? · version {NEXT}" in shown
    assert f"<@{ALICE}>" in shown
    assert "Rule prod-fix lets people answer for 30 min instead of 15 min." in shown
    assert "For example" in shown
    assert "Of 1 decision lately, 1 would be another: 1 looser, 0 stricter, 0 different." in shown
    assert "2 people of owner or sre-leads or sre-oncall must agree" in shown
    assert "no change_control" in shown
    assert f"{version.id}:{version.sha256}" in shown


def test_where_nobody_knows_the_author_one_more_has_to_agree(desk: Bench) -> None:
    version = asked(desk, author=None)
    shown = card(desk, version)

    told = [press(desk, version, user) for user in (ALICE, BOB, CAROL)]

    assert "3 people of" in shown
    assert "Nobody knows who changed the file" in shown
    assert ["2 of 3" in one for one in told] == [False, True, False]
    assert in_force(desk).sha256 == version.sha256


def test_the_rules_in_force_say_who_must_agree(desk: Bench) -> None:
    control = "change_control: {loosening: {approvals: 2, from: [sre-leads], not_author: true}, replay: 30d}\n"
    strict = rewritten(NEXT, more=control)
    put(desk, strict, ALICE)  # any change of change_control needs agreement
    with desk.database.reading() as session:
        waits = policies.waiting(session)
    assert waits is not None
    for user in (BOB, CAROL):
        press(desk, waits, user)
    desk.desk.rulebook.look()
    put(desk, rewritten(NEXT + 1, 20, more=control), ALICE)
    with desk.database.reading() as session:
        waits = policies.waiting(session)
    assert waits is not None

    told = press(desk, waits, BOB)

    assert "only people of sre-leads decide this" in told
    assert in_force(desk).version == NEXT


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"user": ALICE}, "whoever proposed a change of the rules does not decide it"),
        ({"user": "U0GUEST001"}, "guests may not decide"),
        ({"user": "U0DAVE0001"}, "this account is deactivated"),
        ({"user": "U0AM000001"}, "bots and workflows never decide"),
        ({"user": BOB, "team": OTHER_TEAM_ID}, "only people of this workspace may decide"),
        ({"user": "U0OUTSIDE1"}, "only people of this workspace may decide"),
        ({"user": CAROL}, "only people of"),
        ({"user": BOB, "channel": SHARED}, "the channel is shared with another organisation"),
        ({"user": BOB, "sha256": "f" * 64}, "the button was drawn for another text of these rules"),
        ({"user": BOB, "number": 99}, "there is no such version of the rules"),
    ],
)
def test_a_click_without_the_right_to_it_is_refused_and_recorded(desk: Bench, given: dict[str, str], why: str) -> None:
    version = asked(desk)
    desk.workspace.set_usergroup("S0ONCALL01", ALICE, BOB, "U0GUEST001", "U0DAVE0001", "U0AM000001")

    told = press(desk, version, **given)  # type: ignore[arg-type]

    assert why in told
    assert why in refusal(desk)
    with desk.database.reading() as session:
        assert policies.votes(session, version) == []
    assert in_force(desk).version == FIRST


def test_while_slack_does_not_answer_nobody_decides(desk: Bench) -> None:
    version = asked(desk)
    desk.workspace.fault(CallFault(method="users.info", error="internal_error", times=5))

    told = press(desk, version, BOB)

    assert "Slack could not say who you are" in told
    assert "Slack could not say" in refusal(desk)


def test_one_person_counts_once_and_one_press_once(desk: Bench) -> None:
    version = asked(desk)
    press(desk, version, BOB, key="click:the-same")

    replayed = press(desk, version, BOB, key="click:the-same")
    again = press(desk, version, BOB)

    assert "counted before" in replayed
    assert "you have said so before" in again
    assert in_force(desk).version == FIRST


def test_somebody_who_left_the_groups_does_not_count_any_more(desk: Bench) -> None:
    version = asked(desk)
    press(desk, version, BOB)
    desk.workspace.set_usergroup("S0ONCALL01", CAROL)
    desk.clock.pass_(seconds=61)

    told = press(desk, version, CAROL)

    assert "1 of 2" in told
    assert in_force(desk).version == FIRST


def test_one_rejection_is_final_with_its_reason(desk: Bench) -> None:
    version = asked(desk)
    press(desk, version, BOB)

    told = press(desk, version, CAROL, Verdict.REJECT)
    late = press(desk, version, ALICE)

    assert "will not take effect" in told
    assert "nobody is asked about this version any more" in late
    assert row(desk, version.id or 0).status == PolicyStatus.REJECTED
    shown = card(desk, version)
    assert "Rules not taken" in shown
    assert "Not on a Friday." in shown
    assert in_force(desk).version == FIRST


@BOTH
def test_many_clicks_at_once_bring_it_into_force_once(desk: Bench) -> None:
    version = asked(desk, author=None)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda user: press(desk, version, user), [ALICE, BOB, CAROL] * 4))

    activated = [event for _, event in desk.entries(policies.subject(NEXT))].count("policy.activated")
    assert activated == 1
    assert in_force(desk).sha256 == version.sha256


@BOTH
def test_what_only_tightens_takes_effect_at_once_and_the_channel_is_told(desk: Bench) -> None:
    came = put(desk, rewritten(NEXT, 10))
    desk.desk.rulebook.look()
    policy_cards.show_all(desk.desk)

    assert (came.fate, came.looser) == (Fate.ACTIVATED, ())
    assert in_force(desk).version == NEXT
    shown = card(desk, row(desk, came.row or 0))
    assert "They allow nothing that the rules of before did not" in shown


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (rewritten(FIRST, 10), f": version: must be higher than the active version {FIRST}"),
        (rewritten(NEXT).replace("effect: deny\n", "effect: denied\n", 1), "rule no-secrets"),
        ("rules: [", "rules.yaml:1: "),
        (rewritten(3_000_000_000), "must be at most 2000000000"),
    ],
    ids=["a version that does not rise", "a typo", "no YAML", "a version no column holds"],
)
def test_a_file_that_is_refused_leaves_the_old_rules_and_says_where(desk: Bench, broken: str, why: str) -> None:
    came = put(desk, broken)

    assert came.fate is Fate.REFUSED
    assert any(why in one for one in came.complaints), came.complaints
    assert desk.entries(policies.FILE) == [("sayso", "policy.refused")]
    assert desk.desk.rulebook.look().version == FIRST


def test_a_newer_proposal_replaces_the_one_that_waits(desk: Bench) -> None:
    older = asked(desk)
    press(desk, older, BOB)

    newer = asked(desk, version=NEXT + 1)

    assert row(desk, older.id or 0).status == PolicyStatus.REJECTED
    assert "A newer version stands instead of it." in card(desk, older)
    assert "nobody is asked about this version any more" in press(desk, older, CAROL)
    assert "1 of 2" in press(desk, newer, BOB)


def test_exactly_the_same_text_again_is_no_news(desk: Bench) -> None:
    version = asked(desk)

    again = put(desk, version.text, BOB)
    in_force_already = put(desk, rewritten(FIRST), BOB)

    assert (again.fate, again.row) == (Fate.KNOWN, version.id)
    assert in_force_already.fate is Fate.KNOWN


def test_an_old_file_beside_newer_rules_changes_nothing_and_is_not_refused(desk: Bench) -> None:
    """A replica that still has the file of before must not complain at every start."""
    put(desk, rewritten(NEXT, 10))

    came = put(desk, rewritten(FIRST), origin="file")

    assert came.fate is Fate.KNOWN
    assert desk.entries(policies.FILE) == []


def test_a_rejected_file_is_not_asked_about_at_every_start_but_a_person_may_ask_again(desk: Bench) -> None:
    version = asked(desk, author=None)
    press(desk, version, BOB, Verdict.REJECT)

    by_itself = put(desk, version.text, origin="file")
    by_a_person = put(desk, version.text, BOB)

    assert (by_itself.fate, by_a_person.fate) == (Fate.KNOWN, Fate.PROPOSED)


def test_a_file_is_taken_in_when_it_changes_and_only_then(desk: Bench, tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(rewritten(FIRST))
    file = RulesFile(path)
    rules_file.watch(file, desk.desk)
    before = len(desk.entries())

    rules_file.watch(file, desk.desk)
    unchanged = len(desk.entries())
    path.write_text(rewritten(NEXT, 10))
    rules_file.watch(file, desk.desk)
    path.write_text("rules: [")
    rules_file.watch(file, desk.desk)
    path.unlink()
    rules_file.watch(file, desk.desk)

    assert unchanged == before
    assert in_force(desk).version == NEXT
    with desk.database.reading() as session:
        told = messages.find(session, f"policy:refused:{policies.fingerprint('rules: [')[:16]}")
    assert told is not None
    assert f"version {NEXT} stays in force" in told.wanted
    assert "rules.yaml:1:" in told.wanted
    assert violations(json.loads(told.wanted)) == []


def test_a_proposal_of_another_process_gets_its_card_with_the_next_look(desk: Bench, tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(rewritten(FIRST))
    file = RulesFile(path)
    rules_file.watch(file, desk.desk)
    came = put(desk, rewritten(NEXT, 30), ALICE)

    rules_file.watch(file, desk.desk)
    rules_file.watch(file, desk.desk)

    version = row(desk, came.row or 0)
    assert "May the rules allow more?" in card(desk, version)
    with desk.database.reading() as session:
        found = messages.find(session, f"policy:{version.id}")
    assert found is not None
    assert found.wanted_render == 1


def test_an_open_plan_meets_the_new_rules_at_its_next_vote(desk: Bench) -> None:
    """Who changed a rule that asked may not approve what it asked about."""
    plan = desk.ask()
    why = "A change to a production workload needs a person of those who answer for it."
    put(desk, rewritten(NEXT, why=why), ALICE)

    told = approve(desk, plan, ALICE)
    stands = desk.plan().status
    approve(desk, plan, BOB)

    assert "you are not among those" in told
    assert stands == PlanStatus.PENDING
    assert desk.plan().status == PlanStatus.APPROVED


def approve(desk: Bench, plan: Plan, user: str) -> str:
    reference = PlanReference(plan_id=f"P-{plan.id}", version=plan.version, digest=plan.digest[:16])
    click = approval.Click(
        event_key=f"click:plan:{next(PRESSES)}",
        user_id=user,
        team_id=TEAM_ID,
        channel=ALERTS,
        reference=reference,
        verdict=Verdict.APPROVE,
    )
    return text(approval.decide(click, desk.desk))


def test_how_the_rules_stand_is_told(desk: Bench) -> None:
    quiet = policy_cards.status(desk.desk)
    asked(desk)

    waiting = policy_cards.status(desk.desk)

    assert f"*Version {FIRST}* decides" in text(quiet)
    assert "No change waits for anybody." in text(quiet)
    assert f"*Version {NEXT}* would allow more." in text(waiting)
    assert violations(waiting) == []


def test_the_diff_and_the_form_are_what_slack_shows() -> None:
    before, after = rewritten(FIRST), rewritten(NEXT, 30)
    reference = PolicyReference(row=1, sha256=policy(NEXT, 30).sha256)

    shown = diff("Rules, version 2", ("version 1", before), ("version 2", after))
    whole = diff("Rules, version 1", ("nothing", ""), ("version 1", before * 40))

    assert "+version: " in text(shown)  # type: ignore[arg-type]
    assert "expires: 30m" in text(shown)  # type: ignore[arg-type]
    assert "sayso policy show" in text(whole)  # type: ignore[arg-type]
    for view in (shown, whole, reject(reference)):
        assert view_violations(view) == []
