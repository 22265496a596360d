"""Edit before approve: the form's fields, what an edit makes of a plan, who may, and everybody at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import pytest

from bot.plans import editing
from bot.plans.editing import Edit
from bot.plans.fields import HINTS, fields_of, retyped
from bot.rehearsal import catalogue
from bot.views import editing as editing_view
from deploy.sandbox.workspace import Workspace
from deploy.sandbox.workspace.directory import TEAM_ID
from policies.loading import SHIPPED, load
from policies.rules import Policy
from storage import ledger, plans
from storage.database import Database
from storage.tables import Plan, PlanStatus
from tests.bot.desks import ALICE, BOB, BOTH, CAROL
from tests.bot.live_desks import WEB, LiveBench, live_bench, reference, said
from tests.tools.kubernetes.wishes import RESTART, probe, resources, scale, select
from tools.actions import (
    Action,
    CleanUpLogs,
    ForceNewDeployment,
    SetDesiredCapacity,
    SetEnv,
    SetImage,
    UndoRollout,
)
from tools.criteria import FindingGone, RolloutDone
from tools.evidence import Proposal

GUEST = "U0GUEST001"
EVERY_ACTION: tuple[Action, ...] = (
    SetEnv(namespace="shop", deployment="web", container="app", variable="MODE", revision=1),
    resources(memory_limit="256Mi"),
    SetImage(namespace="shop", deployment="web", container="app", image="registry.local/web:1"),
    probe(path="/healthz"),
    select(app="web"),
    RESTART,
    UndoRollout(namespace="shop", deployment="web", to_revision=1),
    scale(4),
    SetDesiredCapacity(region="eu-west-2", group="web", desired=4),
    ForceNewDeployment(region="eu-west-2", cluster="shop", service="web"),
    CleanUpLogs(region="eu-west-2", instance_id="i-0123456789abcdef0"),
)


@pytest.fixture
def desk(database: Database, ws: Workspace, tmp_path: Path) -> Iterator[LiveBench]:
    ws.reset()
    with live_bench(database, ws, tmp_path) as made:
        yield made


def edit(desk: LiveBench, plan: Plan, user: str = BOB, team: str = TEAM_ID, **typed: str) -> str:
    """What somebody is told who edits the first action of a plan."""
    by_block = {editing_view.field_block(0, name): value for name, value in typed.items()}
    return said(editing.edit(wish(plan, user, by_block, team), desk.desk))


def wish(plan: Plan, user: str, typed: Mapping[str, str], team: str = TEAM_ID) -> Edit:
    return Edit(user_id=user, team_id=team, channel="", reference=reference(plan), typed=typed)


@pytest.mark.parametrize("action", EVERY_ACTION, ids=lambda action: action.kind)
def test_every_field_of_every_action_can_be_typed_as_it_stands_and_says_what_to_type(action: Action) -> None:
    fields = fields_of(action)

    again = retyped(action, {field.name: field.value for field in fields})

    assert again == action
    assert all(field.name in HINTS for field in fields)
    assert not {field.name for field in fields} & {"kind", "namespace", "deployment", "group", "region", "instance_id"}


@pytest.mark.parametrize(
    ("action", "typed", "wrong"),
    [
        (scale(4), {"replicas": "1001"}, "replicas"),
        (scale(4), {"replicas": "-1"}, "replicas"),
        (scale(4), {"replicas": "four"}, "replicas"),
        (scale(4), {"replicas": "٤"}, "replicas"),
        (scale(4), {"replicas": ""}, "replicas"),
        (scale(4), {"replicas": "1e3"}, "replicas"),
        (resources(memory_limit="256Mi"), {"memory_limit": "a lot"}, "memory_limit"),
        (resources(memory_limit="256Mi"), {"memory_limit": ""}, "memory_request"),
        (resources(memory_limit="256Mi"), {"container": "app; rm -rf /"}, "container"),
        (probe(path="/healthz"), {"path": "http://elsewhere"}, "path"),
        (probe(path="/healthz"), {"probe": "curiosity"}, "probe"),
        (probe(path="/healthz"), {"path": ""}, "path"),
        (select(app="web"), {"selector": ""}, "selector"),
        (select(app="web"), {"selector": "app"}, "selector"),
        (select(app="web"), {"selector": "app=web\napp=other"}, "selector"),
        (select(app="web"), {"selector": "app=<!channel>"}, "selector"),
    ],
)
def test_what_is_no_good_value_is_said_beside_its_field(action: Action, typed: dict[str, str], wrong: str) -> None:
    found = retyped(action, typed)

    assert isinstance(found, Mapping)
    assert set(found) == {wrong}
    assert found[wrong]


def test_the_target_of_an_action_cannot_be_typed_anew() -> None:
    assert retyped(scale(4), {"namespace": "kube-system", "deployment": "coredns", "kind": "x"}) == scale(4)


def test_an_edit_makes_a_new_plan_in_place_of_the_old_one(desk: LiveBench) -> None:
    plan = desk.scaled(4)

    told = edit(desk, plan, replicas="3")

    old, new = desk.plan(1), desk.plan(2)
    assert "P-2 stands instead of P-1" in told
    assert (old.status, new.status) == (PlanStatus.SUPERSEDED, PlanStatus.PENDING)
    assert (new.replaces, new.version, new.steerers, new.requester) == (1, 2, (BOB,), "sayso")
    assert new.digest != old.digest
    assert new.rehearsal.steps[0].action == scale(3)
    assert new.rehearsal.steps[0].preview.changes[0].after == "3"
    assert new.decision.facts[0].scale_factor == 1.5
    assert (BOB, "plan.superseded") in desk.entries("plan:1")
    assert old.outcome is not None
    assert "P-2" in old.outcome


def test_votes_on_the_old_plan_do_not_count_for_the_new_one(desk: LiveBench) -> None:
    plan = desk.scaled(6)  # three times as many: two people are asked
    desk.vote(1, ALICE)

    edit(desk, plan, user=CAROL, replicas="5")

    with desk.database.reading() as session:
        assert len(plans.votes(session, desk.plan(1))) == 1
        assert plans.votes(session, desk.plan(2)) == []
    desk.vote(2, ALICE)
    assert desk.plan(2).status == PlanStatus.PENDING


def test_who_edited_a_plan_cannot_approve_it_where_somebody_else_must(desk: LiveBench) -> None:
    edit(desk, desk.scaled(4), user=BOB, replicas="3")

    refused = said(desk.vote(2, BOB))
    approved = said(desk.vote(2, ALICE))

    assert "cannot decide plan P-2" in refused
    assert "counts" in approved
    assert desk.plan(2).status == PlanStatus.APPROVED


def test_whoever_ever_edited_it_stays_out(desk: LiveBench) -> None:
    edit(desk, desk.scaled(4), user=ALICE, replicas="3")
    edit(desk, desk.plan(2), user=CAROL, replicas="4")

    desk.vote(3, ALICE)

    assert desk.plan(3).steerers == (ALICE, CAROL)
    assert desk.plan(3).status == PlanStatus.PENDING


def test_an_edited_plan_is_carried_out_as_it_was_edited(desk: LiveBench) -> None:
    edit(desk, desk.scaled(4), replicas="3")

    desk.succeed(desk.plan(2))

    assert desk.replicas() == 3
    assert desk.shop.effects() == ["patch web"]


def test_pods_that_an_edit_takes_away_are_not_missed(desk: LiveBench) -> None:
    edit(desk, desk.scaled(4), replicas="1")

    desk.succeed(desk.plan(2))

    assert desk.replicas() == 1


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ({"replicas": "2"}, "already wants 2 replicas"),
        ({"replicas": "0"}, "does not scale to zero"),
    ],
)
def test_an_edit_that_cannot_be_rehearsed_leaves_the_plan_as_it_is(
    desk: LiveBench, typed: dict[str, str], why: str
) -> None:
    told = edit(desk, desk.scaled(4), **typed)

    assert "P-1 stays as it is" in told
    assert why in told
    assert desk.plan(1).status == PlanStatus.PENDING
    assert desk.reasons("edit.refused") == ["it cannot be done"]


def test_an_edit_that_policy_forbids_leaves_the_plan_as_it_is_and_says_why(desk: LiveBench) -> None:
    plan = desk.scaled(4)
    strict = desk.under(forbidding_big_scales())

    told = said(editing.edit(wish(plan, BOB, {"a0.replicas": "100"}), strict.desk))

    assert "policy forbids it" in told
    assert "No more than ten times." in told
    assert desk.plan(1).status == PlanStatus.PENDING
    assert desk.reasons("edit.refused") == ["policy forbids it"]


def test_an_edit_that_changes_nothing_is_told_so_and_changes_nothing(desk: LiveBench) -> None:
    told = edit(desk, desk.scaled(4), replicas=" 4 ")

    assert told == editing.NOTHING_CHANGED
    assert desk.plan(1).status == PlanStatus.PENDING
    assert len(desk.entries("plan:1")) == 1


@pytest.mark.parametrize(
    ("user", "team", "why"),
    [
        (GUEST, TEAM_ID, "guests may not decide"),
        (BOB, "T0OTHER001", "only people of this workspace"),
        ("U0NOBODY01", TEAM_ID, "Slack could not say who you are"),
    ],
)
def test_only_full_members_of_the_workspace_edit(desk: LiveBench, user: str, team: str, why: str) -> None:
    told = edit(desk, desk.scaled(4), user=user, team=team, replicas="3")

    assert why in told
    assert desk.plan(1).status == PlanStatus.PENDING
    assert desk.entries("plan:1")[-1] == (user, "edit.refused")


def test_another_plans_digest_edits_nothing(desk: LiveBench) -> None:
    plan = desk.scaled(4)
    forged = wish(plan, BOB, {"a0.replicas": "3"}).model_copy(
        update={"reference": reference(plan).model_copy(update={"digest": "f" * 16})}
    )

    told = said(editing.edit(forged, desk.desk))

    assert "nothing was done" in told
    assert desk.plan(1).status == PlanStatus.PENDING
    assert desk.reasons("edit.refused") == ["an older version of the plan"]


def test_late_clicks_and_edits_on_a_replaced_plan_are_told_which_one_stands(desk: LiveBench) -> None:
    old = desk.scaled(4)
    edit(desk, old, replicas="3")
    edit(desk, desk.plan(2), replicas="4")

    told = [said(desk.vote(1, ALICE)), edit(desk, old, replicas="5")]

    assert all("P-1 was replaced by P-3; nothing was done" in one for one in told)
    assert (ALICE, "click.refused") in desk.entries("plan:1")
    assert desk.reasons("edit.refused") == ["the plan was replaced"]
    assert desk.plan(3).status == PlanStatus.PENDING


def test_an_edit_counts_against_what_the_action_had_earned(desk: LiveBench) -> None:
    edit(desk, desk.scaled(4), replicas="3")

    with desk.database.reading() as session:
        record = ledger.standing(session, "k8s.scale_deployment", "web", "prod", desk.clock())
    assert record.overridden == 1


def test_one_of_several_actions_can_be_left_out_but_not_all(desk: LiveBench) -> None:
    plan = desk.propose(scale(4), RESTART)
    both_out = {"a0:out": "out", "a1:out": "out"}

    refused = editing.read(plan, both_out)
    editing.edit(wish(plan, BOB, {"a1:out": "out"}), desk.desk)

    assert isinstance(refused, dict)
    assert [step.action for step in desk.plan(2).rehearsal.steps] == [scale(4)]


def test_what_shows_success_follows_the_actions() -> None:
    web, other = scale(4).target, select(app="web").target
    gone = [FindingGone(code="k8s.x", resource=resource) for resource in (web, other)]
    rollout = RolloutDone(namespace="shop", deployment="web")
    before = Proposal(
        hypothesis="?", actions=(scale(4), select(app="web")), success_criteria=(rollout, *gone), confidence=9
    )

    kept = editing.edited(before, (scale(5),))

    assert kept.success_criteria == (rollout, gone[0])


@BOTH
def test_of_two_who_edit_at_once_one_wins_and_the_other_is_told(desk: LiveBench) -> None:
    plan = desk.scaled(4)
    told: list[str] = []

    at_once(
        lambda: told.append(edit(desk, plan, user=ALICE, replicas="3")),
        lambda: told.append(edit(desk, plan, user=BOB, replicas="1")),
    )

    assert sorted("P-1 was replaced by P-2" in one for one in told) == [False, True]
    assert [desk.plan(number).status for number in (1, 2)] == [PlanStatus.SUPERSEDED, PlanStatus.PENDING]
    with desk.database.reading() as session:
        assert len(plans.of_incident(session, 1)) == 2


@BOTH
def test_a_plan_is_edited_or_approved_but_never_both(desk: LiveBench) -> None:
    for _ in range(4):
        plan = desk.scaled(4)

        at_once(partial(desk.vote, plan.id or 0, ALICE), partial(edit, desk, plan, replicas="3"))

        ended, newest = desk.plan(plan.id or 0), desk.newest()
        if newest.id == plan.id:
            assert ended.status == PlanStatus.APPROVED
        else:
            assert (ended.status, newest.status) == (PlanStatus.SUPERSEDED, PlanStatus.PENDING)


def test_an_edit_while_the_target_moves_is_rehearsed_on_what_is_there_now(desk: LiveBench) -> None:
    plan = desk.scaled(4)
    desk.shop.patch(WEB, {"spec": {"replicas": 3}})

    edit(desk, plan, replicas="5")

    assert desk.plan(2).rehearsal.steps[0].observed.replicas_before == 3


def forbidding_big_scales() -> Policy:
    """The shipped rules, and that nothing grows more than tenfold."""
    rule = """rules:
  - id: no-huge-scale
    why: "No more than ten times."
    when: {mutating: true, scale_factor: {gt: 10, lt: 1000}}
    effect: deny
"""
    case = "tests:\n  - {name: huge, given: {action: k8s.scale_deployment, scale_factor: 11}, expect: {effect: deny}}\n"
    text = SHIPPED.read_text().replace("rules:\n", rule, 1).replace("tests:\n", case, 1)
    return load(text, catalogue())


def at_once(*work: Callable[[], object]) -> None:
    """Do these in threads of their own, begun together."""
    ready = threading.Barrier(len(work))

    def run(one: Callable[[], object]) -> None:
        ready.wait()
        one()

    threads = [threading.Thread(target=run, args=(one,)) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
