"""The seven ways in which an agent framework's approval gate was seen to fail, tried on ours.

Approvals fact sheet, section 3: the middleware ran what nobody listed, what a reviewer had edited into something else,
what a human rejected, what jumped the queue, and what was resumed twice. Each is told here in the words of our gate.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from bot import approval
from bot.approval import Click
from bot.remediation.calling import carry_out
from bot.remediation.claiming import claim
from bot.starting import run_id, start_if_free
from deploy.sandbox.workspace.directory import ALERTS, TEAM_ID
from policies.conditions import When
from policies.rules import Auto
from storage.tables import ExecutionStatus, Phase, Plan, PlanStatus, Verdict
from tests.bot.desks import ALICE, BOB
from tests.bot.live_desks import LiveBench, reference
from tests.policies.samples import with_rules
from tools.actions import ScaleDeployment

S = PlanStatus
ANYTHING = Auto(
    id="anything",
    why="Whatever is asked runs by itself.",
    when=When.model_validate({"env": ("prod",), "action": ("k8s.scale_deployment",)}),
    effect="auto",
)


def decide(gate: LiveBench, plan: Plan, verdict: Verdict, desk: LiveBench | None = None) -> None:
    click = Click(
        event_key=f"{plan.id}:{verdict}",
        user_id=ALICE,
        team_id=TEAM_ID,
        channel=ALERTS,
        reference=reference(plan),
        verdict=verdict,
        reason="as it says",
    )
    approval.decide(click, (desk or gate).desk)


def try_to_run(gate: LiveBench, plan: Plan) -> None:
    """What whoever skips the gate would do: start the flow, and make its calls one by one."""
    number = plan.id or 0
    start_if_free(number, gate.desk)
    if claim(number, run_id(gate.plan(number)), gate.desk) is not None:
        carry_out(number, 0, Phase.APPLY, gate.desk)


def test_1_what_no_rule_names_is_denied_and_not_run_without_a_question(gate: LiveBench) -> None:
    unlisted = gate.under(with_rules(gate.desk.policy, shuffled=gate.desk.policy.file.rules[:2]))
    desk = LiveBench(unlisted.desk, gate.clock, gate.starts, gate.workspace, gate.shop)

    plan = desk.scaled(4)
    decide(desk, plan, Verdict.APPROVE)
    try_to_run(desk, plan)

    assert desk.plan().status == S.REJECTED
    assert desk.shop.effects() == []
    assert desk.reasons("click.refused") == ["the plan is rejected"]


def test_2_what_was_edited_into_something_else_after_people_saw_it_does_not_run(gate: LiveBench) -> None:
    plan = gate.scaled(4)
    decide(gate, plan, Verdict.APPROVE)
    step = plan.rehearsal.steps[0]
    other = step.model_copy(update={"action": ScaleDeployment(namespace="shop", deployment="web", replicas=1)})
    altered = plan.rehearsal.model_copy(update={"steps": (other,)})
    with gate.database.writing() as session:
        session.execute(sa.update(Plan).where(Plan.id == plan.id).values(rehearsal=altered))  # type: ignore[arg-type]

    try_to_run(gate, plan)

    assert gate.plan().status == S.STALE
    assert gate.shop.effects() == []


def test_3_a_rejection_holds_though_policy_asks_nobody_by_then(gate: LiveBench) -> None:
    plan = gate.scaled(4)
    looser = gate.under(with_rules(gate.desk.policy, ANYTHING, shuffled=()))

    decide(gate, plan, Verdict.REJECT, LiveBench(looser.desk, gate.clock, gate.starts, gate.workspace, gate.shop))
    try_to_run(gate, plan)

    assert gate.plan().status == S.REJECTED
    assert gate.shop.effects() == []


def test_4_going_straight_to_the_execution_of_a_plan_that_waits_does_nothing(gate: LiveBench) -> None:
    plan = gate.scaled(4)

    try_to_run(gate, plan)

    assert gate.plan().status == S.PENDING
    assert gate.shop.effects() == []
    assert gate.starts.all == []


def test_5_nor_does_it_after_somebody_said_no(gate: LiveBench) -> None:
    plan = gate.scaled(4)
    decide(gate, plan, Verdict.REJECT)

    try_to_run(gate, plan)

    assert gate.plan().status == S.REJECTED
    assert gate.shop.effects() == []


def test_6_the_same_run_entered_twice_calls_once(gate: LiveBench) -> None:
    plan = gate.scaled(4)
    decide(gate, plan, Verdict.APPROVE)
    number, run = plan.id or 0, run_id(plan)
    start_if_free(number, gate.desk)

    first, second = claim(number, run, gate.desk), claim(number, run, gate.desk)
    made = [carry_out(number, 0, Phase.APPLY, gate.desk) for _ in range(3)]

    assert first is not None
    assert second is not None
    assert made == [ExecutionStatus.DONE] * 3
    assert gate.shop.effects() == ["patch web"]


def test_7_two_runs_at_once_call_once(gate: LiveBench) -> None:
    plan = gate.scaled(4)
    decide(gate, plan, Verdict.APPROVE)
    number, run = plan.id or 0, run_id(plan)
    start_if_free(number, gate.desk)

    def resume(name: str) -> bool:
        if claim(number, name, gate.desk) is None:
            return False
        carry_out(number, 0, Phase.APPLY, gate.desk)
        return True

    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(resume, [run, "another-run", f"{run}-2", run] * 4))

    assert any(got)
    assert not any(got[1::4])
    assert not any(got[2::4])
    assert gate.shop.effects() == ["patch web"]


@pytest.mark.parametrize("status", [S.APPROVED, S.EXECUTING])
def test_a_row_set_to_approved_by_hand_runs_nothing(status: PlanStatus, gate: LiveBench) -> None:
    """Whoever can write to the database is past the gate's door, and still not past the claim."""
    plan = gate.scaled(4)
    with gate.database.writing() as session:
        session.execute(sa.update(Plan).where(Plan.id == plan.id).values(status=status))  # type: ignore[arg-type]

    try_to_run(gate, plan)

    assert gate.shop.effects() == []
    assert ("sayso", "plan.executing") not in gate.entries()


def test_one_vote_cast_twice_by_a_person_is_not_two(gate: LiveBench) -> None:
    plan = gate.scaled(8)

    gate.vote(plan.id or 0, ALICE)
    gate.vote(plan.id or 0, ALICE, reason="again")
    try_to_run(gate, plan)

    assert gate.plan().status == S.PENDING
    gate.vote(plan.id or 0, BOB)
    assert gate.plan().status == S.APPROVED
